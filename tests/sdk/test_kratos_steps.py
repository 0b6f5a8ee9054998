"""What takes several steps, through FrontendApi: signing in again, signing up in two steps, an address by cookies."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.sdk.bodies import PASSWORD, model, new_email
from tests.sdk.client import Answer, Kratos
from tests.sdk.test_kratos_browser import Jar, token
from tests.sdk.test_kratos_frontend import log_in, messages
from tests.sdk.test_kratos_mail import update
from tests.senders.mail_server import MailServer, by_smtp, code_sent
from tests.serving import Server


@pytest.fixture(scope="module")
def server(mail: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("steps")
    with Server(folder, f"sqlite://{folder}/nightlatch.sqlite", settings=by_smtp(mail)) as running:
        yield running


def sign_up(frontend: Kratos, flow: str, kind: str, **fields: Any) -> Answer:
    body = model("UpdateRegistrationFlowBody", of=model(f"UpdateRegistrationFlowWith{kind}Method", **fields))
    return frontend("update_registration_flow", flow=flow, update_registration_flow_body=body)


def test_who_signs_in_again_keeps_the_session_and_the_token(frontend: Kratos, anna: dict[str, Any]) -> None:
    email = anna["traits"]["email"]
    first = log_in(frontend, email, PASSWORD).ok(200)
    mine = first["session_token"]
    flow = frontend("create_native_login_flow", refresh=True, x_session_token=mine).ok(200)
    assert (flow["refresh"], [message["id"] for message in flow["ui"]["messages"]]) == (True, [1010003])
    known = {"method": "password", "identifier": email, "password": PASSWORD}
    body = model("UpdateLoginFlowBody", of=model("UpdateLoginFlowWithPasswordMethod", **known))
    again = frontend("update_login_flow", flow=flow["id"], update_login_flow_body=body, x_session_token=mine).ok(200)
    assert (again["session"]["id"], again["session_token"]) == (first["session"]["id"], mine)
    refused = log_in(frontend, email, PASSWORD, x_session_token=mine)
    assert messages(refused) == [4000001]


@pytest.mark.needs("method=profile")
def test_a_person_signs_up_in_two_steps_and_back(frontend: Kratos) -> None:
    traits = {"email": new_email()}
    flow = frontend("create_native_registration_flow").ok(200)["id"]
    assert messages(sign_up(frontend, flow, "Profile", method="profile", traits={"email": "x"})) == [4000040]
    assert messages(sign_up(frontend, flow, "Profile", method="profile", traits=traits)) == [1040009]
    back = sign_up(frontend, flow, "Profile", method="profile", traits=traits, screen="previous")
    assert messages(back) == []
    done = sign_up(frontend, flow, "Password", method="password", traits=traits, password=PASSWORD).ok(200)
    assert done["identity"]["traits"] == traits
    assert done["continue_with"][-1]["action"] == "set_ory_session_token"


@pytest.mark.needs("two cookies", "verification=code")
def test_an_address_is_verified_with_cookies(frontend: Kratos, mail: MailServer, anna: dict[str, Any]) -> None:
    jar, email = Jar(), anna["traits"]["email"]
    flow = jar(frontend, "create_browser_verification_flow").ok(200)
    sent = update(frontend, "verification", flow["id"], jar, email=email, csrf_token=token(flow)).ok(200)
    code = code_sent(mail, email)
    done = update(frontend, "verification", flow["id"], jar, code=code, csrf_token=token(sent)).ok(200)
    assert (done["state"], done["ui"]["messages"][0]["id"]) == ("passed_challenge", 1080002)
    shown = jar(frontend, "get_verification_flow", id=flow["id"]).ok(200)
    [link] = [node["attributes"] for node in shown["ui"]["nodes"] if node["type"] == "a"]
    assert link["href"] == shown["ui"]["action"]
    assert update(frontend, "verification", flow["id"], jar, code=code, csrf_token=token(sent)).refused(410)


def test_the_page_of_errors_is_told_what_went_wrong(frontend: Kratos) -> None:
    assert frontend("get_flow_error", id="stub:500").ok(200)["error"]["code"] == 500
    frontend("get_flow_error", id="none").refused(404)
