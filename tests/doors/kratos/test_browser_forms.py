"""Registration, recovery and logout in a browser (contract: public 3.4, 3.6, 4.2), and what forms may hold (0.9)."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.doors.kratos.in_process import PASSWORD, Doors, flows
from tests.doors.kratos.visitor import PAGE, UI, Visitor, numbers

from nightlatch.doors.kratos import forms
from nightlatch.kernel.clock import HOUR
from nightlatch.problems import Invalid

SESSION = "ory_kratos_session"
EVE = {"traits.email": "eve@example.org", "traits.name.first": "Eve"}
LOGOUT = "/self-service/logout/browser"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def visitor(doors: Doors) -> Visitor:
    return Visitor(doors)


# Registration


def test_a_person_registers_in_two_steps_without_scripts(doors: Doors, visitor: Visitor) -> None:
    flow = visitor.begin("registration", f"?return_to={UI}/x")
    reply = visitor.submit(flow, EVE | {"method": "profile"})
    assert reply.status == 302
    second = visitor.flow(reply)
    assert (second["id"], numbers(second)) == (flow["id"], [1040009])
    reply = visitor.submit(second, {"method": "password", "password": PASSWORD})
    assert (reply.status, reply.headers["location"]) == (303, f"{UI}/x")
    identity = visitor.whoami().ok()["identity"]
    assert identity["traits"] == {"email": "eve@example.org", "name": {"first": "Eve"}}
    assert doors.happened() == ["identity.created", "identity.registered", "session.issued"]


@pytest.mark.parametrize("button", [{"screen": "previous"}, {"method": "profile:back"}])
def test_the_back_button_of_the_second_step_leads_to_the_first_with_what_was_filled_in(
    visitor: Visitor, button: dict[str, str]
) -> None:
    flow = visitor.begin("registration")
    second = visitor.flow(visitor.submit(flow, EVE | {"method": "profile"}))
    first = visitor.flow(visitor.submit(second, button))
    shown = {n["attributes"]["name"]: n["attributes"] for n in first["ui"]["nodes"]}
    assert (shown["traits.email"]["type"], shown["traits.email"]["value"]) == ("email", "eve@example.org")
    assert "password" not in shown
    assert numbers(first) == []


def test_a_person_registers_from_a_script_in_one(visitor: Visitor) -> None:
    flow = visitor.fetch("GET", "/self-service/registration/browser").ok()
    traits = {"email": "eve@example.org"}
    reply = visitor.post(flow, {"method": "password", "traits": traits, "password": PASSWORD})
    done = reply.ok()
    assert set(done) == {"session", "identity", "continue_with"}
    after = {"action": "redirect_browser_to", "redirect_browser_to": f"{UI}/after-registration"}
    assert done["continue_with"] == [after]
    assert b"ory_st_" not in reply.body
    assert visitor.whoami().ok() == done["session"]


def test_without_the_session_hook_nobody_is_signed_in(doors: Doors, visitor: Visitor) -> None:
    doors.listen(flows=flows(signing_in=frozenset()))
    fields = {"method": "password", "password": PASSWORD}
    reply = visitor.submit(visitor.begin("registration"), EVE | fields)
    assert reply.headers["location"] == f"{UI}/after-registration"
    assert SESSION not in visitor.jar
    flow = visitor.fetch("GET", "/self-service/registration/browser").ok()
    done = visitor.post(flow, fields | {"traits": {"email": "bob@example.org"}}).ok()
    assert set(done) == {"identity", "continue_with"}


def test_what_is_wrong_is_shown_with_what_was_filled_in(doors: Doors, visitor: Visitor) -> None:
    doors.person("ada")
    flow = visitor.begin("registration")
    for fields, told in (
        ({"traits.email": "x", "method": "profile"}, 4000040),
        ({"traits.email": "ada@example.org", "method": "password", "password": PASSWORD}, 4000007),
        (EVE | {"method": "password", "password": "short"}, 4000032),
        (EVE | {"method": "password", "password": ""}, 4000002),
    ):
        reply = visitor.submit(flow, fields)
        assert reply.status == 302
        shown = visitor.flow(reply)
        assert numbers(shown) == [told], fields
        assert PASSWORD not in str(shown)
    assert "session.issued" not in doors.happened()


def test_who_is_signed_in_does_not_register(doors: Doors, visitor: Visitor) -> None:
    doors.person("ada")
    flow = visitor.begin("registration")
    kept = dict(visitor.jar)
    visitor.sign_in()
    assert visitor.visit("/self-service/registration/browser").headers["location"] == f"{UI}/after-registration"
    visitor.jar["csrf_token_x"] = kept["csrf_token_x"]
    doors.happened()
    fields = {"method": "password", "password": PASSWORD}
    assert visitor.submit(flow, EVE | fields).headers["location"] == f"{UI}/after-registration"
    assert doors.happened() == []


def test_registration_that_is_switched_off_is_said_by_the_page_of_errors(doors: Doors, visitor: Visitor) -> None:
    doors.listen(flows=flows(registration_enabled=False))
    error = visitor.error(visitor.visit("/self-service/registration/browser"))
    assert error["id"] == "self_service_flow_disabled"


def test_an_expired_registration_leads_to_a_new_one(doors: Doors, visitor: Visitor) -> None:
    flow = visitor.begin("registration")
    doors.clock.advance(HOUR)
    reply = visitor.submit(flow, EVE | {"method": "profile"})
    assert (reply.status, numbers(visitor.flow(reply))) == (302, [4040001])


# Recovery with a code that an administrator made


def recovery(doors: Doors, visitor: Visitor, identity_id: str) -> tuple[dict[str, Any], str]:
    """The flow, as its page finds it, and its code."""
    made = doors.admin("POST", "/admin/recovery/code", {"identity_id": identity_id}).ok(201)
    query = urlsplit(made["recovery_link"]).query.replace("flow=", "id=")
    return visitor.fetch("GET", f"/self-service/recovery/flows?{query}").ok(), made["recovery_code"]


@pytest.mark.parametrize("script", [False, True])
def test_a_code_lets_a_person_in_by_cookie_and_leads_to_the_settings(
    doors: Doors, visitor: Visitor, script: bool
) -> None:
    """4.2: no csrf_token is needed, which the flow has none of."""
    ada = doors.person("ada")["id"]
    earlier = doors.session(ada)[1]
    flow, code = recovery(doors, visitor, ada)
    fields = {"method": "code", "code": code}
    reply = visitor.post(flow, fields) if script else visitor.submit(flow, fields)
    settings = rf"{UI}/settings\?flow=([0-9a-f-]{{36}})"
    if script:
        done = reply.ok()
        assert done["state"] == "passed_challenge"
        [then] = done["continue_with"]
        assert then["action"] == "show_settings_ui"
        assert re.fullmatch(settings, then["flow"]["url"])
        assert b"ory_st_" not in reply.body
    else:
        assert reply.status == 303
        assert re.fullmatch(settings, reply.headers["location"])
    session = visitor.whoami().ok()
    assert (session["identity"]["id"], session["authentication_methods"][0]["method"]) == (ada, "code_recovery")
    doors.public("GET", "/sessions/whoami", token=earlier).refused(401)


def test_a_wrong_code_leads_back_to_the_form(doors: Doors, visitor: Visitor) -> None:
    flow, code = recovery(doors, visitor, doors.person("ada")["id"])
    wrong = "000000" if code != "000000" else "000001"
    shown = visitor.flow(visitor.submit(flow, {"method": "code", "code": wrong}))
    assert (shown["id"], numbers(shown)) == (flow["id"], [4060006])
    assert numbers(visitor.flow(visitor.submit(flow, {"method": "code"}))) == [4000002]
    doors.clock.advance(HOUR)
    over = visitor.flow(visitor.submit(flow, {"method": "code", "code": code}))
    assert (over["id"] != flow["id"], numbers(over)) == (True, [4060005])


def test_S3_who_recovers_another_account_leaves_the_one_that_was_there(doors: Doors, visitor: Visitor) -> None:
    doors.person("ada")
    visitor.sign_in()
    old = visitor.jar[SESSION]
    flow, code = recovery(doors, visitor, doors.person("bob")["id"])
    visitor.submit(flow, {"method": "code", "code": code})
    assert visitor.whoami().ok()["identity"]["traits"]["email"] == "bob@example.org"
    doors.public("GET", "/sessions/whoami", headers={"cookie": f"{SESSION}={old}"}).refused(401)


# Logout


def test_signing_out_ends_the_session_and_takes_its_cookie_away(doors: Doors, visitor: Visitor) -> None:
    """3.6."""
    doors.person("ada")
    visitor.sign_in()
    old, secret = visitor.jar[SESSION], visitor.jar["csrf_token_x"]
    doors.happened()
    way = visitor.visit(f"{LOGOUT}?return_to={UI}/bye%3Fa%3Db").ok()
    assert re.fullmatch("ory_lo_[0-9a-zA-Z]{32}", way["logout_token"])
    url = f"https://id.example.org/self-service/logout?token={way['logout_token']}"
    assert way["logout_url"] == url + "&return_to=https%3A%2F%2Fui.example.org%2Fbye%3Fa%3Db"
    reply = visitor.visit(way["logout_url"])
    assert (reply.status, reply.headers["location"]) == (303, f"{UI}/bye?a=b")
    assert SESSION not in visitor.jar
    assert visitor.jar["csrf_token_x"] != secret
    [event] = doors.events
    assert (event.name, event.reason) == ("session.ended", "logout")
    assert str(event.actor).startswith("identity:")
    doors.public("GET", "/sessions/whoami", headers={"cookie": f"{SESSION}={old}"}).refused(401)


def test_a_script_signs_out(doors: Doors, visitor: Visitor) -> None:
    doors.person("ada")
    visitor.sign_in()
    url = visitor.fetch("GET", LOGOUT).ok()["logout_url"]
    assert visitor.visit(url).headers["location"] == f"{UI}/after-logout"
    visitor.sign_in()
    url = visitor.fetch("GET", LOGOUT).ok()["logout_url"]
    assert visitor.fetch("GET", url).status == 204
    assert SESSION not in visitor.jar


def test_W8_signing_out_drops_what_the_browser_cached(doors: Doors, visitor: Visitor) -> None:
    doors.person("ada")
    for url, cleared in (("https://id.example.org/", '"cache"'), ("http://127.0.0.1:4433/", None)):
        visitor.sign_in()
        doors.listen(public_url=url)
        way = visitor.fetch("GET", LOGOUT).ok()["logout_token"]
        reply = visitor.visit(f"/self-service/logout?token={way}")
        assert (reply.status, reply.headers.get("clear-site-data")) == (303, cleared)


def test_W4_signing_out_needs_the_token_of_this_session(doors: Doors, visitor: Visitor) -> None:
    doors.person("ada")
    doors.person("bob")
    bob = Visitor(doors)
    bob.sign_in("bob")
    visitor.sign_in()
    other = bob.fetch("GET", LOGOUT).ok()["logout_url"]
    for url, status in (
        (other, 403),
        (other[:-1], 403),
        ("/self-service/logout?token=é", 403),
        ("/self-service/logout", 400),
    ):
        visitor.fetch("GET", url).refused(status)
        assert visitor.error(visitor.visit(url))["code"] == status
    visitor.whoami().ok()
    stranger = Visitor(doors)
    for url in (LOGOUT, other):
        assert stranger.fetch("GET", url).refused(401)["id"] == "session_inactive"
        assert stranger.error(stranger.visit(url))["id"] == "session_inactive"
    visitor.fetch("GET", f"{LOGOUT}?return_to=https://evil.example/").refused(400)


# What a form may hold


@pytest.mark.parametrize("body", [b"a=%00", b"a=%ff", b"a=1&a=2", b"a=true&a=x", b"\xff=1", b"&".join([b"a=1"] * 1001)])
def test_W11_a_form_that_cannot_be_read_is_refused(visitor: Visitor, body: bytes) -> None:
    action = visitor.begin()["ui"]["action"]
    assert visitor.error(visitor.ask("POST", action, body, PAGE | FORM))["code"] == 400
    visitor.fetch("POST", action, body, **FORM).refused(400)


def test_W11_a_form_has_the_same_bounds_as_a_body_of_json(visitor: Visitor) -> None:
    action = visitor.begin()["ui"]["action"]
    visitor.ask("POST", action, b"a=" + b"x" * 65536, PAGE | FORM).refused(413)
    visitor.ask("POST", action, b"a=1", PAGE | FORM | {"content-encoding": "gzip"}).refused(415)
    visitor.ask("POST", action, b"a=1", PAGE | {"content-type": "multipart/form-data; boundary=x"}).refused(415)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", {}), (b"a=1&b=x+y%26&c=%C3%A9", {"a": "1", "b": "x y&", "c": "\u00e9"}), (b"a=&b", {}),
        (b"a=false&a=true", {"a": "true"}), (b"a=false&a=on", {"a": "on"}), (b"a=x&a=x", {"a": "x"}), (b"a=x&a=y", None), (b"a=x&a=true", None),
    ],
)  # fmt: skip
def test_what_was_filled_in_counts_and_a_box_that_is_ticked_beats_the_hidden_field(
    body: bytes, fields: dict[str, str] | None
) -> None:
    if fields is None:
        with pytest.raises(Invalid):
            forms.decode(body)
    else:
        assert forms.decode(body) == fields


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "42", 42), ("integer", "-1", -1), ("number", "1.5", 1.5), ("number", "1e999", "1e999"),
        ("integer", "x", "x"), ("integer", "9" * 19, "9" * 19), ("integer", "\u0661", "\u0661"), ("boolean", "on", True),
        ("boolean", "true", True), ("boolean", "false", False), ("boolean", "yes", "yes"), ("string", "42", "42"),
        (["string", "null"], "42", "42"), (None, "42", "42"),
    ],
)  # fmt: skip
def test_texts_become_what_the_schema_asks_for_and_else_stay(kind: Any, text: str, value: Any) -> None:
    """0.9: values are typed by the trait schema."""
    schema = {"type": "object", "properties": {"a": {"properties": {"b": {"type": kind}}}, "c": True}}
    assert forms.typed(schema, {"a": {"b": text}, "c": text, "d": text}) == {"a": {"b": value}, "c": text, "d": text}
