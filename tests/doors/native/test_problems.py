"""Whatever is refused under /v1, by whatever layer, is problem details (RFC 9457)."""

from typing import Any

import pytest
from tests.doors.kratos.in_process import UNKNOWN, Doors, Reply
from tests.doors.native.test_organizations import refused

from nightlatch.doors.native.routes import ADMIN

LINES = [route for route in ADMIN if route.scope]
every = pytest.mark.parametrize("route", LINES, ids=lambda route: f"{route.method} {route.path}")


def target(path: str) -> str:
    for name, value in {"id": UNKNOWN, "type": "password", "kind": "team", "value": "T1"}.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def said(reply: Reply, status: int, code: str) -> dict[str, Any]:
    details = refused(reply, status, code)
    assert details["detail"]
    assert set(details) <= {"status", "title", "type", "detail", "field", "pointer", "column", "request_id"}
    return details


@every
def test_every_line_refuses_in_problem_details(doors: Doors, route: Any) -> None:
    path = target(route.path)
    reply = doors.admin(route.method, path, key=None)
    said(reply, 401, "key_required")
    assert reply.headers["www-authenticate"] == "Bearer"
    said(doors.admin(route.method, path, key="nl_key_wrong"), 401, "key_required")
    said(doors.admin(route.method, path, key=doors.key("messages:read")), 403, "scope_missing")
    assert said(doors.admin(route.method, path + "?nonsense=1"), 400, "field_invalid")["field"] == "nonsense"
    said(doors.admin(route.method, path + "%0A"), 400, "")
    said(doors.admin(route.method, path + "/"), 404, "")
    said(doors.admin("TRACE", path), 405, "")
    if route.takes is not None:
        said(doors.admin(route.method, path, b" " * (1 << 20) + b"{}"), 413, "")
        said(doors.admin(route.method, path, {}, headers={"content-encoding": "gzip"}), 415, "")
        said(doors.admin(route.method, path, b"{}", headers={"content-type": "multipart/form-data"}), 415, "")
        for broken in (b"", b"{", b'{"a":1,"a":2}', b"\xff", b"[" * 40):
            said(doors.admin(route.method, path, broken), 400, "invalid")
        assert said(doors.admin(route.method, path, {"nonsense": 1}), 400, "invalid")["pointer"] == "#"


@pytest.mark.parametrize("path", ["/v1/", "/v1/nothing", "/v1/keys/", "/v1//keys"])
def test_what_is_no_line_is_told_in_problem_details(doors: Doors, path: str) -> None:
    said(doors.admin("GET", path), 404, "")


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("organizations", {"name": 1}, "#/name"), ("organizations", {"name": "x", "aliases": [{"kind": "no", "value": "1"}]}, "#/aliases/0/kind"),
        ("keys", {"name": "x", "scopes": ["*", 1]}, "#/scopes/1"), ("sessions/end", {"reason": ""}, "#/reason"),
        ("sessions/end", {"reason": "x", "ids": "x"}, "#/ids"),
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_is_told_with_a_pointer_to_the_mistake(
    doors: Doors, path: str, body: Any, pointer: str
) -> None:
    assert said(doors.admin("POST", f"/v1/{path}", body), 400, "invalid")["pointer"] == pointer


def test_a_filter_is_told_with_the_column_of_the_mistake(doors: Doors) -> None:
    details = said(doors.admin("GET", "/v1/sessions?filter=nonsense%20eq%201"), 400, "filter_invalid")
    assert (details["field"], details["column"]) == ("filter", 1)
