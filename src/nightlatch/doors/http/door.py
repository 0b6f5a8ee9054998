"""A door as the port sees it: its paths, its routes, who asks, and how it says what went wrong."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from starlette.requests import Request
from starlette.types import Scope

from nightlatch.core.events.model import Act
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.refusal import Refusal
from nightlatch.doors.http.routing import Answer, Route
from nightlatch.problems import Problem

D = TypeVar("D", bound=Shared)


@dataclass(frozen=True, slots=True)
class Door(Generic[D]):
    """One dialect on one port. Paths that begin with `prefix` are its own, unless a longer one fits; "/" has the rest.
    `auth` gives the act of a request to a route of this scope. What went wrong is told with the request's scope at
    hand, which has its `request_id`. `early` paths are answered before routing, whatever the method."""

    prefix: str
    parts: D
    routes: tuple[Route[D], ...]
    auth: Callable[[D, Request, str], Awaitable[Act]]
    of_problem: Callable[[Problem, Scope], Answer]
    of_refusal: Callable[[Refusal, Scope], Answer]
    early: Mapping[str, Callable[[D, list[tuple[bytes, bytes]]], Awaitable[Answer]]] = field(default_factory=dict)
