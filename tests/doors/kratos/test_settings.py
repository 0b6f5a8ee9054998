"""Settings as an app does them (contract: public 3.2, 3.5, 4.2, 5.1, 5.2, 5.8; message ids of part 7)."""

from typing import Any
from urllib.parse import quote

import pytest
from tests.doors.kratos.in_process import PASSWORD, PUBLIC_URL, UNKNOWN, Doors, Reply, flows

from nightlatch.kernel.clock import HOUR, MINUTE

API, FLOWS, SUBMIT = "/self-service/settings/api", "/self-service/settings/flows", "/self-service/settings"
NEW = "Harp*dune-lantern 38"
EMAIL = {"email": "ada@example.org"}
SAVED, RECOVERED = 1050001, 1060001
INVALID, MISSING, TAKEN, SHORT, SIMILAR, KNOWN, SAME, NO_STRATEGY = (
    4000040, 4000002, 4000007, 4000032, 4000031, 4000034, 4000039, 4010004,
)  # fmt: skip


@pytest.fixture
def token(doors: Doors) -> str:
    doors.person("ada", metadata_admin={"secret": 1})
    return str(doors.sign_in()["session_token"])


def begin(doors: Doors, token: str, query: str = "") -> str:
    return str(doors.public("GET", API + query, token=token).ok()["id"])


def submit(doors: Doors, token: str, flow: str | None = None, **fields: Any) -> Reply:
    return doors.public("POST", f"{SUBMIT}?flow={flow or begin(doors, token)}", fields, token=token)


def password(doors: Doors, token: str, new: str = NEW, flow: str | None = None) -> Reply:
    return submit(doors, token, flow, method="password", password=new)


def messages(shown: dict[str, Any]) -> dict[str, list[int]]:
    ui = shown["ui"]
    found = {node["attributes"]["name"]: [m["id"] for m in node["messages"]] for node in ui["nodes"]}
    found[""] = [m["id"] for m in ui.get("messages", [])]
    return {name: numbers for name, numbers in found.items() if numbers}


def test_a_settings_flow_is_as_the_contract_draws_it(doors: Doors, token: str) -> None:
    """Golden: 3.2 and 0.9."""
    shown = doors.public("GET", f"{API}?return_to=https://ui.example.org/x", token=token).ok()
    assert set(shown) == {
        "id", "type", "expires_at", "issued_at", "request_url", "state", "ui", "organization_id", "identity", "return_to",
    }  # fmt: skip
    assert (shown["type"], shown["state"], shown["organization_id"]) == ("api", "show_form", None)
    assert shown["ui"]["action"] == f"{PUBLIC_URL}self-service/settings?flow={shown['id']}"
    nodes = [(n["group"], n["attributes"]["name"], n["attributes"]["type"], n["attributes"].get("value")) for n in shown["ui"]["nodes"]]  # fmt: skip
    assert nodes[:2] == [
        ("default", "csrf_token", "hidden", ""), ("profile", "traits.email", "email", "ada@example.org"),
    ]  # fmt: skip
    assert nodes[-3:] == [
        ("profile", "method", "submit", "profile"), ("password", "password", "password", None),
        ("password", "method", "submit", "password"),
    ]  # fmt: skip
    assert shown["ui"]["nodes"][-1]["meta"]["label"]["id"] == 1070003
    whoami = doors.public("GET", "/sessions/whoami", token=token).ok()
    assert shown["identity"] == whoami["identity"]
    assert not {"credentials", "metadata_admin"} & shown["identity"].keys()
    assert doors.public("GET", f"{FLOWS}?id={shown['id']}", token=token).ok() == shown


def test_a_new_password_is_answered_as_the_contract_draws_it(doors: Doors, token: str) -> None:
    """Golden: 3.5, success."""
    other = str(doors.sign_in()["session_token"])
    done = password(doors, token).ok()
    assert (done["state"], done["active"], messages(done)) == ("success", "password", {"": [SAVED]})
    assert done["ui"]["messages"][0]["type"] == "success"
    assert b"Harp" not in password(doors, token, flow=done["id"]).body
    doors.public("GET", "/sessions/whoami", token=token).ok()
    doors.public("GET", "/sessions/whoami", token=other).refused(401)
    doors.sign_in(password=NEW)
    assert doors.try_sign_in("ada@example.org", PASSWORD).status == 400


def test_traits_are_replaced_whole_and_what_follows_from_them_is_new(doors: Doors, token: str) -> None:
    """5.8."""
    named = submit(doors, token, method="profile", traits=EMAIL | {"name": {"first": "Ada"}}).ok()
    assert named["identity"]["traits"] == EMAIL | {"name": {"first": "Ada"}}
    assert "Ada" in [node["attributes"].get("value") for node in named["ui"]["nodes"]]
    done = submit(doors, token, named["id"], **{"method": "profile", "traits.email": "ada@example.com"}).ok()
    assert done["identity"]["traits"] == {"email": "ada@example.com"}
    [address] = done["identity"]["verifiable_addresses"]
    assert (address["value"], address["status"]) == ("ada@example.com", "pending")
    assert doors.try_sign_in("ada@example.com", PASSWORD).status == 200


REFUSED: list[tuple[dict[str, Any], dict[str, list[int]]]] = [
    ({"method": "password"}, {"password": [MISSING]}),
    ({"method": "password", "password": 7}, {"password": [MISSING]}),
    ({"method": "password", "password": "short"}, {"password": [SHORT]}),
    ({"method": "password", "password": "ada@example.org"}, {"password": [SIMILAR]}),
    ({"method": "password", "password": "Password123!"}, {"password": [KNOWN]}),
    ({"method": "password", "password": PASSWORD}, {"password": [SAME]}),
    ({"method": "profile", "traits": {"email": "x"}}, {"traits.email": [INVALID]}),
    ({"method": "profile", "traits": {"email": "bob@example.org"}}, {"": [TAKEN]}),
    ({"method": "shoe"}, {"": [NO_STRATEGY]}),
    ({}, {"": [NO_STRATEGY]}),
]


@pytest.mark.parametrize(("fields", "expected"), REFUSED)
def test_what_a_person_can_mend_is_the_flow_again(
    doors: Doors, token: str, fields: dict[str, Any], expected: dict[str, list[int]]
) -> None:
    """0.4."""
    doors.person("bob")
    reply = submit(doors, token, **fields)
    assert reply.status == 400
    assert (reply.json["state"], messages(reply.json)) == ("show_form", expected)
    assert PASSWORD not in reply.body.decode()
    assert reply.json["identity"]["traits"] == EMAIL


def test_S8_a_sensitive_change_in_an_old_session_is_403_and_says_where_to_prove_oneself(
    doors: Doors, token: str
) -> None:
    """3.5, and 0.2: redirect_browser_to beside the error."""
    doors.clock.advance(15 * MINUTE)
    flow = begin(doors, token)
    reply = password(doors, token, flow=flow)
    assert reply.refused(403)["id"] == "session_refresh_required"
    back = quote(f"{PUBLIC_URL}self-service/settings?flow={flow}", safe="")
    assert reply.json["redirect_browser_to"] == f"{PUBLIC_URL}self-service/login/browser?refresh=true&return_to={back}"
    assert reply.headers["ory-error-id"] == "session_refresh_required"
    submit(doors, token, flow, method="profile", traits={"email": "ada@example.com"}).refused(403)
    assert submit(doors, token, flow, method="profile", traits=EMAIL).ok()["state"] == "success"
    again = doors.public("GET", "/self-service/login/api?refresh=true", token=token).ok()["id"]
    body = {"method": "password", "identifier": "ada@example.org", "password": PASSWORD}
    doors.public("POST", f"/self-service/login?flow={again}", body, token=token).ok()
    assert password(doors, token, flow=flow).ok()["state"] == "success"


def test_without_a_session_there_are_no_settings(doors: Doors, token: str) -> None:
    """3.5."""
    flow = begin(doors, token)
    assert doors.public("GET", API).refused(401)["id"] == "session_inactive"
    for method, target in (("GET", f"{FLOWS}?id={flow}"), ("POST", f"{SUBMIT}?flow={flow}")):
        for none in (None, "ory_st_" + "x" * 32):
            assert "id" not in doors.public(method, target, {"method": "profile"}, token=none).refused(401)


def test_P14_a_flow_of_another_identity_is_403(doors: Doors, token: str) -> None:
    """3.5."""
    doors.person("bob")
    bob = str(doors.sign_in("bob")["session_token"])
    flow = begin(doors, token)
    for method, target in (("GET", f"{FLOWS}?id={flow}"), ("POST", f"{SUBMIT}?flow={flow}")):
        error = doors.public(method, target, {"method": "password", "password": NEW}, token=bob).refused(403)
        assert error["id"] == "security_identity_mismatch"
    doors.public("GET", f"{FLOWS}?id={UNKNOWN}", token=token).refused(404)
    doors.public("GET", f"{FLOWS}?id=x", token=token).refused(400)


def test_a_flow_that_is_over_gives_way_to_a_new_one(doors: Doors, token: str) -> None:
    """0.4."""
    flow = begin(doors, token, "?return_to=https://ui.example.org/x")
    doors.clock.advance(HOUR)
    reply = submit(doors, token, flow, method="profile", traits=EMAIL)
    assert reply.refused(410)["id"] == "self_service_flow_expired"
    doors.public("GET", f"{FLOWS}?id={flow}", token=token).refused(410)
    new = doors.public("GET", f"{FLOWS}?id={reply.json['use_flow_id']}", token=token).ok()
    assert (new["state"], new["return_to"]) == ("show_form", "https://ui.example.org/x")
    assert submit(doors, token, new["id"], method="profile", traits=EMAIL).ok()["state"] == "success"


def test_S9_with_a_second_factor_unused_there_are_no_settings(doors: Doors) -> None:
    """3.5, required_aal."""
    totp = {"config": {"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"}}
    doors.person("ada", credentials={"password": {"config": {"password": PASSWORD}}, "totp": totp})
    token = str(doors.sign_in()["session_token"])
    reply = doors.public("GET", f"{API}?return_to=https://ui.example.org/x", token=token)
    assert reply.refused(403)["id"] == "session_aal2_required"
    asked = quote(f"{PUBLIC_URL}self-service/settings/api?return_to=https://ui.example.org/x", safe="")
    assert reply.json["redirect_browser_to"] == f"{PUBLIC_URL}self-service/login/browser?aal=aal2&return_to={asked}"
    doors.public("POST", f"{SUBMIT}?flow={UNKNOWN}", {"method": "password", "password": NEW}, token=token).refused(403)
    doors.listen(flows=flows(settings_highest_aal=False))
    assert password(doors, token).ok()["state"] == "success"


def test_a_browsers_request_and_a_bad_return_to_are_refused(doors: Doors, token: str) -> None:
    flow = begin(doors, token)
    for header in ({"origin": "https://evil.example"}, {"cookie": "a=b"}):
        reply = doors.public("POST", f"{SUBMIT}?flow={flow}", {"method": "profile"}, token=token, headers=header)
        reply.refused(400)
    error = doors.public("GET", f"{API}?return_to=https://evil.example/", token=token).refused(400)
    assert error["id"] == "self_service_flow_return_to_forbidden"


def test_passwords_that_are_switched_off_are_not_asked_for(doors: Doors, token: str) -> None:
    doors.listen(flows=flows(password_enabled=False))
    shown = doors.public("GET", API, token=token).ok()
    assert "password" not in {node["group"] for node in shown["ui"]["nodes"]}
    password(doors, token).refused(404)


def test_a_recovery_code_is_redeemed_to_a_new_password_and_the_earlier_sessions_are_over(doors: Doors) -> None:
    """4.2, to its end."""
    ada = doors.person("ada")["id"]
    old = str(doors.sign_in()["session_token"])
    made = doors.admin("POST", "/admin/recovery/code", {"identity_id": ada, "flow_type": "api"}).ok(201)
    flow = made["recovery_link"].partition("flow=")[2]
    doors.clock.advance(30 * MINUTE)
    code = {"method": "code", "code": made["recovery_code"]}
    token, settings = doors.public("POST", f"/self-service/recovery?flow={flow}", code).ok()["continue_with"]
    token, flow = token["ory_session_token"], settings["flow"]["id"]
    shown = doors.public("GET", f"{FLOWS}?id={flow}", token=token).ok()
    assert messages(shown) == {"": [RECOVERED]}
    assert shown["ui"]["messages"][0]["context"] == {
        "privileged_session_expires_at": "2023-11-14T22:58:20Z",
        "privileged_session_expires_at_unix": 1_700_002_700,
    }
    assert messages(password(doors, token, "short", flow).json) == {"": [RECOVERED], "password": [SHORT]}
    assert messages(password(doors, token, NEW, flow).ok()) == {"": [SAVED]}
    doors.public("GET", "/sessions/whoami", token=old).refused(401)
    doors.public("GET", "/sessions/whoami", token=token).ok()
    doors.sign_in(password=NEW)
