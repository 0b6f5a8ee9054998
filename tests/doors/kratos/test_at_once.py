"""The session check as the protocol answers it, without a task or an application for each: byte for byte what the ordinary
way answers, and in its place among other answers."""

import asyncio
import contextlib
import re
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.doors.kratos.in_process import Doors
from tests.doors.kratos.visitor import Visitor
from uvicorn.config import Config
from uvicorn.server import ServerState

from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import How, Where
from nightlatch.core.sessions.rules import Lifetime, end
from nightlatch.doors.http.cors import Cors
from nightlatch.doors.http.limits import Limits
from nightlatch.doors.http.protocol import Protocol
from nightlatch.kernel.clock import DAY, HOUR

CHECK = b"GET /sessions/whoami HTTP/1.1\r\nHost: a\r\n"
ALIVE = b"GET /health/alive HTTP/1.1\r\nHost: a\r\n\r\n"
CORS = Cors(("https://app.example.org",), ("GET",), ("x-session-token",), ("content-type",), credentials=True)


class Server:
    """The public port of `doors` behind the real protocol; `begun` counts what it answers at once, where it may."""

    limits = Limits()

    def __init__(self, doors: Doors, *, may: bool) -> None:
        self.port, self.may, self.begun = doors._public, may, 0
        self.peers: dict[Any, int] = {}
        self.faults: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("lifespan only")

    def of_port(self, _port: int) -> Any:
        return self.port

    def at_once(self, _port: int) -> frozenset[bytes]:
        return self.port.at_once if self.may else frozenset()

    def begin(self, scope: Any) -> Any:
        self.begun += 1
        return self.port.begin(scope)

    def repeats(self, _port: int) -> Any:
        return self.port.repeats if self.may else None

    def trusts(self, _address: Any) -> bool:
        return True

    def request_id(self, given: bytes | None) -> bytes:
        return given or b"made"

    def refused(self, why: Any, _client: str) -> None:
        self.faults.append(why.name)


@contextlib.asynccontextmanager
async def connected(
    server: Server, keep_alive: int = 75
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = Config(lambda: server, factory=True, http=Protocol, ws="none", interface="asgi3", lifespan="off", log_config=None, access_log=False, proxy_headers=False, server_header=False, timeout_keep_alive=keep_alive)  # fmt: skip
    config.load()
    state = ServerState()
    listener = await asyncio.get_running_loop().create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.close()
        listener.close()


async def answers(server: Server, sent: bytes) -> bytes:
    """All that comes back for what is sent, until there is no more."""
    async with connected(server) as (reader, writer):
        writer.write(sent)
        return await reader.read()


async def one_by_one(server: Server, sent: bytes, times: int) -> list[bytes]:
    """The answers to the same request, sent so often, each after the last was answered."""
    said = []
    async with connected(server) as (reader, writer):
        for _ in range(times):
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            said.append(head + await reader.readexactly(int(length[1]) if length else 0))
    return said


def both(doors: Doors, sent: bytes) -> tuple[bytes, bytes, int]:
    """What the ordinary way answers, what is answered at once where it may be, and how often it was."""
    doors.listen()
    ordinary, quick = Server(doors, may=False), Server(doors, may=True)
    # The last request closes, so that all answers have come when the connection ends.
    last = ALIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    said = [doors.run(answers(server, sent + last)) for server in (ordinary, quick)]
    assert ordinary.begun == 0
    assert ordinary.faults == quick.faults
    return masked(said[0]), masked(said[1]), quick.begun


def masked(said: bytes) -> bytes:
    """Without what is different each time."""
    return re.sub(rb"(x-request-id: )[0-9a-f]{32}|(\"request\":\")[0-9a-f]{32}", rb"\1\2*", said)


@pytest.fixture
def ada(doors: Doors) -> str:
    doors.cors = CORS
    doors.listen()
    doors.person()
    return str(doors.sign_in()["session_token"])


FIELDS = {
    "a token": b"X-Session-Token: {}\r\n",
    "a bearer": b"authorization: Bearer {}\r\n",
    "another scheme": b"Authorization: Basic {}\r\n",
    "a wrong token": b"X-Session-Token: x{}\r\n",
    "nothing": b"",
    "a cookie of somebody else": b"Cookie: ory_kratos_session=abc; x=y\r\n",
    "two tokens": b"X-Session-Token: {}\r\nAuthorization: Bearer {}\r\n",
    "a request id": b"X-Session-Token: {}\r\nX-Request-Id: mine\r\n",
    "a bad request id": b"X-Session-Token: {}\r\nX-Request-Id: \xff\x80\r\n",
    "a page that may": b"X-Session-Token: {}\r\nOrigin: https://app.example.org\r\n",
    "a page that may not": b"X-Session-Token: {}\r\nOrigin: https://evil.example\r\n",
    "keep-alive": b"X-Session-Token: {}\r\nConnection: keep-alive\r\n",
    "many fields": b"X-Session-Token: {}\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(50)),
    "a field that is empty": b"X-Session-Token:\r\nCookie:\r\n",
    "an upgrade that nobody wants": b"X-Session-Token: {}\r\nConnection: upgrade\r\nUpgrade: h2c\r\n",
}


ODD = {"another scheme", "a wrong token", "nothing", "a cookie of somebody else", "a request id", "a bad request id", "a field that is empty"}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_W18_the_quick_way_answers_as_the_ordinary_one(doors: Doors, ada: str, name: str) -> None:
    sent = CHECK + FIELDS[name].replace(b"{}", ada.encode()) + b"\r\n"
    ordinary, quick, begun = both(doors, sent)
    assert ordinary == quick
    assert ordinary.startswith(b"HTTP/1.1 ")
    assert begun == 1


@pytest.mark.parametrize("name", FIELDS)
def test_W18_an_answer_that_is_given_again_is_the_one_from_the_rows(doors: Doors, ada: str, name: str) -> None:
    sent = CHECK + FIELDS[name].replace(b"{}", ada.encode()) + b"\r\n"
    doors.listen(checks=None)
    ordinary = doors.run(one_by_one(Server(doors, may=False), sent, 1))
    doors.listen()
    server = Server(doors, may=True)
    said = doors.run(one_by_one(server, sent, 6))
    assert {masked(each) for each in said} == {masked(each) for each in ordinary}
    good = ordinary[0].startswith(b"HTTP/1.1 200") and b"request-id" not in sent.lower()
    # The first says whose session it is, the second is kept, the third is seen to be asked alike.
    assert server.begun == (3 if good else 6)
    assert good == (name not in ODD)
    ids = set(re.findall(rb"x-request-id: (\S+)", b"".join(said)))
    assert len(ids) == (1 if name == "a request id" else 6)


@pytest.mark.parametrize(
    "sent",
    [
        CHECK.replace(b"GET", b"HEAD"),
        CHECK.replace(b"GET", b"POST") + b"Content-Length: 2\r\n\r\n{}",
        CHECK.replace(b"GET", b"OPTIONS")
        + b"Access-Control-Request-Method: GET\r\nOrigin: https://app.example.org\r\n",
        CHECK.replace(b"whoami", b"whoami?a=b"),
        CHECK.replace(b"whoami", b"who%61mi"),
        CHECK.replace(b"whoami", b"whoami/"),
        CHECK + b"Content-Length: 0\r\n",
        CHECK + b"Content-Length: 3\r\n\r\nabc",
        CHECK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        CHECK + b"Expect: 100-continue\r\n",
        CHECK.replace(b"Host: a\r\n", b""),
        CHECK + b"Host: b\r\n",
    ],
)
def test_W18_anything_out_of_the_ordinary_takes_the_ordinary_way(doors: Doors, ada: str, sent: bytes) -> None:
    whole = sent if sent.endswith((b"}", b"abc")) else sent + b"\r\n"
    ordinary, quick, begun = both(doors, whole)
    assert ordinary == quick
    assert ordinary.startswith(b"HTTP/1.1 ")
    assert begun == 0


def test_W18_answers_come_in_the_order_of_their_requests(doors: Doors, ada: str) -> None:
    check = CHECK + b"X-Session-Token: " + ada.encode() + b"\r\n\r\n"
    flow = b"GET /self-service/login/flows?id=x HTTP/1.1\r\nHost: a\r\n\r\n"
    for sent in (check * 3, check + flow + check, flow + check + check, ALIVE + check + flow + ALIVE + check):
        ordinary, quick, begun = both(doors, sent)
        assert ordinary == quick
        assert quick.count(b"HTTP/1.1 ") == sent.count(b"HTTP/1.1") + 1
        assert begun <= sent.count(check)
    assert both(doors, check * 3)[2] == 3


def test_a_check_that_has_to_wait_is_gone_on_with_as_any_other(doors: Doors, ada: str) -> None:
    check = CHECK + b"X-Session-Token: " + ada.encode() + b"\r\n\r\n"
    for may in (False, True):
        doors.listen(lifetime=Lifetime(DAY, HOUR, sliding=30 * DAY))
        doors.clock.advance(12 * HOUR)
        before = doors.run(
            answers(Server(doors, may=False), ALIVE + check.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        )
        doors.clock.advance(12 * HOUR - 1)
        server = Server(doors, may=may)
        after = doors.run(answers(server, check + check.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")))
        ends = re.findall(rb'"expires_at":"([^"]+)"', before + after)
        assert ends[0] < ends[1] == ends[2]
        assert server.begun == int(may)


@pytest.mark.parametrize("member", ["lifespan", "idle"])
def test_S6_a_policy_is_obeyed_by_the_quick_way_as_by_the_ordinary_one(doors: Doors, ada: str, member: str) -> None:
    check = CHECK + b"X-Session-Token: " + ada.encode() + b"\r\n\r\n"
    url = f"/v1/organizations/{uuid.UUID(bytes=DEFAULT)}/policy"
    doors.clock.advance(2 * HOUR)
    for limit, status in (("3h", b"200"), ("1h", b"401"), ("3h", b"401")):
        doors.admin("PUT", url, {member: limit}).ok()
        ordinary, quick, begun = both(doors, check)
        assert ordinary == quick
        assert (quick.split()[1], begun) == (status, 1)


def test_every_answer_is_observed(doors: Doors, ada: str) -> None:
    check = CHECK + b"X-Session-Token: " + ada.encode() + b"\r\n\r\n"
    doors.statuses.clear()
    assert both(doors, check + CHECK + b"\r\n")[2] == 2
    assert doors.statuses == [("/sessions/whoami", 200), ("/sessions/whoami", 401), ("/health/alive", 200)] * 2
    assert doors.failures == []


def test_a_cookie_is_read_and_issued_again_as_ever(doors: Doors) -> None:
    doors.person()
    visitor = Visitor(doors)
    visitor.sign_in()
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.jar.items())
    ordinary, quick, begun = both(doors, CHECK + f"Cookie: {cookies}\r\n\r\n".encode())
    assert ordinary == quick
    assert ordinary.startswith(b"HTTP/1.1 200")
    assert begun == 1


@pytest.mark.parametrize("before", [True, False])
def test_S4_an_ending_that_is_committed_while_the_rows_are_read_is_not_kept_out(
    doors: Doors, ada: str, before: bool
) -> None:
    store, session = doors.store, doors.public("GET", "/sessions/whoami", token=ada).ok()["id"]

    class Racing:
        """The ending goes just before the first read, or just after it."""

        generations, remote, raced = store.generations, False, False

        async def read(self, unit: Any) -> Any:
            racing, self.raced = not self.raced, True
            if racing and before:
                await self.end()
            value = await store.read(unit)
            if racing:
                await self.end()
            return value

        async def end(self) -> None:
            where = Where(session_id=uuid.UUID(session).bytes)
            await store.write(lambda tx: end(tx, doors.act(), where, How.DISABLE, "admin"))

    doors.listen(store=Racing(), checks=doors.parts.checks)
    assert doors.public("GET", "/sessions/whoami", token=ada).status == (401 if before else 200)
    assert doors.public("GET", "/sessions/whoami", token=ada).status == 401


def test_W12_a_connection_whose_answers_are_given_again_stays_for_as_long_as_it_is_used(doors: Doors, ada: str) -> None:
    sent = CHECK + b"X-Session-Token: " + ada.encode() + b"\r\n\r\n"

    async def scene() -> tuple[float, int]:
        async with connected(server, keep_alive=1) as (reader, writer):
            for _ in range(7):
                writer.write(sent)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.rpartition(b"content-length: ")[2].split()[0]))
                last = time.monotonic()
                await asyncio.sleep(0.3)
            assert await reader.read() == b""
            return time.monotonic() - last, server.begun

    server = Server(doors, may=True)
    waited, begun = doors.run(scene())
    assert 0.9 < waited < 5
    assert begun == 3


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(b"POST /self-service/login?flow=x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", id="a body"),
        pytest.param(b"GET /health/none HTTP/1.1\r\nHo", id="the rest of a head"),
    ],
)
def test_W19_bytes_that_are_known_are_no_request_where_they_belong_to_another(
    doors: Doors, ada: str, before: bytes
) -> None:
    sent = CHECK + b"X-Session-Token: " + ada.encode() + b"\r\n\r\n"

    async def scene() -> bytes:
        async with connected(server) as (reader, writer):
            for _ in range(4):
                writer.write(sent)
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200")
                await reader.readexactly(int(head.rpartition(b"content-length: ")[2].split()[0]))
            writer.write(before % len(sent) if b"%d" in before else before)
            await asyncio.sleep(0.05)
            writer.write(sent)
            return await reader.readuntil(b"\r\n\r\n")

    server = Server(doors, may=True)
    assert doors.run(scene()).startswith(b"HTTP/1.1 4")
    assert server.begun == 3
