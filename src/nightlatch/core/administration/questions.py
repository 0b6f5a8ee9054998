"""Pages of what a filter picks. What no index serves is read up to a bound, unless whoever asks wants it whole."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from nightlatch.core.questions import Place, Reach
from nightlatch.problems import QueryTooBroad

READ_MOST = 50_000


class _Question(Protocol):
    @property
    def reach(self) -> Reach: ...


Q_contra = TypeVar("Q_contra", bound=_Question, contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Asked(Protocol[Q_contra, R_co]):
    """What a store answers of one kind of rows."""

    async def horizon(self, question: Q_contra, after: Place | None, most: int) -> int | None: ...

    async def list(
        self, question: Q_contra, after: Place | None, horizon: int | None, limit: int
    ) -> Sequence[R_co]: ...


async def page(
    asked: Asked[Q_contra, R_co],
    question: Q_contra,
    after: Place | None,
    size: int,
    unserved: str,
    *,
    allow_scan: bool = False,
) -> Sequence[R_co]:
    """The next `size` that fit. QueryTooBroad when 50,000 were looked at and did not hold so many: `unserved` says what
    to name instead."""
    bounded = question.reach.picks and not allow_scan
    horizon = await asked.horizon(question, after, READ_MOST) if bounded else None
    found = await asked.list(question, after, horizon, size)
    if horizon is not None and len(found) < size:
        raise too_broad(unserved)
    return found


async def bound(asked: Asked[Q_contra, R_co], question: Q_contra, unserved: str) -> None:
    """QueryTooBroad when more than 50,000 would have to be looked at."""
    if await asked.horizon(question, None, READ_MOST) is not None:
        raise too_broad(unserved)


def too_broad(unserved: str) -> QueryTooBroad:
    return QueryTooBroad(f"More than {READ_MOST:,} would have to be read. {unserved}, or ask with allow_scan.")
