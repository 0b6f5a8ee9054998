"""The page of what went wrong, whatever told of it: the API, which sends browsers here, or this door itself."""

from typing import Any

import msgspec
from starlette.types import Scope

from nightlatch.doors.http.refusal import Refusal, headers_of, status_of
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.pages.parts import Parts, Site
from nightlatch.doors.pages.rendering import page
from nightlatch.problems import Problem

_REASONS = {
    404: "There is nothing here, or not any more.",
    500: "The page could not be shown because of a fault in the server.",
}


async def show(call: Call[Parts]) -> Answer:
    """The error of the query's id."""
    answer = await call.door.ask(call.request, "GET", f"/self-service/errors?{call.request.url.query}")
    if answer.status != 200:
        return of_answer(call, answer)
    return _page(call.door.site, 200, msgspec.json.decode(answer.body)["error"])


def of_answer(call: Call[Parts], answer: Answer) -> Answer:
    """An error that the API answered instead of what was to be shown."""
    error = msgspec.json.decode(answer.body)["error"]
    return _page(call.door.site, answer.status, error)


def of_problem(site: Site, problem: Problem, scope: Scope) -> Answer:
    answer = _page(site, status_of(problem), {"reason": problem.reason, "request": scope["request_id"]})
    answer.headers += headers_of(problem, scope)
    return answer


def of_refusal(site: Site, refusal: Refusal, scope: Scope) -> Answer:
    reason = _REASONS.get(refusal.status, refusal.reason)
    answer = _page(site, refusal.status, {"reason": reason, "request": scope["request_id"]})
    answer.headers += refusal.headers
    return answer


def _page(site: Site, status: int, error: dict[str, Any]) -> Answer:
    reason = error.get("reason") or error.get("message", "")
    details = error.get("details", {}).get("reject_reason", "")
    return page(site, "error.html", status, reason=reason, details=details, request_id=error.get("request"))
