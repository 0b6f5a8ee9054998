"""Organizations over HTTP: golden bodies, pages, refusals as problem details."""

import uuid
from typing import Any

import pytest
from tests.doors.kratos.in_process import UNKNOWN, Doors, Reply

from nightlatch.core.organizations.model import DEFAULT

URL = "/v1/organizations"
DEFAULT_ID = str(uuid.UUID(bytes=DEFAULT))


def made(doors: Doors, name: str = "acme", **more: Any) -> dict[str, Any]:
    return dict(doors.admin("POST", URL, {"name": name, **more}).ok(201))


def refused(reply: Reply, status: int, code: str) -> dict[str, Any]:
    assert reply.status == status, reply
    assert reply.headers["content-type"] == "application/problem+json"
    details = dict(reply.json)
    assert details["status"] == status
    assert details["type"] == (f"urn:nightlatch:problem:{code}" if code else "about:blank")
    assert details["title"]
    assert details["request_id"] == reply.headers["x-request-id"]
    return details


def test_an_organization_is_made_and_shown(doors_of_each: Doors) -> None:
    doors = doors_of_each
    aliases = [{"kind": "workspace", "value": "56"}, {"kind": "team", "value": "T1"}]
    reply = doors.admin("POST", URL, {"name": "acme", "aliases": aliases})
    shown = reply.ok(201)
    assert shown == {
        "id": shown["id"],
        "name": "acme",
        "aliases": [{"kind": "team", "value": "T1"}, {"kind": "workspace", "value": "56"}],
        "created_at": "2023-11-14T22:13:20Z",
    }
    assert uuid.UUID(shown["id"]).version == 7
    assert reply.headers["location"] == f"{URL}/{shown['id']}"
    assert doors.admin("GET", reply.headers["location"]).ok() == shown
    assert doors.happened() == ["organization.created", "organization.alias_added", "organization.alias_added"]
    listed = doors.admin("GET", URL).ok()
    assert [each["id"] for each in listed["organizations"]] == [DEFAULT_ID, shown["id"]]
    assert listed["next_cursor"] is None


def test_it_is_renamed_and_given_aliases(doors_of_each: Doors) -> None:
    doors = doors_of_each
    url = f"{URL}/{made(doors)['id']}"
    assert doors.admin("PATCH", url, {"name": "Acme"}).ok()["name"] == "Acme"
    for _ in range(2):
        assert doors.admin("PUT", f"{url}/aliases/identity_store/d-1").ok(204) is None
    assert doors.admin("GET", url).ok()["aliases"] == [{"kind": "identity_store", "value": "d-1"}]
    doors.admin("DELETE", f"{url}/aliases/identity_store/d-1").ok(204)
    refused(doors.admin("DELETE", f"{url}/aliases/identity_store/d-1"), 404, "organization_not_found")
    assert doors.happened() == [
        "organization.created", "organization.renamed", "organization.alias_added", "organization.alias_removed",
    ]  # fmt: skip


def test_the_default_organization_takes_aliases_like_any_other(doors: Doors) -> None:
    doors.admin("PUT", f"{URL}/{DEFAULT_ID}/aliases/team/T0").ok(204)
    assert doors.admin("GET", f"{URL}/{DEFAULT_ID}").ok()["aliases"] == [{"kind": "team", "value": "T0"}]


def test_a_name_or_an_alias_that_is_taken_is_409(doors: Doors) -> None:
    made(doors, aliases=[{"kind": "team", "value": "T1"}])
    other = made(doors, "other")["id"]
    doors.happened()
    for reply in (
        doors.admin("POST", URL, {"name": "acme"}),
        doors.admin("PATCH", f"{URL}/{other}", {"name": "acme"}),
        doors.admin("PUT", f"{URL}/{other}/aliases/team/T1"),
        doors.admin("POST", URL, {"name": "third", "aliases": [{"kind": "team", "value": "T1"}]}),
    ):
        refused(reply, 409, "conflict")
    assert doors.happened() == []
    assert len(doors.admin("GET", URL).ok()["organizations"]) == 3


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid"), ({"name": 1}, "invalid"), ({"name": "x", "id": UNKNOWN}, "invalid"), ([], "invalid"),
        (b"", "invalid"), (b"{", "invalid"), (b'{"name":"a","name":"b"}', "invalid"), ({"name": ""}, "field_invalid"),
        ({"name": "x", "aliases": [{"kind": "tenant", "value": "1"}]}, "invalid"),
        ({"name": "x", "aliases": [{"kind": "workspace", "value": "01"}]}, "field_invalid"),
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_is_400_and_makes_nothing(doors: Doors, body: Any, code: str) -> None:
    details = refused(doors.admin("POST", URL, body), 400, code)
    assert details["detail"]
    assert doors.happened() == []


def test_what_is_not_there_is_404(doors: Doors) -> None:
    for unknown in (UNKNOWN, "x"):
        for method, path, body in (
            ("GET", "", None), ("PATCH", "", {"name": "x"}), ("PUT", "/aliases/team/T1", None), ("DELETE", "/aliases/team/T1", None),
        ):  # fmt: skip
            refused(doors.admin(method, f"{URL}/{unknown}{path}", body), 404, "organization_not_found")


def test_what_http_refuses_has_the_same_shape(doors: Doors) -> None:
    refused(doors.admin("GET", "/v1/nothing"), 404, "")
    reply = doors.admin("DELETE", URL)
    refused(reply, 405, "")
    assert reply.headers["allow"] == "GET, HEAD, POST"
    refused(doors.admin("POST", URL, b"{}".ljust(65537)), 413, "")
    refused(doors.admin("POST", URL, {}, headers={"content-encoding": "gzip"}), 415, "")


def test_pages_hold_each_organization_once(doors: Doors) -> None:
    names = {"default", *(f"o{n}" for n in range(5))}
    for name in names - {"default"}:
        made(doors, name)
    seen, token = [], ""
    while token is not None:
        page = doors.admin("GET", f"{URL}?limit=2&cursor={token}").ok()
        assert len(page["organizations"]) == 2
        seen += [each["name"] for each in page["organizations"]]
        token = page["next_cursor"]
    assert len(seen) == 6
    assert set(seen) == names


def test_W2_a_page_token_is_ours_and_of_this_list(doors: Doors) -> None:
    made(doors)
    token = doors.admin("GET", f"{URL}?limit=1").ok()["next_cursor"]
    doors.key(), doors.key()
    other = doors.admin("GET", "/v1/keys?limit=1").ok()["next_cursor"]
    for wrong in (token[:-1], token + "A", other, "x"):
        refused(doors.admin("GET", f"{URL}?cursor={wrong}"), 400, "page_token_invalid")
    refused(doors.admin("GET", f"/v1/keys?cursor={token}"), 400, "page_token_invalid")
    for size in ("0", "-1", "x", "1" * 10, "%D9%A3"):
        assert refused(doors.admin("GET", f"{URL}?limit={size}"), 400, "field_invalid")["field"] == "limit"


def test_W3_only_a_key_of_the_default_organization_manages_organizations(doors: Doors) -> None:
    acme = doors.organization("acme")
    key = doors.key(organization=acme)
    url = f"{URL}/{uuid.UUID(bytes=acme)}"
    for method, target, body in (
        ("GET", URL, None), ("POST", URL, {"name": "x"}), ("GET", url, None), ("PATCH", url, {"name": "x"}),
        ("PUT", f"{url}/aliases/team/T1", None), ("DELETE", f"{url}/aliases/team/T1", None),
    ):  # fmt: skip
        refused(doors.admin(method, target, body, key=key), 403, "default_organization_only")
