"""A real socket with our protocol behind it, and an application that says what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
import uvloop
from uvicorn.config import Config
from uvicorn.server import ServerState

from nightlatch.doors.http.limits import Fault, Limits
from nightlatch.doors.http.protocol import Protocol


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Doors:
    """An Application for the protocol; `asked` holds what reached it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.peers: dict[Any, int] = {}
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.let_go = asyncio.Event()
        self.gone = asyncio.Event()

    async def __call__(self, scope, receive, send) -> None:
        raise AssertionError("lifespan only")

    def of_port(self, port: int):
        self.port = port
        return self.answer

    def at_once(self, port: int) -> frozenset[bytes]:
        return frozenset()

    def repeats(self, port: int) -> None:
        return None

    def trusts(self, address) -> bool:
        return str(address) == "10.0.0.1"

    def request_id(self, given: bytes | None) -> bytes:
        return given or b"made"

    def refused(self, why: Fault, client: str) -> None:
        self.faults.append(why.name)

    async def answer(self, scope, receive, send) -> None:
        self.asked.append(scope["path"])
        body = b""
        if scope["path"] == "/slow":
            await self.let_go.wait()
        if scope["path"] != "/early":
            message = {"more_body": True}
            while message.get("more_body"):
                message = await receive()
                if message["type"] == "http.disconnect":
                    self.gone.set()
                    return
                body += message["body"]
        if scope["path"] == "/large":
            body = b"x" * 20_000_000
        names = [name.decode() for name, _ in scope["headers"]]
        said = body or json.dumps({"path": scope["path"], "port": self.port, "names": names}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
        await send({"type": "http.response.body", "body": said})


class Line:
    """One client connection, by the byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0.01 if len(pieces) > 1 else 0)

    async def reply(self, bodiless: bool = False) -> Reply:
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            length = 0 if bodiless else int(headers.get("content-length", 0))
            return Reply(int(first.split()[1]), headers, await self.reader.readexactly(length))

    async def rest(self) -> bytes:
        """What comes until the server closes."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


class Server:
    def __init__(self, doors: Doors, state: ServerState, port: int) -> None:
        self.doors = doors
        self.state = state
        self.port = port
        self.lines: list[Line] = []

    async def line(self) -> Line:
        self.lines.append(Line(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.lines[-1]

    @staticmethod
    async def tick() -> None:
        """Time for what was sent to arrive."""
        await asyncio.sleep(0.002)

    async def ask(self, *pieces: bytes) -> Reply:
        """The reply to `pieces` on a connection of their own."""
        line = await self.line()
        await line.send(*pieces)
        return await line.reply()


@asynccontextmanager
async def serving(limits: Limits, keep_alive: int) -> AsyncIterator[Server]:
    doors = Doors(limits)
    config = Config(lambda: doors, factory=True, http=Protocol, ws="none", interface="asgi3", lifespan="off", log_config=None, access_log=False, proxy_headers=False, server_header=False, timeout_keep_alive=keep_alive)  # fmt: skip
    config.load()
    state = ServerState()
    listener = await asyncio.get_running_loop().create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)
    server = Server(doors, state, listener.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listener.close()
        for line in server.lines:
            line.writer.close()
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


Scene = Callable[[Server], Coroutine[Any, Any, None]]


@pytest.fixture
def play() -> Callable[..., None]:
    """Runs a scene against a fresh server, on the event loop that production uses."""

    def run(scene: Scene, keep_alive: int = 75, **limits: Any) -> None:
        async def whole() -> None:
            async with serving(Limits(**limits), keep_alive) as server:
                await scene(server)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(whole())

    return run
