"""Verification that follows another act (contract: public 3.3, 3.4, 3.5, 3.7, 4.3, 6): signing up and in, and settings."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.doors.kratos.in_process import PASSWORD, Doors, Reply, flows
from tests.doors.kratos.test_recovery_by_mail import letter
from tests.doors.kratos.visitor import UI, Visitor, numbers

from nightlatch.core.means import Verifying
from nightlatch.kernel.clock import HOUR, MINUTE

EVE = "eve@example.org"
SIGN_UP = {"method": "password", "traits": {"email": EVE}, "password": PASSWORD}
FORM = {"method": "password", "traits.email": EVE, "password": PASSWORD}
SIGN_IN = {"method": "password", "identifier": EVE, "password": PASSWORD}
SHOWN = frozenset({"registration", "settings"})


@pytest.fixture
def verifying(doors: Doors) -> Iterator[Doors]:
    """Doors that verify new addresses and lead on to it."""
    listen(doors)
    return doors


def listen(doors: Doors, *, required: bool = False, **changes: Any) -> None:
    methods = frozenset({"password"} if required else ())
    post = replace(doors.parts.post, verifying=Verifying("code", HOUR, methods))
    doors.listen(post=post, flows=flows(**{"shows_verification": SHOWN} | changes))


def signed_up(doors: Doors, query: str = "") -> dict[str, Any]:
    flow = doors.public("GET", f"/self-service/registration/api{query}").ok()
    return dict(doors.public("POST", f"/self-service/registration?flow={flow['id']}", SIGN_UP).ok())


def status(doors: Doors, identity: str) -> str:
    [address] = doors.admin("GET", f"/admin/identities/{identity}").ok()["verifiable_addresses"]
    return str(address["status"])


def verify(doors: Doors, flow: str) -> Reply:
    body = {"method": "code", "code": letter(doors)["code"]}
    return doors.public("POST", f"/self-service/verification?flow={flow}", body)


# Signing up


@pytest.mark.parametrize("shown", [True, False])
def test_who_signs_up_in_an_app_is_sent_a_code(verifying: Doors, shown: bool) -> None:
    if not shown:
        listen(verifying, shows_verification=frozenset())
    done = signed_up(verifying, f"?after_verification_return_to={UI}/welcome&return_to={UI}/x")
    actions = [each["action"] for each in done["continue_with"]]
    assert actions == [*(["show_verification_ui"] if shown else []), "set_ory_session_token"]
    assert done["identity"]["verifiable_addresses"][0]["status"] == "sent"
    assert status(verifying, done["identity"]["id"]) == "sent"
    if shown:
        item = done["continue_with"][0]["flow"]
        assert item == {"id": item["id"], "verifiable_address": EVE}
        waiting = verifying.public("GET", f"/self-service/verification/flows?id={item['id']}").ok()
        assert (waiting["type"], waiting["state"], waiting["return_to"]) == ("api", "sent_email", f"{UI}/welcome")
        assert verify(verifying, item["id"]).ok()["ui"]["action"] == f"{UI}/welcome"
        assert status(verifying, done["identity"]["id"]) == "completed"


@pytest.mark.parametrize("session", [True, False])
@pytest.mark.parametrize("script", [True, False])
def test_who_signs_up_in_a_browser_is_led_to_the_verification(verifying: Doors, script: bool, session: bool) -> None:
    listen(verifying, signing_in=frozenset({"password"} if session else ()))
    visitor = Visitor(verifying)
    begun = visitor.begin("registration", f"?return_to={UI}/x")
    if script:
        done = visitor.post(begun, SIGN_UP).ok()
        item, onward = done["continue_with"]
        assert onward == {"action": "redirect_browser_to", "redirect_browser_to": f"{UI}/x"}
        assert item["flow"]["url"] == f"{UI}/verification?flow={item['flow']['id']}"
        flow = visitor.fetch("GET", f"/self-service/verification/flows?id={item['flow']['id']}").ok()
    else:
        flow = visitor.flow(visitor.submit(begun, FORM))
    assert (flow["state"], flow["type"], numbers(flow)) == ("sent_email", "browser", [1080003])
    assert visitor.whoami().status == (200 if session else 401)
    assert Visitor(verifying).fetch("GET", f"/self-service/verification/flows?id={flow['id']}").status == 403
    done = visitor.flow(visitor.submit(flow, {"method": "code", "code": letter(verifying)["code"]}))
    assert (done["state"], done["ui"]["action"]) == ("passed_challenge", f"{UI}/after-verification")


def test_a_place_after_the_verification_that_is_not_allowed_is_refused_at_the_beginning(verifying: Doors) -> None:
    query = "?after_verification_return_to=https://evil.example/"
    error = verifying.public("GET", f"/self-service/registration/api{query}").refused(400)
    assert error["id"] == "self_service_flow_return_to_forbidden"


def test_without_verification_nobody_is_sent_anything(doors: Doors) -> None:
    done = signed_up(doors)
    assert letter(doors) == {}
    assert [each["action"] for each in done["continue_with"]] == ["set_ory_session_token"]


# Settings


def saved(doors: Doors, token: str, traits: dict[str, Any]) -> dict[str, Any]:
    flow = doors.public("GET", "/self-service/settings/api", token=token).ok()["id"]
    body = {"method": "profile", "traits": traits}
    return dict(doors.public("POST", f"/self-service/settings?flow={flow}", body, token=token).ok())


def test_a_new_address_is_sent_a_code_and_a_plain_trait_is_not(verifying: Doors) -> None:
    verifying.person("ada")
    token = verifying.sign_in()["session_token"]
    plain = saved(verifying, token, {"email": "ada@example.org", "name": {"first": "Ada"}})
    assert "continue_with" not in plain
    assert letter(verifying) == {}
    done = saved(verifying, token, {"email": "new@example.org"})
    [item] = done["continue_with"]
    assert (item["action"], item["flow"]["verifiable_address"]) == ("show_verification_ui", "new@example.org")
    assert done["identity"]["verifiable_addresses"][0]["status"] == "sent"
    assert verify(verifying, item["flow"]["id"]).ok()["state"] == "passed_challenge"
    assert status(verifying, done["identity"]["id"]) == "completed"


@pytest.mark.parametrize("script", [True, False])
def test_a_browser_is_led_from_settings_to_the_verification(verifying: Doors, script: bool) -> None:
    verifying.person("ada")
    visitor = Visitor(verifying)
    visitor.sign_in()
    flow = visitor.begin("settings")
    if script:
        reply = visitor.post(flow, {"method": "profile", "traits": {"email": "new@example.org"}}).ok()
        assert [each["action"] for each in reply["continue_with"]] == ["show_verification_ui", "redirect_browser_to"]
        waiting = visitor.fetch(
            "GET", f"/self-service/verification/flows?id={reply['continue_with'][0]['flow']['id']}"
        ).ok()
    else:
        waiting = visitor.flow(visitor.submit(flow, {"method": "profile", "traits.email": "new@example.org"}))
    assert (waiting["state"], numbers(waiting)) == ("sent_email", [1080003])


# Signing in


def test_where_a_verified_address_is_required_an_app_is_told_where_to_verify_one(doors: Doors) -> None:
    """6: require_verified_address."""
    signed_up(doors)
    listen(doors, required=True)
    error = doors.try_sign_in(EVE, PASSWORD).refused(403)
    assert error["id"] == "session_verified_address_required"
    [item] = error["details"]["continue_with"]
    assert (item["action"], item["flow"]["verifiable_address"]) == ("show_verification_ui", EVE)
    assert verify(doors, item["flow"]["id"]).ok()["state"] == "passed_challenge"
    doors.try_sign_in(EVE, PASSWORD).ok()


@pytest.mark.parametrize("script", [True, False])
def test_where_a_verified_address_is_required_a_browser_is_led_to_verify_one(doors: Doors, script: bool) -> None:
    signed_up(doors)
    listen(doors, required=True)
    visitor = Visitor(doors)
    begun = visitor.begin(query=f"?return_to={UI}/x")
    if script:
        error = visitor.post(begun, SIGN_IN).refused(403)
        url = error["details"]["continue_with"][0]["flow"]["url"]
        flow = visitor.fetch(
            "GET", f"/self-service/verification/flows?{url.partition('?')[2].replace('flow', 'id')}"
        ).ok()
    else:
        flow = visitor.flow(visitor.submit(begun, SIGN_IN))
    assert flow["state"] == "sent_email"
    assert visitor.whoami().status == 401
    done = visitor.flow(visitor.submit(flow, {"method": "code", "code": letter(doors)["code"]}))
    assert done["ui"]["action"] == f"{UI}/x"
    doors.clock.advance(MINUTE)
    assert visitor.submit(visitor.begin(), SIGN_IN).status == 303
    visitor.whoami().ok()


def test_P6_that_an_address_is_not_verified_is_told_with_the_right_password_only(doors: Doors) -> None:
    traits = {"email": EVE}
    doors.person("eve", traits=traits)
    listen(doors, required=True)
    assert numbers(doors.try_sign_in(EVE, "wrong").json) == [4000006]
    assert doors.try_sign_in(EVE, PASSWORD).status == 403


@pytest.mark.parametrize("script", [True, False])
def test_where_it_is_offered_after_a_sign_in_a_browser_is_led_to_verify_an_address(doors: Doors, script: bool) -> None:
    """6: show_verification_ui."""
    signed_up(doors)
    doors.listen(post=replace(doors.parts.post, verifying=Verifying("code", HOUR, offered=frozenset({"password"}))))
    visitor = Visitor(doors)
    begun = visitor.begin(query=f"?return_to={UI}/x")
    if script:
        item, onward = visitor.post(begun, SIGN_IN).ok()["continue_with"]
        assert onward == {"action": "redirect_browser_to", "redirect_browser_to": f"{UI}/x"}
        flow = visitor.fetch("GET", f"/self-service/verification/flows?id={item['flow']['id']}").ok()
    else:
        flow = visitor.flow(visitor.submit(begun, SIGN_IN))
    assert (flow["state"], numbers(flow)) == ("sent_email", [1080003])
    visitor.whoami().ok()
    done = visitor.flow(visitor.submit(flow, {"method": "code", "code": letter(doors)["code"]}))
    assert (done["state"], done["ui"]["action"]) == ("passed_challenge", f"{UI}/x")
    again = Visitor(doors)
    onwards = again.submit(again.begin(query=f"?return_to={UI}/x"), SIGN_IN)
    assert onwards.headers["location"] == f"{UI}/x"


def test_where_it_is_offered_after_a_sign_in_an_app_is_told_of_it_and_signed_in(doors: Doors) -> None:
    signed_up(doors)
    doors.listen(post=replace(doors.parts.post, verifying=Verifying("code", HOUR, offered=frozenset({"password"}))))
    done = doors.try_sign_in(EVE, PASSWORD).ok()
    [item] = done["continue_with"]
    assert (item["action"], item["flow"]["verifiable_address"]) == ("show_verification_ui", EVE)
    assert done["session_token"]
    assert verify(doors, item["flow"]["id"]).ok()["state"] == "passed_challenge"
    assert doors.try_sign_in(EVE, PASSWORD).ok()["continue_with"] is None
