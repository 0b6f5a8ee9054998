"""Route tables: literal lines of method, path and function, with what the OpenAPI document says of each.

A request has one spelling. Starlette matches the decoded path exactly: a doubled slash, a dot segment or a trailing
slash is another path, and no route. A name that may hold slashes itself is written {name:path}.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec
from starlette.requests import Request
from starlette.routing import Route as StarletteRoute
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from nightlatch.core.events.model import Act
from nightlatch.doors.http.json_gate import admit
from nightlatch.doors.http.refusal import Headers, Refusal
from nightlatch.kernel.ids import parse_id
from nightlatch.problems import Problem

D = TypeVar("D")
KIB = 1024
MIB = 1024 * KIB
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Kept(Protocol):
    """Says of an answer how long it stays the one to its request."""

    last_asked: bytes
    """What repeats.py last saw it asked with."""

    def use(self) -> bool:
        """Whether it is the answer now; it counts as given, then."""


class Answer(msgspec.Struct):
    """An HTTP answer. `headers` are added to those that every answer has. One that is `kept` may be given again to a
    request of the same bytes."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    media_type: str = "application/json; charset=utf-8"
    kept: Kept | None = None


class Call(Generic[D]):
    """One request to one route: the door's parts, the act that it may become, and the request."""

    __slots__ = ("act", "door", "request")

    def __init__(self, door: D, request: Request, act: Act) -> None:
        self.door = door
        self.request = request
        self.act = act

    def path(self, name: str) -> str:
        value: str = self.request.path_params[name]
        return value

    def path_id(self, name: str, unknown: type[Problem] | Problem) -> bytes:
        """The id in the path. Raises `unknown` for a text that is none: there can be nothing of that id."""
        found = parse_id(self.path(name))
        if found is None:
            raise unknown
        return found

    @property
    def target(self) -> str:
        return target(self.request.scope)

    def query(self, name: str) -> str | None:
        return self.request.query_params.get(name)

    def queries(self, name: str) -> list[str]:
        return self.request.query_params.getlist(name)

    async def body(self, most: int = 64 * KIB) -> bytes:
        """The body, once it has passed the JSON gate; empty when there is none. Refusals as of `plain_body`; Invalid
        for JSON that is not as it should be."""
        body = await self.plain_body(most)
        if body.strip():
            await admit(body)
        return body

    async def plain_body(self, most: int = 64 * KIB) -> bytes:
        """The body as it came. Refusal 413 above `most` bytes, 415 for a form in parts or an encoding that would have
        to be unpacked."""
        headers = self.request.headers
        if headers.get("content-encoding", "identity") != "identity":
            raise Refusal(415, "Request bodies are accepted without Content-Encoding only.")
        if headers.get("content-type", "").lower().startswith("multipart/"):
            raise Refusal(415, "Request bodies are accepted as application/json only.")
        return await read_body(self.request, most)


def target(scope: Scope) -> str:
    """Path and query as the client spelled them: safe in a header, and no Host header has a say in it."""
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else str(path)


async def read_body(request: Request, most: int = 64 * KIB) -> bytes:
    """The bytes of the body, which may be asked for again: some doors must see them to say who asks. Refusal 413 above
    `most`."""
    known: bytes | None = request.scope.get("body")
    chunks = bytearray(known or b"")
    if known is None:
        async for chunk in request.stream():
            chunks += chunk
            if len(chunks) > most:
                break
    if len(chunks) > most:
        raise Refusal(413, f"The request body is larger than {most} bytes.")
    body = request.scope["body"] = bytes(chunks)
    return body


Endpoint = Callable[[Call[D]], Awaitable[Answer]]


class Parameter(NamedTuple):
    """A parameter for the document, by its `place` in the query, a header, or the path, whose names are texts unless
    they are here. `many` may be repeated."""

    name: str
    kind: Any = str
    many: bool = False
    help: str = ""
    place: str = "query"


class Route(NamedTuple, Generic[D]):
    """One line of a route table. `scope` is what an access key must have; None where none is needed. The rest is for
    the OpenAPI document: body, answer, status of success, statuses of refusal; `again` is what a 400 holds instead of
    an error where a form is shown again. 401 without a scope means that a session is needed."""

    method: str
    path: str
    endpoint: Endpoint[D]
    scope: str | None = None
    takes: Any = None
    gives: Any = None
    status: int = 200
    refuses: tuple[int, ...] = ()
    query: tuple[Parameter, ...] = ()
    summary: str = ""
    again: Any = None


Handle = Callable[[Route[D], Request], Awaitable[Answer]]


class Table(Generic[D]):
    """The routes of one port. `handle` is the door's way around every endpoint."""

    def __init__(self, routes: Sequence[Route[D]], handle: Handle[D]) -> None:
        self.routes = tuple(routes)
        paths: dict[str, dict[str, Route[D]]] = {}
        for route in self.routes:
            paths.setdefault(route.path, {})[route.method] = route
        # Literal paths first: /sessions/whoami is not the session of id "whoami".
        ordered = sorted(paths, key=lambda path: [part.startswith("{") for part in path.split("/")])
        self._router = Router(
            [StarletteRoute(path, _Resource(path, paths[path], handle)) for path in ordered],
            redirect_slashes=False,
            default=_no_route,
        )

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """The answer to a request. Refusal 404 or 405 when no route is for it; else whatever the endpoint raises."""
        if _CONTROL.search(scope["path"]) or b"%00" in scope["query_string"]:
            # A pattern's end matches before a newline too: a second spelling. PostgreSQL holds no NUL in a text.
            raise Refusal(400, "The target of the request holds a control character.")
        await self._router(scope, receive, _unused)
        answer: Answer = scope["answer"]
        return answer


class _Resource(Generic[D]):
    """All methods of one path."""

    def __init__(self, path: str, routes: Mapping[str, Route[D]], handle: Handle[D]) -> None:
        self._path = path
        self._routes = routes
        self._handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        scope["route_path"] = self._path
        method = scope["method"]
        route = self._routes.get("GET" if method == "HEAD" else method)
        if route is None:
            allowed = {*self._routes, "HEAD"} if "GET" in self._routes else self._routes
            raise Refusal(405, f"{method} is not allowed here.", ", ".join(sorted(allowed)))
        scope["answer"] = await self._handle(route, Request(scope, receive))


def fields_of(answer: Answer) -> list[tuple[bytes, bytes]]:
    """The header fields of `answer`, as they are sent."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if answer.status != 204:
        headers += [(b"content-type", answer.media_type.encode()), (b"content-length", str(len(answer.body)).encode())]
    return headers


async def respond(answer: Answer, send: Send, *, bodiless: bool = False) -> None:
    """Sends `answer` over ASGI."""
    await send({"type": "http.response.start", "status": answer.status, "headers": fields_of(answer)})
    await send({"type": "http.response.body", "body": b"" if bodiless else answer.body})


async def _unused(_message: object) -> None:
    raise RuntimeError("endpoints return their answer")


async def _no_route(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    raise Refusal(404, "There is nothing at this path.")
