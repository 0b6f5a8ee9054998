"""The page of what went wrong, whatever told of it: the API, which sends browsers here, or this door itself."""

from typing import Any

import msgspec
from starlette.types import Scope

from nightlatch.doors.http.refusal import Refusal, comes_back, status_of
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.pages.parts import Parts, Site
from nightlatch.doors.pages.rendering import page
from nightlatch.problems import Problem

_GONE = "There is nothing here, or not any more."


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
    answer.headers += comes_back(problem, scope)
    return answer


def of_refusal(site: Site, refusal: Refusal, scope: Scope) -> Answer:
    reason = _GONE if refusal.status == 404 else refusal.reason
    answer = _page(site, refusal.status, {"reason": reason, "request": scope["request_id"]})
    if refusal.allow:
        answer.headers += (("allow", refusal.allow),)
    return answer


def of_bug(site: Site, scope: Scope) -> Answer:
    reason = "The page could not be shown because of a fault in the server."
    return _page(site, 500, {"reason": reason, "request": scope["request_id"]})


def _page(site: Site, status: int, error: dict[str, Any]) -> Answer:
    reason = error.get("reason") or error.get("message", "")
    details = error.get("details", {}).get("reject_reason", "")
    return page(site, "error.html", status, reason=reason, details=details, request_id=error.get("request"))
