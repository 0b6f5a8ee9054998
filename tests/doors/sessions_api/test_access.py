"""Who may use this door, over every line of its table (rows W1 and W3)."""

import uuid
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from tests.doors.kratos.in_process import KEY, Doors
from tests.doors.sessions_api.asking import GUARDED, NOT_FOUND, Line, Person, delete, get, name, refused, workspace

from nightlatch.core.access import rules
from nightlatch.core.organizations.model import DEFAULT, Alias, AliasKind
from nightlatch.core.organizations.rules import add_alias
from nightlatch.doors.http.openapi import operation_id
from nightlatch.doors.http.parts import Access
from nightlatch.doors.sessions_api.routes import ADMIN
from nightlatch.kernel.clock import HOUR

SCOPES = {"get_session": "sessions:read", "get_user_sessions": "sessions:read", "delete_session": "sessions:end"}
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
guarded = pytest.mark.parametrize("line", GUARDED, ids=name)


@pytest.fixture
def ada(doors: Doors) -> Person:
    return Person(doors)


@pytest.fixture
def unchanged(ada: Person) -> Iterator[None]:
    """Nothing happens in the test."""
    ada.doors.happened()
    yield
    assert ada.doors.happened() == []
    assert ada.alive()


NO_KEY: list[dict[str, str]] = [
    {}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": "Bearer "}, {"authorization": "nonsense"},
    {"authorization": f"Basic {KEY}"}, {"authorization": f"Bearer  {KEY}"}, {"authorization": f"Bearer {KEY}x"},
    {"authorization": f"Bearer {KEY[:-1]}"}, {"x-api-key": KEY}, {"token": KEY}, {"cookie": f"authorization={KEY}"},
    {"x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1", "forwarded": "for=127.0.0.1"}, {"host": "localhost"},
    {"x-user-id": "x"}, {"x-workspace-id": "x"}, {"x-workspace-id": "56"},
]  # fmt: skip


def test_W1_only_the_document_needs_no_key() -> None:
    assert [name(route) for route in ADMIN if route.scope is None] == ["GET /sessions-api/openapi.json"]
    assert {route.endpoint.__name__: route.scope for route in GUARDED} == SCOPES


@guarded
def test_W1_without_a_good_key_this_door_answers_nothing_and_does_nothing(
    ada: Person, unchanged: None, line: Line
) -> None:
    for headers in NO_KEY:
        reply = ada.ask(line, key=None, headers=headers)
        assert refused(reply, 401) == "A valid access key is needed: send it as Authorization: Bearer KEY.", headers
        assert reply.headers["www-authenticate"] == "Bearer"


@guarded
def test_W1_revoked_expired_and_foreign_keys_and_a_persons_token_are_none_here(
    ada: Person, unchanged: None, line: Line
) -> None:
    doors = ada.doors
    revoked = doors.key()
    [made] = doors.read(lambda tx: tx.access_keys.list(DEFAULT, None, 10))
    doors.write(lambda tx: rules.revoke(tx, doors.act(), made.id))
    expired = doors.key(expires_at=doors.clock.now() + HOUR)
    doors.happened()
    doors.clock.advance(HOUR)
    for key in (revoked, expired, ada.token, "nl_key_" + "a" * 43):
        refused(ada.ask(line, key=key), 401)


@guarded
def test_W1_a_key_without_the_scope_of_the_line_may_not(ada: Person, unchanged: None, line: Line) -> None:
    others = {"sessions:read", "sessions:end", "sessions:write", "identities:*"} - {str(line.scope)}
    reply = ada.ask(line, key=ada.doors.key(*others))
    assert refused(reply, 403) == f"The access key lacks the scope {line.scope}."


@guarded
def test_W1_a_key_with_the_scope_of_the_line_may(ada: Person, line: Line) -> None:
    assert ada.ask(line, key=ada.doors.key(str(line.scope))).status in {200, 204}


@guarded
def test_W3_for_a_key_of_another_organization_it_is_as_if_nothing_existed(doors: Doors, line: Line) -> None:
    here, there = workspace(doors, 56), workspace(doors, 57)
    ada, bob, carl = Person(doors, "ada"), Person(doors, "bob", here), Person(doors, "carl", there)
    for person, key in ((ada, doors.key(organization=here)), (bob, KEY), (carl, doors.key(organization=here))):
        person.session, unknown = str(uuid.uuid4()), person.ask(line, key=key)
        person.session, _ = person.another()
        doors.happened()
        reply = person.ask(line, key=key)
        assert (reply.status, reply.body) == (unknown.status, unknown.body)
        assert reply.body == (b"[]" if "user" in line.path else NOT_FOUND)
        assert doors.happened() == []


@guarded
def test_W3_a_key_reaches_its_own_workspace_only_and_no_other_is_known(doors: Doors, line: Line) -> None:
    here = workspace(doors, 56)
    workspace(doors, 57)
    bob, key = Person(doors, "bob", here), doors.key(organization=here)
    for number in ("57", "58"):
        reply = bob.ask(line, key=key, headers={"x-workspace-id": number})
        assert (reply.status, reply.body) == (404, NOT_FOUND)
        assert bob.ask(line, headers={"x-workspace-id": number}).body == NOT_FOUND
    assert bob.alive()
    assert bob.ask(line, key=key, headers={"x-workspace-id": "56"}).status in {200, 204}


# Without a key


def test_W1_a_network_that_needs_no_key_at_other_doors_needs_one_here(doors: Doors) -> None:
    ada = Person(doors)
    doors.listen(access=Access(doors.parts.access.keys, LOOPBACK))
    doors.admin("GET", "/admin/sessions", key=None).ok()
    for line in GUARDED:
        refused(ada.ask(line, key=None), 401)


@guarded
def test_W1_who_needs_no_key_is_known_by_the_peers_own_address_and_by_nothing_that_a_header_says(
    ada: Person, line: Line
) -> None:
    doors = ada.doors
    doors.keyless = (ip_network("10.1.0.0/16"),)
    doors.listen()
    says = {"x-forwarded-for": "10.1.2.3", "forwarded": "for=10.1.2.3", "x-real-ip": "10.1.2.3", "host": "10.1.2.3"}
    for peer in ("10.2.0.1", "127.0.0.1", "::1", "::ffff:10.1.2.3", "unix"):
        refused(ada.ask(line, key=None, peer=peer, headers=says), 401)
    for wrong in ("wrong", ada.token):
        refused(ada.ask(line, key=wrong, peer="10.1.2.3"), 401)
    refused(ada.ask(line, key=None, peer="10.1.2.3", headers={"authorization": f"Basic {KEY}"}), 401)
    assert ada.ask(line, key=None, peer="10.1.2.3").status in {200, 204}


@guarded
def test_W1_a_page_in_a_browser_of_a_trusted_machine_needs_a_key(ada: Person, line: Line) -> None:
    doors = ada.doors
    doors.keyless = LOOPBACK
    doors.listen()
    for headers in (
        {"host": "rebound.example:4434"},
        {"origin": "http://localhost:3000"},
        {"origin": "null"},
        {"sec-fetch-site": "same-origin", "host": "localhost:4434"},
    ):
        refused(ada.ask(line, key=None, peer="127.0.0.1", headers=headers), 401)
    assert ada.alive()
    assert ada.ask(line, key=None, peer="127.0.0.1", headers={"host": "[::1]:4434"}).status in {200, 204}


def test_W1_what_is_done_without_a_key_is_done_in_the_name_of_the_peer(ada: Person) -> None:
    doors = ada.doors
    doors.keyless = LOOPBACK
    doors.listen()
    assert delete(doors, ada.session, key=None, peer="::1").status == 204
    assert (doors.events[-1].name, doors.events[-1].actor) == ("session.deleted", "network:::1")


@guarded
def test_W3_without_a_key_a_workspace_is_asked_for_by_its_number_and_else_the_default_one(
    doors: Doors, line: Line
) -> None:
    ada, bob = Person(doors, "ada"), Person(doors, "bob", workspace(doors, 56))
    doors.keyless = LOOPBACK
    doors.listen()
    nothing = b"[]" if "user" in line.path else NOT_FOUND
    for person, headers, seen in (
        (ada, {"x-workspace-id": "56"}, nothing), (bob, {}, nothing),
        (ada, {"x-workspace-id": "57"}, NOT_FOUND), (bob, {"x-workspace-id": "57"}, NOT_FOUND),
    ):  # fmt: skip
        assert person.ask(line, key=None, headers=headers).body == seen
    assert (ada.alive(), bob.alive()) == (True, True)
    assert ada.ask(line, key=None).status in {200, 204}
    assert bob.ask(line, key=None, headers={"x-workspace-id": "56"}).status in {200, 204}
    deleted = line.method == "DELETE"
    assert (ada.alive(), bob.alive()) == (not deleted, not deleted)
    assert {event.organization for event in doors.events if event.name == "session.deleted"} == (
        {DEFAULT, bob.organization} if deleted else set()
    )


def test_W3_the_default_organization_has_a_workspace_number_when_it_was_given_one(doors: Doors) -> None:
    ada, numbered = Person(doors), {"x-workspace-id": "1"}
    assert get(doors, ada.session, headers=numbered).body == NOT_FOUND
    doors.write(lambda tx: add_alias(tx, doors.act(), DEFAULT, Alias(AliasKind.WORKSPACE, "1")))
    assert get(doors, ada.session, headers=numbered).ok()["id"] == ada.session


def test_every_operation_has_the_name_that_the_published_client_knows() -> None:
    assert {operation_id(route) for route in ADMIN} == {"getSession", "getUserSessions", "deleteSession", "getDocument"}
