"""A form is sent by the browser that began the flow, from a page that may (row W4; contract: public 0.5)."""

from typing import Any

import pytest
from tests.doors.kratos.in_process import PASSWORD, Doors, Reply
from tests.doors.kratos.visitor import UI, Visitor, token

RIGHT = {"method": "password", "identifier": "ada@example.org", "password": PASSWORD}
SECRET = "csrf_token_x"


@pytest.fixture
def visitor(doors: Doors) -> Visitor:
    doors.person("ada")
    doors.happened()
    return Visitor(doors)


def refused(doors: Doors, reply: Reply) -> str:
    """The reason, which only a refusal by the one rule has."""
    error = reply.refused(403)
    assert error["id"] == "security_csrf_violation"
    assert reply.headers["ory-error-id"] == "security_csrf_violation"
    assert "session.issued" not in doors.happened()
    return str(error["details"]["reject_reason"])


def test_the_token_differs_on_every_showing_and_each_is_good(visitor: Visitor) -> None:
    flow = visitor.begin()
    again = [visitor.fetch("GET", f"/self-service/login/flows?id={flow['id']}").ok() for _ in range(3)]
    assert len({token(each) for each in (flow, *again)}) == 4
    assert visitor.jar[SECRET] not in str(again)
    visitor.post(again[0], RIGHT).ok()


def test_a_browser_keeps_its_secret_from_flow_to_flow(visitor: Visitor) -> None:
    first = visitor.begin()
    secret = visitor.jar[SECRET]
    visitor.begin("registration")
    assert visitor.jar[SECRET] == secret
    visitor.post(first, RIGHT).ok()
    assert visitor.jar[SECRET] != secret


BAD_TOKENS: list[Any] = [None, "", "x", "A" * 86, 3, ["x"], "é", "OTHER", "SECRET"]


@pytest.mark.parametrize("bad", BAD_TOKENS)
def test_W4_without_the_token_of_this_browser_nobody_signs_in(doors: Doors, visitor: Visitor, bad: Any) -> None:
    flow = visitor.begin()
    other = token(Visitor(doors).begin())
    sent = {"OTHER": other, "SECRET": visitor.jar[SECRET]}.get(bad, bad) if isinstance(bad, str) else bad
    assert "csrf_token" in refused(doors, visitor.post(flow, RIGHT | {"csrf_token": sent}))
    if isinstance(sent, str):
        error = visitor.error(visitor.submit(flow, RIGHT | {"csrf_token": sent}))
        assert error["id"] == "security_csrf_violation"
    visitor.post(flow, RIGHT).ok()


def test_W4_a_flow_is_shown_to_and_taken_from_its_own_browser_only(doors: Doors, visitor: Visitor) -> None:
    """A flow id without its cookie is 403, whatever else is right."""
    flow, thief = visitor.begin(), Visitor(doors)
    for jar in ({}, {SECRET: "x"}, {SECRET: "A" * 43}, {"csrf_token_y": visitor.jar[SECRET]}):
        thief.jar = dict(jar)
        assert "cookie" in refused(doors, thief.fetch("GET", f"/self-service/login/flows?id={flow['id']}"))
        assert "cookie" in refused(doors, thief.post(flow, RIGHT))
    thief.jar.clear()
    thief.begin()
    refused(doors, thief.fetch("GET", f"/self-service/login/flows?id={flow['id']}"))
    refused(doors, thief.post(flow, RIGHT))
    refused(doors, doors.public("POST", f"/self-service/login?flow={flow['id']}", RIGHT))


def test_W4_two_cookies_of_one_name_are_none(doors: Doors, visitor: Visitor) -> None:
    """A neighbouring subdomain has planted one beside ours."""
    flow, secret = visitor.begin(), visitor.jar[SECRET]
    visitor.jar[SECRET] = f"{secret}; {SECRET}={Visitor(doors).begin()['id']}"
    refused(doors, visitor.post(flow, RIGHT))
    visitor.jar[SECRET] = secret
    visitor.post(flow, RIGHT).ok()


ORIGINS: list[tuple[dict[str, str], bool]] = [
    ({"origin": UI, "sec-fetch-site": "same-site"}, True), ({"origin": "https://id.example.org"}, True),
    ({"origin": UI.upper()}, True), ({"origin": "null", "sec-fetch-site": "same-origin"}, True),
    ({"origin": "https://elsewhere.example", "sec-fetch-site": "none"}, True),
    ({"origin": "null"}, False), ({"origin": "null", "sec-fetch-site": "same-site"}, False),
    ({"origin": "null", "sec-fetch-site": "cross-site"}, False), ({"origin": "https://evil.example"}, False),
    ({"origin": "https://evil.example.org", "sec-fetch-site": "same-site"}, False), ({"origin": ""}, False),
    ({"origin": "http://ui.example.org"}, False), ({"origin": f"{UI}:8443"}, False), ({"origin": f"{UI}.evil.example"}, False),
    ({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, False),
]  # fmt: skip


@pytest.mark.parametrize(("headers", "good"), ORIGINS)
def test_W4_only_a_page_of_a_known_origin_may_send_a_form(
    doors: Doors, visitor: Visitor, headers: dict[str, str], good: bool
) -> None:
    """With a token and a cookie that are right: an attacker's own, planted in the browser."""
    flow = visitor.begin()
    reply = visitor.post(flow, RIGHT, **headers)
    if good:
        reply.ok()
    else:
        assert "origin" in refused(doors, reply)


@pytest.mark.parametrize("origin", ["Your account is locked. Call 555 0100", "https://x.example " + "a" * 5000])
def test_W8_nobody_has_words_of_their_own_shown_by_the_page_of_errors(
    doors: Doors, visitor: Visitor, origin: str
) -> None:
    assert "from a page that" in refused(doors, visitor.post(visitor.begin(), RIGHT, origin=origin))


def test_W4_a_browser_that_says_nothing_of_the_page_is_believed_by_its_token(visitor: Visitor) -> None:
    flow = visitor.begin()
    sent = RIGHT | {"csrf_token": token(flow)}
    assert visitor.ask("POST", flow["ui"]["action"], sent, {"accept": "application/json"}).status == 200


def test_W4_a_text_that_is_json_is_no_form(visitor: Visitor) -> None:
    flow = visitor.begin()
    reply = visitor.fetch("POST", flow["ui"]["action"], b'{"method":"password"}', **{"content-type": "text/plain"})
    reply.refused(415)


def test_W4_a_code_of_an_administrator_is_taken_from_a_known_page_only(doors: Doors, visitor: Visitor) -> None:
    """Its flow has no browser, so anybody could have a victim signed in with a code of their own."""
    ada = doors.admin("GET", "/admin/identities").ok()[0]["id"]
    made = doors.admin("POST", "/admin/recovery/code", {"identity_id": ada}).ok(201)
    target = f"/self-service/recovery?{made['recovery_link'].partition('?')[2]}"
    body = {"method": "code", "code": made["recovery_code"]}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        refused(doors, visitor.fetch("POST", target, body, **headers))
    visitor.fetch("POST", target, body, origin=UI).ok()


def test_W4_an_app_cannot_be_made_a_browser_nor_a_browser_an_app(doors: Doors, visitor: Visitor) -> None:
    flow = doors.public("GET", "/self-service/login/api").ok()
    assert token(flow) == ""
    reply = visitor.post(flow, RIGHT)
    assert reply.refused(400)["reason"].startswith("The HTTP Request Header included")
    form = visitor.submit(flow, RIGHT)
    assert visitor.error(form)["code"] == 400
    assert "session.issued" not in doors.happened()
