"""Recovery and verification through FrontendApi, with codes that come by mail from a server over real SMTP."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.sdk.bodies import PASSWORD, model, new_email
from tests.sdk.client import Answer, Kratos
from tests.sdk.test_kratos_browser import Jar, token
from tests.sdk.test_kratos_frontend import log_in, register, settle
from tests.senders.mail_server import MailServer, by_smtp, code_sent
from tests.serving import Server

NEW = "Harp*dune-lantern 38"


@pytest.fixture(scope="module")
def server(mail: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("mailing")
    throttling = {"floor": "0s", "proofs_per_minute": 1000, "flows_per_minute": 5000}
    settings = by_smtp(mail) | {"nightlatch": {"throttling": throttling}}
    with Server(folder, f"sqlite://{folder}/nightlatch.sqlite", settings=settings) as running:
        yield running


def update(frontend: Kratos, act: str, flow: str, jar: Jar | None = None, **fields: Any) -> Answer:
    kind = f"Update{act.capitalize()}Flow"
    body = model(f"{kind}Body", of=model(f"{kind}WithCodeMethod", method="code", **fields))
    arguments = {"flow": flow, f"update_{act}_flow_body": body}
    call = f"update_{act}_flow"
    return frontend(call, **arguments) if jar is None else jar(frontend, call, **arguments)


def test_a_person_recovers_by_mail_and_sets_a_new_password(
    frontend: Kratos, mail: MailServer, anna: dict[str, Any]
) -> None:
    email = anna["traits"]["email"]
    flow = frontend("create_native_recovery_flow").ok(200)
    assert flow["state"] == "choose_method"
    sent = update(frontend, "recovery", flow["id"], email=email).ok(200)
    assert (sent["state"], frontend("get_recovery_flow", id=flow["id"]).ok(200)["state"]) == ("sent_email",) * 2
    code = code_sent(mail, email)
    wrong = update(frontend, "recovery", flow["id"], code="000000" if code != "000000" else "000001").ok(200)
    assert [message["id"] for message in wrong["ui"]["messages"]] == [4060006]
    done = update(frontend, "recovery", flow["id"], code=code).ok(200)
    follows = {each["action"]: each for each in done["continue_with"]}
    mine, settings = follows["set_ory_session_token"]["ory_session_token"], follows["show_settings_ui"]["flow"]["id"]
    saved = settle(frontend, settings, "UpdateSettingsFlowWithPasswordMethod", mine, method="password", password=NEW)
    assert saved.ok(200)["state"] == "success"
    log_in(frontend, email, NEW).ok(200)


def test_an_address_that_nobody_has_is_answered_alike(frontend: Kratos, anna: dict[str, Any]) -> None:
    answers = []
    for email in (anna["traits"]["email"], new_email()):
        flow = frontend("create_native_recovery_flow").ok(200)
        sent = update(frontend, "recovery", flow["id"], email=email).ok(200)
        answers.append((sent["state"], sent["ui"]["messages"], len(sent["ui"]["nodes"])))
    assert answers[0] == answers[1]


@pytest.mark.needs("verification=code")
def test_a_person_who_registers_verifies_the_address_by_mail(frontend: Kratos, mail: MailServer) -> None:
    email = new_email()
    registered = register(frontend, {"email": email}, PASSWORD).ok(200)
    assert registered["identity"]["verifiable_addresses"][0]["verified"] is False
    of_registration = code_sent(mail, email)
    flow = frontend("create_native_verification_flow").ok(200)
    assert update(frontend, "verification", flow["id"], email=email).ok(200)["state"] == "sent_email"
    code = code_sent(mail, email, 2)
    wrong = update(frontend, "verification", flow["id"], code=of_registration).ok(200)
    assert of_registration == code or wrong["state"] == "sent_email"
    done = update(frontend, "verification", flow["id"], code=code).ok(200)
    assert done["state"] == "passed_challenge"
    assert frontend("get_verification_flow", id=flow["id"]).ok(200)["state"] == "passed_challenge"
    mine = frontend("to_session", x_session_token=registered["session_token"]).ok(200)
    assert mine["identity"]["verifiable_addresses"][0]["verified"] is True


@pytest.mark.needs("two cookies")
def test_a_person_recovers_by_mail_with_cookies(frontend: Kratos, mail: MailServer, anna: dict[str, Any]) -> None:
    jar, email = Jar(), anna["traits"]["email"]
    flow = jar(frontend, "create_browser_recovery_flow").ok(200)
    sent = update(frontend, "recovery", flow["id"], jar, email=email, csrf_token=token(flow)).ok(200)
    code = code_sent(mail, email)
    done = update(frontend, "recovery", flow["id"], jar, code=code, csrf_token=token(sent)).ok(200)
    assert [each["action"] for each in done["continue_with"]] == ["show_settings_ui"]
    assert jar(frontend, "to_session").ok(200)["identity"]["id"] == anna["id"]
