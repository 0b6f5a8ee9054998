"""The outermost layer of a port: which door, request ids, the edge for errors, common headers, what is observed."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from nightlatch.doors.http import request_ids as ids
from nightlatch.doors.http.access import anonymous
from nightlatch.doors.http.cors import Cors
from nightlatch.doors.http.door import Door
from nightlatch.doors.http.refusal import Refusal
from nightlatch.doors.http.routing import Answer, Call, Route, Table, respond
from nightlatch.kernel.ids import Entropy
from nightlatch.problems import Problem, StoreDown

_HEADERS = (
    ("cache-control", "private, no-cache, no-store, must-revalidate"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
)
_OF_THE_CLIENT = {"type", "asgi", "http_version", "scheme", "root_path", "server", "client", "request_id"}
_OF_THE_REQUEST = {b"accept", b"content-type", b"content-length"}
Observe = Callable[[Scope, str, int, float], None]
Failed = Callable[[str, BaseException], None]


class Port:
    """An ASGI application of one or more doors, one of which has the prefix "/". `observe` is told of every answer:
    scope, route, status, seconds; `failed` of our bugs."""

    def __init__(
        self, doors: Sequence[Door[Any]], entropy: Entropy, observe: Observe, failed: Failed, cors: Cors | None = None
    ) -> None:
        longest_first = sorted(doors, key=lambda door: len(door.prefix), reverse=True)
        self._doors = [(door, _table(door)) for door in longest_first]
        self._entropy = entropy
        self._observe = observe
        self._failed = failed
        self._cors = cors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        request_id = scope["request_id"] = ids.request_id(ids.given_id(scope["headers"]), self._entropy)
        try:
            answer = await self._answer(scope, receive)
        except ClientDisconnect:
            return
        beside = self._cors.beside(scope) if self._cors else ()
        own = {name for name, _ in answer.headers}
        general = [each for each in _HEADERS if each[0] not in own]
        answer.headers = (*answer.headers, *general, *beside, ("x-request-id", request_id))
        await respond(answer, send, bodiless=scope["method"] == "HEAD")
        self._observe(scope, scope.get("route_path", ""), answer.status, time.perf_counter() - began)

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


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _table(door: Door[Any]) -> Table[Any]:
    async def handle(route: Route[Any], request: Request) -> Answer:
        parts = door.parts
        act = anonymous(parts) if route.scope is None else await door.auth(parts, request, route.scope)
        return await route.endpoint(Call(parts, request, act))

    return Table(door.routes, handle)
