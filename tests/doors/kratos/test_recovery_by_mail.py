"""Recovery that people ask for (contract: public 0.4, 3.1, 4.1): from an app, from a script, from a page."""

import re
from typing import Any

import pytest
from tests.doors.kratos.in_process import PASSWORD, Doors, Reply, flows
from tests.doors.kratos.visitor import UI, Visitor, numbers

from nightlatch.core.courier.model import Filter
from nightlatch.core.courier.rules import opened
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.kernel.clock import HOUR, MINUTE

INIT, SUBMIT = "/self-service/recovery/api", "/self-service/recovery?flow="
ADA = "ada@example.org"


@pytest.fixture
def ada(doors: Doors) -> str:
    return str(doors.person("ada")["id"])


@pytest.fixture
def visitor(doors: Doors) -> Visitor:
    return Visitor(doors)


def letter(doors: Doors) -> dict[str, str]:
    """What the newest message holds."""
    rows = doors.read(lambda tx: tx.messages.page(DEFAULT, Filter(), None, 1))
    return opened(doors.parts.vault.keys, rows[0]) or {} if rows else {}


def names(flow: dict[str, Any]) -> list[str]:
    return [f"{n['group']} {n['attributes']['name']} {n['attributes']['type']}" for n in flow["ui"]["nodes"]]


def asked(doors: Doors, email: str = ADA, **more: Any) -> dict[str, Any]:
    flow = doors.public("GET", INIT).ok()
    return dict(doors.public("POST", SUBMIT + flow["id"], {"method": "code", "email": email} | more).ok())


def redeem(doors: Doors, flow: dict[str, Any], code: str) -> Reply:
    return doors.public("POST", SUBMIT + flow["id"], {"method": "code", "code": code})


# An app


def test_an_app_is_shown_what_to_ask_for(doors: Doors) -> None:
    flow = doors.public("GET", INIT + "?return_to=https://ui.example.org/x").ok()
    assert (flow["type"], flow["state"], flow["active"]) == ("api", "choose_method", "code")
    assert flow["return_to"] == "https://ui.example.org/x"
    assert names(flow) == ["default csrf_token hidden", "code email email", "code method submit"]
    assert doors.public("GET", f"/self-service/recovery/flows?id={flow['id']}").ok() == flow
    assert "organization_id" not in flow


def test_an_app_recovers_by_a_code(doors: Doors, ada: str) -> None:
    old = doors.session(ada)[1]
    flow = asked(doors)
    assert (flow["state"], flow["active"], numbers(flow)) == ("sent_email", "code", [1060003])
    assert names(flow)[1:] == ["code code text", "code method hidden", "code method submit", "code email submit"]
    resend = flow["ui"]["nodes"][-1]
    assert (resend["attributes"]["value"], resend["meta"]["label"]["id"]) == (ADA, 1070008)
    done = redeem(doors, flow, letter(doors)["code"]).ok()
    token, settings = done["continue_with"]
    session = doors.public("GET", "/sessions/whoami", token=token["ory_session_token"]).ok()
    assert session["identity"]["id"] == ada
    assert [each["method"] for each in session["authentication_methods"]] == ["code_recovery"]
    [address] = session["identity"]["verifiable_addresses"]
    assert (address["verified"], address["status"]) == (True, "completed")
    assert settings["flow"]["id"]
    doors.public("GET", "/sessions/whoami", token=old).refused(401)
    over = doors.public("GET", f"/self-service/recovery/flows?id={flow['id']}").ok()
    assert (over["state"], names(over), numbers(over)) == ("passed_challenge", ["default csrf_token hidden"], [])


def test_P6_an_address_that_nobody_has_is_answered_alike(doors: Doors, ada: str) -> None:
    def masked(email: str) -> str:
        flow = asked(doors, email)
        text = [doors.public("GET", f"/self-service/recovery/flows?id={flow['id']}").body.decode()]
        text += [redeem(doors, flow, "x").body.decode() for _ in range(7)]
        return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}", "*", "\n".join(text)).replace(email, "*")

    assert masked(ADA) == masked("eve@example.org")


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({}, 400, [4000002]), ({"method": "code"}, 400, [4000002]), ({"method": "code", "email": 7}, 400, [4000002]),
        ({"method": "code", "email": "ada"}, 400, [4000040]), ({"method": "password"}, 400, [4010005]),
        ({"method": ["code"], "email": ADA}, 400, [4010005]), ({"method": "link", "email": ADA}, 200, [1060002]),
        ({"email": ADA}, 200, [1060003]), ({"method": "code", "code": "123456"}, 200, [4060006]),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(doors: Doors, ada: str, body: dict[str, Any], status: int, told: list[int]) -> None:
    """0.4: 400 with the flow."""
    reply = doors.public("POST", SUBMIT + doors.public("GET", INIT).ok()["id"], body)
    assert (reply.status, numbers(reply.json)) == (status, told)


def test_a_method_that_is_off_is_404(doors: Doors, ada: str) -> None:
    doors.listen(flows=flows(secrets=frozenset({"code"})))
    flow = doors.public("GET", INIT).ok()
    doors.public("POST", SUBMIT + flow["id"], {"method": "link", "email": ADA}).refused(404)


def test_who_asks_to_skip_settings_is_led_on_instead(doors: Doors, ada: str, visitor: Visitor) -> None:
    """4.1: skip_settings."""
    query, place = "?skip_settings=true&return_to=https://ui.example.org/x", "https://ui.example.org/x"
    flow = doors.public("GET", INIT + query).ok()
    doors.public("POST", SUBMIT + flow["id"], {"method": "code", "email": ADA}).ok()
    done = redeem(doors, flow, letter(doors)["code"]).ok()
    assert [each["action"] for each in done["continue_with"]] == ["set_ory_session_token"]
    doors.clock.advance(MINUTE)
    sent = visitor.flow(visitor.submit(visitor.begin("recovery", query), {"method": "code", "email": ADA}))
    assert visitor.submit(sent, {"code": letter(doors)["code"]}).headers["location"] == place
    doors.clock.advance(MINUTE)
    other = Visitor(doors)
    sent = other.post(other.begin("recovery", query), {"method": "code", "email": ADA}).ok()
    done = other.post(sent, {"method": "code", "code": letter(doors)["code"]}).ok()
    assert done["continue_with"] == [{"action": "redirect_browser_to", "redirect_browser_to": place}]
    assert other.whoami().status == 200


def test_a_code_is_sent_again_and_the_form_says_what_is_wrong(doors: Doors, ada: str) -> None:
    flow = asked(doors)
    first = letter(doors)["code"]
    assert numbers(redeem(doors, flow, "x").ok()) == [4060006]
    reply = doors.public("POST", SUBMIT + flow["id"], {"method": "code"})
    assert (reply.status, numbers(reply.json)) == (400, [1060003, 4000002])
    doors.clock.advance(MINUTE)
    again = doors.public("POST", SUBMIT + flow["id"], {"method": "code", "email": ADA, "code": first}).ok()
    assert (again["state"], numbers(again)) == ("sent_email", [1060003])
    second = letter(doors)["code"]
    assert first == second or numbers(redeem(doors, flow, first).ok()) == [4060006]
    assert redeem(doors, flow, second).ok()["state"] == "passed_challenge"


def test_more_messages_than_an_address_is_sent_are_refused_in_the_form(doors: Doors, ada: str) -> None:
    for _ in range(6):
        asked(doors)
    flow = doors.public("GET", INIT).ok()
    reply = doors.public("POST", SUBMIT + flow["id"], {"method": "code", "email": ADA})
    assert (reply.status, numbers(reply.json), reply.json["state"]) == (400, [4000001], "choose_method")


def test_a_disabled_account_is_told_so_with_the_right_code_only(doors: Doors, ada: str) -> None:
    doors.admin("PUT", f"/admin/identities/{ada}", {"traits": {"email": ADA}, "state": "inactive"}).ok()
    flow = asked(doors)
    assert numbers(redeem(doors, flow, "x").ok()) == [4060006]
    reply = redeem(doors, flow, letter(doors)["code"])
    assert (reply.status, numbers(reply.json)) == (200, [4010011])
    assert b"ory_st_" not in reply.body


def test_a_flow_that_is_over_leads_an_app_to_a_new_one(doors: Doors, ada: str) -> None:
    flow = asked(doors)
    code = letter(doors)["code"]
    redeem(doors, flow, code).ok()
    for body in ({"method": "code", "code": code}, {"method": "code", "email": ADA}, {"method": "code"}):
        reply = doors.public("POST", SUBMIT + flow["id"], body)
        error = reply.refused(410) if "request" in reply.json["error"] else reply.json["error"]
        assert error["id"] == "self_service_flow_expired"
        new = reply.json["use_flow_id"]
        assert error["details"]["continue_with"] == [{"action": "show_recovery_ui", "flow": {"id": new}}]
        assert doors.public("GET", f"/self-service/recovery/flows?id={new}").ok()["state"] == "choose_method"
    flow = asked(doors)
    doors.clock.advance(HOUR)
    doors.public("GET", f"/self-service/recovery/flows?id={flow['id']}").refused(410)
    doors.public("POST", SUBMIT + flow["id"], {"method": "code", "email": ADA}).refused(410)


def test_where_recovery_is_off_nothing_of_it_is_there(doors: Doors, visitor: Visitor) -> None:
    flow = doors.public("GET", INIT).ok()["id"]
    doors.listen(flows=flows(recovery_enabled=False))
    for path in (INIT, "/self-service/recovery/browser", f"/self-service/recovery/flows?id={flow}", SUBMIT + flow):
        reply = doors.public("GET", path, headers={"accept": "application/json"})
        assert "disabled" in reply.refused(400)["reason"]
    assert visitor.error(visitor.visit("/self-service/recovery/browser"))["code"] == 400


def test_who_is_signed_in_recovers_nothing_but_by_a_secret(doors: Doors, ada: str, visitor: Visitor) -> None:
    """4.1."""
    begun = visitor.begin("recovery")
    token = doors.session(ada)[1]
    assert doors.public("GET", INIT, token=token).refused(400)["id"] == "session_already_available"
    flow = doors.public("GET", INIT).ok()
    sent = {"method": "code", "email": ADA}
    error = doors.public("POST", SUBMIT + flow["id"], sent, token=token).refused(400)
    assert error["id"] == "session_already_available"
    visitor.sign_in()
    reply = visitor.visit(f"/self-service/recovery/browser?return_to={UI}/x")
    assert (reply.status, reply.headers["location"]) == (302, f"{UI}/x")
    assert begun["id"]
    doors.public("POST", SUBMIT + flow["id"], sent).ok()
    done = doors.public("POST", SUBMIT + flow["id"], {"method": "code", "code": letter(doors)["code"]}, token=token)
    assert done.ok()["state"] == "passed_challenge"


# A browser


@pytest.mark.parametrize("script", [True, False])
def test_a_browser_recovers_by_a_code(doors: Doors, ada: str, visitor: Visitor, script: bool) -> None:
    flow = visitor.begin("recovery")
    assert (flow["type"], flow["active"], names(flow)[0]) == ("browser", "code", "default csrf_token hidden")
    fields = {"method": "code", "email": ADA}
    sent = visitor.post(flow, fields).ok() if script else visitor.flow(visitor.submit(flow, fields))
    assert (sent["id"], sent["state"], numbers(sent)) == (flow["id"], "sent_email", [1060003])
    wrong = {"method": "code", "code": "x"}
    shown = visitor.post(sent, wrong).ok() if script else visitor.flow(visitor.submit(sent, wrong))
    assert (shown["state"], numbers(shown)) == ("sent_email", [4060006])
    right = {"method": "code", "code": letter(doors)["code"]}
    if script:
        done = visitor.post(shown, right).ok()
        assert [each["action"] for each in done["continue_with"]] == ["show_settings_ui"]
    else:
        reply = visitor.submit(shown, right)
        assert re.fullmatch(rf"{UI}/settings\?flow=[0-9a-f-]{{36}}", reply.headers["location"])
    assert visitor.whoami().ok()["identity"]["id"] == ada


def test_P13_the_code_is_of_use_in_the_browser_only_that_asked(doors: Doors, ada: str, visitor: Visitor) -> None:
    flow = visitor.begin("recovery")
    visitor.submit(flow, {"method": "code", "email": ADA})
    code = letter(doors)["code"]
    other = Visitor(doors)
    other.begin()
    right = {"method": "code", "code": code}
    assert other.error(other.submit(flow, right))["id"] == "security_csrf_violation"
    assert other.post(flow, right).refused(403)["id"] == "security_csrf_violation"
    assert doors.public("POST", SUBMIT + flow["id"], right).refused(403)["id"] == "security_csrf_violation"
    assert other.fetch("GET", f"/self-service/recovery/flows?id={flow['id']}").status == 403


def test_a_form_that_is_over_leads_to_a_new_flow_that_says_why(doors: Doors, ada: str, visitor: Visitor) -> None:
    flow = visitor.begin("recovery", f"?return_to={UI}/x")
    doors.clock.advance(HOUR + MINUTE)
    new = visitor.flow(visitor.submit(flow, {"method": "code", "email": ADA}))
    assert (new["id"] != flow["id"], numbers(new), new["return_to"]) == (True, [4060005], f"{UI}/x")
    assert visitor.flow(visitor.submit(new, {"method": "code", "email": ADA}))["state"] == "sent_email"


# Links


def link(doors: Doors, visitor: Visitor | None = None) -> str:
    """A link that was sent to Ada, from an app or from a browser."""
    if visitor is None:
        asked(doors, method="link")
    else:
        sent = visitor.flow(visitor.submit(visitor.begin("recovery"), {"method": "link", "email": ADA}))
        assert (sent["active"], numbers(sent)) == ("link", [1060002])
        assert names(sent)[1:] == ["link email email", "link method submit"]
    return letter(doors)["link"]


def press(visitor: Visitor, reply: Reply, **headers: str) -> Reply:
    """Presses the one button of a page."""
    html = reply.body.decode()
    [action] = re.findall(r'action="([^"]*)"', html)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', html))
    site = {"origin": "null", "sec-fetch-site": "same-origin"} | headers
    return visitor.submit({"ui": {"nodes": [], "action": action}}, fields, **site)


@pytest.mark.parametrize("how", ["app", "browser", "administrator"])
def test_a_link_shows_a_page_whose_button_recovers_in_any_browser(doors: Doors, ada: str, how: str) -> None:
    if how == "administrator":
        url = doors.admin("POST", "/admin/recovery/link", {"identity_id": ada}).ok()["recovery_link"]
    else:
        url = link(doors, Visitor(doors) if how == "browser" else None)
    visitor = Visitor(doors)
    page = visitor.visit(url)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert b"<script" not in page.body
    reply = press(visitor, page)
    assert re.fullmatch(rf"{UI}/settings\?flow=[0-9a-f-]{{36}}", reply.headers["location"])
    session = visitor.whoami().ok()
    assert (session["identity"]["id"], session["authentication_methods"][0]["method"]) == (ada, "link_recovery")
    [address] = session["identity"]["verifiable_addresses"]
    assert address["verified"] is (how != "administrator")
    again = visitor.flow(press(visitor, page))
    assert numbers(again) == [4060001]


def test_S14_opening_a_link_does_nothing(doors: Doors, ada: str) -> None:
    url = link(doors)
    doors.happened()
    for method in ("GET", "HEAD", "GET"):
        assert Visitor(doors).ask(method, url).status == 200
    assert doors.happened() == []
    visitor = Visitor(doors)
    assert press(visitor, visitor.visit(url)).status == 303
    assert visitor.whoami().status == 200


def test_where_it_is_configured_opening_a_link_redeems_it(doors: Doors, ada: str, visitor: Visitor) -> None:
    doors.listen(flows=flows(link_confirmation=False))
    url = link(doors)
    assert Visitor(doors).ask("HEAD", url).status == 200
    reply = visitor.visit(url)
    assert re.fullmatch(rf"{UI}/settings\?flow=[0-9a-f-]{{36}}", reply.headers["location"])
    assert visitor.whoami().ok()["identity"]["id"] == ada


@pytest.mark.parametrize(("late", "told"), [(False, 4060004), (True, 4060005)])
def test_a_link_that_is_wrong_or_over_leads_to_a_new_flow(
    doors: Doors, ada: str, visitor: Visitor, late: bool, told: int
) -> None:
    url = link(doors, visitor)
    if late:
        doors.clock.advance(HOUR)
    other = Visitor(doors)
    page = other.visit(url + ("" if late else "x"))
    assert numbers(other.flow(press(other, page))) == [told]
    assert other.whoami().status == 401


def test_W4_another_site_cannot_have_a_browser_press_the_button(doors: Doors, ada: str, visitor: Visitor) -> None:
    page = visitor.visit(link(doors))
    evil = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert visitor.error(press(visitor, page, **evil))["id"] == "security_csrf_violation"
    assert visitor.whoami().status == 401


def test_an_app_redeems_the_token_of_a_link(doors: Doors, ada: str) -> None:
    token = link(doors).partition("token=")[2]
    flow = re.findall(r"flow=([0-9a-f-]{36})", letter(doors)["link"])[0]
    done = doors.public("POST", f"{SUBMIT}{flow}&token={token}", {"method": "link"}).ok()
    assert [each["action"] for each in done["continue_with"]] == ["set_ory_session_token", "show_settings_ui"]


def test_a_page_is_safe_with_what_a_url_says(doors: Doors, visitor: Visitor) -> None:
    flow = "8d3fbd3a-1f0b-4c8e-9d7e-0c1f7a5b6e42"
    page = visitor.visit(f"/self-service/recovery?flow={flow}&token=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert b"<script" not in page.body
    assert visitor.error(visitor.visit("/self-service/recovery?flow=x&token=y"))["code"] == 400
    assert visitor.error(press(visitor, page))["code"] == 404


def test_without_a_token_the_address_of_a_flow_leads_to_its_page(visitor: Visitor) -> None:
    flow = visitor.begin("recovery")
    assert visitor.flow(visitor.visit(flow["ui"]["action"]))["id"] == flow["id"]


def test_a_password_is_set_after_a_recovery(doors: Doors, ada: str) -> None:
    done = redeem(doors, asked(doors), letter(doors)["code"]).ok()
    token, settings = done["continue_with"]
    body = {"method": "password", "password": PASSWORD + " new"}
    path = f"/self-service/settings?flow={settings['flow']['id']}"
    doors.public("POST", path, body, token=token["ory_session_token"]).ok()
    assert doors.sign_in(password=PASSWORD + " new")["session"]["active"] is True


# What was tried too often, and who is shown what


@pytest.mark.parametrize("script", [True, False])
def test_P13_the_sixth_try_ends_the_flow_and_leads_to_a_new_one(
    doors: Doors, ada: str, visitor: Visitor, script: bool
) -> None:
    """4.1."""
    flow = visitor.flow(visitor.submit(visitor.begin("recovery"), {"method": "code", "email": ADA}))
    right, wrong = ({"method": "code", "code": code} for code in (letter(doors)["code"], "x"))
    for _ in range(5):
        assert numbers(visitor.post(flow, wrong).ok()) == [4060006]
    if script:
        reply = visitor.post(flow, right)
        assert reply.status == 410
        [item] = reply.json["error"]["details"]["continue_with"]
        assert item["action"] == "show_recovery_ui"
        new = visitor.fetch("GET", f"/self-service/recovery/flows?id={item['flow']['id']}").ok()
    else:
        new = visitor.flow(visitor.submit(flow, right))
        assert numbers(new) == [4000001]
    assert (new["id"] == flow["id"], new["state"]) == (False, "choose_method")
    assert visitor.whoami().status == 401


def test_W4_a_flow_of_recovery_is_not_shown_to_who_sends_a_wrong_link_without_its_cookie(
    doors: Doors, ada: str, visitor: Visitor
) -> None:
    flow = visitor.flow(visitor.submit(visitor.begin("recovery"), {"method": "link", "email": ADA}))
    reply = doors.public("POST", SUBMIT + flow["id"], {"method": "link", "token": "x"})
    assert reply.refused(403)["id"] == "security_csrf_violation"
    assert ADA.encode() not in reply.body
