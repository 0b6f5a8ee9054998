"""Registration as an app does it (contract: public 3.4, 5.1, 5.2; message ids of part 7)."""

from typing import Any

import pytest
from tests.doors.kratos.in_process import PASSWORD, UNKNOWN, Doors, Reply, flows

from nightlatch.kernel.clock import HOUR

API, FLOWS, SUBMIT = "/self-service/registration/api", "/self-service/registration/flows", "/self-service/registration"
EMAIL = {"email": "ada@example.org"}
NOT_AN_EMAIL, MISSING, SHORT, LONG, SIMILAR, TAKEN, NO_STRATEGY = (
    4000040, 4000002, 4000032, 4000033, 4000031, 4000007, 4010003,
)  # fmt: skip


def begin(doors: Doors, query: str = "") -> str:
    return str(doors.public("GET", API + query).ok()["id"])


def submit(doors: Doors, flow: str, **fields: Any) -> Reply:
    known = {"method": "password", "traits": EMAIL, "password": PASSWORD}
    return doors.public("POST", f"{SUBMIT}?flow={flow}", known | fields)


def names(shown: dict[str, Any]) -> dict[str, str]:
    """Type of each field by its name; buttons as name=value."""
    fields = [node["attributes"] for node in shown["ui"]["nodes"]]
    return {f["name"] + (f"={f['value']}" if f["type"] == "submit" else ""): f["type"] for f in fields}


def messages(reply: Reply) -> dict[str, list[int]]:
    ui = reply.json["ui"]
    found = {
        node["attributes"]["name"]: [m["id"] for m in node["messages"]] for node in ui["nodes"] if node["messages"]
    }
    return found | ({"": [m["id"] for m in ui["messages"]]} if ui.get("messages") else {})


def test_a_flow_asks_for_traits_first(doors: Doors) -> None:
    """Golden: 3.2 and 3.4, profile_first."""
    shown = doors.public("GET", API).ok()
    assert set(shown) == {"id", "type", "expires_at", "issued_at", "request_url", "state", "ui", "organization_id"}
    assert (shown["type"], shown["state"]) == ("api", "choose_method")
    fields = names(shown)
    assert fields["traits.email"] == "email"
    assert fields["traits.name.first"] == "text"
    assert fields["method=profile"] == "submit"
    assert "password" not in fields
    [email] = [n for n in shown["ui"]["nodes"] if n["attributes"]["name"] == "traits.email"]
    assert email["attributes"]["required"] is True
    assert email["meta"]["label"] == {
        "id": 1070002, "text": "E-mail", "type": "info", "context": {"title": "E-mail", "name": "traits.email"},
    }  # fmt: skip
    assert doors.public("GET", f"{FLOWS}?id={shown['id']}").ok() == shown


def test_two_steps_register_and_sign_in(doors: Doors) -> None:
    """3.4: a 400 flow with hidden traits, message 1040009, a way back."""
    flow = begin(doors)
    step = doors.public("POST", f"{SUBMIT}?flow={flow}", {"method": "profile", "traits": EMAIL})
    assert step.status == 400
    assert messages(step) == {"": [1040009]}
    fields = names(step.json)
    [email] = [n["attributes"] for n in step.json["ui"]["nodes"] if n["attributes"]["name"] == "traits.email"]
    assert email["autocomplete"] == "email"
    assert (fields["traits.email"], fields["password"], fields["screen=previous"]) == ("hidden", "password", "submit")
    done = submit(doors, flow).ok()
    assert done["identity"]["traits"] == EMAIL
    assert doors.happened() == ["identity.created", "identity.registered", "session.issued"]


def test_one_step_registers_and_is_answered_as_the_contract_draws_it(doors: Doors) -> None:
    """Golden: 3.4, success with the session hook."""
    done = submit(doors, begin(doors)).ok()
    assert set(done) == {"identity", "session", "session_token", "continue_with"}
    token = done["session_token"]
    assert done["continue_with"] == [{"action": "set_ory_session_token", "ory_session_token": token}]
    assert done["session"]["identity"] == done["identity"]
    assert not {"credentials", "metadata_admin"} & done["identity"].keys()
    assert doors.public("GET", "/sessions/whoami", token=token).ok()["identity"] == done["identity"]
    doors.sign_in()


def test_without_the_session_hook_nobody_is_signed_in(doors: Doors) -> None:
    """3.4: continue_with is null, there is no token."""
    doors.listen(flows=flows(signing_in=frozenset()))
    done = submit(doors, begin(doors)).ok()
    assert set(done) == {"identity", "continue_with"}
    assert done["continue_with"] is None
    assert doors.happened() == ["identity.created", "identity.registered"]


@pytest.mark.parametrize(
    "fields",
    [{"traits": {"email": "ada@example.org", "name": {"first": "A"}}}, {"traits": {"email": "ada@example.org"}, "traits.name.first": "A"}, {"traits": None, "traits.email": "ada@example.org", "traits.name.first": "A"}],
)  # fmt: skip
def test_traits_may_be_nested_or_dotted(doors: Doors, fields: dict[str, Any]) -> None:
    """0.9."""
    given = {k: v for k, v in fields.items() if v is not None}
    body = {"method": "password", "password": PASSWORD} | given
    done = doors.public("POST", f"{SUBMIT}?flow={begin(doors)}", body).ok()
    assert done["identity"]["traits"] == {"email": "ada@example.org", "name": {"first": "A"}}


REFUSED: list[tuple[dict[str, Any], dict[str, list[int]]]] = [
    ({"password": ""}, {"password": [MISSING]}),
    ({"password": None}, {"password": [MISSING]}),
    ({"password": 7}, {"password": [MISSING]}),
    ({"password": "short"}, {"password": [SHORT]}),
    ({"password": "x" * 1025}, {"password": [LONG]}),
    ({"password": "ada@example.org"}, {"password": [SIMILAR]}),
    ({"traits": {"email": "no address"}}, {"traits.email": [NOT_AN_EMAIL]}),
    ({"method": "shoe"}, {"": [NO_STRATEGY]}),
    ({"method": None}, {"": [NO_STRATEGY]}),
]


@pytest.mark.parametrize(("fields", "expected"), REFUSED)
def test_what_cannot_register_is_shown_the_form_again_and_nothing_is_stored(
    doors: Doors, fields: dict[str, Any], expected: dict[str, list[int]]
) -> None:
    flow = begin(doors)
    reply = submit(doors, flow, **fields)
    assert reply.status == 400
    assert (reply.json["id"], messages(reply)) == (flow, expected)
    password = fields.get("password", PASSWORD)
    if isinstance(password, str) and len(password) > 5 and password != "ada@example.org":
        assert password not in reply.body.decode()
    assert doors.happened() == []
    submit(doors, flow).ok()


def test_the_numbers_of_the_password_policy_are_told(doors: Doors) -> None:
    """Part 7: 4000032 {min_length, actual_length}."""
    reply = submit(doors, begin(doors), password="short")
    [node] = [n for n in reply.json["ui"]["nodes"] if n["attributes"]["name"] == "password"]
    [message] = node["messages"]
    assert message["context"] == {"min_length": 8, "actual_length": 5}
    assert message["text"] == "The password must be at least 8 characters long, but got 5."
    assert message["type"] == "error"


def test_an_identifier_that_is_taken_is_told_on_the_form(doors: Doors) -> None:
    """3.4: traits kept, password cleared."""
    doors.person("ada")
    doors.happened()
    reply = submit(doors, begin(doors), traits={"email": "ADA@example.org"})
    assert (reply.status, messages(reply)) == (400, {"": [TAKEN]})
    values = {n["attributes"]["name"]: n["attributes"].get("value") for n in reply.json["ui"]["nodes"]}
    assert values["traits.email"] == "ADA@example.org"
    assert values.get("password") is None
    assert doors.happened() == []


def test_W3_nobody_gives_themselves_what_only_an_administrator_may(doors: Doors) -> None:
    """BOPLA: state, metadata, verified addresses, ids, credentials of other kinds are not read."""
    verified = [{"value": "ada@example.org", "via": "email", "verified": True, "status": "completed"}]
    fields = {
        "id": UNKNOWN, "state": "inactive", "metadata_public": {"plan": "gold"}, "metadata_admin": {"role": "root"},
        "external_id": "crm-1", "verifiable_addresses": verified, "recovery_addresses": verified, "organization_id": UNKNOWN,
        "schema_id": "robot", "credentials": {"oidc": {"config": {"providers": [{"provider": "g", "subject": "1"}]}}},
        "created_at": "2000-01-01T00:00:00Z", "aal": "aal2", "session": {"active": True}, "transient_payload": {"a": 1},
    }  # fmt: skip
    made = submit(doors, begin(doors), **fields).ok()["identity"]["id"]
    shown = doors.admin("GET", f"/admin/identities/{made}").ok()
    assert made != UNKNOWN
    assert (shown["state"], shown["schema_id"], shown["metadata_public"], shown["metadata_admin"]) == ("active", "default", None, None)  # fmt: skip
    assert "external_id" not in shown
    assert "oidc" not in shown["credentials"]
    assert {a["verified"] for a in shown["verifiable_addresses"]} == {False}
    assert shown["created_at"].startswith("2023")


@pytest.mark.parametrize("name", ["role", "verified", "verifiable_addresses", "metadata_admin", "state"])
def test_W3_traits_that_the_schema_does_not_know_are_refused(doors: Doors, name: str) -> None:
    reply = submit(doors, begin(doors), traits=EMAIL | {name: True})
    assert reply.status == 400
    assert doors.happened() == []


def test_a_signed_in_person_need_not_register(doors: Doors) -> None:
    token = submit(doors, begin(doors)).ok()["session_token"]
    assert doors.public("GET", API, token=token).refused(400)["id"] == "session_already_available"
    sent = {"method": "password", "traits": {"email": "bob@example.org"}, "password": PASSWORD}
    reply = doors.public("POST", f"{SUBMIT}?flow={begin(doors)}", sent, token=token)
    assert (reply.status, reply.json["ui"]["messages"][0]["id"]) == (400, 4000001)


def test_where_registration_is_off_every_step_says_so(doors: Doors) -> None:
    """3.4: 400 self_service_flow_disabled."""
    flow = begin(doors)
    doors.listen(flows=flows(registration_enabled=False))
    for reply in (doors.public("GET", API), doors.public("GET", f"{FLOWS}?id={flow}"), submit(doors, flow)):
        assert reply.refused(400)["id"] == "self_service_flow_disabled"
    assert doors.happened() == []


def test_a_password_that_is_switched_off_is_404(doors: Doors) -> None:
    flow = begin(doors)
    doors.listen(flows=flows(password_enabled=False))
    submit(doors, flow).refused(404)
    assert doors.happened() == []


@pytest.mark.parametrize("why", ["expired", "used"])
@pytest.mark.parametrize("fields", [{}, {"method": "shoe"}, {"method": "profile"}, {"password": ""}])
def test_a_submission_to_a_flow_that_is_over_is_given_another(doors: Doors, why: str, fields: dict[str, Any]) -> None:
    flow = begin(doors)
    if why == "used":
        submit(doors, flow).ok()
    else:
        doors.clock.advance(HOUR)
    doors.happened()
    reply = submit(doors, flow, **fields)
    assert reply.refused(410)["id"] == "self_service_flow_expired"
    assert doors.public("GET", f"{FLOWS}?id={reply.json['use_flow_id']}").ok()["state"] == "choose_method"
    assert doors.happened() == []


def test_a_flow_that_is_not_there_is_404(doors: Doors) -> None:
    for flow in ("", "x", UNKNOWN):
        doors.public("GET", f"{FLOWS}?id={flow}").refused(404)
        submit(doors, flow).refused(404 if flow == UNKNOWN else 400)
    login = doors.public("GET", "/self-service/login/api").ok()["id"]
    submit(doors, login).refused(404)
