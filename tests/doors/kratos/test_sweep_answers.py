"""What every line of both tables does with a failure (rows W10 and W11), and that every list has pages."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Self

import pytest
from tests.doors.kratos.in_process import PUBLIC_URL, Doors, Reply, request
from tests.doors.kratos.pages import links
from tests.doors.kratos.table import ADMIN, LISTS, PUBLIC, WITH_BODY, Line, World, name

from nightlatch import problems
from nightlatch.core.credentials.hashing import Turn
from nightlatch.core.store import Store
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import door as kratos
from nightlatch.doors.kratos import errors, public
from nightlatch.doors.kratos.parts import Parts
from nightlatch.kernel.clock import SECOND

BOTH = [*(("admin", route) for route in ADMIN), *(("public", route) for route in PUBLIC)]
every = pytest.mark.parametrize(("port", "line"), BOTH, ids=[f"{port} {name(line)}" for port, line in BOTH])
bodied = pytest.mark.parametrize(("port", "line"), WITH_BODY, ids=[f"{port} {name(line)}" for port, line in WITH_BODY])
REPEATABLE = {"GET", "HEAD", "PUT", "DELETE"}


def kinds_of_problem(
    kind: type[problems.Problem] = problems.Problem, door: str = errors.__name__
) -> list[type[problems.Problem]]:
    """The whole tree, with what one door adds to it."""
    own = [kind] if kind.__module__ in {problems.__name__, door} else []
    return [*own, *(each for below in kind.__subclasses__() for each in kinds_of_problem(below, door))]


def instance(kind: type[problems.Problem]) -> problems.Problem:
    given: dict[type[problems.Problem], tuple[Any, ...]] = {
        problems.TraitsInvalid: ("a reason", [("/email", "wrong")]),
        problems.FieldInvalid: ("state", "a reason"),
        problems.FilterInvalid: ("a reason", 7),
        problems.SchemaUnknown: ("nope",),
        problems.SchemaNotFound: ("nope",),
        problems.PasswordRefused: ("too_short", "a reason", {"min_length": 8}),
        problems.Throttled: (7,),
        problems.ScopeMissing: ("identities:read",),
        errors.Malformed: ("a message",),
        errors.AllConflict: ([],),
        errors.CsrfViolation: ("a reason",),
        errors.AddressUnverified: ({},),
    }
    return kind(*given.get(kind, ()))


def put(doors: Doors, port: str, endpoint: Any) -> None:
    """Has every line of a port's table lead to `endpoint`."""
    door = kratos.admin_door(doors.parts) if port == "admin" else kratos.public_door(doors.parts)
    routes = tuple(route._replace(endpoint=endpoint) for route in door.routes)
    setattr(doors, f"_{port}", doors.port(replace(door, routes=routes)))


STATUS = {
    problems.NotFound: 404, problems.Conflict: 409, problems.VersionMismatch: 412, problems.Unauthenticated: 401,
    problems.Forbidden: 403, problems.FlowExpired: 410, problems.FeatureDisabled: 404, problems.Unavailable: 503,
    problems.Throttled: 429, problems.Problem: 400,
}  # fmt: skip


@pytest.mark.parametrize("kind", kinds_of_problem())
def test_every_line_says_every_problem_in_the_one_envelope(
    doors: Doors, kind: type[problems.Problem], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, problem = World(doors), instance(kind)
    expected = next(status for parent, status in STATUS.items() if issubclass(kind, parent))

    async def fail(*_: Any) -> Answer:
        raise problem

    monkeypatch.setattr(public, "whoami", fail)
    for port, routes in (("admin", ADMIN), ("public", PUBLIC)):
        put(doors, port, fail)
        for route in routes:
            reply: Reply = world.ask(port, route)
            error = reply.refused(expected)
            assert set(error) <= {"code", "status", "message", "reason", "id", "request", "details"}
            assert error.get("reason", problem.reason) == problem.reason
            assert reply.headers["ory-error-id"] == error.get("id", "")
            assert reply.headers["cache-control"].startswith("private, no-cache, no-store")
            comes_back = isinstance(problem, problems.Busy | problems.Throttled) or (
                isinstance(problem, problems.Unavailable) and route.method in REPEATABLE
            )
            assert ("retry-after" in reply.headers) is comes_back
            beside = (
                {"redirect_browser_to"}
                if kind in {problems.AssuranceTooLow, problems.ReauthenticationRequired}
                else set()
            )
            assert set(reply.json) == {"error", *beside}


def test_every_problem_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in kinds_of_problem() if kind is not errors.AllConflict]
    assert len(codes) == len(set(codes))


# W10: fail closed


class Failing:
    """A store whose call number `at` fails; the others are those of `store`."""

    def __init__(self, store: Store, at: int, error: Callable[[], BaseException]) -> None:
        self._store, self._at, self._error = store, at, error
        self.remote = store.remote
        self.generations = store.generations
        self.calls = 0

    async def write(self, unit: Any) -> Any:
        return await self._call(self._store.write, unit)

    async def read(self, unit: Any) -> Any:
        return await self._call(self._store.read, unit)

    async def scan(self, unit: Any) -> Any:
        return await self._call(self._store.scan, unit)

    async def close(self) -> None:
        await self._store.close()

    async def _call(self, run: Callable[[Any], Awaitable[Any]], unit: Any) -> Any:
        self.calls += 1
        if self.calls == self._at:
            raise self._error()
        return await run(unit)

    def into(self, doors: Doors) -> Self:
        doors.listen(store=self)
        return self


class Bug(Exception):
    """What must never be told."""

    def __init__(self) -> None:
        super().__init__("select canary from /srv/canary: File line 7")


FAILURES: list[Callable[[], BaseException]] = [Bug, TimeoutError, KeyError, problems.StoreDown, problems.Busy]


@every
def test_W10_whatever_call_to_the_store_fails_the_line_refuses_and_tells_nothing(
    doors: Doors, port: str, line: Line
) -> None:
    world, store = World(doors), doors.parts.store
    more: dict[str, Any] = {"key": doors.key()} if port == "admin" else {}
    doors.happened()
    reached = [0]
    while reached[-1] == len(reached) - 1:
        at = len(reached)
        for error in FAILURES:
            failing = Failing(store, at, error).into(doors)
            reply = world.ask(port, line, **more)
            if failing.calls < at:
                break
            assert doors.happened() == []
            _check_refusal(reply, 503 if error in {problems.StoreDown, problems.Busy} else 500)
        reached.append(failing.calls)
    assert len(reached) - 2 == CALLS.get(line.endpoint.__name__, 0 if line.status >= 300 else 1) + (
        line.scope is not None
    )
    doors.failures.clear()


# Calls to the store of each operation, besides the one that looks for the key, where they are not one.
CALLS = {
    "is_alive": 0, "get_version": 0, "get_document": 0, "get_metrics": 0, "get_identity_schema": 0,
    "list_identity_schemas": 0, "list_my_sessions": 2, "disable_my_other_sessions": 2, "disable_my_session": 2,
    "update_login_flow": 4, "update_registration_flow": 4, "update_recovery_flow": 3, "update_logout_flow": 2,
    "get_flow_error": 0, "create_native_settings_flow": 2, "get_settings_flow": 2, "update_settings_flow": 4,
    "create_browser_settings_flow": 2, "return_to_settings_flow": 3, "update_verification_flow": 2, "show_device": 0,
}  # fmt: skip


def _check_refusal(reply: Reply, status: int) -> None:
    refusal = reply.refused(status)
    assert b"canary" not in reply.body + repr(reply.headers).encode()
    if status == 500:
        assert refusal["message"] == "An internal server error occurred, please contact the system administrator"
        assert set(refusal) == {"code", "status", "message", "request"}


@every
def test_W10_a_bug_is_told_to_the_log_and_to_nobody_else(
    doors: Doors, port: str, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(doors)

    async def bug(*_: Any) -> Answer:
        raise Bug

    monkeypatch.setattr(public, "whoami", bug)
    put(doors, port, bug)
    reply = world.ask(port, line)
    reply.refused(500)
    assert b"canary" not in reply.body
    assert [type(each) for each in doors.failures] == [Bug]
    doors.failures.clear()


def test_W10_a_hash_that_cannot_be_computed_signs_nobody_in(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    doors.person()
    for failure in (Bug, TimeoutError, problems.Busy):

        async def fail(*_: Any, failure: type[BaseException] = failure) -> Any:
            raise failure()

        monkeypatch.setattr(Turn, "verify", fail)
        for who in ("ada", "nobody"):
            assert doors.try_sign_in(f"{who}@example.org", "x").status in {500, 503}
    assert "session.issued" not in doors.happened()
    doors.failures.clear()


def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_bug(doors: Doors) -> None:
    async def leave() -> None:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "POST", "path": "/self-service/login", "raw_path": b"/self-service/login",
            "query_string": b"flow=" + b"0" * 32, "headers": [], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
            "scheme": "http", "http_version": "1.1", "root_path": "",
        }  # fmt: skip
        await doors._public(scope, receive, send)
        assert sent == []

    doors.run(leave())


# W11: what a body may be

DEEP = b"[" * 33 + b"]" * 33
BODIES: dict[str, bytes] = {
    "nested 33 deep": b'{"a":' + DEEP + b"}",
    "nested 200,000 deep": b"[" * 200_000,
    "1,001 names": json.dumps({f"n{i}": i for i in range(1001)}).encode(),
    "a name twice": b'{"traits":{"email":"a@example.org","email":"b@example.org"}}',
    "a name twice at the top": b'{"method":"password","method":"profile"}',
    "an integer of 4,301 digits": b'{"a":' + b"9" * 4301 + b"}",
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "out of range": b'{"a":1e999}',
    "a NUL": b'{"traits":{"email":"a\\u0000@example.org"}}',
    "half a surrogate": b'{"a":"\\ud800"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "not UTF-8": b'{"a":"\xff"}',
    "something behind it": b"{} {}",
    "a comment": b"{/**/}",
    "a comma too many": b'{"a":1,}',
    "a control character": b'{"a":"\n"}',
    "a number with a zero before it": b'{"a":01}',
}


@bodied
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_W11_a_body_that_is_not_good_json_is_refused_on_every_line(
    doors: Doors, port: str, line: Line, body: bytes
) -> None:
    world = World(doors)
    error = world.send(port, line, body).refused(413 if len(body) > 100_000 and port == "public" else 400)
    assert "99999" not in json.dumps(error)
    assert doors.happened() == []


LARGE = {"batch_patch_identities": 5 << 20, "update_identity": 5 << 20}


@bodied
def test_W11_a_body_may_be_as_large_as_the_line_allows_and_no_larger(doors: Doors, port: str, line: Line) -> None:
    """Part 0, body caps."""
    world = World(doors)
    most = LARGE.get(line.endpoint.__name__, (1 << 20) if port == "admin" else 65536)
    good = json.dumps(world.body(line)).encode()
    assert world.send(port, line, good.ljust(most)).status < 300
    doors.happened()
    reply = world.send(port, line, good.ljust(most + 1))
    assert reply.refused(413)["reason"] == f"The request body is larger than {most} bytes."
    assert doors.happened() == []


@bodied
@pytest.mark.parametrize(
    "headers",
    [{"content-encoding": "gzip"}, {"content-encoding": "br"}, {"content-encoding": "identity, gzip"}, {"content-type": "multipart/form-data; boundary=x"}, {"content-type": "Multipart/Mixed"}],
)  # fmt: skip
def test_W11_packed_bodies_and_forms_in_parts_are_415(
    doors: Doors, port: str, line: Line, headers: dict[str, str]
) -> None:
    world = World(doors)
    world.ask(port, line, headers=headers).refused(415)
    assert doors.happened() == []


def test_W11_a_body_is_not_read_past_its_limit(doors: Doors) -> None:
    async def endless() -> int:
        read = 0

        async def app(scope: Any, _: Any, send: Any) -> None:
            async def receive() -> dict[str, Any]:
                nonlocal read
                read += 1
                return {"type": "http.request", "body": b" " * 65536, "more_body": True}

            await doors._public(scope, receive, send)

        reply = await request(app, 4433, "POST", "/self-service/login?flow=" + "0" * 32, peer="10.0.0.1")
        reply.refused(413)
        return read

    assert doors.run(endless()) == 2


@every
def test_a_control_character_in_the_target_is_refused_on_every_line(doors: Doors, port: str, line: Line) -> None:
    """PostgreSQL holds no NUL, so it must not come that far."""
    world = World(doors)
    ask = doors.admin if port == "admin" else doors.public
    if line.path != "/sessions/whoami" or port == "admin":
        ask(line.method, world.target(line, "x=%00"), world.body(line)).refused(400)
    if "{" in line.path:
        ask(line.method, line.path[: line.path.index("{")] + "%00x", world.body(line)).refused(400)


# Lists


@pytest.mark.parametrize(("port", "line"), LISTS, ids=[f"{port} {name(line)}" for port, line in LISTS])
def test_every_list_has_pages(doors: Doors, port: str, line: Line) -> None:
    """STYLE 45. Each shows all of them once, a row a page, whatever way it is asked."""
    world = World(doors)
    for _ in range(3):
        doors.clock.advance(SECOND)
        doors.session(world.identity)
        world.told()
        doors.admin("POST", "/admin/identities", {"schema_id": "robot"})

    def ask(target: str) -> Reply:
        return doors.admin("GET", target) if port == "admin" else doors.public("GET", target, token=world.token)

    target = world.target(line)
    whole = [each["id"] for each in ask(target).ok()]
    assert len(whole) >= 3
    starts = ["page_size=1", *(["page=1&per_page=1"] if any(p.name == "page" for p in line.query) else [])]
    for start in starts:
        following, seen = f"{target}?{start}", []
        while following:
            reply = ask(following)
            assert len(reply.ok()) == 1
            seen += [each["id"] for each in reply.json]
            assert reply.headers["link"].startswith(f"<{target}?")
            following = links(reply).get("next", "")
        assert seen == whole
    assert json.loads(ask(f"{target}?page_size=1").body) != []


def test_the_parts_of_a_port_are_frozen(doors: Doors) -> None:
    with pytest.raises(AttributeError):
        doors.parts.public_url = PUBLIC_URL  # type: ignore[misc]
    assert isinstance(doors.parts, Parts)
    assert Call.__slots__
