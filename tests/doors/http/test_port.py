"""Several doors on one port: each has its paths, its way to say who asks, and its shape of everything that goes wrong."""

import os
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Scope
from tests.database import Run
from tests.doors.kratos.in_process import BEGIN, KEY, Reply, request

from nightlatch.core.access.model import AccessKey
from nightlatch.core.credentials.person import Vault
from nightlatch.core.events.model import Act
from nightlatch.core.identities.schemas import Schemas
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.rules import Lifetime
from nightlatch.doors.http import access
from nightlatch.doors.http.client_address import ClientAddress
from nightlatch.doors.http.door import Door
from nightlatch.doors.http.parts import Access, Shared
from nightlatch.doors.http.port import Port
from nightlatch.doors.http.routing import Answer, Call, Route, read_body
from nightlatch.kernel.clock import SetClock
from nightlatch.kernel.secrets import Keys, digest
from nightlatch.problems import Conflict, StoreDown

KEYS = {digest(KEY): AccessKey(bytes(16), DEFAULT, "configured", digest(KEY), ("*",), 0)}
SHARED = Shared(
    store=SimpleNamespace(remote=True, generations=None),  # type: ignore[arg-type]  # no test here asks it anything
    clock=SetClock(BEGIN),
    entropy=os.urandom,
    access=Access(KEYS, ()),
    lifetime=Lifetime(1, 1),
    page_keys=Keys([bytes(32)], "page tokens"),
    pair_keys=Keys([bytes(32)], "key pairs"),
    schemas=Schemas([], "default"),
    hasher=None,  # type: ignore[arg-type]
    vault=Vault(Keys([bytes(32)], "credentials")),
    client_address=ClientAddress((), "x-forwarded-for"),
)


async def bug(_call: Call[Shared]) -> Answer:
    raise KeyError("canary")


async def conflict(_call: Call[Shared]) -> Answer:
    raise Conflict("taken")


async def down(_call: Call[Shared]) -> Answer:
    raise StoreDown


def door(name: str, prefix: str) -> Door[Shared]:
    """A door that takes its key from a header of its own, and says its name in all that it answers."""

    async def auth(parts: Shared, asked: Request, scope: str) -> Act:
        return await access.bearer(parts, asked, asked.headers.get(f"x-{name}", ""), scope)

    async def who(call: Call[Shared]) -> Answer:
        return Answer(200, f"{name} {call.act.actor}".encode())

    routes = (("who", who, None), ("mine", who, "sessions:read"), ("bug", bug, None), ("taken", conflict, None), ("down", down, None))  # fmt: skip
    return Door(
        prefix,
        SHARED,
        tuple(Route("GET", prefix + path, endpoint, scope) for path, endpoint, scope in routes),
        auth,
        lambda problem, scope: said(name, scope, problem.code),
        lambda refusal, scope: said(name, scope, str(refusal.status)),
    )


def said(name: str, scope: Scope, what: str) -> Answer:
    return Answer(418, f"{name} {scope['request_id']} {what}".encode())


class Asked:
    """A port with three doors; what it observed and what failed."""

    def __init__(self, run: Run, *doors: Door[Any]) -> None:
        self.observed: list[tuple[str, int]] = []
        self.failed: list[BaseException] = []
        self._run = run
        self._port = Port(
            doors or (door("rest", "/"), door("long", "/v1/stores/"), door("short", "/v1/")),
            os.urandom,
            lambda _scope, route, status, _seconds: self.observed.append((route, status)),
            lambda _id, error: self.failed.append(error),
        )

    def get(self, path: str, method: str = "GET", sent: Any = None, **headers: str) -> Reply:
        named = {"x-request-id": "r1"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self._run(request(self._port, 1, method, path, sent, headers=named))


@pytest.fixture
def asked(run: Run) -> Asked:
    return Asked(run)


@pytest.mark.parametrize(
    ("path", "name"),
    [("/who", "rest"), ("/v1/who", "short"), ("/v1/stores/who", "long"), ("/%761/who", "short"), ("/v1/stores/wh%6F", "long")],
)  # fmt: skip
def test_a_path_belongs_to_the_door_of_its_longest_prefix(asked: Asked, path: str, name: str) -> None:
    reply = asked.get(path)
    assert (reply.status, reply.body) == (200, f"{name} anonymous".encode())
    assert asked.observed == [(path.replace("%76", "v").replace("%6F", "o"), 200)]


@pytest.mark.parametrize(
    ("path", "name"),
    [("/v1", "rest"), ("/v2/who", "rest"), ("//v1/who", "rest"), ("/V1/who", "rest"), ("/v1/nope", "short"),
     ("/v1/stores", "short"), ("/v1/stores//who", "long"), ("/v1/stores/../who", "long")],
)  # fmt: skip
def test_W18_what_no_route_is_for_is_refused_by_the_door_whose_path_it_is(asked: Asked, path: str, name: str) -> None:
    assert asked.get(path).body == f"{name} r1 404".encode()


@pytest.mark.parametrize(("prefix", "name"), [("/", "rest"), ("/v1/", "short"), ("/v1/stores/", "long")])
def test_each_door_tells_in_its_own_shape_what_went_wrong(asked: Asked, prefix: str, name: str) -> None:
    for path, what in (("taken", "conflict"), ("down", "store_down"), ("bug", "500"), ("mine", "key_required")):
        reply = asked.get(prefix + path)
        assert reply.body == f"{name} r1 {what}".encode()
        assert reply.headers["x-request-id"] == "r1"
        assert reply.headers["cache-control"] == "private, no-cache, no-store, must-revalidate"
        assert reply.headers["x-content-type-options"] == "nosniff"
    assert asked.get(prefix + "who", "POST").body == f"{name} r1 405".encode()
    assert [type(error) for error in asked.failed] == [StoreDown, KeyError]


def test_W1_a_key_is_taken_from_where_its_door_has_it_and_from_nowhere_else(asked: Asked) -> None:
    assert asked.get("/v1/mine", x_short=KEY).body == b"short key:00000000-0000-0000-0000-000000000000"
    for headers in ({"x_long": KEY}, {"x_rest": KEY}, {"x_short": KEY + "x"}, {"authorization": f"Bearer {KEY}"}):
        assert asked.get("/v1/stores/mine", **headers).body != b"long key", headers
    assert asked.get("/v1/mine", x_long=KEY).body == b"short r1 key_required"


def test_an_early_path_is_answered_before_routing_whatever_the_method(run: Run) -> None:
    async def early(_parts: Shared, _headers: object) -> Answer:
        return Answer(200, b"early")

    asked = Asked(run, replace(door("rest", "/"), early={"/who": early}))
    assert asked.get("/who", "PROPFIND").body == b"early"
    assert asked.get("/who/").body == b"rest r1 404"
    assert asked.observed == [("/who", 200), ("", 418)]


def test_W11_a_body_that_auth_has_read_is_there_for_the_route_and_has_its_limit(run: Run) -> None:
    async def auth(parts: Shared, asked: Request, scope: str) -> Act:
        await read_body(asked, 100)
        return access.anonymous(parts)

    async def length(call: Call[Shared]) -> Answer:
        return Answer(200, str(len(await call.body(10))).encode())

    made = door("rest", "/")
    asked = Asked(run, replace(made, routes=(Route("POST", "/sent", length, "sessions:end"),), auth=auth))
    assert [asked.get("/sent", "POST", sent).body for sent in (b'{"a": 1}', b"")] == [b"8", b"0"]
    for size in (11, 101):
        assert asked.get("/sent", "POST", b"{}".ljust(size)).body == b"rest r1 413"


def test_W8_a_port_that_is_reached_by_https_tells_browsers_to_stay_with_it(run: Run) -> None:
    for https, told in ((True, "max-age=31536000"), (False, None)):
        port = Port((door("rest", "/"),), os.urandom, lambda *_: None, lambda *_: None, https=https)
        for path in ("/who", "/bug", "/nothing"):
            reply = run(request(port, 1, "GET", path))
            assert reply.headers.get("strict-transport-security") == told
            assert "cross-origin-resource-policy" not in reply.headers, "a page it is not"
