"""Where people may be sent back to (contract: public 0.6; row F8 is the whole matrix, with the browser flows)."""

import pytest
from tests.doors.kratos.in_process import PUBLIC_URL, Doors, flows

ALLOWED = ("https://ui.example.org/app", "https://*.example.net", "myapp://callback", "http://127.0.0.1:4455/")
LOGIN = "/self-service/login/api"

GOOD = [
    "https://ui.example.org/app", "https://ui.example.org/app/", "https://UI.example.org/app/settings?x=1&y=%20#f",
    "HTTPS://ui.example.org:443/app/x", "https://a.example.net/", "https://a.b.example.net/deep/path", "myapp://callback",
    "http://127.0.0.1:4455/welcome", f"{PUBLIC_URL}self-service/login/browser",
]  # fmt: skip
BAD = [
    "https://ui.example.org/", "https://ui.example.org/apple", "http://ui.example.org/app", "https://ui.example.org:8443/app",
    "https://ui.example.org@evil.example/app", "https://evil.example/app", "https://ui.example.org.evil.example/app",
    "//ui.example.org/app", "/app", "app", "https:/ui.example.org/app", "https:ui.example.org/app", "javascript:alert(1)",
    "data:text/html,x", "https://ui.example.org\\@evil.example/app", "https://ui.example.org/app\\..\\x",
    "https://ui.example.org/app/../x", "https://ui.example.org/app/..", "https://ui.example.org/app/%2e%2e/x",
    "https://ui.example.org/app/%2E%2E", "https://ui.example.org/app%2fx", "https://ui.example.org/app%5Cx",
    "https://ui.example.org/app/..;/x", "https://ui.example.org/app\t", " https://ui.example.org/app",
    "https://ui.example.org/app\n", "https://example.net/", "https://aexample.net/", "https://u\u0131.example.org/app",
    "https://ui.example.org/app/\u212a", "https://ui.example.org:x/app", "https://[ui.example.org/app", "myapp://other",
    "http://127.0.0.1/welcome", "http://user:pw@127.0.0.1:4455/", "https://ui.example.org/app/\U0001f511",
]  # fmt: skip


@pytest.mark.parametrize(("target", "allowed"), [*((each, True) for each in GOOD), *((each, False) for each in BAD)])
def test_only_what_is_allowed_is_a_place_to_return_to(doors: Doors, target: str, allowed: bool) -> None:
    doors.listen(flows=flows(allowed_return_urls=ALLOWED))
    quoted = "".join(f"%{byte:02X}" for byte in target.encode())
    reply = doors.public("GET", f"{LOGIN}?return_to={quoted}")
    if allowed:
        assert reply.ok()["return_to"] == target
    else:
        error = reply.refused(400)
        assert error["reason"] == "Requested return_to URL is not allowed."
        assert error["id"] == "self_service_flow_return_to_forbidden"


def test_none_is_none(doors: Doors) -> None:
    assert "return_to" not in doors.public("GET", f"{LOGIN}?return_to=").ok()
