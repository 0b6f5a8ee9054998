"""What a person's own application does, through FrontendApi: native flows, no browser."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.sdk.bodies import PASSWORD, Model, hashed, model, new_email
from tests.sdk.client import Answer, Kratos
from tests.sdk.conftest import Clients
from tests.sdk.releases import KRATOS_25
from tests.serving import Server

UNKNOWN = "8d3fbd3a-1f0b-4c8e-9d7e-0c1f7a5b6e42"
WRONG = 4000006
NO_HOOKS = {"selfservice": {"flows": {"registration": {"after": {"password": {"hooks": []}}}}}}


def log_in(frontend: Kratos, identifier: str, password: str, **arguments: Any) -> Answer:
    flow = frontend("create_native_login_flow").ok(200)
    by_password = {"method": "password", "identifier": identifier, "password": password}
    body = model("UpdateLoginFlowBody", of=model("UpdateLoginFlowWithPasswordMethod", **by_password))
    return frontend("update_login_flow", flow=flow["id"], update_login_flow_body=body, **arguments)


def register(frontend: Kratos, traits: dict[str, Any], password: str) -> Answer:
    flow = frontend("create_native_registration_flow").ok(200)
    by_password = {"method": "password", "traits": traits, "password": password}
    body = model("UpdateRegistrationFlowBody", of=model("UpdateRegistrationFlowWithPasswordMethod", **by_password))
    return frontend("update_registration_flow", flow=flow["id"], update_registration_flow_body=body)


def messages(answer: Answer) -> list[int]:
    """The numbers of all messages of a flow that was given back because of them."""
    assert answer.status == 400, answer
    ui = answer.body["ui"]
    return [message["id"] for place in (ui, *ui["nodes"]) for message in place.get("messages", [])]


@pytest.fixture
def token(frontend: Kratos, anna: dict[str, Any]) -> str:
    return str(log_in(frontend, anna["traits"]["email"], PASSWORD).ok(200)["session_token"])


@pytest.fixture
def tokens(frontend: Kratos, anna: dict[str, Any], token: str) -> list[str]:
    """Of three sign-ins of one person."""
    return [token, *(log_in(frontend, anna["traits"]["email"], PASSWORD).ok(200)["session_token"] for _ in range(2))]


def alive(frontend: Kratos, tokens: list[str]) -> list[bool]:
    return [frontend("to_session", x_session_token=token).status == 200 for token in tokens]


def session_id(frontend: Kratos, token: str) -> str:
    return str(frontend("to_session", x_session_token=token).ok(200)["id"])


# Login and to_session


def test_a_login_flow_tells_what_to_ask_for(frontend: Kratos, server: Server) -> None:
    flow = frontend("create_native_login_flow").ok(200)
    assert (flow["type"], flow["state"], flow["requested_aal"]) == ("api", "choose_method", "aal1")
    assert flow["ui"]["action"] == f"{server.public}/self-service/login?flow={flow['id']}"
    names = {node["attributes"]["name"] for node in flow["ui"]["nodes"]}
    assert {"identifier", "password", "method"} <= names
    assert frontend("get_login_flow", id=flow["id"]).ok(200)["id"] == flow["id"]


def test_a_person_signs_in_and_is_known_by_the_token(frontend: Kratos, anna: dict[str, Any]) -> None:
    done = log_in(frontend, anna["traits"]["email"].upper(), PASSWORD).ok(200)
    assert done["session_token"].startswith("ory_st_")
    session = frontend("to_session", x_session_token=done["session_token"]).ok(200)
    assert session["id"] == done["session"]["id"]
    assert session["active"] is True
    assert session["identity"]["traits"] == anna["traits"]
    assert session["authentication_methods"][0]["method"] == "password"
    assert "credentials" not in session["identity"]
    assert session["identity"].get("metadata_admin") is None


@pytest.mark.parametrize("token", ["ory_st_" + "a" * 32, "nonsense", None])
def test_S11_a_token_that_is_not_one_is_401(frontend: Kratos, token: str | None) -> None:
    frontend("to_session", **({"x_session_token": token} if token else {})).refused(401)


def test_S1_a_truncated_or_changed_token_is_401(frontend: Kratos, token: str) -> None:
    for other in (token[:-1], token + "a", token[:-1] + ("b" if token[-1] != "b" else "c"), token.lower() + "A"):
        frontend("to_session", x_session_token=other).refused(401)


def test_a_wrong_password_and_an_unknown_person_answer_alike(frontend: Kratos, anna: dict[str, Any]) -> None:
    wrong = log_in(frontend, anna["traits"]["email"], PASSWORD + "x")
    unknown = log_in(frontend, new_email(), PASSWORD)
    assert messages(wrong) == messages(unknown) == [WRONG]
    assert wrong.body.keys() == unknown.body.keys()
    assert PASSWORD not in str(wrong.body)


def test_a_flow_that_does_not_exist_is_404(frontend: Kratos) -> None:
    by_password = {"method": "password", "identifier": new_email(), "password": PASSWORD}
    body = model("UpdateLoginFlowBody", of=model("UpdateLoginFlowWithPasswordMethod", **by_password))
    frontend("update_login_flow", flow=UNKNOWN, update_login_flow_body=body).refused(404)
    frontend("get_login_flow", id=UNKNOWN).refused(404)


def test_who_is_signed_in_gets_no_second_flow(frontend: Kratos, token: str) -> None:
    error = frontend("create_native_login_flow", x_session_token=token).refused(400)
    assert error["id"] == "session_already_available"


# My sessions


def test_my_other_sessions_are_listed_without_the_present_one(frontend: Kratos, tokens: list[str]) -> None:
    others = frontend("list_my_sessions", x_session_token=tokens[0])
    assert [each["id"] for each in others.ok(200)] == [session_id(frontend, token) for token in (tokens[2], tokens[1])]
    assert others.headers["x-total-count"] == "2"
    frontend("list_my_sessions", x_session_token="nonsense").refused(401)


def test_S7_i_end_one_of_my_other_sessions(frontend: Kratos, tokens: list[str]) -> None:
    frontend("disable_my_session", id=session_id(frontend, tokens[1]), x_session_token=tokens[0]).ok(204)
    assert alive(frontend, tokens) == [True, False, True]


def test_i_end_the_present_session_only_by_logging_out(frontend: Kratos, tokens: list[str]) -> None:
    present = session_id(frontend, tokens[0])
    frontend("disable_my_session", id=present, x_session_token=tokens[0]).refused(400)
    assert alive(frontend, tokens) == [True, True, True]


def test_W3_i_cannot_end_the_session_of_another(frontend: Kratos, server: Server, tokens: list[str]) -> None:
    other = server.create({"email": new_email()}, password={"config": {"hashed_password": hashed()}})
    stranger = log_in(frontend, other["traits"]["email"], PASSWORD).ok(200)["session_token"]
    frontend("disable_my_session", id=session_id(frontend, tokens[1]), x_session_token=stranger).ok(204)
    assert alive(frontend, tokens) == [True, True, True]


def test_S7_i_end_all_my_other_sessions(frontend: Kratos, tokens: list[str]) -> None:
    assert frontend("disable_my_other_sessions", x_session_token=tokens[2]).ok(200) == {"count": 2}
    assert alive(frontend, tokens) == [False, False, True]
    assert frontend("disable_my_other_sessions", x_session_token=tokens[2]).ok(200) == {"count": 0}


def test_my_sessions_need_a_session(frontend: Kratos) -> None:
    frontend("list_my_sessions").refused(401)
    frontend("disable_my_session", id=UNKNOWN).refused(401)
    frontend("disable_my_other_sessions").refused(401)


# Logout


def log_out(frontend: Kratos, token: str) -> Answer:
    return frontend(
        "perform_native_logout", perform_native_logout_body=model("PerformNativeLogoutBody", session_token=token)
    )


def test_S7_logging_out_ends_the_present_session_at_once(frontend: Kratos, tokens: list[str]) -> None:
    assert alive(frontend, tokens) == [True, True, True]
    log_out(frontend, tokens[0]).ok(204)
    assert alive(frontend, tokens) == [False, True, True]


def test_logging_out_may_be_repeated_but_not_made_up(frontend: Kratos, token: str) -> None:
    log_out(frontend, token).ok(204)
    log_out(frontend, token).ok(204)
    log_out(frontend, "ory_st_" + "a" * 32).refused(403)


# Registration


def test_a_person_who_registers_is_signed_in(frontend: Kratos) -> None:
    email = new_email()
    done = register(frontend, {"email": email, "name": {"first": "Bo"}}, PASSWORD).ok(200)
    assert done["identity"]["traits"] == {"email": email, "name": {"first": "Bo"}}
    session = frontend("to_session", x_session_token=done["session_token"]).ok(200)
    assert session["id"] == done["session"]["id"]
    assert session["identity"]["id"] == done["identity"]["id"]
    assert log_in(frontend, email, PASSWORD).ok(200)["session"]["identity"]["id"] == done["identity"]["id"]


def test_without_the_session_hook_a_person_registers_and_then_signs_in(
    serve: Callable[..., Server], clients: Clients
) -> None:
    frontend, email = Kratos(clients(KRATOS_25), serve(settings=NO_HOOKS).public, None, api="FrontendApi"), new_email()
    done = register(frontend, {"email": email}, PASSWORD).ok(200)
    assert (done.get("session_token"), done.get("session")) == (None, None)
    assert log_in(frontend, email, PASSWORD).ok(200)["session"]["identity"]["id"] == done["identity"]["id"]


def test_an_email_is_registered_once(frontend: Kratos, anna: dict[str, Any]) -> None:
    assert messages(register(frontend, {"email": anna["traits"]["email"].upper()}, PASSWORD)) == [4000007]


@pytest.mark.parametrize(("password", "message"), [("Sh0rt,7", 4000032), (None, 4000031)])
def test_P3_a_password_that_the_policy_refuses_is_told_with_its_reason(
    frontend: Kratos, password: str | None, message: int
) -> None:
    email = new_email()
    refused = register(frontend, {"email": email}, password or email)
    assert messages(refused) == [message]
    [node] = [node for node in refused.body["ui"]["nodes"] if node["messages"]]
    assert node["attributes"]["name"] == "password"
    assert messages(log_in(frontend, email, password or email)) == [WRONG]


def test_W3_a_person_cannot_register_with_traits_that_the_schema_lacks(frontend: Kratos) -> None:
    email = new_email()
    assert register(frontend, {"email": email, "admin": True}, PASSWORD).status == 400
    assert messages(log_in(frontend, email, PASSWORD)) == [WRONG]


# Recovery with a code that an administrator made


@pytest.fixture
def administrator(frontend: Kratos, server: Server) -> Kratos:
    """The same client on the other port."""
    return Kratos(frontend.process, server.admin, server.key)


def recovery(kratos: Kratos, identity_id: str) -> tuple[str, str]:
    """The id of an API flow and its code."""
    body = model("CreateRecoveryCodeForIdentityBody", identity_id=identity_id, flow_type="api")
    made = kratos("create_recovery_code_for_identity", create_recovery_code_for_identity_body=body).ok(201)
    return parse_qs(urlsplit(made["recovery_link"]).query)["flow"][0], made["recovery_code"]


def redeem(frontend: Kratos, flow: str, code: str) -> Answer:
    body: Model = model(
        "UpdateRecoveryFlowBody", of=model("UpdateRecoveryFlowWithCodeMethod", method="code", code=code)
    )
    return frontend("update_recovery_flow", flow=flow, update_recovery_flow_body=body)


def recovered(answer: Answer) -> bool:
    return answer.status == 200 and answer.body["state"] == "passed_challenge"


def test_a_recovery_code_is_redeemed_to_a_session_and_a_settings_flow(
    frontend: Kratos, administrator: Kratos, anna: dict[str, Any]
) -> None:
    done = redeem(frontend, *recovery(administrator, anna["id"])).ok(200)
    assert done["state"] == "passed_challenge"
    follows = {each["action"]: each for each in done["continue_with"]}
    assert follows["show_settings_ui"]["flow"]["id"]
    session = frontend("to_session", x_session_token=follows["set_ory_session_token"]["ory_session_token"]).ok(200)
    assert session["identity"]["id"] == anna["id"]
    assert [method["method"] for method in session["authentication_methods"]] == ["code_recovery"]


def settle(frontend: Kratos, flow: str, kind: str, token: str, **fields: Any) -> Answer:
    body = model("UpdateSettingsFlowBody", of=model(kind, **fields))
    return frontend("update_settings_flow", flow=flow, update_settings_flow_body=body, x_session_token=token)


def test_S5_a_recovery_ends_in_a_new_password_and_the_earlier_sessions_are_over(
    frontend: Kratos, administrator: Kratos, anna: dict[str, Any], tokens: list[str]
) -> None:
    done = redeem(frontend, *recovery(administrator, anna["id"])).ok(200)
    follows = {each["action"]: each for each in done["continue_with"]}
    token, flow = follows["set_ory_session_token"]["ory_session_token"], follows["show_settings_ui"]["flow"]["id"]
    assert frontend("get_settings_flow", id=flow, x_session_token=token).ok(200)["state"] == "show_form"
    kind, new = "UpdateSettingsFlowWithPasswordMethod", "Harp*dune-lantern 38"
    saved = settle(frontend, flow, kind, token, method="password", password=new)
    assert saved.ok(200)["state"] == "success"
    assert alive(frontend, [*tokens, token]) == [False, False, False, True]
    assert messages(log_in(frontend, anna["traits"]["email"], PASSWORD)) == [WRONG]
    log_in(frontend, anna["traits"]["email"], new).ok(200)


def test_i_change_my_traits(frontend: Kratos, token: str, anna: dict[str, Any]) -> None:
    flow = frontend("create_native_settings_flow", x_session_token=token).ok(200)["id"]
    kind, traits = "UpdateSettingsFlowWithProfileMethod", anna["traits"] | {"name": {"first": "Anna"}}
    saved = settle(frontend, flow, kind, token, method="profile", traits=traits).ok(200)
    assert saved["identity"]["traits"] == traits
    assert frontend("to_session", x_session_token=token).ok(200)["identity"]["traits"] == traits


def test_a_recovery_code_is_redeemed_once(frontend: Kratos, administrator: Kratos, anna: dict[str, Any]) -> None:
    flow, code = recovery(administrator, anna["id"])
    assert recovered(redeem(frontend, flow, code))
    assert not recovered(redeem(frontend, flow, code))


def test_a_newer_recovery_code_voids_the_older(frontend: Kratos, administrator: Kratos, anna: dict[str, Any]) -> None:
    older, newer = recovery(administrator, anna["id"]), recovery(administrator, anna["id"])
    assert not recovered(redeem(frontend, *older))
    assert recovered(redeem(frontend, *newer))


def test_a_recovery_code_is_dead_after_five_wrong_ones(
    frontend: Kratos, administrator: Kratos, anna: dict[str, Any]
) -> None:
    flow, code = recovery(administrator, anna["id"])
    wrong = "000000" if code != "000000" else "000001"
    assert not any(recovered(redeem(frontend, flow, wrong)) for _ in range(5))
    assert not recovered(redeem(frontend, flow, code))


def test_a_recovery_code_works_in_its_own_flow_only(
    frontend: Kratos, administrator: Kratos, server: Server, anna: dict[str, Any]
) -> None:
    other = server.create({"email": new_email()})
    (flow, mine), (_, code) = recovery(administrator, anna["id"]), recovery(administrator, other["id"])
    assert mine == code or not recovered(redeem(frontend, flow, code))
