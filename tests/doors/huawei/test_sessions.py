"""The two operations: what they answer, byte for byte, and what they end."""

import base64
import json
import uuid

import pytest
from tests.doors.huawei.signing import STORE, World, new_organization, refused, signer
from tests.doors.kratos.in_process import BEGIN, UNKNOWN

from nightlatch.core.sessions.model import How, Where
from nightlatch.core.sessions.rules import end
from nightlatch.kernel.clock import DAY

DEFAULT_ID = "00000000-0000-0000-0000-000000000001"


def test_the_list_byte_for_byte(world_of_each: World) -> None:
    world = world_of_each
    reply = world.ask("GET", world.path(world.bob), **{"x-request-id": "req-1"})
    assert reply.body.decode() == (
        f'{{"session_list":[{{"session_id":"{world.bobs}","user_id":"{world.bob}","creation_time":1700000000000,'
        '"session_not_valid_after":1700086400000,"ip_address":"192.0.2.7","user_agent":"curl/8"}]}'
    )
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["x-request-id"] == "req-1"
    assert reply.headers["cache-control"].startswith("private")


def test_an_ending_byte_for_byte(world: World) -> None:
    reply = world.delete(world.one)
    assert (reply.status, reply.body) == (200, b"{}")
    assert len(reply.headers["x-request-id"]) == 32


def test_a_refusal_byte_for_byte(world: World) -> None:
    reply = world.ask("GET", world.path(UNKNOWN), **{"x-request-id": "req-2"})
    assert reply.body.decode() == (
        '{"error_code":"IIC.404","error_msg":"Not Found: There is no such user in the identity store.",'
        '"request_id":"req-2"}'
    )


def test_S7_those_that_are_named_end_and_no_others(world_of_each: World) -> None:
    world = world_of_each
    assert {each["session_id"] for each in world.listed()} == {world.one, world.two}
    assert world.delete(world.one).ok() == {}
    assert world.alive() == [False, True, True]
    assert [each["session_id"] for each in world.listed()] == [world.two]
    assert world.doors.admin("GET", f"/admin/sessions/{world.one}").status == 404


def test_S7_an_ending_leaves_one_event_with_the_key_and_the_reason(world: World) -> None:
    world.delete(world.one, world.two).ok()
    [told] = world.doors.events
    assert (told.name, told.reason, told.amount) == ("session.deleted", "admin", 2)
    assert told.actor.startswith("key:")
    assert told.identity_id == uuid.UUID(world.ada).bytes
    world.doors.happened()
    world.delete(world.one, world.two).ok()
    assert world.doors.happened() == []


def test_S7_the_sessions_of_another_user_are_as_unknown_ones(world_of_each: World) -> None:
    world = world_of_each
    foreign, unknown = world.delete(world.bobs), world.delete(UNKNOWN)
    assert (foreign.status, foreign.body) == (unknown.status, unknown.body) == (200, b"{}")
    assert world.alive() == [True, True, True]
    assert world.doors.happened() == []
    world.delete(world.bobs, world.two, UNKNOWN, world.two, world.two.upper()).ok()
    assert world.alive() == [True, False, True]


def test_S4_a_list_holds_those_in_force_only(world: World) -> None:
    doors = world.doors
    one = uuid.UUID(world.one).bytes
    doors.write(lambda tx: end(tx, doors.act(), Where(session_id=one), How.DISABLE, "admin"))
    assert [each["session_id"] for each in world.listed()] == [world.two]
    doors.clock.advance(DAY)
    assert world.listed() == []


def test_a_list_begins_with_the_newest(world: World) -> None:
    world.doors.clock.advance(1_000_000)
    newest, _ = world.doors.session(world.ada)
    listed = world.listed()
    assert listed[0]["session_id"] == newest
    assert listed[0]["creation_time"] == BEGIN // 1000 + 1000


def test_the_id_of_the_organization_names_its_store_as_an_alias_does(world: World) -> None:
    assert world.ask("GET", world.path(store=DEFAULT_ID)).ok() == world.ask("GET", world.path()).ok()
    assert world.delete(world.one, store=DEFAULT_ID).ok() == {}
    assert world.alive() == [False, True, True]


def test_W3_another_organization_and_its_people_are_as_if_they_were_not_there(world_of_each: World) -> None:
    world, doors = world_of_each, world_of_each.doors
    theirs = signer(doors, organization=new_organization(doors, "d-other"))
    doors.happened()
    for method, tail, sent in (("GET", "", None), ("POST", "/batch-delete", {"session_ids": [world.one]})):
        of_store = {"d-none": "", STORE: "", DEFAULT_ID: ""}
        for store in of_store:
            reply = theirs(method, world.path(store=store) + tail, sent, **{"x-request-id": "req"})
            refused(reply, 404, "IIC.404")
            of_store[store] = reply.body.decode()
        assert len(set(of_store.values())) == 1, of_store
        of_user = [
            theirs(method, world.path(user, "d-other") + tail, sent, **{"x-request-id": "req"})
            for user in (world.ada, UNKNOWN, "ada", "0")
        ]
        assert [reply.status for reply in of_user] == [404] * 4
        assert len({reply.body for reply in of_user}) == 1
        refused(world.ask(method, world.path(store="d-other") + tail, sent), 404, "IIC.404")
    assert world.alive() == [True, True, True]
    assert doors.happened() == []


def test_a_denial_tells_the_administrator_what_was_denied(world: World) -> None:
    reader = signer(world.doors, "sessions:read")
    error = refused(reader("POST", world.path() + "/batch-delete", {"session_ids": [world.one]}), 403, "IIC.1000")
    assert error["error_msg"] == "No permission: The access key lacks the scope sessions:end."
    assert json.loads(base64.urlsafe_b64decode(error["encoded_authorization_message"])) == {
        "action": "POST /v1/identity-stores/{identity_store_id}/users/{user_id}/sessions/batch-delete",
        "reason": "The access key lacks the scope sessions:end.",
        "request_id": error["request_id"],
    }


@pytest.mark.parametrize(
    "sent",
    [b"", b"null", b"{}", b"[]", b'"x"', b'{"session_ids":null}', b'{"session_ids":[]}', b'{"session_ids":{}}',
     b'{"session_ids":"%s"}' % UNKNOWN.encode(), b'{"session_ids":[null]}', b'{"session_ids":[1]}',
     b'{"session_ids":[["a"]]}', b'{"session_ids":["not-an-id"]}', b'{"session_ids":[""]}', b'{"session_ids":["*"]}',
     b'{"SESSION_IDS":["%s"]}' % UNKNOWN.encode(), b'{"session_ids":[],"session_ids":["%s"]}' % UNKNOWN.encode(),
     b'{"session_ids":["%s"]' % UNKNOWN.encode(), b"\xff", b'{"session_ids":["\\u0000"]}', b"[" * 40_000,
     json.dumps({"session_ids": [UNKNOWN] * 1001}).encode(), b'{"session_ids":["' + b"a" * 2000 + b'"]}'],
)  # fmt: skip
def test_W11_a_body_that_is_not_right_is_400_and_ends_nothing(world: World, sent: bytes) -> None:
    error = refused(world.ask("POST", world.path() + "/batch-delete", sent), 400, "IIC.400")
    assert len(error["error_msg"]) < 300
    assert world.alive() == [True, True, True]
    assert world.doors.happened() == []


def test_W11_a_thousand_sessions_end_at_once(world: World) -> None:
    ids = [str(uuid.uuid4()) for _ in range(998)]
    assert world.delete(*ids, world.one, world.two).ok() == {}
    assert world.alive() == [False, False, True]


def test_W11_what_is_too_large_or_packed_is_refused_before_it_is_read(world: World) -> None:
    target = world.path() + "/batch-delete"
    refused(world.ask("POST", target, b" " * 70_000), 413, "IIC.413")
    packed = json.dumps({"session_ids": [world.one]}).encode()
    refused(world.ask("POST", target, packed, **{"content-encoding": "gzip"}), 415, "IIC.415")
    assert world.alive() == [True, True, True]


def test_a_parameter_that_nobody_asked_for_changes_nothing(world: World) -> None:
    query = "?limit=1&limit=2&user_id=x&marker=%2B%20%C3%A9"
    assert world.ask("GET", world.path() + query).ok() == world.ask("GET", world.path()).ok()
