"""The outermost layer of a port: request id, errors, headers that every answer has, and what is observed."""

import time
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from nightlatch.doors.http import request_ids as ids
from nightlatch.doors.http.refusal import Refusal
from nightlatch.doors.http.routing import Answer, Call, Route, Table, respond
from nightlatch.doors.kratos import auth, errors, public
from nightlatch.doors.kratos.parts import Parts
from nightlatch.problems import Problem, StoreDown

WHOAMI = "/sessions/whoami"
_HEADERS = (
    ("cache-control", "private, no-cache, no-store, must-revalidate"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
)
Observe = Callable[[Scope, str, int, float], None]
Failed = Callable[[str, BaseException], None]


class Port:
    """An ASGI application. `observe` is told of every answer: scope, route, status, seconds; `failed` of our bugs."""

    def __init__(
        self, parts: Parts, routes: tuple[Route[Parts], ...], observe: Observe, failed: Failed, *, whoami: bool
    ) -> None:
        self._parts = parts
        self._table = Table(routes, self._handle)
        self._observe = observe
        self._failed = failed
        self._whoami = WHOAMI if whoami else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        request_id = scope["request_id"] = ids.request_id(ids.given_id(scope["headers"]), self._parts.entropy)
        try:
            answer = await self._answer(scope, receive, request_id)
        except ClientDisconnect:
            return
        answer.headers = (*answer.headers, *_HEADERS, ("x-request-id", request_id))
        await respond(answer, send, bodiless=scope["method"] == "HEAD")
        self._observe(scope, scope.get("route_path", ""), answer.status, time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> Answer:
        try:
            if scope["path"] == self._whoami:
                # Before any framework: a forward-auth proxy asks this for every request, with any method.
                scope["route_path"] = WHOAMI
                return await public.whoami(self._parts, scope["headers"])
            return await self._table.answer(scope, receive)
        except Problem as problem:
            if isinstance(problem, StoreDown):
                self._failed(request_id, problem)
            return errors.of_problem(problem, scope["method"], request_id, self._parts.public_url)
        except Refusal as refusal:
            return errors.of_refusal(refusal, request_id)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - the outer edge: deny, and tell nobody but the log why
            self._failed(request_id, error)
            message = "An internal server error occurred, please contact the system administrator"
            return errors.answer(errors.body_of(500, message), request_id)

    async def _handle(self, route: Route[Parts], request: Request) -> Answer:
        parts = self._parts
        act = auth.anonymous(parts) if route.scope is None else await auth.administrator(parts, request, route.scope)
        return await route.endpoint(Call(parts, request, act))
