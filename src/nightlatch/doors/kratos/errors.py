"""How this dialect says what went wrong: one table from the core's Problems to its envelope."""

from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
from starlette.types import Scope

from nightlatch import problems
from nightlatch.doors.http.refusal import Headers, Refusal, headers_of
from nightlatch.doors.http.routing import Answer, target
from nightlatch.doors.kratos.shapes import ErrorShown


class Malformed(problems.Invalid):
    """The request cannot be read. `message` is said where old clients look for it, in place of the general one."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(reason)
        self.message = message


class ReturnForbidden(problems.Invalid):
    """The place to return to is none that the configuration allows."""

    default_reason = "Requested return_to URL is not allowed."


class RegistrationOff(problems.Invalid):
    """Registration is switched off."""

    default_reason = "Registration is not allowed because it was disabled."


class CsrfViolation(problems.Forbidden):
    """Not sent by the browser that began the flow, or not from a page that may."""

    default_reason = "Please retry the flow and optionally clear your cookies. The request was rejected to protect you."

    def __init__(self, reject_reason: str) -> None:
        super().__init__()
        self.reject_reason = reject_reason


class AddressUnverified(problems.Forbidden):
    """The right password, of somebody none of whose addresses is verified. `item` says how to go on."""

    code = "address_unverified"
    default_reason = "Verify one of your addresses first. You were sent what you need for it."

    def __init__(self, item: dict[str, Any]) -> None:
        super().__init__()
        self.item = item


class SessionInactive(problems.SessionRequired):
    """What needs a session in a browser, without one."""

    default_reason = "No active session was found in this request."


class AllConflict(problems.Conflict):
    """Every entry of a batch that could have been stored conflicts; `items` are the results in order."""

    def __init__(self, items: list[Any]) -> None:
        super().__init__("Every identity conflicts with another that already exists.")
        self.items = items


class NothingPresented(problems.SessionRequired):
    """A check without any credential: an answer that caches in front may keep, where they may keep any."""


class NotSignedIn(problems.SessionRequired):
    """A flow that only who is signed in can begin."""


class Error(NamedTuple):
    status: int
    message: str
    id: str = ""


_BAD = "The request was malformed or contained invalid parameters"
_MISSING = "The requested resource could not be found"
_NO_ROW = "Unable to locate the resource"
_TAKEN = "Unable to insert or update resource because a resource with that value exists already"
_UNAUTHORIZED = "The request could not be authorized"
_FORBIDDEN = "The requested action was forbidden"
_DOWN = "The service cannot answer at this moment"

ERRORS: dict[type[problems.Problem], Error] = {
    problems.Problem: Error(400, _BAD),
    problems.Invalid: Error(400, _BAD),
    problems.NotFound: Error(404, _MISSING),
    problems.IdentityNotFound: Error(404, _NO_ROW),
    problems.SessionNotFound: Error(404, _NO_ROW),
    problems.FlowNotFound: Error(404, _NO_ROW),
    problems.MessageNotFound: Error(404, _NO_ROW),
    problems.Conflict: Error(409, _TAKEN),
    problems.VersionMismatch: Error(412, "The resource was changed since the version that was named"),
    problems.Unauthenticated: Error(401, _UNAUTHORIZED),
    problems.Forbidden: Error(403, _FORBIDDEN),
    problems.AssuranceTooLow: Error(
        403, "Session does not fulfill the requested Authenticator Assurance Level", "session_aal2_required"
    ),
    problems.ReauthenticationRequired: Error(403, _FORBIDDEN, "session_refresh_required"),
    problems.FlowForeign: Error(403, _FORBIDDEN, "security_identity_mismatch"),
    problems.Throttled: Error(429, "Too many requests"),
    problems.FlowExpired: Error(410, "The self-service flow expired", "self_service_flow_expired"),
    problems.FeatureDisabled: Error(404, _MISSING),
    problems.SessionAvailable: Error(400, _BAD, "session_already_available"),
    problems.Unavailable: Error(503, _DOWN),
    CsrfViolation: Error(403, _FORBIDDEN, "security_csrf_violation"),
    AddressUnverified: Error(403, _FORBIDDEN, "session_verified_address_required"),
    SessionInactive: Error(401, _UNAUTHORIZED, "session_inactive"),
    ReturnForbidden: Error(400, _BAD, "self_service_flow_return_to_forbidden"),
    RegistrationOff: Error(400, _BAD, "self_service_flow_disabled"),
    NotSignedIn: Error(401, _UNAUTHORIZED, "session_inactive"),
}
_PROVE: dict[type[problems.Problem], str] = {
    problems.AssuranceTooLow: "aal=aal2",
    problems.ReauthenticationRequired: "refresh=true",
}
_SIGN_IN = _PROVE | {problems.SessionRequired: "", NotSignedIn: ""}
_BUG = "An internal server error occurred, please contact the system administrator"
_MESSAGES = {404: _MISSING, 400: _BAD, 401: _UNAUTHORIZED, 403: _FORBIDDEN, 500: _BUG, 503: _DOWN}


def error_of(problem: problems.Problem) -> ErrorShown:
    """The bare error object."""
    known = next(ERRORS[kind] for kind in type(problem).__mro__ if kind in ERRORS)
    message = problem.message if isinstance(problem, Malformed) else known.message
    error = body_of(known.status, message, problem.reason, known.id)
    if isinstance(problem, AllConflict):
        error["details"] = {"identities": problem.items}
    if isinstance(problem, AddressUnverified):
        error["details"] = {"continue_with": [problem.item]}
    if isinstance(problem, CsrfViolation):
        error["details"] = {"reject_reason": problem.reject_reason}
    return error


def body_of(status: int, message: str, reason: str = "", error_id: str = "") -> ErrorShown:
    error: ErrorShown = {"code": status, "status": HTTPStatus(status).phrase, "message": message}
    if reason:
        error["reason"] = reason
    if error_id:
        error["id"] = error_id
    return error


def answer(error: ErrorShown, request_id: str, headers: Headers = (), **beside: Any) -> Answer:
    """`error` in its envelope, with `beside` next to it."""
    body = msgspec.json.encode({"error": {**error, "request": request_id}, **beside})
    more = (("ory-error-id", error.get("id", "")), *headers)
    return Answer(error["code"], body, more, "application/json")


def way_in(public_url: str, problem: problems.Problem, scope: Scope) -> str | None:
    """Where a browser proves what it lacks, and from where it comes back to its flow; None for any other problem."""
    how = _SIGN_IN.get(type(problem))
    if how is None:
        return None
    query = [how] if how else []
    if scope["path"].startswith("/self-service/"):
        back = target(scope).replace("/flows?id=", "?flow=")  # a flow's JSON is no page to come back to
        query.append(f"return_to={quote(public_url.rstrip('/') + back, safe='')}")
    return f"{public_url}self-service/login/browser?{'&'.join(query)}"


def of_problem(public_url: str, problem: problems.Problem, scope: Scope) -> Answer:
    """The answer to a Problem. It says when to come back only where a repeat does no harm."""
    request_id = scope["request_id"]
    if type(problem) in _PROVE:
        place = way_in(public_url, problem, scope)
        error = error_of(problem)
        error["details"] = {"redirect_browser_to": place}
        return answer(error, request_id, redirect_browser_to=place)
    headers = headers_of(problem, scope)
    if isinstance(problem, NothingPresented):
        headers = (("ory-session-cache-for", "60"),)
    return answer(error_of(problem), request_id, headers)


def of_refusal(refusal: Refusal, scope: Scope) -> Answer:
    message = _MESSAGES.get(refusal.status, HTTPStatus(refusal.status).phrase)
    return answer(body_of(refusal.status, message, refusal.reason), scope["request_id"], refusal.headers)
