"""Verification (contract: public 0.4, 3.1, 4.3): from an app, from a script, from a page; with a code and with a link."""

import re
from typing import Any

import pytest
from tests.doors.kratos.in_process import Doors, Reply, flows
from tests.doors.kratos.test_recovery_by_mail import letter, names, press
from tests.doors.kratos.visitor import UI, Visitor, numbers

from nightlatch.kernel.clock import HOUR, MINUTE

INIT, SUBMIT = "/self-service/verification/api", "/self-service/verification?flow="
ADA = "ada@example.org"


@pytest.fixture
def ada(doors: Doors) -> str:
    return str(doors.person("ada")["id"])


@pytest.fixture
def visitor(doors: Doors) -> Visitor:
    return Visitor(doors)


def asked(doors: Doors, email: str = ADA, **more: Any) -> dict[str, Any]:
    flow = doors.public("GET", INIT).ok()
    return dict(doors.public("POST", SUBMIT + flow["id"], {"method": "code", "email": email} | more).ok())


def begun(doors: Doors, method: str = "code", query: str = "") -> dict[str, Any]:
    """A flow of a browser, for which a message is on its way."""
    visitor = Visitor(doors)
    return visitor.flow(visitor.submit(visitor.begin("verification", query), {"method": method, "email": ADA}))


def confirm(doors: Doors, flow: dict[str, Any], code: str) -> Reply:
    return doors.public("POST", SUBMIT + flow["id"], {"method": "code", "code": code})


def address(doors: Doors, ada: str) -> dict[str, Any]:
    [shown] = doors.admin("GET", f"/admin/identities/{ada}").ok()["verifiable_addresses"]
    return dict(shown)


def test_an_app_verifies_an_address_by_a_code(doors: Doors, ada: str) -> None:
    flow = doors.public("GET", INIT).ok()
    assert (flow["type"], flow["state"], flow["active"]) == ("api", "choose_method", "code")
    assert names(flow) == ["default csrf_token hidden", "code email email", "code method submit"]
    assert "organization_id" not in flow
    assert address(doors, ada)["status"] == "pending"
    flow = asked(doors)
    assert (flow["state"], numbers(flow)) == ("sent_email", [1080003])
    assert address(doors, ada)["status"] == "sent"
    assert names(flow)[1:] == ["code code text", "code method hidden", "code method submit", "code email submit"]
    assert numbers(confirm(doors, flow, "x").ok()) == [4070006]
    done = confirm(doors, flow, letter(doors)["code"]).ok()
    assert (done["state"], numbers(done)) == ("passed_challenge", [1080002])
    now = address(doors, ada)
    assert (now["verified"], now["status"]) == (True, "completed")
    assert now["verified_at"]
    assert b"ory_st_" not in str(done).encode()


def test_what_follows_is_a_link_onward(doors: Doors, ada: str) -> None:
    """Golden: 4.3."""
    flow = doors.public("GET", f"{INIT}?return_to={UI}/x").ok()
    doors.public("POST", SUBMIT + flow["id"], {"method": "code", "email": ADA}).ok()
    ui = confirm(doors, flow, letter(doors)["code"]).ok()["ui"]
    assert (ui["method"], ui["action"]) == ("GET", f"{UI}/x")
    csrf, onward = ui["nodes"]
    assert csrf["attributes"]["name"] == "csrf_token"
    assert onward["type"] == "a"
    assert onward["attributes"] == {
        "href": f"{UI}/x", "title": onward["meta"]["label"], "id": "continue", "node_type": "a",
    }  # fmt: skip
    assert onward["meta"]["label"]["id"] == 1070009
    shown = doors.public("GET", f"/self-service/verification/flows?id={flow['id']}").ok()
    assert shown["ui"] == ui


def test_P6_an_address_that_nobody_has_is_answered_alike_here_too(doors: Doors, ada: str) -> None:
    def masked(email: str) -> str:
        flow = asked(doors, email)
        text = "\n".join(confirm(doors, flow, "x").body.decode() for _ in range(7))
        return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}", "*", str(flow) + text).replace(email, "*")

    assert masked(ADA) == masked("eve@example.org")


def test_a_phone_number_is_verified_by_text_message(doors: Doors) -> None:
    made = doors.person("ada", traits={"email": ADA, "phone": "+4930901820"})
    assert len(made["verifiable_addresses"]) == 2
    flow = asked(doors, "+49 30 901820")
    assert numbers(flow) == [1080004]
    done = confirm(doors, flow, letter(doors)["code"]).ok()
    assert numbers(done) == [1080005]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, [4000002]), ({"method": "code", "email": ""}, [4000002]), ({"method": "code", "email": "ada"}, [4000040]),
        ({"method": "oidc", "email": ADA}, [4010006]),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(doors: Doors, body: dict[str, Any], told: list[int]) -> None:
    reply = doors.public("POST", SUBMIT + doors.public("GET", INIT).ok()["id"], body)
    assert (reply.status, numbers(reply.json)) == (400, told)


def test_a_flow_that_is_over_leads_to_a_new_one(doors: Doors, ada: str, visitor: Visitor) -> None:
    flow = asked(doors)
    code = letter(doors)["code"]
    confirm(doors, flow, code).ok()
    for reply in (confirm(doors, flow, code), doors.public("POST", SUBMIT + flow["id"], {"email": ADA})):
        assert reply.status == 410
        new = doors.public("GET", f"/self-service/verification/flows?id={reply.json['use_flow_id']}").ok()
        assert new["state"] == "choose_method"
    old = visitor.begin("verification")
    doors.clock.advance(HOUR)
    assert numbers(visitor.flow(visitor.submit(old, {"method": "code", "email": ADA}))) == [4070005]
    doors.public("GET", f"/self-service/verification/flows?id={flow['id']}").refused(410)


def test_where_verification_is_off_nothing_of_it_is_there(doors: Doors) -> None:
    flow = doors.public("GET", INIT).ok()["id"]
    doors.listen(flows=flows(verification_enabled=False))
    for path in (
        INIT,
        "/self-service/verification/browser",
        f"/self-service/verification/flows?id={flow}",
        SUBMIT + flow,
    ):
        error = doors.public("GET", path, headers={"accept": "application/json"}).refused(400)
        assert "disabled" in error["reason"]
    assert doors.public("POST", SUBMIT + flow, {"method": "code", "email": ADA}).status == 400


# A browser


@pytest.mark.parametrize("script", [True, False])
def test_a_browser_verifies_an_address_signed_in_or_not(doors: Doors, ada: str, visitor: Visitor, script: bool) -> None:
    if script:
        visitor.sign_in()
    flow = visitor.begin("verification", f"?return_to={UI}/x")
    fields = {"method": "code", "email": ADA}
    sent = visitor.post(flow, fields).ok() if script else visitor.flow(visitor.submit(flow, fields))
    assert (sent["id"], numbers(sent)) == (flow["id"], [1080003])
    right = {"method": "code", "code": letter(doors)["code"]}
    done = visitor.post(sent, right).ok() if script else visitor.flow(visitor.submit(sent, right))
    assert (done["state"], done["ui"]["action"]) == ("passed_challenge", f"{UI}/x")
    assert address(doors, ada)["verified"] is True


def test_W4_the_address_is_asked_for_by_the_browser_of_the_flow_only(doors: Doors, visitor: Visitor) -> None:
    flow = Visitor(doors).begin("verification")
    visitor.begin()
    fields = {"method": "code", "email": ADA}
    assert visitor.error(visitor.submit(flow, fields))["id"] == "security_csrf_violation"
    assert visitor.post(flow, fields).status == 403
    assert visitor.fetch("GET", f"/self-service/verification/flows?id={flow['id']}").status == 403


@pytest.mark.parametrize("known", [True, False])
def test_the_link_of_a_code_fills_in_the_form_in_any_browser(
    doors: Doors, ada: str, visitor: Visitor, known: bool
) -> None:
    """4.3: it does not verify."""
    if known:
        visitor.begin()
    flow = begun(doors)
    given = letter(doors)
    shown = visitor.flow(visitor.visit(given["link"]))
    filled = {n["attributes"]["name"]: n["attributes"].get("value") for n in shown["ui"]["nodes"]}
    assert (shown["id"], shown["state"], filled["code"]) == (flow["id"], "sent_email", given["code"])
    assert address(doors, ada)["verified"] is False
    done = visitor.flow(visitor.submit(shown, {"method": "code", "code": filled["code"]}))
    assert done["state"] == "passed_challenge"
    assert address(doors, ada)["verified"] is True
    doors.clock.advance(MINUTE)
    assert visitor.fetch("GET", f"/self-service/verification/flows?id={begun(doors)['id']}").status == 403


def test_a_wrong_code_in_another_browser_is_said_there(doors: Doors, ada: str, visitor: Visitor) -> None:
    begun(doors)
    given = letter(doors)
    link = given["link"].replace(f"code={given['code']}", "code=000x")
    shown = visitor.flow(visitor.visit(link))
    again = visitor.flow(visitor.submit(shown, {"method": "code", "code": "000x"}))
    assert numbers(again) == [4070006]
    assert visitor.flow(visitor.submit(again, {"method": "code", "code": given["code"]}))["state"] == "passed_challenge"


def test_what_is_lent_to_a_browser_is_for_one_flow_and_bounded(doors: Doors, ada: str, visitor: Visitor) -> None:
    flow, other = begun(doors), begun(doors)
    visitor.visit(f"/self-service/verification?flow={flow['id']}&code={'9' * 5000}")
    [cookie] = [line for line in visitor.set if "_lent=" in line]
    assert len(cookie) < 300
    assert "HttpOnly" in cookie
    assert "; Secure" in cookie
    assert visitor.fetch("GET", f"/self-service/verification/flows?id={flow['id']}").status == 200
    assert visitor.fetch("GET", f"/self-service/verification/flows?id={other['id']}").status == 403
    visitor.jar = {name: value[:-1] for name, value in visitor.jar.items()}
    assert visitor.fetch("GET", f"/self-service/verification/flows?id={flow['id']}").status == 403


# Links


@pytest.mark.parametrize("from_app", [True, False])
def test_a_link_shows_a_page_whose_button_verifies(doors: Doors, ada: str, visitor: Visitor, from_app: bool) -> None:
    flow = asked(doors, method="link") if from_app else begun(doors, "link", f"?return_to={UI}/x")
    assert numbers(flow) == [1080001]
    page = visitor.visit(letter(doors)["link"])
    assert page.status == 200
    assert address(doors, ada)["verified"] is False
    done = visitor.flow(press(visitor, page))
    assert (done["state"], numbers(done)) == ("passed_challenge", [1080002])
    assert address(doors, ada)["verified"] is True
    assert numbers(visitor.flow(press(visitor, page))) == [4070002]


def test_a_link_that_is_wrong_leads_to_a_new_flow(doors: Doors, ada: str, visitor: Visitor) -> None:
    begun(doors, "link")
    page = visitor.visit(letter(doors)["link"] + "x")
    new = visitor.flow(press(visitor, page))
    assert (numbers(new), new["state"]) == ([4070001], "choose_method")
    assert visitor.flow(visitor.submit(new, {"method": "code", "email": ADA}))["state"] == "sent_email"


def test_an_app_gives_back_the_token_of_a_link(doors: Doors, ada: str) -> None:
    flow = asked(doors, method="link")
    token = letter(doors)["link"].partition("token=")[2]
    wrong = doors.public("POST", f"{SUBMIT}{flow['id']}&token={token}x", {"method": "link"})
    assert numbers(wrong.ok()) == [4070001]
    done = doors.public("POST", f"{SUBMIT}{flow['id']}&token={token}", {"method": "link"}).ok()
    assert done["state"] == "passed_challenge"


# What was tried too often, and who is shown what


def test_P13_the_sixth_try_ends_the_flow_and_leads_an_app_to_a_new_one(doors: Doors, ada: str) -> None:
    """4.3: flow replaced."""
    flow, code = asked(doors), letter(doors)["code"]
    for _ in range(5):
        assert numbers(confirm(doors, flow, "x").ok()) == [4070006]
    for _ in range(2):
        reply = confirm(doors, flow, code)
        assert reply.refused(410)["id"] == "self_service_flow_replaced"
        new = doors.public("GET", f"/self-service/verification/flows?id={reply.json['use_flow_id']}").ok()
        assert new["state"] == "choose_method"
    assert address(doors, ada)["verified"] is False


def test_P13_the_sixth_try_leads_a_browser_to_a_new_flow_that_says_why(
    doors: Doors, ada: str, visitor: Visitor
) -> None:
    flow = visitor.flow(visitor.submit(visitor.begin("verification"), {"method": "code", "email": ADA}))
    for _ in range(5):
        assert numbers(visitor.flow(visitor.submit(flow, {"method": "code", "code": "x"}))) == [4070006]
    right = {"method": "code", "code": letter(doors)["code"]}
    for told in ([4000001], [4070002]):
        new = visitor.flow(visitor.submit(flow, right))
        assert (new["id"] == flow["id"], new["state"], numbers(new)) == (False, "choose_method", told)


@pytest.mark.parametrize("sent", [{"method": "code", "code": "x"}, {"method": "link", "token": "x"}])
def test_W4_the_flow_of_a_browser_is_not_shown_to_who_sends_a_wrong_secret_without_its_cookie(
    doors: Doors, ada: str, visitor: Visitor, sent: dict[str, str]
) -> None:
    flow = begun(doors)
    for reply in (doors.public("POST", SUBMIT + flow["id"], sent), visitor.post(flow, sent)):
        assert reply.refused(403)["id"] == "security_csrf_violation"
        assert ADA.encode() not in reply.body
    right = doors.public("POST", SUBMIT + flow["id"], {"method": "code", "code": letter(doors)["code"]})
    assert right.ok()["state"] == "passed_challenge"


def test_W4_who_has_a_link_that_anybody_could_make_is_shown_no_address(
    doors: Doors, ada: str, visitor: Visitor
) -> None:
    for kind in (begun(doors)["id"], Visitor(doors).begin("verification")["id"]):
        shown = visitor.flow(visitor.visit(f"/self-service/verification?flow={kind}&code=1"))
        assert "code email submit" not in names(shown)
        assert ADA not in str(shown)
