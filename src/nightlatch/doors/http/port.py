"""The outermost layer of a port: which door, request ids, the edge for errors, common headers, what is observed."""

import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from functools import partial
from types import coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nightlatch.doors.http import request_ids as ids
from nightlatch.doors.http.access import anonymous
from nightlatch.doors.http.cors import Cors
from nightlatch.doors.http.door import Door
from nightlatch.doors.http.refusal import Refusal
from nightlatch.doors.http.repeats import Repeats
from nightlatch.doors.http.routing import Answer, Call, Route, Table, respond
from nightlatch.kernel.ids import Entropy
from nightlatch.kernel.unit import Waited, waited
from nightlatch.problems import Problem, StoreDown

T = TypeVar("T")

_HEADERS = (
    ("cache-control", "private, no-cache, no-store, must-revalidate"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
)
_OF_PAGES = (("cross-origin-opener-policy", "same-origin"), ("cross-origin-resource-policy", "same-origin"))
_ENCRYPTED = ("strict-transport-security", f"max-age={365 * 24 * 3600}")
_OF_THE_CLIENT = {"type", "asgi", "http_version", "scheme", "root_path", "server", "client", "request_id"}
_OF_THE_REQUEST = {b"accept", b"content-type", b"content-length"}
Observe = Callable[[Scope, str, int, float], None]
Failed = Callable[[str, BaseException], None]


class Port:
    """An ASGI application of one or more doors, one of which has the prefix "/". `observe` is told of every answer:
    scope, route, status, seconds; `failed` of our bugs. `repeats` are the answers that may be given again. One that is
    reached by https tells browsers to stay with it."""

    def __init__(
        self,
        doors: Sequence[Door[Any]],
        entropy: Entropy,
        observe: Observe,
        failed: Failed,
        cors: Cors | None = None,
        repeats: Repeats | None = None,
        *,
        https: bool = False,
    ) -> None:
        longest_first = sorted(doors, key=lambda door: len(door.prefix), reverse=True)
        self._doors = [(door, _table(door)) for door in longest_first]
        self._entropy = entropy
        self._observe = observe
        self._failed = failed
        self._cors = cors
        self._headers = (*_HEADERS, _ENCRYPTED) if https else _HEADERS
        self.repeats = repeats
        # Where the database answers from another process, and nothing is kept, there is always something to wait for.
        stores = [(door, door.parts.store) for door in doors]
        early = (path for door, store in stores if store.generations or not store.remote for path in door.early)
        self.at_once = frozenset(path.encode() for path in early)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._sent(self._whole(scope, receive), time.perf_counter(), scope, send)

    def begin(self, scope: Scope) -> Answer | ASGIApp:
        """The answer to a request for what is `at_once` and has no body. Where it has to be waited for after all: the
        application that goes on with it."""
        began, answering = time.perf_counter(), self._whole(scope, _nothing)
        try:
            first = answering.send(None)
        except StopIteration as done:
            answer: Answer = done.value
            self._observe(scope, scope["route_path"], answer.status, time.perf_counter() - began)
            return answer
        return lambda scope, _, send: self._sent(_resumed(answering, first), began, scope, send)

    async def _sent(self, answering: Awaitable[Answer], began: float, scope: Scope, send: Send) -> None:
        try:
            answer = await answering
        except ClientDisconnect:
            return
        await respond(answer, send, bodiless=scope["method"] == "HEAD")
        self._observe(scope, scope.get("route_path", ""), answer.status, time.perf_counter() - began)

    async def _whole(self, scope: Scope, receive: Receive) -> Answer:
        request_id = scope["request_id"] = ids.request_id(ids.given_id(scope["headers"]), self._entropy)
        notes: list[Waited] = []
        waited.set(notes)
        answer = await self._answer(scope, receive)
        if notes:
            answer.headers = (*answer.headers, ("nightlatch-waited", _text(notes)))
        beside = self._cors.beside(scope) if self._cors else ()
        own = {name for name, _ in answer.headers}
        wanted = (*self._headers, *_OF_PAGES) if answer.media_type.startswith("text/html") else self._headers
        general = [each for each in wanted if each[0] not in own]
        answer.headers = (*answer.headers, *general, *beside, ("x-request-id", request_id))
        return answer

    async def ask(self, request: Request, method: str, target: str) -> Answer:
        """What `target` answers to a script of the browser that sent `request`, in process and unobserved."""
        path, _, query = target.partition("?")
        headers = [each for each in request.scope["headers"] if each[0] not in _OF_THE_REQUEST]
        scope = {each: value for each, value in request.scope.items() if each in _OF_THE_CLIENT}
        scope |= {"method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode()}
        return await self._answer(scope | {"headers": [*headers, (b"accept", b"application/json")]}, _nothing)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        door, table = self._door(scope["path"])
        try:
            if self._cors and (allowed := self._cors.preflight(scope)):
                return allowed
            if early := door.early.get(scope["path"]):
                scope["route_path"] = scope["path"]
                return await early(door.parts, scope["headers"])
            return await table.answer(scope, receive)
        except Problem as problem:
            if isinstance(problem, StoreDown):
                self._failed(scope["request_id"], problem)
            return door.of_problem(problem, scope)
        except Refusal as refusal:
            return door.of_refusal(refusal, scope)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - the outer edge: deny, and tell nobody but the log why
            self._failed(scope["request_id"], error)
            return door.of_refusal(Refusal(500), scope)

    def _door(self, path: str) -> tuple[Door[Any], Table[Any]]:
        for opened in self._doors[:-1]:
            if path.startswith(opened[0].prefix):
                return opened
        return self._doors[-1]


def _text(notes: Sequence[Waited]) -> str:
    nodes, closed = max(each.nodes for each in notes), sum(each.closed for each in notes)
    return f"nodes={nodes}; closed={closed}; ms={sum(each.time for each in notes) // 1000}"


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


@coroutine
def _resumed(begun: Coroutine[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """Goes on with what was begun outside of a task and had to wait."""
    while True:
        try:
            sent = yield waits_for
        except BaseException as error:  # noqa: BLE001 - whatever ends the wait is for who waits
            step = partial(begun.throw, error)
        else:
            step = partial(begun.send, sent)
        try:
            waits_for = step()
        except StopIteration as done:
            value: T = done.value
            return value


def _table(door: Door[Any]) -> Table[Any]:
    async def handle(route: Route[Any], request: Request) -> Answer:
        parts = door.parts
        act = anonymous(parts) if route.scope is None else await door.auth(parts, request, route.scope)
        return await route.endpoint(Call(parts, request, act))

    return Table(door.routes, handle)
