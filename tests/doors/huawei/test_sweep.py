"""Every line of the table with every key that is none, every failure that the core can name, and other spellings."""

import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.doors.huawei.signing import World, new_organization, refused, signer
from tests.doors.kratos.in_process import ADMIN_PORT, KEY
from tests.doors.kratos.test_sweep_answers import STATUS, instance, kinds_of_problem

from nightlatch import problems
from nightlatch.core.access import rules
from nightlatch.core.access.signatures import WINDOW
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call, Route
from nightlatch.doors.huawei import door as huawei
from nightlatch.doors.huawei import errors
from nightlatch.doors.huawei.routes import ROUTES
from nightlatch.kernel.clock import HOUR, SECOND
from nightlatch.kernel.secrets import Keys

GUARDED = [route for route in ROUTES if route.scope]
SCOPES = {"identities:*", "sessions:read", "sessions:end", "sessions:write", "keys:*", "organizations:*"}
SIGNATURE = "Incorrect IAM authentication information: The signature is not one of this request by a valid key pair."
guarded = pytest.mark.parametrize("line", GUARDED, ids=lambda line: line.method)


def target(world: World, line: Route[Shared]) -> tuple[str, str, Any]:
    sent = None if line.takes is None else {"session_ids": [world.one]}
    return line.method, line.path.format(identity_store_id=world.path().split("/")[3], user_id=world.ada), sent


@pytest.fixture
def unchanged(world: World) -> Iterator[None]:
    """Nothing happens in the test."""
    yield
    assert world.doors.happened() == []
    assert world.alive() == [True, True, True]


def test_W1_the_lines_that_need_no_key_are_these_and_no_others() -> None:
    assert [route.path for route in ROUTES if route.scope is None] == ["/v1/identity-stores/openapi.json"]


@guarded
@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": ""}, {"authorization": f"Bearer {KEY}"}, {"authorization": KEY}, {"token": KEY},
     {"authorization": "SDK-HMAC-SM3 Access=A, SignedHeaders=host, Signature=00"}, {"authorization": "SDK-HMAC-SHA256"},
     {"x-auth-token": KEY}],
)  # fmt: skip
def test_W1_a_request_that_is_not_signed_is_401(
    world: World, unchanged: None, line: Route[Shared], headers: dict[str, str]
) -> None:
    method, path, sent = target(world, line)
    reply = world.doors.admin(method, path, sent, key=None, headers=headers)
    assert "SDK-HMAC-SHA256" in refused(reply, 401, "APIGW.0301")["error_msg"]
    assert reply.headers["www-authenticate"] == "SDK-HMAC-SHA256"
    assert world.ada not in reply.body.decode()


@guarded
def test_W1_W17_no_two_pairs_that_are_not_good_are_told_apart(world: World, line: Route[Shared]) -> None:
    doors = world.doors
    expiring, revoked, temporary = (
        signer(doors, expires_at=doors.clock.now() + HOUR), signer(doors), signer(doors, temporary=True)
    )  # fmt: skip
    asked = target(world, line)
    [key] = [
        key
        for key in doors.read(lambda tx: tx.access_keys.list(doors.act().organization, None, 99))
        if key.pair and key.pair.id == revoked.id
    ]
    doors.write(lambda tx: rules.revoke(tx, doors.act(), key.id))
    doors.clock.advance(HOUR)
    doors.happened()
    bad = {
        "unknown": world.ask.but(id="A" * 20),
        "wrong secret": world.ask.but(secret="b" * 40),
        "expired": expiring,
        "revoked": revoked,
        "no security token": temporary.but(token=None),
        "another security token": temporary.but(token="nl_sec_" + "a" * 43),
        "a security token where none is": world.ask.but(token=temporary.token),
        "the token of a key": world.ask.but(id=KEY[:20], secret=KEY),
    }
    for name, ask in bad.items():
        reply = ask(*asked)
        assert refused(reply, 401, "APIGW.0301")["error_msg"] == SIGNATURE, name
        assert world.ada not in reply.body.decode()
    assert doors.happened() == []
    assert temporary(*asked).status == 200


@guarded
def test_W17_a_pair_that_no_configured_secret_opens_is_none(world: World, unchanged: None, line: Route[Shared]) -> None:
    other = Keys([b"another secret of 32 bytes......"], "key pairs")
    world.doors.listen(pair_keys=other)
    refused(world.ask(*target(world, line)), 401, "APIGW.0301")


@guarded
def test_W17_a_request_is_good_for_15_minutes_either_way(world: World, line: Route[Shared]) -> None:
    asked = target(world, line)
    for late in (-WINDOW - SECOND, WINDOW + SECOND):
        assert "15 minutes" in refused(world.ask.but(late=late)(*asked), 401, "APIGW.0301")["error_msg"]
    for late in (-WINDOW, WINDOW):
        assert world.ask.but(late=late)(*asked).status == 200


@guarded
def test_W17_a_request_that_is_repeated_is_answered_again(world: World, line: Route[Shared]) -> None:
    method, path, sent = target(world, line)
    body = b"" if sent is None else b'{"session_ids": ["%s"]}' % world.two.encode()
    headers = world.ask.headers(method, path, body)
    replies = [world.doors.admin(method, path, body, key=None, headers=headers) for _ in range(3)]
    assert [reply.status for reply in replies] == [200] * 3


@guarded
def test_W17_what_was_signed_for_one_place_opens_no_other(world: World, unchanged: None, line: Route[Shared]) -> None:
    method, path, sent = target(world, line)
    body = b"" if sent is None else b'{"session_ids": ["%s"]}' % world.one.encode()
    headers = world.ask.headers(method, path, body)
    for other in (path.replace(world.ada, world.bob), path + "?a=b"):
        refused(world.doors.admin(method, other, body, key=None, headers=headers), 401, "APIGW.0301")
    refused(world.doors.admin(method, path, body + b" ", key=None, headers=headers), 401, "APIGW.0301")
    moved = headers | {"host": "127.0.0.1:4433"}
    refused(world.doors.admin(method, path, body, key=None, headers=moved), 401, "APIGW.0301")


@guarded
def test_W1_only_the_scope_of_the_line_opens_it(world: World, line: Route[Shared]) -> None:
    doors, asked = world.doors, target(world, line)
    beside = signer(doors, *(SCOPES - {str(line.scope)}))
    error = refused(beside(*asked), 403, "IIC.1000")
    assert str(line.scope) in error["error_msg"]
    assert error["encoded_authorization_message"]
    for scope in (str(line.scope), "sessions:*", "*"):
        assert signer(doors, scope)(*asked).status == 200


@guarded
def test_W3_a_pair_of_another_organization_finds_nothing(world: World, line: Route[Shared]) -> None:
    theirs = signer(world.doors, organization=new_organization(world.doors, "d-theirs"))
    world.doors.happened()
    refused(theirs(*target(world, line)), 404, "IIC.404")
    assert world.doors.happened() == []


def test_W1_a_network_that_needs_no_key_must_sign_here_all_the_same(world: World, unchanged: None) -> None:
    trusted = replace(world.doors.parts.access, trusted_networks=(ipaddress.ip_network("127.0.0.0/8"),))
    world.doors.listen(access=trusted)
    refused(world.doors.admin("GET", world.path(), key=None), 401, "APIGW.0301")


@pytest.mark.parametrize("kind", kinds_of_problem())
@guarded
def test_W10_every_problem_has_an_answer_in_this_doors_shape(
    world: World, line: Route[Shared], kind: type[problems.Problem]
) -> None:
    async def fail(_call: Call[Shared]) -> Answer:
        raise instance(kind)

    doors = world.doors
    door = huawei.admin_door(doors.parts)
    failing = doors.port(replace(door, routes=tuple(route._replace(endpoint=fail) for route in door.routes)))
    method, path, sent = target(world, line)
    headers = world.ask.headers(method, path)
    reply = doors.ask(failing, ADMIN_PORT, method, path, b"", headers=headers)
    status = next(STATUS[known] for known in kind.__mro__ if known in STATUS)
    code = {401: "APIGW.0301", 429: "APIGW.0308", 403: "IIC.1000", 409: "IIC.1006"}.get(status, f"IIC.{status}")
    error = refused(reply, status, code)
    assert ("encoded_authorization_message" in error) == (status == 403)
    undone = kind in {problems.Busy, problems.Throttled}
    assert ("retry-after" in reply.headers) == (undone or (status == 503 and method == "GET"))
    assert sent is None or method == "POST"


def test_W10_a_bug_tells_nothing(world: World) -> None:
    async def break_(_call: Call[Shared]) -> Answer:
        raise RuntimeError("a secret of the inside")

    door = huawei.admin_door(world.doors.parts)
    broken = world.doors.port(replace(door, routes=tuple(route._replace(endpoint=break_) for route in door.routes)))
    reply = world.doors.ask(
        broken, ADMIN_PORT, "GET", world.path(), b"", headers=world.ask.headers("GET", world.path())
    )
    refused(reply, 500, "IIC.500")
    assert b"inside" not in reply.body
    assert [str(failure) for failure in world.doors.failures] == ["a secret of the inside"]
    world.doors.failures.clear()


@pytest.mark.parametrize(
    ("method", "change", "status"),
    [
        ("GET", lambda path: path + "/", 404),
        ("GET", lambda path: path.replace("/users", "//users"), 404),
        ("GET", lambda path: path.replace("/users", "/x/../users"), 404),
        ("GET", lambda path: path.replace("/users/", "/users%2F"), 200),
        ("GET", lambda path: path + "/x", 404),
        ("GET", lambda path: path.replace("/v1/", "/V1/"), 404),
        ("GET", lambda path: path.replace("sessions", "Sessions"), 404),
        ("GET", lambda path: path + "%0a", 400),
        ("POST", lambda path: path, 405),
        ("DELETE", lambda path: path, 405),
        ("GET", lambda path: path + "/batch-delete", 405),
        ("HEAD", lambda path: path, 200),
    ],
)  # fmt: skip
def test_a_request_has_one_spelling(world: World, method: str, change: Any, status: int) -> None:
    reply = world.ask(method, change(world.path()))
    assert reply.status == status, reply
    if status == 405:
        assert reply.headers["allow"]
    assert world.alive() == [True, True, True]


def test_the_document_names_the_operations_as_the_client_does(world: World) -> None:
    document = world.doors.admin("GET", "/v1/identity-stores/openapi.json", key=None).ok()
    assert "SDK-HMAC-SHA256" in document["components"]["securitySchemes"]["accessKey"]["description"]
    operations = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert operations == {"batchDeleteSessions", "listSessions", "getDocument"}
    assert {(m.upper(), p) for p, each in document["paths"].items() for m in each} == {
        (r.method, r.path) for r in ROUTES
    }


def test_the_page_names_every_line_and_code() -> None:
    page = (Path(__file__).parents[3] / "docs/dialects/huawei.md").read_text(encoding="utf-8")
    for route in ROUTES:
        assert f"`{route.method} {route.path}`" in page or route.path in page
        assert route.scope is None or f"`{route.scope}`" in page
    for error in errors.ERRORS.values():
        assert f"`{error.code}`" in page
