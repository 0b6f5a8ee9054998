"""Who may use this door, over every line of its table (rows W1 and W3), and where the key may be."""

import ipaddress
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from tests.doors.kratos.in_process import KEY, Doors, Reply
from tests.doors.slack.asking import FAMILY, METHODS, Line, World, alive, as_json, call, error, name, ok, sent

from nightlatch.core.access import rules as access
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.doors.http.parts import Access
from nightlatch.doors.slack.auth import SCOPES
from nightlatch.doors.slack.routes import ADMIN
from nightlatch.kernel.clock import HOUR

every = pytest.mark.parametrize("line", METHODS, ids=name)


@pytest.fixture
def world(doors: Doors) -> World:
    return World(doors)


@pytest.fixture
def unchanged(world: World) -> Iterator[None]:
    """Nothing happens in the test, and the person stays signed in."""
    world.doors.happened()
    yield
    assert world.doors.happened() == []
    assert alive(world.doors, world.token) == [True]


def test_W1_every_method_needs_a_key_and_the_document_none() -> None:
    assert [route.path for route in ADMIN if route.scope is None] == ["/api/openapi.json"]
    assert {name(route): SCOPES[str(route.scope)] for route in METHODS} == {
        "invalidate": "admin.users:write", "reset": "admin.users:write", "resetBulk": "admin.users:write",
        "list": "admin.users:read", "getSettings": "admin.users:read",
        "setSettings": "admin.users:write", "clearSettings": "admin.users:write",
    }  # fmt: skip


NO_KEY: list[tuple[dict[str, str], str]] = [
    ({}, "not_authed"), ({"authorization": ""}, "not_authed"), ({"token": ""}, "not_authed"),
    ({"authorization": "Bearer"}, "not_authed"), ({"authorization": "Bearer "}, "not_authed"),
    ({"authorization": f"Basic {KEY}"}, "invalid_auth"), ({"authorization": f"Bearer  {KEY}"}, "invalid_auth"),
    ({"authorization": f"Bearer {KEY[:-1]}"}, "invalid_auth"), ({"authorization": f"Bearer {KEY}x"}, "invalid_auth"),
    ({"token": f"Bearer {KEY}"}, "invalid_auth"), ({"token": KEY.upper()}, "invalid_auth"),
    ({"authorization": "Bearer wrong", "token": KEY}, "invalid_auth"), ({"x-api-key": KEY}, "not_authed"),
    ({"cookie": f"token={KEY}"}, "not_authed"), ({"x-forwarded-for": "127.0.0.1"}, "not_authed"),
]  # fmt: skip


@every
def test_W1_without_a_good_key_this_door_answers_nothing_and_does_nothing(
    world: World, unchanged: None, line: Line
) -> None:
    body = json.dumps(world.arguments(line)).encode()
    for headers, code in NO_KEY:
        reply = sent(world.doors, name(line), body, "application/json", None, **headers)
        assert error(reply) == code, headers
        assert world.identity not in reply.body.decode()
        in_url = world.doors.admin("POST", f"{line.path}?token={KEY}", body, key=None, headers=headers)
        assert error(in_url) == code, headers


@every
def test_W1_revoked_expired_and_foreign_keys_are_none_in_this_door(world: World, unchanged: None, line: Line) -> None:
    doors = world.doors
    revoked = doors.key()
    [made] = doors.read(lambda tx: tx.access_keys.list(DEFAULT, None, 9))
    doors.write(lambda tx: access.revoke(tx, doors.act(), made.id))
    expired = doors.key(expires_at=doors.clock.now() + HOUR)
    doors.clock.advance(HOUR)
    doors.happened()
    for key in (revoked, expired, world.token, "nl_key_" + "a" * 43, "ключ".encode().decode("latin-1")):
        assert error(world.ask(line, key=key)) == "invalid_auth"
        assert error(call(doors, name(line), None, token=key, **world.arguments(line))) == "invalid_auth"


@every
def test_W1_a_key_without_the_scope_is_told_which_it_needs_in_the_words_of_this_dialect(
    world: World, unchanged: None, line: Line
) -> None:
    doors = world.doors
    needed = SCOPES[str(line.scope)]
    [(other, provided)] = [(scope, said) for scope, said in SCOPES.items() if scope != line.scope]
    for key, said in ((doors.key("identities:*", "sessions:write"), ""), (doors.key(other), provided)):
        doors.happened()
        reply = world.ask(line, key=key)
        assert error(reply) == "missing_scope"
        assert (reply.json["needed"], reply.json["provided"]) == (needed, said)


@every
def test_W1_the_scope_of_the_line_opens_it(world: World, line: Line) -> None:
    for scopes in ((str(line.scope),), ("sessions:*",), ("*",)):
        assert world.ask(line, key=world.doors.key(*scopes)).json.get("error") in {None, "session_expired"}


@every
def test_W3_a_key_of_another_organization_finds_nobody_here(world: World, unchanged: None, line: Line) -> None:
    """What is another's is answered as what is not there, byte for byte."""
    doors = world.doors
    key = doors.key(organization=doors.organization("acme"))
    doors.happened()
    codes = {"team_not_found", "user_not_found", "failed_for_some_users", "session_not_found"}
    asked = world.arguments(line)
    without_team = {k: v for k, v in asked.items() if k != "team_id"}
    nobody = {k: v for k, v in asked.items() if k == "duration"}
    nobody |= {k: str(uuid.uuid4()) for k in asked if k in {"user_id", "user_ids", "team_id"}}
    nobody |= {"session_id": 1} if "session_id" in asked else {}
    theirs, absent = (as_json(doors, name(line), key, **each) for each in (asked, nobody))
    assert error(theirs) in codes
    assert told(theirs, asked) == told(absent, nobody)
    if name(line) == "list":
        assert error(call(doors, "list", key)) == "no_active_sessions"
    elif name(line) == "invalidate":
        assert error(call(doors, "invalidate", key, **without_team)) == "session_not_found"


def told(reply: Reply, asked: dict[str, Any]) -> str:
    text = reply.body.decode()
    for each in asked.values():
        text = text.replace(str(each), "")
    return text


@every
@pytest.mark.parametrize("place", ["bearer", "BEARER", "bare", "header", "form", "json"])
def test_the_key_may_be_in_each_of_the_places_where_clients_put_it(world: World, line: Line, place: str) -> None:
    doors, method, asked = world.doors, name(line), world.arguments(line)
    in_head = {
        "bearer": {"authorization": f"Bearer {KEY}", "token": "token_example"},
        "BEARER": {"authorization": f"BEARER {KEY}"},
        "bare": {"authorization": KEY},
        "header": {"token": KEY},
    }
    if place == "json":
        reply = as_json(doors, method, None, token=KEY, **asked)
    elif place == "form":
        reply = call(doors, method, None, token=KEY, **asked)
    else:
        reply = sent(doors, method, json.dumps(asked).encode(), "application/json", None, **in_head[place])
    ok(reply)


def test_W1_another_method_or_path_opens_nothing(world: World, unchanged: None) -> None:
    doors = world.doors
    for line in METHODS:
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"):
            reply = doors.admin(method, line.path)
            assert (reply.status, reply.headers["allow"]) == (405, "POST")
        for path in (
            line.path + "/",
            "/api/ADMIN.users.session.list",
            line.path.replace("/api/", "/api//"),
            line.path + "%0a",
        ):
            assert error(doors.admin("POST", path, b"", headers={"content-type": "text/plain"})) in {
                "unknown_method",
                "invalid_arguments",
            }
    for path in ("/api/", "/api/auth.test", FAMILY, "/api/admin.users.list"):
        assert error(doors.admin("POST", path)) == "unknown_method"


def test_W1_a_network_that_needs_no_key_may_use_this_door(world: World) -> None:
    doors = world.doors
    doors.listen(access=Access(doors.parts.access.keys, (ipaddress.ip_network("10.1.0.0/16"),)))
    ok(doors.admin("POST", FAMILY + "list", key=None, peer="10.1.2.3"))
    assert error(doors.admin("POST", FAMILY + "list", key=None, peer="10.2.0.1")) == "not_authed"
    assert error(doors.admin("POST", FAMILY + "list", key="wrong", peer="10.1.2.3")) == "invalid_auth"


def test_W9_the_key_is_in_no_answer_and_no_event(world: World) -> None:
    for line in METHODS:
        reply = call(world.doors, name(line), None, token=KEY, **world.arguments(line))
        assert KEY not in reply.body.decode()
    assert KEY not in repr(world.doors.events)
