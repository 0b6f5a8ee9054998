"""How this dialect says what went wrong: one table from the core's Problems to its statuses and codes."""

from base64 import urlsafe_b64encode
from http import HTTPStatus
from typing import NamedTuple

import msgspec
from starlette.types import Scope

from nightlatch import problems
from nightlatch.doors.http.refusal import Headers, Refusal, headers_of
from nightlatch.doors.http.routing import Answer
from nightlatch.doors.huawei.shapes import ErrorShown


class Error(NamedTuple):
    """`message` comes before the reason."""

    status: int
    code: str
    message: str


_BAD = Error(400, "IIC.400", "Bad Request")
_MISSING = Error(404, "IIC.404", "Not Found")
ERRORS: dict[type[problems.Problem], Error] = {
    problems.Problem: _BAD,
    problems.NotFound: _MISSING,
    problems.Conflict: Error(409, "IIC.1006", "Conflict"),
    problems.VersionMismatch: Error(412, "IIC.412", "Precondition Failed"),
    # Clients know a fault of the signature by the code that the gateway in front of the peer gives it.
    problems.Unauthenticated: Error(401, "APIGW.0301", "Incorrect IAM authentication information"),
    problems.Forbidden: Error(403, "IIC.1000", "No permission"),
    problems.FlowExpired: Error(410, "IIC.410", "Gone"),
    problems.FeatureDisabled: _MISSING,
    problems.Throttled: Error(429, "APIGW.0308", "Too Many Requests"),
    problems.Unavailable: Error(503, "IIC.503", "Service Unavailable"),
}


def of_problem(problem: problems.Problem, scope: Scope) -> Answer:
    known = next(ERRORS[kind] for kind in type(problem).__mro__ if kind in ERRORS)
    headers = headers_of(problem, scope)
    if known.status == HTTPStatus.UNAUTHORIZED:
        headers = (("www-authenticate", "SDK-HMAC-SHA256"),)
    denied = _encoded(problem, scope) if isinstance(problem, problems.Forbidden) else None
    return _answer(known, problem.reason, scope, headers, denied)


def of_refusal(refusal: Refusal, scope: Scope) -> Answer:
    status = HTTPStatus(refusal.status)
    return _answer(Error(status, f"IIC.{status.value}", status.phrase), refusal.reason, scope, refusal.headers)


def _answer(error: Error, reason: str, scope: Scope, headers: Headers, denied: str | None = None) -> Answer:
    message = f"{error.message}: {reason}" if reason else error.message
    shown = ErrorShown(error.code, message, scope["request_id"], denied)
    return Answer(error.status, msgspec.json.encode(shown), headers)


def _encoded(problem: problems.Problem, scope: Scope) -> str:
    """What was denied and why, for an administrator to decode: base64 of JSON, since nothing in it is secret."""
    action = f"{scope['method']} {scope['route_path']}"
    said = {"action": action, "reason": problem.reason, "request_id": scope["request_id"]}
    return urlsafe_b64encode(msgspec.json.encode(said)).decode()
