"""How this dialect says what went wrong: problem details (RFC 9457)."""

from http import HTTPStatus

import msgspec
from starlette.types import Scope

from nightlatch import problems
from nightlatch.doors.http.refusal import STATUSES, Headers, Refusal, headers_of, status_of
from nightlatch.doors.http.routing import Answer

MEDIA_TYPE = "application/problem+json"
_STATUSES = {**STATUSES, problems.IdempotencyKeyReused: 422}


class Details(msgspec.Struct, omit_defaults=True):
    """`type` is urn:nightlatch:problem: and the problem's code, or about:blank where the status says it all; `field`
    names what is wrong in the request, or `pointer` says where in the body, and `column` where in a filter;
    `request_id` finds the request in the log."""

    status: int
    title: str
    type: str
    detail: str
    field: str = ""
    pointer: str = ""
    column: int = 0
    request_id: str = ""


def of_problem(problem: problems.Problem, scope: Scope) -> Answer:
    status = status_of(problem, _STATUSES)
    title = problem.code.replace("_", " ").capitalize()
    field = problem.field if isinstance(problem, problems.FieldInvalid) else ""
    pointer = problem.pointer if isinstance(problem, problems.Invalid) else ""
    column = problem.column if isinstance(problem, problems.FilterInvalid) else 0
    headers = headers_of(problem, scope)
    kind = f"urn:nightlatch:problem:{problem.code}"
    detail = problem.reason or _said(problem)
    return _answer(Details(status, title, kind, detail, field, pointer, column), scope, headers)


def of_refusal(refusal: Refusal, scope: Scope) -> Answer:
    reason = refusal.reason or "The request was refused because of a fault in the server."
    details = Details(refusal.status, HTTPStatus(refusal.status).phrase, "about:blank", reason)
    return _answer(details, scope, refusal.headers)


def _said(problem: problems.Problem) -> str:
    if isinstance(problem, problems.NotFound):
        return "There is none, or none that this access key may know of."
    if isinstance(problem, problems.Conflict):
        return "Somebody else has it already."
    return "The request was refused."


def _answer(details: Details, scope: Scope, headers: Headers) -> Answer:
    details.request_id = scope["request_id"]
    return Answer(details.status, msgspec.json.encode(details), headers, MEDIA_TYPE)
