"""Where people may be sent back to (contract: public 0.6; row F8 is the whole matrix, with the browser flows)."""

import pytest
from tests.doors.kratos.in_process import PASSWORD, PUBLIC_URL, Doors, Reply, flows
from tests.doors.kratos.visitor import Visitor

ALLOWED = ("https://ui.example.org/app", "https://*.example.net", "myapp://callback", "http://127.0.0.1:4455/")
LOGIN = "/self-service/login/api"

GOOD = [
    "https://ui.example.org/app", "https://ui.example.org/app/", "https://UI.example.org/app/settings?x=1&y=%20#f",
    "HTTPS://ui.example.org:443/app/x", "https://a.example.net/", "https://a.b.example.net/deep/path", "myapp://callback",
    "http://127.0.0.1:4455/welcome", f"{PUBLIC_URL}self-service/login/browser",
    f"{PUBLIC_URL}self-service/settings/browser?return_to=https%3A%2F%2Fui.example.org%2Fapp", "https://ui.example.org/app?a=/../b",
]  # fmt: skip
BAD = [
    "https://ui.example.org/", "https://ui.example.org/apple", "http://ui.example.org/app", "https://ui.example.org:8443/app",
    "https://ui.example.org@evil.example/app", "https://evil.example/app", "https://ui.example.org.evil.example/app",
    "//ui.example.org/app", "/app", "app", "https:/ui.example.org/app", "https:ui.example.org/app", "javascript:alert(1)",
    "data:text/html,x", "https://ui.example.org\\@evil.example/app", "https://ui.example.org/app\\..\\x",
    "https://ui.example.org/app/../x", "https://ui.example.org/app/..", "https://ui.example.org/app/%2e%2e/x",
    "https://ui.example.org/app/%2E%2E", "https://ui.example.org/app%2fx", "https://ui.example.org/app%5Cx",
    "https://ui.example.org/app/..?x", "https://ui.example.org/app/..#x", "https://ui.example.org/app/%2e%2e?x=%2e",
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


# In browsers: where they are really sent


def hostile() -> list[str]:
    """Each of BAD, and what browsers make of paths, schemes and hosts that look like ours."""
    hosts = [
        "evil.example",
        "evil.example\\@ui.example.org",
        "127.1",
        "localhost",
        "[::1]",
        "2130706433",
        "xn--80ak6aa92e.example",
        "0x7f.1",
        "evil.example#ui.example.org",
        "evil.example?ui.example.org",
        "ui.example.org.evil.example",
    ]
    starts = [
        "//",
        "///",
        "/\\",
        "\\\\",
        "https:",
        "https:/",
        "https:///",
        "http://",
        "HTTPS://",
        "\thttps://",
        " //",
        "%09//",
        "/%09/",
    ]
    schemes = [
        "javascript:alert(1)//",
        "data:text/html,",
        "vbscript:x",
        "blob:https://ui.example.org/",
        "file:///",
        "view-source:",
    ]
    paths = ["..", ".", "..;", "%2e%2e", "%2E%2E;x", "..%2f", "%2f%2fevil.example", "\\evil.example", "%5cevil.example"]
    made = [f"{start}{host}/app" for start in starts for host in hosts]
    made += [f"{scheme}ui.example.org/app" for scheme in schemes]
    made += [f"https://ui.example.org/app/{path}/x" for path in paths]
    made += [
        f"https://ui.example.org/app{c}evil" for c in ("\r\nLocation:", "\x00", "\x7f", "\u2028", "\uff0f", "\u3002")
    ]
    made += [f"https://{host}@ui.example.org/app" for host in hosts]
    made += [
        f"https://ui.example.org{c}evil.example/app"
        for c in ("@", ".", ":80@", "%40", "%2e", "%00", ";", ",", "\uff0e")
    ]
    return list(dict.fromkeys([*BAD, *made]))


def quoted(target: str) -> str:
    return "".join(f"%{byte:02X}" for byte in target.encode())


def not_followed(reply: Reply) -> bool:
    where = reply.headers.get("location", "")
    return where.startswith("https://ui.example.org/error?id=") if reply.status == 303 else reply.status == 400


def test_W6_of_200_hostile_places_no_browser_is_sent_to_one(doors: Doors) -> None:
    doors.listen(flows=flows(allowed_return_urls=ALLOWED))
    doors.person("ada")
    signed_in = Visitor(doors)
    signed_in.sign_in()
    targets = hostile()
    assert len(targets) >= 200
    for target in targets:
        visitor = Visitor(doors)
        for path in ("login/browser", "registration/browser"):
            for who in (visitor, signed_in):
                reply = who.visit(f"/self-service/{path}?return_to={quoted(target)}")
                assert not_followed(reply), (target, reply)
        for path in ("logout/browser", "logout"):
            reply = signed_in.visit(f"/self-service/{path}?token=x&return_to={quoted(target)}")
            assert not_followed(reply), (target, reply)
    signed_in.whoami().ok()


def test_W6_a_place_that_is_not_allowed_any_more_is_not_gone_to(doors: Doors) -> None:
    doors.listen(flows=flows(allowed_return_urls=("https://old.example/",)))
    doors.person("ada")
    visitor = Visitor(doors)
    flow = visitor.begin(query="?return_to=https://old.example/")
    doors.listen(flows=flows())
    fields = {"method": "password", "identifier": "ada@example.org", "password": PASSWORD}
    assert visitor.submit(flow, fields).headers["location"] == "https://ui.example.org/after-login"
