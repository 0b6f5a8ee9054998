"""A flow is in the organization that it began in, and what comes of it too (contract: public 3.2, 3.3, `organization`)."""

from typing import Any
from uuid import UUID

import pytest
from tests.doors.kratos.in_process import PASSWORD, UNKNOWN, Doors
from tests.doors.kratos.visitor import UI, Visitor, numbers

from nightlatch.core.organizations.model import DEFAULT
from nightlatch.kernel.clock import HOUR, MINUTE

THEIRS = "Quartz.meadow 552"
WRONG, TAKEN = 4000006, 4000007
EMAIL = {"email": "ada@example.org"}
SESSION = "ory_kratos_session"


@pytest.fixture
def acme(doors: Doors) -> str:
    """The id of an organization that has an ada of its own, with THEIRS, beside the default one's with PASSWORD."""
    made = doors.organization("acme")
    key = doors.key(organization=made)
    credentials = {"password": {"config": {"password": THEIRS}}}
    body = {"schema_id": "default", "traits": EMAIL, "credentials": credentials}
    shown = doors.admin("POST", "/admin/identities", body, key=key).ok(201)
    assert shown["organization_id"] == str(UUID(bytes=made))
    doors.person("ada")
    doors.happened()
    return str(shown["organization_id"])


def right(password: str) -> dict[str, Any]:
    return {"method": "password", "identifier": "ada@example.org", "password": password}


def test_W3_an_app_signs_in_where_its_flow_began_and_nowhere_else(doors: Doors, acme: str) -> None:
    for organization, good, bad in ((acme, THEIRS, PASSWORD), (None, PASSWORD, THEIRS)):
        query = f"?organization={organization}" if organization else ""
        flow = doors.public("GET", f"/self-service/login/api{query}").ok()
        assert flow["organization_id"] == organization
        submit = f"/self-service/login?flow={flow['id']}"
        assert numbers(doors.public("POST", submit, right(bad)).json) == [WRONG]
        assert doors.public("GET", f"/self-service/login/flows?id={flow['id']}").ok()["organization_id"] == organization
        done = doors.public("POST", f"{submit}&organization={UNKNOWN}", right(good)).ok()
        token = done["session_token"]
        whoami = doors.public("GET", "/sessions/whoami", token=token).ok()
        assert whoami["identity"]["organization_id"] == organization
        settings = doors.public("GET", "/self-service/settings/api", token=token).ok()
        assert settings["organization_id"] == organization
        new = {"method": "password", "password": f"{good} again"}
        doors.public("POST", f"/self-service/settings?flow={settings['id']}", new, token=token).ok()
        doors.public("POST", submit, right(good)).refused(410)
    doors.sign_in(password=f"{PASSWORD} again")


def test_a_browser_signs_in_proves_itself_again_and_changes_settings_in_its_organization(
    doors: Doors, acme: str
) -> None:
    visitor = Visitor(doors)
    visitor.submit(visitor.begin(query=f"?organization={acme}&return_to={UI}/x"), right(THEIRS))
    assert visitor.whoami().ok()["identity"]["organization_id"] == acme
    doors.clock.advance(15 * MINUTE)
    settings = visitor.begin("settings")
    assert settings["organization_id"] == acme
    place = visitor.submit(settings, {"method": "password", "password": PASSWORD}).headers["location"]
    login = visitor.flow(visitor.visit(place))
    assert (login["organization_id"], login["refresh"]) == (acme, True)
    back = visitor.submit(login, {"method": "password", "password": THEIRS}).headers["location"]
    shown = visitor.flow(visitor.visit(back))
    assert visitor.flow(visitor.submit(shown, {"method": "password", "password": PASSWORD}))["state"] == "success"
    doors.sign_in()


def test_people_register_in_the_organization_of_the_flow(doors: Doors, acme: str) -> None:
    visitor = Visitor(doors)
    fields = {"method": "password", "password": THEIRS}
    flow = visitor.begin("registration", f"?organization={acme}")
    assert numbers(visitor.flow(visitor.submit(flow, fields | {"traits.email": "ada@example.org"}))) == [TAKEN]
    visitor.submit(flow, fields | {"traits.email": "eve@example.org"})
    assert visitor.whoami().ok()["identity"]["organization_id"] == acme
    api = doors.public("GET", f"/self-service/registration/api?organization={acme}").ok()
    body = fields | {"traits": {"email": "bob@example.org"}}
    done = doors.public("POST", f"/self-service/registration?flow={api['id']}", body).ok()
    assert done["identity"]["organization_id"] == acme
    for name in ("eve", "bob"):
        assert doors.try_sign_in(f"{name}@example.org", THEIRS).status == 400


def test_S3_a_code_of_another_organization_lets_in_there_and_ends_the_session_that_was_here(
    doors: Doors, acme: str
) -> None:
    visitor = Visitor(doors)
    visitor.sign_in()
    old = visitor.jar[SESSION]
    key = doors.key(organization=UUID(acme).bytes)
    [ada] = doors.admin("GET", "/admin/identities", key=key).ok()
    made = doors.admin("POST", "/admin/recovery/code", {"identity_id": ada["id"]}, key=key).ok(201)
    query = made["recovery_link"].partition("?")[2].replace("flow=", "id=")
    flow = visitor.fetch("GET", f"/self-service/recovery/flows?{query}").ok()
    settings = visitor.flow(visitor.submit(flow, {"method": "code", "code": made["recovery_code"]}))
    assert (settings["organization_id"], settings["identity"]["id"]) == (acme, ada["id"])
    doors.public("GET", "/sessions/whoami", headers={"cookie": f"{SESSION}={old}"}).refused(401)


def test_who_is_signed_in_stays_in_the_organization_of_the_session(doors: Doors, acme: str) -> None:
    visitor = Visitor(doors)
    visitor.sign_in()
    old = visitor.jar.pop(SESSION)
    flow = visitor.begin(query=f"?organization={acme}")
    visitor.jar[SESSION] = old
    assert visitor.submit(flow, right(THEIRS)).headers["location"] == f"{UI}/after-login"
    assert visitor.whoami().ok()["identity"]["organization_id"] is None
    refresh = visitor.begin(query=f"?organization={acme}&refresh=true")
    assert refresh["organization_id"] is None
    visitor.submit(refresh, right(THEIRS))
    shown = visitor.fetch("GET", f"/self-service/login/flows?id={refresh['id']}").ok()
    assert sorted(numbers(shown)) == [1010003, WRONG]


def test_P14_a_settings_flow_of_another_organization_is_unknown(doors: Doors, acme: str) -> None:
    here = str(doors.sign_in()["session_token"])
    flow = doors.public("GET", f"/self-service/login/api?organization={acme}").ok()["id"]
    there = doors.public("POST", f"/self-service/login?flow={flow}", right(THEIRS)).ok()["session_token"]
    theirs = doors.public("GET", f"/self-service/settings/api?organization={acme}", token=there).ok()["id"]
    doors.public("GET", f"/self-service/settings/flows?id={theirs}", token=here).refused(404)
    change = {"method": "password", "password": THEIRS * 2}
    doors.public("POST", f"/self-service/settings?flow={theirs}", change, token=here).refused(404)


def test_W3_an_organization_that_is_none_is_answered_like_any_other_that_is_none(doors: Doors, acme: str) -> None:
    """Whether an id is malformed or nobody's is not told apart, and nothing of it comes back."""
    visitor = Visitor(doors)
    for act in ("login", "registration"):
        errors = [
            doors.public(
                "GET", f"/self-service/{act}/{kind}?organization={bad}", headers={"accept": "application/json"}
            )
            for bad in (UNKNOWN, "acme", "%25", "x" * 500, acme[:-1])
            for kind in ("api", "browser")
        ]
        told = [{k: v for k, v in reply.refused(404).items() if k != "request"} for reply in errors]
        assert all(each == told[0] for each in told)
        assert told[0]["reason"] == "There is no such organization."
        assert visitor.error(visitor.visit(f"/self-service/{act}/browser?organization={UNKNOWN}"))["code"] == 404
    default = str(UUID(bytes=DEFAULT))
    assert doors.public("GET", f"/self-service/login/api?organization={default}").ok()["organization_id"] is None
    assert doors.public("GET", "/self-service/login/api?organization=").ok()["organization_id"] is None
    assert doors.happened() == []


def test_a_flow_that_is_over_is_followed_by_one_in_its_organization(doors: Doors, acme: str) -> None:
    visitor = Visitor(doors)
    flow = visitor.begin(query=f"?organization={acme}&return_to={UI}/x")
    doors.clock.advance(HOUR)
    error = visitor.fetch("GET", f"/self-service/login/flows?id={flow['id']}").refused(410)
    again = visitor.begin(query="?" + error["details"]["redirect_to"].partition("?")[2])
    new = visitor.flow(visitor.submit(flow, right(THEIRS)))
    for each in (again, new):
        assert (each["organization_id"], each["return_to"]) == (acme, f"{UI}/x")
    assert visitor.submit(new, right(THEIRS)).headers["location"] == f"{UI}/x"
