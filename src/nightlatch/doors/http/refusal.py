"""What HTTP itself refuses, before any rule is asked."""

from collections.abc import Mapping

from starlette.types import Scope

from nightlatch import problems
from nightlatch.problems import Busy, KeyRequired, Problem, Throttled, Unavailable

Headers = tuple[tuple[str, str], ...]
STATUSES: Mapping[type[Problem], int] = {
    problems.Problem: 400,
    problems.NotFound: 404,
    problems.Conflict: 409,
    problems.VersionMismatch: 412,
    problems.Unauthenticated: 401,
    problems.Forbidden: 403,
    problems.FlowExpired: 410,
    problems.FeatureDisabled: 404,
    problems.Throttled: 429,
    problems.Unavailable: 503,
}
# Clients repeat these by themselves when they are told to come back: it must be harmless.
_REPEATABLE = {"GET", "HEAD", "PUT", "DELETE"}


class Refusal(Exception):
    """A failure of the request as a request: `reason` says what is wrong in it, `allow` names the methods of a 405. Or,
    with 500 and no reason, a failure of ours."""

    def __init__(self, status: int, reason: str = "", allow: str | None = None) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason
        self.headers: Headers = (("allow", allow),) if allow else ()


def status_of(problem: Problem, statuses: Mapping[type[Problem], int] = STATUSES) -> int:
    """The status of the nearest kind of `problem` that `statuses` names."""
    return next(statuses[kind] for kind in type(problem).__mro__ if kind in statuses)


def headers_of(problem: Problem, scope: Scope) -> Headers:
    """What HTTP has a header for: how to prove oneself, and when to come back, where a repeat does no harm."""
    if isinstance(problem, KeyRequired):
        return (("www-authenticate", "Bearer"),)
    begun = isinstance(problem, Unavailable) and not isinstance(problem, Busy)
    if isinstance(problem, Unavailable | Throttled) and (not begun or scope["method"] in _REPEATABLE):
        return (("retry-after", str(problem.retry_after)),)
    return ()
