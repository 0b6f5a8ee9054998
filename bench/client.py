"""A small HTTP/1.1 client over kept connections: prepares the measurements, and makes the load where wrk is missing."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, cast

import msgspec
import uvloop

Address = tuple[str, int]


class Answer(NamedTuple):
    status: int
    head: bytes
    body: bytes
    seconds: float

    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    def header(self, name: str) -> str:
        """Its value; empty when it is not there."""
        at = self.head.lower().find(f"\r\n{name.lower()}: ".encode())
        return self.head[at + len(name) + 4 :].partition(b"\r\n")[0].decode() if at >= 0 else ""


def ask(address: Address, requests: Iterable[bytes], connections: int = 8) -> list[Answer]:
    """The answers, in the order of the requests."""
    answers: dict[int, Answer] = {}
    uvloop.run(_ask(address, iter(enumerate(requests)), connections, answers.__setitem__))
    return [answers[n] for n in sorted(answers)]


def fire(
    address: Address, requests: list[bytes], seconds: float, connections: int, *, once: bool
) -> tuple[list[tuple[int, float]], float]:
    """Asks for so long, or until the requests are used up: status and time of each answer, and how long it took."""
    end = time.perf_counter() + seconds
    source = requests if once else itertools.cycle(requests)
    limited = itertools.takewhile(lambda _: time.perf_counter() < end, enumerate(source))
    answers: list[tuple[int, float]] = []
    uvloop.run(_ask(address, limited, connections, lambda _, a: answers.append((a.status, a.seconds))))
    return answers, time.perf_counter() - end + seconds


async def _ask(
    address: Address, requests: Iterator[tuple[int, bytes]], connections: int, answered: Callable[[int, Answer], None]
) -> None:
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: _Connection(requests, answered), *address) for _ in range(connections)]
    await asyncio.gather(*(connection.finished for _, connection in made))


class _Connection(asyncio.Protocol):
    """Sends the next request when the last one is answered."""

    def __init__(self, requests: Iterator[tuple[int, bytes]], answered: Callable[[int, Answer], None]) -> None:
        self._requests, self._answered = requests, answered
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = _parse(self._received, self._sent)
        if answer is not None:
            self._answered(self._number, answer)
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(error or ConnectionError("the server closed a connection"))

    def _send(self) -> None:
        following = next(self._requests, None)
        if following is None:
            self.finished.set_result(None)
            self._transport.close()
            return
        self._number, request = following
        self._received = bytearray()
        self._sent = time.perf_counter()
        self._transport.write(request)


def _parse(received: bytearray, sent: float) -> Answer | None:
    """The answer, once it is complete. Nothing follows it: there is one request at a time."""
    head, end, _ = received.partition(b"\r\n\r\n")
    if not end:
        return None
    body = bytes(received[len(head) + 4 :])
    answer = Answer(int(head[9:12]), bytes(head), body, time.perf_counter() - sent)
    if "chunked" in answer.header("transfer-encoding"):
        return answer._replace(body=_unchunked(body)) if body.endswith(b"0\r\n\r\n") else None
    return answer if len(body) >= int(answer.header("content-length") or 0) else None


def _unchunked(body: bytes) -> bytes:
    parts, at = [], 0
    while length := int(body[at : (start := body.index(b"\r\n", at) + 2)], 16):
        parts.append(body[start : start + length])
        at = start + length + 2
    return b"".join(parts)
