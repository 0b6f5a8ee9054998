"""What the three operations answer and do, as the published client's documents have it."""

import uuid
from ipaddress import ip_network
from typing import Any

import msgspec
import pytest
from tests.doors.kratos.in_process import BEGIN, KEY, Doors
from tests.doors.sessions_api.asking import NOT_FOUND, UNKNOWN, Person, delete, fault, get, workspace

from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import Device, How, Where
from nightlatch.core.sessions.rules import end
from nightlatch.doors.sessions_api import sessions
from nightlatch.kernel.clock import DAY, HOUR, MINUTE, SECOND

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def ada(doors: Doors) -> Person:
    return Person(doors)


def golden(person: Person, **changes: Any) -> dict[str, Any]:
    """The members of SessionResponse, in the documents' order; the device's own id is any."""
    body = {
        "id": person.session,
        "type": "user",
        "created_at": "2023-11-14T22:13:20Z",
        "updated_at": "2023-11-14T22:13:20Z",
        "is_expired": False,
        "valid_until": "2023-11-15T22:13:20Z",
        "status": "active",
        "device_id": None,
        "ip_address": "192.0.2.7",
        "user_agent": "Mozilla/5.0 (X11) Firefox/140",
        "user_id": person.id,
    }
    return {member: value for member, value in (body | changes).items() if value != "left out"}


def lifetime(doors: Doors, **changes: Any) -> Any:
    return msgspec.structs.replace(doors.parts.lifetime, **changes)


def told(body: dict[str, Any]) -> dict[str, Any]:
    assert uuid.UUID(body["device_id"])
    return body | {"device_id": None}


def test_a_session_is_told_as_the_published_client_reads_it(ada: Person) -> None:
    reply = get(ada.doors, ada.session)
    assert told(reply.ok()) == golden(ada)
    assert list(reply.json) == list(golden(ada))
    assert reply.headers["content-type"] == "application/json"
    assert ada.token not in reply.body.decode()


def test_what_a_device_did_not_say_is_left_out_and_nothing_is_null(ada: Person) -> None:
    bare, _ = ada.another(Device(None, None, None, "other"))
    body = get(ada.doors, bare).ok()
    assert told(body) == golden(ada, id=bare, ip_address="left out", user_agent="left out")
    assert None not in body.values()


OVER = {"is_expired": True, "status": "left out"}


def test_a_session_whose_time_is_over_is_expired_and_has_no_status(ada: Person) -> None:
    ada.doors.clock.advance(DAY)
    assert told(get(ada.doors, ada.session).ok()) == golden(ada, **OVER)


def test_a_session_that_was_ended_is_expired_from_then_on(ada: Person) -> None:
    ada.doors.clock.advance(MINUTE)
    ada.doors.admin("DELETE", f"/admin/sessions/{ada.session}").ok(204)
    assert told(get(ada.doors, ada.session).ok()) == golden(ada, updated_at="2023-11-14T22:14:20Z", **OVER)


def test_a_session_that_ended_with_all_of_the_organization_is_expired(ada: Person) -> None:
    doors = ada.doors
    doors.write(lambda tx: end(tx, doors.act(), Where(everybody=True), How.DISABLE, "test"))
    (body,) = get(doors, f"user/{ada.id}").ok()
    assert (body["is_expired"], "status" in body) == (True, False)
    assert get(doors, ada.session).ok() == body


def test_a_session_that_was_idle_too_long_is_expired(ada: Person) -> None:
    doors = ada.doors
    doors.listen(lifetime=lifetime(doors, idle=HOUR))
    assert get(doors, ada.session).ok()["status"] == "active"
    doors.clock.advance(HOUR + 20 * SECOND)
    assert told(get(doors, ada.session).ok()) == golden(ada, **OVER)


def test_a_session_of_somebody_who_is_deactivated_is_expired(ada: Person) -> None:
    change = [{"op": "replace", "path": "/state", "value": "inactive"}]
    ada.doors.admin("PATCH", f"/admin/identities/{ada.id}", change).ok()
    assert told(get(ada.doors, ada.session).ok()) == golden(ada, **OVER)


def test_updated_at_is_when_it_was_last_seen(ada: Person) -> None:
    doors = ada.doors
    doors.write(lambda tx: tx.sessions.seen({uuid.UUID(ada.session).bytes: BEGIN + HOUR}))
    assert told(get(doors, ada.session).ok()) == golden(ada, updated_at="2023-11-14T23:13:20Z")


@pytest.mark.parametrize("spelled", [str.upper, lambda text: text.replace("-", ""), lambda text: f"urn:uuid:{text}"])
def test_an_id_is_read_in_each_spelling_of_a_UUID(ada: Person, spelled: Any) -> None:
    assert get(ada.doors, spelled(ada.session)).ok()["id"] == ada.session
    assert [each["id"] for each in get(ada.doors, f"user/{spelled(ada.id)}").ok()] == [ada.session]
    assert delete(ada.doors, ada.session, headers={"x-user-id": spelled(ada.id)}).status == 204


def test_S7_the_sessions_of_a_user_are_theirs_alone_the_newest_first(doors_of_each: Doors) -> None:
    ada, bob = Person(doors_of_each), Person(doors_of_each, "bob")
    doors_of_each.clock.advance(SECOND)
    second, _ = ada.another()
    assert [each["id"] for each in get(doors_of_each, f"user/{ada.id}").ok()] == [second, ada.session]
    assert [each["id"] for each in get(doors_of_each, f"user/{bob.id}").ok()] == [bob.session]


def test_those_in_force_are_listed_first_all_of_them_and_of_those_that_are_over_the_newest(
    doors_of_each: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors = doors_of_each
    ada, made = Person(doors), []
    for _ in range(4):
        doors.clock.advance(SECOND)
        made.append(ada.another()[0])
    for over in made[1:]:
        doors.admin("DELETE", f"/admin/sessions/{over}").ok(204)
    listed = [made[0], ada.session, *reversed(made[1:])]
    assert [each["id"] for each in get(doors, f"user/{ada.id}").ok()] == listed
    for most, shown in ((3, 3), (1, 2)):
        doors.listen(lifetime=lifetime(doors, most=2))
        monkeypatch.setattr(sessions, "_MOST", most)
        assert [each["id"] for each in get(doors, f"user/{ada.id}").ok()] == listed[:shown]


def test_a_user_without_a_session_or_that_does_not_exist_has_an_empty_list(doors: Doors) -> None:
    nobody = doors.person("bob")["id"]
    assert get(doors, f"user/{nobody}").ok() == []
    assert get(doors, f"user/{UNKNOWN}").body == b"[]"


def test_S4_a_deleted_session_is_gone_for_every_door_at_once(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada = Person(doors)
    other, other_token = ada.another()
    assert delete(doors, ada.session).ok(204) is None
    assert (ada.alive(), ada.alive(other_token)) == (False, True)
    assert get(doors, ada.session).body == NOT_FOUND
    doors.admin("GET", f"/admin/sessions/{ada.session}").refused(404)
    assert [each["id"] for each in get(doors, f"user/{ada.id}").ok()] == [other]
    assert delete(doors, ada.session).body == NOT_FOUND


def test_a_session_that_is_over_can_be_deleted(ada: Person) -> None:
    ada.doors.admin("DELETE", f"/admin/sessions/{ada.session}").ok(204)
    assert delete(ada.doors, ada.session).status == 204
    assert get(ada.doors, ada.session).status == 404


def test_S4_deleting_leaves_one_event_with_who_did_it_and_why(doors: Doors) -> None:
    ada, key = Person(doors), doors.key("sessions:end")
    doors.happened()
    delete(doors, ada.session, key=key).ok(204)
    delete(doors, ada.session, key=key)
    (event,) = doors.events
    assert (event.name, event.reason, event.amount, event.organization) == ("session.deleted", "admin", 1, DEFAULT)
    assert (event.session_id, event.identity_id) == (uuid.UUID(ada.session).bytes, uuid.UUID(ada.id).bytes)
    [made] = doors.read(lambda tx: tx.access_keys.list(DEFAULT, None, 10))
    assert event.actor == f"key:{uuid.UUID(bytes=made.id)}"


def test_W3_a_session_is_deleted_only_if_it_is_that_users_and_of_that_workspace(doors_of_each: Doors) -> None:
    doors = doors_of_each
    here, there = workspace(doors, 56), workspace(doors, 57)
    ada, bob = Person(doors, "ada", here), Person(doors, "bob", here)
    key = doors.key(organization=here)
    doors.happened()
    for headers in (
        {"x-user-id": bob.id}, {"x-user-id": UNKNOWN}, {"x-workspace-id": "57"}, {"x-workspace-id": "58"},
        {"x-user-id": ada.id, "x-workspace-id": "57"}, {"x-user-id": bob.id, "x-workspace-id": "56"},
    ):  # fmt: skip
        reply = delete(doors, ada.session, key=key, headers=headers)
        assert (reply.status, reply.body) == (404, NOT_FOUND), headers
        assert get(doors, ada.session, key=key, headers=headers).body == NOT_FOUND, headers
    assert get(doors, f"user/{ada.id}", key=key, headers={"x-user-id": bob.id}).body == NOT_FOUND
    assert doors.happened() == []
    assert (ada.alive(), bob.alive()) == (True, True)
    assert delete(doors, ada.session, key=key, headers={"x-user-id": ada.id, "x-workspace-id": "56"}).status == 204
    assert (ada.alive(), bob.alive()) == (False, True)
    assert there != here


@pytest.mark.parametrize("text", ["x", "", "5 6", "0x38", "56.5", "1e3", "None", "٥٦", "9" * 19, UNKNOWN])
def test_a_workspace_that_is_no_integer_is_422(ada: Person, text: str) -> None:
    reply = delete(ada.doors, ada.session, headers={"x-workspace-id": text.encode().decode("latin-1")})
    assert fault(reply) == (["header", "x-workspace-id"], "int_parsing")
    assert ada.alive()


@pytest.mark.parametrize("text", ["56", "+56", "056"])
def test_a_workspace_is_one_in_all_spellings_of_its_number(doors: Doors, text: str) -> None:
    ada = Person(doors, "ada", workspace(doors, 56))
    doors.keyless = LOOPBACK
    doors.listen()
    assert delete(doors, ada.session, key=None, headers={"x-workspace-id": text}).status == 204


@pytest.mark.parametrize("text", ["x", "", " ", f"{UNKNOWN}0", UNKNOWN[:-1], f"{{{UNKNOWN}", "1", "null"])
def test_an_id_that_is_no_UUID_is_422_wherever_it_is(ada: Person, text: str) -> None:
    doors = ada.doors
    reply = delete(doors, ada.session, headers={"x-user-id": text})
    assert fault(reply) == (["header", "x-user-id"], "uuid_parsing")
    assert ada.alive()
    if text.strip():
        assert fault(get(doors, text)) == (["path", "session_id"], "uuid_parsing")
        assert fault(delete(doors, text)) == (["path", "session_id"], "uuid_parsing")
        assert fault(get(doors, f"user/{text}")) == (["path", "user_id"], "uuid_parsing")


def test_the_422_of_the_published_form(ada: Person) -> None:
    reply = get(ada.doors, "x")
    assert reply.body == (
        b'{"detail":[{"loc":["path","session_id"],"msg":"Input should be a valid UUID","type":"uuid_parsing"}]}'
    )


@pytest.mark.parametrize("header", ["x-user-id", "x-workspace-id"])
def test_W11_a_header_that_is_there_twice_is_422(ada: Person, header: str) -> None:
    values = {"x-user-id": ada.id, "x-workspace-id": "56"}
    reply = delete(ada.doors, ada.session, headers={header: values[header], header.upper(): values[header]})
    assert fault(reply) == (["header", header], "repeated")
    assert ada.alive()


def test_the_literal_path_of_a_users_sessions_is_no_session(ada: Person) -> None:
    assert fault(get(ada.doors, "user")) == (["path", "session_id"], "uuid_parsing")


def test_a_key_of_the_configuration_is_a_key_here_too(ada: Person) -> None:
    assert get(ada.doors, ada.session, key=None, headers={"authorization": f"bearer {KEY}"}).status == 200
