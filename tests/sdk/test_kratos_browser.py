"""What a server-side page does for a browser, through FrontendApi: it hands the browser's cookies on."""

import re
from typing import Any

import pytest
from tests.sdk.bodies import PASSWORD, model, new_email
from tests.sdk.client import Answer, Kratos

NEW = "Harp*dune-lantern 38"
WRONG = 4000006


class Jar:
    """The cookies of one browser."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def __call__(self, frontend: Kratos, call: str, **arguments: Any) -> Answer:
        """The answer, whose cookies are kept."""
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in self.kept.items())} if self.kept else {}
        answer = frontend(call, **arguments, **cookie)
        told = {name.lower(): value for name, value in answer.headers.items()}.get("set-cookie", "")
        self.kept |= dict(re.findall(r"(csrf_token_[0-9a-f]{64}|ory_kratos_session)=([\w-]*);", str(told)))
        return answer

    @property
    def signed_in(self) -> bool:
        return bool(self.kept.get("ory_kratos_session"))


@pytest.fixture
def jar() -> Jar:
    return Jar()


def token(flow: dict[str, Any]) -> str:
    return str(next(n["attributes"]["value"] for n in flow["ui"]["nodes"] if n["attributes"]["name"] == "csrf_token"))


def sign_in(frontend: Kratos, jar: Jar, identifier: str, password: str) -> Answer:
    flow = jar(frontend, "create_browser_login_flow").ok(200)
    assert flow["type"] == "browser"
    known = {"method": "password", "identifier": identifier, "password": password, "csrf_token": token(flow)}
    body = model("UpdateLoginFlowBody", of=model("UpdateLoginFlowWithPasswordMethod", **known))
    assert jar(frontend, "get_login_flow", id=flow["id"]).ok(200)["id"] == flow["id"]
    return jar(frontend, "update_login_flow", flow=flow["id"], update_login_flow_body=body)


@pytest.mark.needs("two cookies")
def test_a_person_signs_in_and_out_by_cookies(frontend: Kratos, jar: Jar, anna: dict[str, Any]) -> None:
    refused = sign_in(frontend, jar, anna["traits"]["email"], PASSWORD + "x")
    assert [message["id"] for message in refused.body["ui"]["messages"]] == [WRONG]
    done = sign_in(frontend, jar, anna["traits"]["email"], PASSWORD).ok(200)
    assert done.get("session_token") is None
    assert jar.signed_in
    session = jar(frontend, "to_session").ok(200)
    assert (session["id"], session["identity"]["id"]) == (done["session"]["id"], anna["id"])
    way = jar(frontend, "create_browser_logout_flow").ok(200)
    assert way["logout_token"] in way["logout_url"]
    if frontend.release.name in {"kratos-0.13.1", "ory-1.0.0"}:
        return  # they cannot hand a cookie on here: a browser follows the URL itself
    jar(frontend, "update_logout_flow", token=way["logout_token"]).ok(204)
    assert not jar.signed_in
    frontend("to_session", cookie=f"ory_kratos_session={jar.kept['ory_kratos_session']}").refused(401)


@pytest.mark.needs("two cookies", "continue_with=redirect")
def test_a_person_registers_by_cookies(frontend: Kratos, jar: Jar) -> None:
    flow, email = jar(frontend, "create_browser_registration_flow").ok(200), new_email()
    known = {"method": "password", "traits": {"email": email}, "password": PASSWORD, "csrf_token": token(flow)}
    body = model("UpdateRegistrationFlowBody", of=model("UpdateRegistrationFlowWithPasswordMethod", **known))
    done = jar(frontend, "update_registration_flow", flow=flow["id"], update_registration_flow_body=body).ok(200)
    assert jar(frontend, "to_session").ok(200)["identity"]["id"] == done["identity"]["id"]


def test_W4_without_the_cookie_of_the_flow_nobody_is_shown_it(frontend: Kratos, jar: Jar) -> None:
    flow = jar(frontend, "create_browser_login_flow").ok(200)
    assert frontend("get_login_flow", id=flow["id"]).refused(403)["id"] == "security_csrf_violation"


def change_password(frontend: Kratos, jar: Jar, flow: dict[str, Any], new: str) -> Answer:
    known = {"method": "password", "password": new, "csrf_token": token(flow)}
    body = model("UpdateSettingsFlowBody", of=model("UpdateSettingsFlowWithPasswordMethod", **known))
    return jar(frontend, "update_settings_flow", flow=flow["id"], update_settings_flow_body=body)


@pytest.mark.needs("two cookies", "continue_with=redirect")
def test_a_person_changes_settings_by_cookies(frontend: Kratos, jar: Jar, anna: dict[str, Any]) -> None:
    frontend("create_browser_settings_flow").refused(401)
    sign_in(frontend, jar, anna["traits"]["email"], PASSWORD).ok(200)
    flow = jar(frontend, "create_browser_settings_flow").ok(200)
    assert (flow["type"], flow["identity"]["id"]) == ("browser", anna["id"])
    shown = jar(frontend, "get_settings_flow", id=flow["id"]).ok(200)
    refused = change_password(frontend, jar, shown, "short")
    assert (refused.status, refused.body["state"]) == (400, "show_form")
    done = change_password(frontend, jar, shown, NEW).ok(200)
    assert (done["state"], done["continue_with"][-1]["action"]) == ("success", "redirect_browser_to")
    jar(frontend, "to_session").ok(200)
    sign_in(frontend, Jar(), anna["traits"]["email"], NEW).ok(200)


@pytest.mark.needs("two cookies", "continue_with=redirect")
def test_W4_settings_of_another_browser_are_not_taken(frontend: Kratos, jar: Jar, anna: dict[str, Any]) -> None:
    sign_in(frontend, jar, anna["traits"]["email"], PASSWORD).ok(200)
    flow = jar(frontend, "create_browser_settings_flow").ok(200)
    other = Jar()
    sign_in(frontend, other, anna["traits"]["email"], PASSWORD).ok(200)
    assert change_password(frontend, other, flow, NEW).refused(403)["id"] == "security_csrf_violation"
