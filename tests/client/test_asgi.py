"""What only ASGI has: websockets, and an application that shuts down."""

from typing import Any

import pytest
from tests.client.stand_in import Says, StandIn
from tests.database import Run

from nightlatch.client import AsyncWhoami, who
from nightlatch.client.asgi import WhoMiddleware

TOKEN = (b"x-session-token", b"ory_st_one")


class Called:
    """Through the middleware: what reached the application, and what was sent."""

    def __init__(self, whoami: AsyncWhoami) -> None:
        self.scopes: list[Any] = []
        self.sent: list[Any] = []
        self._middleware = WhoMiddleware(self._application, whoami)

    async def with_scope(self, kind: str) -> None:
        await self._middleware({"type": kind, "headers": [TOKEN]}, self._receive, self._send)

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] == "lifespan":
            await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})

    async def _receive(self) -> Any:
        raise AssertionError("nothing is to be read")

    async def _send(self, message: Any) -> None:
        self.sent.append(message)


def test_a_websocket_is_asked_about_and_refused_when_the_server_does_not_say(run: Run) -> None:
    async def scenario() -> None:
        called = Called(whoami := AsyncWhoami(server.url))
        await called.with_scope("websocket")
        found = who(called.scopes[0])
        assert found is not None
        assert found.traits == {"email": "ada@example.com"}
        server.says = Says(500, b"")
        await called.with_scope("websocket")
        assert len(called.scopes) == 1
        assert called.sent == [{"type": "websocket.close", "code": 1013}]
        await whoami.aclose()

    with StandIn() as server:
        run(scenario())


def test_the_connections_are_closed_when_the_application_shuts_down(run: Run) -> None:
    async def scenario() -> None:
        called = Called(AsyncWhoami(server.url))
        await called.with_scope("http")
        await called.with_scope("lifespan")
        assert [message["type"] for message in called.sent] == [
            "lifespan.startup.complete",
            "lifespan.shutdown.complete",
        ]
        with pytest.raises(RuntimeError, match="closed"):
            await called.with_scope("http")

    with StandIn() as server:
        run(scenario())


def test_where_no_middleware_has_asked_there_is_no_answer() -> None:
    with pytest.raises(KeyError):
        who({"type": "http"})
