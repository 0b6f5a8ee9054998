"""Signing in and up by a one-time code, through FrontendApi and with the mail that a server really sent."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import DATABASES, database
from tests.sdk.bodies import model, new_email
from tests.sdk.client import Answer, Kratos
from tests.senders.mail_server import MailServer, soon
from tests.serving import SCHEMAS, Server

pytestmark = pytest.mark.needs("code")


@pytest.fixture(scope="module", params=DATABASES)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mail: MailServer
) -> Iterator[Server]:
    """One whose schema lets the e-mail address sign in by a code."""
    folder: Path = tmp_path_factory.mktemp("codes")
    document = json.loads(SCHEMAS["default"].read_bytes())
    marks = document["properties"]["traits"]["properties"]["email"]["ory.sh/kratos"]
    marks["credentials"]["code"] = {"identifier": True, "via": "email"}
    (folder / "schema.json").write_text(json.dumps(document))
    settings: dict[str, Any] = {
        "identity": {"schemas": [{"id": "default", "url": f"file://{folder}/schema.json"}]},
        "selfservice": {
            "methods": {"code": {"passwordless_enabled": True}},
            "flows": {"login": {"style": "identifier_first"}},
        },
        "courier": {"smtp": {"connection_uri": f"smtp://127.0.0.1:{mail.port}/?disable_starttls=true"}},
    }
    with database(request, folder) as dsn, Server(folder / "run", dsn, settings=settings) as running:
        yield running


def code_for(mail: MailServer, email: str) -> str:
    """The code of the letter to that address; there is one."""
    soon(lambda: any(letter["to"] == email for letter in mail.letters))
    [letter] = [letter for letter in mail.letters if letter["to"] == email]
    body = letter.get_body(("plain",))
    assert body is not None
    return re.findall(r"\b\d{6}\b", body.get_content())[0]


def sign_in(frontend: Kratos, flow: str, **fields: Any) -> Answer:
    by_code = model("UpdateLoginFlowWithCodeMethod", method="code", csrf_token="", **fields)
    return frontend("update_login_flow", flow=flow, update_login_flow_body=model("UpdateLoginFlowBody", of=by_code))


def sign_up(frontend: Kratos, flow: str, **fields: Any) -> Answer:
    by_code = model("UpdateRegistrationFlowWithCodeMethod", method="code", csrf_token="", **fields)
    body = model("UpdateRegistrationFlowBody", of=by_code)
    return frontend("update_registration_flow", flow=flow, update_registration_flow_body=body)


def messages(answer: Answer) -> list[int]:
    assert answer.status == 400, answer
    return [message["id"] for message in answer.body["ui"]["messages"]]


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_person_says_who_they_are_before_how_they_sign_in(frontend: Kratos, server: Server, mail: MailServer) -> None:
    email = new_email()
    server.create({"email": email})
    flow = frontend("create_native_login_flow").ok(200)
    assert [node["group"] for node in flow["ui"]["nodes"]] == ["default", "identifier_first", "identifier_first"]
    first = model("UpdateLoginFlowWithIdentifierFirstMethod", method="identifier_first", identifier=email)
    body = model("UpdateLoginFlowBody", of=first)
    shown = frontend("update_login_flow", flow=flow["id"], update_login_flow_body=body)
    assert (shown.status, shown.body["active"]) == (400, "identifier_first")
    assert messages(sign_in(frontend, flow["id"], identifier=email)) == [1010014]
    assert sign_in(frontend, flow["id"], identifier=email, code=code_for(mail, email)).status == 200


def test_a_person_signs_in_by_the_code_that_came_by_mail(frontend: Kratos, server: Server, mail: MailServer) -> None:
    email = new_email()
    made = server.create({"email": email})
    flow = frontend("create_native_login_flow").ok(200)["id"]
    assert messages(sign_in(frontend, flow, identifier=email)) == [1010014]
    code = code_for(mail, email)
    assert messages(sign_in(frontend, flow, identifier=email, code=another(code))) == [4010008]
    shown = frontend("get_login_flow", id=flow).ok(200)
    assert (shown["state"], shown["active"]) == ("sent_email", "code")
    done = sign_in(frontend, flow, identifier=email, code=code).ok(200)
    session = frontend("to_session", x_session_token=done["session_token"]).ok(200)
    assert session["identity"]["id"] == made["id"]
    assert [method["method"] for method in session["authentication_methods"]] == ["code"]
    assert session["identity"]["verifiable_addresses"][0]["verified"] is True


def test_P6_an_address_that_nobody_has_is_answered_alike(frontend: Kratos, server: Server) -> None:
    email = new_email()
    server.create({"email": email})
    answers = []
    for identifier in (email, new_email()):
        flow = frontend("create_native_login_flow").ok(200)["id"]
        told = [
            sign_in(frontend, flow, identifier=identifier),
            sign_in(frontend, flow, identifier=identifier, code="1"),
        ]
        answers.append([(answer.status, messages(answer), answer.body["state"]) for answer in told])
    assert answers[0] == answers[1]


def test_a_person_signs_up_by_the_code_that_came_by_mail(frontend: Kratos, mail: MailServer) -> None:
    traits = {"email": new_email()}
    flow = frontend("create_native_registration_flow").ok(200)["id"]
    assert messages(sign_up(frontend, flow, traits=traits)) == [1040005]
    code = code_for(mail, traits["email"])
    assert messages(sign_up(frontend, flow, traits=traits, code=another(code))) == [4040003]
    assert messages(sign_up(frontend, flow, traits={"email": new_email()}, code=code)) == [4000036]
    done = sign_up(frontend, flow, traits=traits, code=code).ok(200)
    assert done["identity"]["traits"] == traits
    session = frontend("to_session", x_session_token=done["session_token"]).ok(200)
    assert session["identity"]["id"] == done["identity"]["id"]
    assert session["identity"]["verifiable_addresses"][0]["verified"] is True
