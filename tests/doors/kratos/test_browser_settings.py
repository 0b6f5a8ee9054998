"""Settings in a browser (contract: public 0.2 to 0.7, 3.5; rows W4, S3, S8, P14)."""

from typing import Any
from urllib.parse import quote

import pytest
from tests.doors.kratos.in_process import PASSWORD, PUBLIC_URL, UNKNOWN, Doors, Reply, flows
from tests.doors.kratos.visitor import PAGE, UI, Visitor, numbers, token

from nightlatch.kernel.clock import HOUR, MINUTE

INIT, FLOWS, SUBMIT = "/self-service/settings/browser", "/self-service/settings/flows", "/self-service/settings"
LOGIN = f"{PUBLIC_URL}self-service/login/browser"
SESSION = "ory_kratos_session"
NEW = {"method": "password", "password": "Harp*dune-lantern 38"}
MOVED = {"method": "profile", "traits.email": "ada@example.com", "traits.name.first": "Ada"}
SAVED, RECOVERED, EXPIRED, MISSING, SHORT, NO_STRATEGY = 1050001, 1060001, 4050001, 4000002, 4000032, 4010004
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def visitor(doors: Doors) -> Visitor:
    doors.person("ada")
    visitor = Visitor(doors)
    visitor.sign_in()
    doors.happened()
    return visitor


def begin(visitor: Visitor, query: str = "") -> dict[str, Any]:
    return visitor.begin("settings", query)


def values(flow: dict[str, Any]) -> dict[str, Any]:
    return {n["attributes"]["name"]: n["attributes"].get("value") for n in flow["ui"]["nodes"]}


def back_to(target: str) -> str:
    return "return_to=" + quote(PUBLIC_URL[:-1] + target, safe="")


def back_of(flow: dict[str, Any]) -> str:
    return back_to(f"{SUBMIT}?flow={flow['id']}")


# To the end


@pytest.mark.parametrize("script", [False, True])
def test_a_flow_in_a_browser_is_as_the_contract_draws_it(visitor: Visitor, script: bool) -> None:
    """Golden: 3.1, 3.2 and 0.9."""
    flow = visitor.fetch("GET", INIT).ok() if script else begin(visitor)
    assert set(flow) == {
        "id", "type", "expires_at", "issued_at", "request_url", "state", "ui", "organization_id", "identity",
    }  # fmt: skip
    assert (flow["type"], flow["state"], flow["request_url"]) == ("browser", "show_form", PUBLIC_URL[:-1] + INIT)
    assert flow["ui"]["action"] == f"{PUBLIC_URL}self-service/settings?flow={flow['id']}"
    assert values(flow)["traits.email"] == "ada@example.org"
    assert len(token(flow)) == 86
    assert flow["identity"] == visitor.whoami().ok()["identity"]
    shown = visitor.fetch("GET", f"{FLOWS}?id={flow['id']}").ok()
    shown["ui"]["nodes"][0] = flow["ui"]["nodes"][0]
    assert shown == flow


def test_a_form_saves_and_shows_the_settings_again(doors: Doors, visitor: Visitor) -> None:
    other = Visitor(doors)
    other.sign_in()
    flow, kept = begin(visitor), visitor.jar[SESSION]
    for fields in (MOVED, NEW):
        reply = visitor.submit(flow, fields)
        assert (reply.status, reply.headers["location"]) == (303, f"{UI}/settings?flow={flow['id']}")
        shown = visitor.flow(reply)
        assert (shown["state"], shown["active"], numbers(shown)) == ("success", fields["method"], [SAVED])
    assert values(shown)["traits.name.first"] == "Ada"
    assert visitor.jar[SESSION] != kept
    visitor.whoami().ok()
    other.whoami().refused(401)
    doors.try_sign_in("ada@example.com", NEW["password"]).ok()


def test_a_script_saves_and_is_told_where_to_go(visitor: Visitor) -> None:
    flow = visitor.fetch("GET", f"{INIT}?return_to={UI}/x").ok()
    visitor.set.clear()
    done = visitor.post(flow, NEW).ok()
    assert (done["state"], numbers(done), done["return_to"]) == ("success", [SAVED], f"{UI}/x")
    assert done["continue_with"] == [{"action": "redirect_browser_to", "redirect_browser_to": f"{UI}/x"}]
    assert [line.partition("=")[0] for line in visitor.set] == [SESSION]
    assert visitor.post(done, {"method": "profile", "traits": {"email": "ada@example.com"}}).ok()["state"] == "success"


def test_after_settings_a_browser_goes_where_the_flow_says_else_where_the_configuration_does(
    doors: Doors, visitor: Visitor
) -> None:
    """0.6, the precedence."""
    urls = dict(doors.parts.flows.after_urls) | {"settings.password": f"{UI}/after"}
    doors.listen(flows=flows(after_urls=urls))
    flow = begin(visitor)
    assert visitor.submit(flow, NEW).headers["location"] == f"{UI}/after"
    assert visitor.submit(flow, MOVED).headers["location"] == f"{UI}/settings?flow={flow['id']}"
    named = begin(visitor, f"?return_to={UI}/x")
    assert visitor.submit(named, NEW | {"password": PASSWORD}).headers["location"] == f"{UI}/x"


def test_what_is_wrong_leads_back_to_the_form_which_says_so(visitor: Visitor) -> None:
    """0.4: nothing of a password is in it."""
    flow = begin(visitor)
    for fields, told in (
        ({"method": "password"}, MISSING),
        ({"method": "password", "password": "short"}, SHORT),
        ({"method": "shoe"}, NO_STRATEGY),
        ({}, NO_STRATEGY),
    ):
        shown = visitor.flow(visitor.submit(flow, fields))
        assert (shown["id"], shown["state"], numbers(shown)) == (flow["id"], "show_form", [told])
        reply = visitor.post(flow, fields)
        assert (reply.status, numbers(reply.json)) == (400, [told])
        assert b"short" not in reply.body
    shown = visitor.flow(visitor.submit(flow, MOVED | {"traits.email": "x"}))
    assert (values(shown)["traits.email"], values(shown)["traits.name.first"]) == ("x", "Ada")
    assert visitor.flow(visitor.submit(shown, MOVED))["state"] == "success"


def test_a_form_is_read_by_the_schema_of_its_person(doors: Doors) -> None:
    visitor = Visitor(doors)
    flow, code = recovery(doors, visitor, doors.admin("POST", "/admin/identities", ROBOT).ok(201)["id"])
    settings = visitor.flow(visitor.submit(flow, {"method": "code", "code": code}))
    saved = visitor.flow(visitor.submit(settings, {"method": "profile", "traits.model": "T2"}))
    assert saved["identity"]["traits"] == {"model": "T2"}


ROBOT = {"schema_id": "robot", "traits": {"model": "T"}}


# Who may


def test_who_is_not_signed_in_is_led_to_sign_in_and_back(doors: Doors, visitor: Visitor) -> None:
    """3.5."""
    flow = begin(visitor)
    visitor.fetch("DELETE", "/sessions")
    doors.admin("DELETE", f"/admin/identities/{flow['identity']['id']}/sessions")
    assert visitor.fetch("GET", INIT).refused(401)["id"] == "session_inactive"
    for method, target in (("GET", f"{FLOWS}?id={flow['id']}"), ("POST", f"{SUBMIT}?flow={flow['id']}")):
        assert "id" not in visitor.fetch(method, target, NEW).refused(401)
    reply = visitor.submit(flow, NEW)
    assert (reply.status, reply.headers["location"]) == (302, f"{LOGIN}?{back_of(flow)}")
    asked = f"{INIT}?return_to={quote(UI + '/x', safe='')}"
    reply = visitor.visit(asked)
    assert (reply.status, reply.headers["location"]) == (303, f"{LOGIN}?{back_to(asked)}")
    login = visitor.flow(visitor.visit(reply.headers["location"]))
    done = visitor.submit(login, {"method": "password", "identifier": "ada@example.org", "password": PASSWORD})
    assert done.headers["location"] == PUBLIC_URL[:-1] + asked
    assert visitor.flow(visitor.visit(done.headers["location"]))["return_to"] == f"{UI}/x"


def test_P14_a_flow_of_another_identity_is_403_in_a_browser_too(doors: Doors, visitor: Visitor) -> None:
    flow = begin(visitor)
    doors.person("bob")
    bob = Visitor(doors)
    bob.sign_in("bob")
    for reply in (bob.fetch("GET", f"{FLOWS}?id={flow['id']}"), bob.post(flow, NEW)):
        assert reply.refused(403)["id"] == "security_identity_mismatch"
    for reply in (bob.submit(flow, NEW), bob.visit(f"{SUBMIT}?flow={flow['id']}")):
        assert bob.error(reply)["id"] == "security_identity_mismatch"
    bob.fetch("GET", f"{FLOWS}?id={UNKNOWN}").refused(404)
    assert bob.error(bob.ask("POST", f"{SUBMIT}?flow=x", b"", PAGE | FORM))["code"] == 400


def test_W4_settings_are_taken_from_their_own_browser_with_its_token_only(doors: Doors, visitor: Visitor) -> None:
    """Not from a page of another site, nor as if by an app, nor after a success or a refusal has been stored."""
    flow = begin(visitor)
    visitor.submit(flow, MOVED)
    visitor.submit(flow, {"method": "password", "password": "short"})
    doors.happened()
    refused = [
        visitor.post(flow, NEW | {"csrf_token": ""}),
        visitor.post(flow, NEW | {"csrf_token": "A" * 86}),
        visitor.post(flow, NEW, origin="https://evil.example"),
        visitor.fetch("POST", flow["ui"]["action"], NEW),
    ]
    bare = {SESSION: visitor.jar[SESSION]}
    visitor.jar, full = bare, visitor.jar
    refused += [visitor.post(flow, NEW), visitor.fetch("POST", flow["ui"]["action"], NEW)]
    visitor.jar = full
    cookie = doors.parts.cookies.kept([f"{SESSION}={full[SESSION]}".encode()])
    assert cookie is not None
    refused.append(doors.public("POST", f"{SUBMIT}?flow={flow['id']}", NEW, token=cookie.token))
    for reply in refused:
        assert reply.refused(403)["id"] == "security_csrf_violation"
    assert doors.happened() == []
    visitor.post(flow, NEW).ok()


def test_W4_a_browser_cannot_use_the_flow_of_an_app(doors: Doors, visitor: Visitor) -> None:
    app = str(doors.sign_in()["session_token"])
    flow = doors.public("GET", "/self-service/settings/api", token=app).ok()
    assert visitor.fetch("POST", flow["ui"]["action"], NEW, origin=UI).status == 400
    assert visitor.error(visitor.submit(flow, NEW))["code"] == 400


def test_S9_with_a_second_factor_unused_a_browser_is_led_to_use_it(doors: Doors) -> None:
    totp = {"config": {"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"}}
    doors.person("ada", credentials={"password": {"config": {"password": PASSWORD}}, "totp": totp})
    visitor = Visitor(doors)
    visitor.sign_in()
    reply = visitor.visit(INIT)
    assert (reply.status, reply.headers["location"]) == (303, f"{LOGIN}?aal=aal2&{back_to(INIT)}")
    assert visitor.fetch("GET", INIT).refused(403)["id"] == "session_aal2_required"


# What needs a fresh proof


def refresh(visitor: Visitor, place: str) -> Reply:
    """Signs in where the browser was sent to, and follows it back to the page."""
    login = visitor.flow(visitor.visit(place))
    assert (login["refresh"], values(login)["identifier"]) == (True, "ada@example.org")
    done = visitor.submit(login, {"method": "password", "password": PASSWORD})
    return visitor.visit(done.headers["location"])


@pytest.mark.parametrize("script", [False, True])
def test_S8_an_old_session_is_led_to_prove_itself_and_back_to_the_page(
    doors: Doors, visitor: Visitor, script: bool
) -> None:
    """3.5. The traits are filled in again; a password never is."""
    doors.clock.advance(15 * MINUTE)
    flow = begin(visitor)
    place = f"{LOGIN}?refresh=true&{back_of(flow)}"
    for fields in (MOVED, NEW, MOVED):
        reply = visitor.post(flow, fields) if script else visitor.submit(flow, fields)
        if script:
            assert reply.refused(403)["id"] == "session_refresh_required"
            assert reply.json["redirect_browser_to"] == place
        else:
            assert (reply.status, reply.headers["location"]) == (303, place)
    session = visitor.whoami().ok()["id"]
    shown = visitor.flow(refresh(visitor, place))
    assert visitor.whoami().ok()["id"] == session
    assert (shown["id"], shown["state"], numbers(shown)) == (flow["id"], "show_form", [])
    assert (values(shown)["traits.email"], values(shown)["password"]) == ("ada@example.com", None)
    assert shown["identity"]["traits"]["email"] == "ada@example.org"
    assert visitor.flow(visitor.submit(shown, MOVED))["identity"]["traits"]["email"] == "ada@example.com"
    assert visitor.flow(visitor.submit(shown, NEW))["state"] == "success"


def test_a_page_whose_flow_needs_a_proof_is_where_a_browser_comes_back_to(doors: Doors) -> None:
    """Not the JSON of the flow, whose address asked."""
    totp = {"config": {"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"}}
    doors.person("ada", credentials={"password": {"config": {"password": PASSWORD}}, "totp": totp})
    visitor = Visitor(doors)
    visitor.sign_in()
    reply = visitor.fetch("GET", f"{FLOWS}?id={UNKNOWN}")
    assert reply.json["redirect_browser_to"] == f"{LOGIN}?aal=aal2&{back_to(f'{SUBMIT}?flow={UNKNOWN}')}"


# What is over


def test_a_flow_that_is_over_gives_way_to_a_new_one_in_the_same_browser(doors: Doors, visitor: Visitor) -> None:
    """0.4."""
    flow = begin(visitor, f"?return_to={UI}/x")
    doors.clock.advance(HOUR)
    error = visitor.fetch("GET", f"{FLOWS}?id={flow['id']}").refused(410)
    assert error["details"]["redirect_to"] == f"{PUBLIC_URL[:-1]}{INIT}?return_to={quote(UI + '/x', safe='')}"
    reply = visitor.post(flow, MOVED)
    assert reply.refused(410)["id"] == "self_service_flow_expired"
    made = visitor.fetch("GET", f"{FLOWS}?id={reply.json['use_flow_id']}").ok()
    new = visitor.flow(visitor.submit(flow, NEW))
    for each in (made, new):
        assert (each["type"], each["return_to"], numbers(each)) == ("browser", f"{UI}/x", [EXPIRED])
    assert numbers(visitor.flow(visitor.visit(f"{SUBMIT}?flow={flow['id']}"))) == []
    place = visitor.submit(new, NEW).headers["location"]
    assert visitor.flow(refresh(visitor, place))["id"] == new["id"]
    assert visitor.submit(new, NEW).headers["location"] == f"{UI}/x"


def test_a_flow_that_a_new_password_has_closed_says_so(visitor: Visitor) -> None:
    flow, other = begin(visitor), begin(visitor)
    visitor.submit(flow, NEW)
    new = visitor.flow(visitor.submit(other, MOVED))
    assert (new["id"] != other["id"], numbers(new)) == (True, [4000001])
    assert visitor.flow(visitor.submit(new, MOVED))["state"] == "success"


def test_who_comes_back_with_another_secret_gets_a_flow_of_the_browser_as_it_is(visitor: Visitor) -> None:
    """Signing in anew gives the browser a new secret, and the old flow would be refused."""
    flow = begin(visitor, f"?return_to={UI}/x")
    visitor.jar.pop(SESSION)
    visitor.sign_in()
    new = visitor.flow(visitor.visit(f"{SUBMIT}?flow={flow['id']}"))
    assert (new["id"] != flow["id"], new["return_to"]) == (True, f"{UI}/x")
    assert visitor.submit(new, NEW).headers["location"] == f"{UI}/x"


# After a recovery


def recovery(doors: Doors, visitor: Visitor, identity_id: str) -> tuple[dict[str, Any], str]:
    made = doors.admin("POST", "/admin/recovery/code", {"identity_id": identity_id}).ok(201)
    query = made["recovery_link"].partition("?")[2].replace("flow=", "id=")
    return visitor.fetch("GET", f"/self-service/recovery/flows?{query}").ok(), made["recovery_code"]


@pytest.mark.parametrize("script", [False, True])
def test_a_recovery_leads_to_a_new_password_and_the_earlier_sessions_are_over(
    doors: Doors, visitor: Visitor, script: bool
) -> None:
    """4.2, to its end."""
    ada = visitor.whoami().ok()["identity"]["id"]
    doors.clock.advance(HOUR)
    fresh = Visitor(doors)
    flow, code = recovery(doors, fresh, ada)
    fields = {"method": "code", "code": code}
    if script:
        [then] = fresh.post(flow, fields).ok()["continue_with"]
        settings = fresh.fetch("GET", f"{FLOWS}?id={then['flow']['id']}").ok()
    else:
        settings = fresh.flow(fresh.submit(flow, fields))
    assert numbers(settings) == [RECOVERED]
    bad, good = {"method": "password", "password": "short"}, NEW
    if script:
        assert sorted(numbers(fresh.post(settings, bad).json)) == [RECOVERED, SHORT]
        done = fresh.post(settings, good).ok()
    else:
        assert sorted(numbers(fresh.flow(fresh.submit(settings, bad)))) == [RECOVERED, SHORT]
        done = fresh.flow(fresh.submit(settings, good))
    assert (done["state"], numbers(done)) == ("success", [SAVED])
    visitor.whoami().refused(401)
    fresh.whoami().ok()
    doors.sign_in(password=NEW["password"])


@pytest.mark.parametrize("path", ["/.well-known/change-password", "/"])
def test_a_password_manager_and_who_opens_the_site_by_its_name_find_the_page(visitor: Visitor, path: str) -> None:
    reply = visitor.visit(path)
    assert (reply.status, reply.headers["location"]) == (303, f"{UI}/settings")
