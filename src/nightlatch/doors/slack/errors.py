"""How this dialect says what went wrong: 200, and a code of Slack's own. Only what another try may cure has a status of
its own (429, 503, 500): clients repeat those, and one that takes any 200 for a success must not take a bug for one."""

from collections.abc import Mapping

from starlette.types import Scope

from nightlatch import problems
from nightlatch.doors.http.refusal import Refusal
from nightlatch.doors.http.routing import Answer
from nightlatch.doors.slack.shapes import DefaultErrorTemplate, answered


class Said(problems.Invalid):
    """A failure that this dialect has a code of its own for."""

    def __init__(self, error: str, reason: str = "") -> None:
        super().__init__(reason)
        self.error = error


class BodyRefused(Said):
    """The body cannot be read."""


class TokenMissing(problems.KeyRequired):
    """No access key is in the request."""


class SlackScopeMissing(problems.ScopeMissing):
    """As ScopeMissing, with the scopes in this dialect's words."""

    def __init__(self, needed: str, provided: str) -> None:
        super().__init__(needed)
        self.needed, self.provided = needed, provided


class SomeUsersNotFound(problems.IdentityNotFound):
    """Of several people, `user_ids` are nobody. The others were dealt with."""

    def __init__(self, user_ids: list[str]) -> None:
        super().__init__()
        self.user_ids = user_ids


ERRORS: Mapping[type[problems.Problem], tuple[int, str]] = {
    problems.Problem: (200, "invalid_arguments"),
    problems.IdentityNotFound: (200, "user_not_found"),
    problems.SessionNotFound: (200, "session_not_found"),
    problems.OrganizationNotFound: (200, "team_not_found"),
    problems.SessionEnded: (200, "session_expired"),
    problems.PageTokenInvalid: (200, "invalid_cursor"),
    problems.Unauthenticated: (200, "invalid_auth"),
    TokenMissing: (200, "not_authed"),
    problems.Forbidden: (200, "access_denied"),
    problems.ScopeMissing: (200, "missing_scope"),
    problems.FeatureDisabled: (200, "feature_not_enabled"),
    problems.Throttled: (429, "ratelimited"),
    problems.Unavailable: (503, "service_unavailable"),
    SomeUsersNotFound: (200, "failed_for_some_users"),
}
_REFUSALS = {404: "unknown_method", 405: "unknown_method", 415: "invalid_post_type", 500: "internal_error"}


def of_problem(problem: problems.Problem, scope: Scope) -> Answer:  # noqa: ARG001 - every door is asked alike
    status, code = next(ERRORS[kind] for kind in type(problem).__mro__ if kind in ERRORS)
    body = _body(problem.error if isinstance(problem, Said) else code, problem.reason)
    if isinstance(problem, SlackScopeMissing):
        body.needed, body.provided = problem.needed, problem.provided
    if isinstance(problem, SomeUsersNotFound):
        body.failed_user_ids = dict.fromkeys(problem.user_ids, "user_not_found")
    # All that this door does may be done twice, and its JavaScript client gives up on a 429 that does not say when.
    if isinstance(problem, problems.Unavailable | problems.Throttled):
        return answered(body, status, (("retry-after", str(problem.retry_after)),))
    return answered(body, status)


def of_refusal(refusal: Refusal, scope: Scope) -> Answer:  # noqa: ARG001 - every door is asked alike
    body = _body(_REFUSALS.get(refusal.status, "invalid_arguments"), refusal.reason)
    return answered(body, refusal.status if refusal.status in {405, 500} else 200, refusal.headers)


def _body(error: str, reason: str = "") -> DefaultErrorTemplate:
    # Clients of this dialect print what begins so as an error.
    messages = {"messages": [f"[ERROR] {reason}"]} if reason else None
    return DefaultErrorTemplate(False, error, response_metadata=messages)
