"""A kept connection of a client: one request at a time, and none is sent twice."""

import asyncio
import json
from typing import Any, cast

PATIENCE = 12.0  # seconds; longer than any answer of a server that runs


class Answer:
    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body

    def json(self) -> Any:
        return json.loads(self.body)


class Line(asyncio.Protocol):
    """Connects when it is asked. OSError and TimeoutError say that nobody knows what came of the request."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None

    async def ask(self, request: bytes) -> Answer:
        loop = asyncio.get_running_loop()
        if self._transport is None or self._transport.is_closing():
            made, _ = await loop.create_connection(lambda: self, "127.0.0.1", self.port)
            self._transport = cast("asyncio.Transport", made)
        self._answer, self._received = loop.create_future(), b""
        timer = loop.call_later(PATIENCE, self.cut)
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            timer.cancel()
            self._answer = None

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and self._answer is not None and not self._answer.done():
            lower = head.lower()
            _, found, length = lower.partition(b"\r\ncontent-length:")
            if len(body) >= (int(length.partition(b"\r\n")[0]) if found else 0):
                self._answer.set_result(Answer(int(head[9:12]), body))
            if b"\r\nconnection: close" in lower:
                self.cut()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("cut"))
