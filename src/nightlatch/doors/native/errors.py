"""How this dialect says what went wrong: problem details (RFC 9457)."""

from http import HTTPStatus

import msgspec
from starlette.types import Scope

from nightlatch import problems
from nightlatch.doors.http.refusal import Refusal, comes_back, status_of
from nightlatch.doors.http.routing import Answer

MEDIA_TYPE = "application/problem+json"


class Details(msgspec.Struct, omit_defaults=True):
    """`type` is urn:nightlatch:problem: and the problem's code, or about:blank where the status says it all; `field`
    names what is wrong in the request, and `column` where, in a filter; `request_id` finds the request in the log."""

    status: int
    title: str
    type: str = ""
    detail: str = ""
    field: str = ""
    column: int = 0
    request_id: str = ""


def of_problem(problem: problems.Problem, scope: Scope) -> Answer:
    status = status_of(problem)
    title = problem.code.replace("_", " ").capitalize()
    field = problem.field if isinstance(problem, problems.FieldInvalid) else ""
    column = problem.column if isinstance(problem, problems.FilterInvalid) else 0
    headers = comes_back(problem, scope)
    if isinstance(problem, problems.KeyRequired):
        headers = (("www-authenticate", "Bearer"),)
    kind = f"urn:nightlatch:problem:{problem.code}"
    return _answer(Details(status, title, kind, problem.reason, field, column), scope, headers)


def of_refusal(refusal: Refusal, scope: Scope) -> Answer:
    headers = (("allow", refusal.allow),) if refusal.allow else ()
    return _answer(_of_status(refusal.status, refusal.reason), scope, headers)


def of_bug(scope: Scope) -> Answer:
    return _answer(_of_status(500, "The request was refused because of a fault in the server."), scope)


def _of_status(status: int, detail: str) -> Details:
    return Details(status, HTTPStatus(status).phrase, "about:blank", detail)


def _answer(details: Details, scope: Scope, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    details.request_id = scope["request_id"]
    return Answer(details.status, msgspec.json.encode(details), headers, MEDIA_TYPE)
