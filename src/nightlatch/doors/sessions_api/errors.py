"""How this dialect says what went wrong: {"detail": sentence}, and with 422 the parameters that are at fault."""

from http import HTTPStatus
from typing import Any

from starlette.types import Scope

from nightlatch import problems
from nightlatch.doors.http.refusal import STATUSES, Headers, Refusal, headers_of, status_of
from nightlatch.doors.http.routing import Answer
from nightlatch.doors.sessions_api.shapes import ValidationError, encode


class Unprocessable(problems.Invalid):
    """A parameter cannot be read. `kind` says why in a word that clients of FastAPI know."""

    def __init__(self, place: str, name: str, reason: str, kind: str) -> None:
        super().__init__(reason)
        self.fault: ValidationError = {"loc": [place, name], "msg": reason, "type": kind}


STATUS = {**STATUSES, problems.Invalid: 422}


def of_problem(problem: problems.Problem, scope: Scope) -> Answer:
    """The answer to a Problem. Whatever is not there is not there in the same words, whoever else may have it."""
    status = status_of(problem, STATUS)
    headers = headers_of(problem, scope)
    if isinstance(problem, problems.Invalid):
        return _answer(status, [_fault(problem)], headers)
    return _answer(status, "" if status == HTTPStatus.NOT_FOUND else problem.reason, headers)


def of_refusal(refusal: Refusal, scope: Scope) -> Answer:  # noqa: ARG001 - the request's id is in a header only
    told = refusal.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
    return _answer(refusal.status, refusal.reason if told else "", refusal.headers)


def _answer(status: int, detail: Any, headers: Headers = ()) -> Answer:
    body = encode({"detail": detail or HTTPStatus(status).phrase})
    return Answer(status, body, headers, "application/json")


def _fault(problem: problems.Invalid) -> ValidationError:
    if isinstance(problem, Unprocessable):
        return problem.fault
    return {"loc": [], "msg": problem.reason, "type": problem.code}
