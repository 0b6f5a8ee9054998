"""For ASGI applications (FastAPI, Starlette, Litestar): app.add_middleware(WhoMiddleware, whoami=AsyncWhoami(URL))."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from nightlatch.client.whoami import KEY, REFUSAL, REFUSAL_HEADERS, AsyncWhoami, Unreachable

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class WhoMiddleware:
    """Asks about every request and websocket before `app` sees it, which then has `who(scope)`. Answers 503, and leaves
    `app` out, when the server does not say. Closes `whoami` when the application shuts down."""

    def __init__(self, app: Application, whoami: AsyncWhoami) -> None:
        self._app = app
        self._whoami = whoami

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, self._closing(send))
        try:
            scope[KEY] = await self._whoami.ask(scope["headers"])  # in place: what stands further out reads it
        except Unreachable:
            return await _refuse(scope["type"], send)
        return await self._app(scope, receive, send)

    def _closing(self, send: Send) -> Send:
        async def closing(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await self._whoami.aclose()
            await send(message)

        return closing


async def _refuse(kind: str, send: Send) -> None:
    if kind == "websocket":
        await send({"type": "websocket.close", "code": 1013})
        return
    headers = [(name.encode(), value.encode()) for name, value in REFUSAL_HEADERS.items()]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": REFUSAL})
