"""Pages of what a filter picks. What no index serves is read up to a bound, unless whoever asks wants it whole."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec

from nightlatch.core.identities.filling import check_filled
from nightlatch.core.identities.store import Tx
from nightlatch.core.questions import Place, Question
from nightlatch.problems import QueryTooBroad

READ_MOST = 50_000
_FEW = 2000  # a page of more is sooner found along the list

Q = TypeVar("Q", bound=Question)
Q_contra = TypeVar("Q_contra", bound=Question, contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Asked(Protocol[Q_contra, R_co]):
    """What a store answers of one kind of rows."""

    async def horizon(self, question: Q_contra, after: Place | None, most: int) -> int | None: ...

    async def list(
        self, question: Q_contra, after: Place | None, horizon: int | None, limit: int
    ) -> Sequence[R_co]: ...


class Placed(Asked[Q_contra, R_co], Protocol):
    async def places(
        self, question: Q_contra, after: Place | None, horizon: int | None, limit: int
    ) -> Sequence[Place]: ...


async def page(
    tx: Tx,
    asked: Asked[Q, R_co],
    question: Q,
    after: Place | None,
    size: int,
    unserved: str,
    *,
    allow_scan: bool = False,
) -> Sequence[R_co]:
    """The next `size` that fit. QueryTooBroad when 50,000 were looked at and did not hold so many: `unserved` says what
    to name instead. FilterInvalid when it names a trait that is not filled in yet."""
    await check_filled(tx, question.where)
    question = await _narrowed(tx, question, _FEW)
    bounded = question.reach.picks and not allow_scan
    horizon = await asked.horizon(question, after, READ_MOST) if bounded else None
    found = await asked.list(question, after, horizon, size)
    if horizon is None or len(found) == size:
        return found
    narrowed = await _narrowed(tx, question, READ_MOST)
    if narrowed is question:
        raise _too_broad(unserved)
    return await asked.list(narrowed, after, None, size)


async def bound(tx: Tx, asked: Asked[Q, R_co], question: Q, unserved: str, *, allow_scan: bool) -> Q:
    """The question as it is best asked of all rows. QueryTooBroad when more than 50,000 would have to be looked at;
    FilterInvalid as of `page`."""
    await check_filled(tx, question.where)
    question = await _narrowed(tx, question, READ_MOST)
    if not allow_scan and await asked.horizon(question, None, READ_MOST) is not None:
        raise _too_broad(unserved)
    return question


async def along(
    tx: Tx, asked: Placed[Q, R_co], question: Q, after: Place | None, most: int, unserved: str, *, allow_scan: bool
) -> tuple[Sequence[Place], Place | None]:
    """Where the next are that fit, of the next 50,000, at most so many; and from where to go on, None when these are
    the last. With no place to begin after, QueryTooBroad as of `bound`; FilterInvalid as of `page`."""
    question = await bound(tx, asked, question, unserved, allow_scan=allow_scan or after is not None)
    horizon = await asked.horizon(question, after, READ_MOST) if question.reach.picks else None
    if after and horizon == after[0]:
        horizon = None  # all of that moment: there is no place between them to stop at
    found = await asked.places(question, after, horizon, most)
    if len(found) == most:
        return found, found[-1]
    return found, None if horizon is None else (horizon, bytes(16))


async def _narrowed(tx: Tx, question: Q, most: int) -> Q:
    """The question with a term over a trait that finds at most so many, where there is one and nothing better."""
    if question.reach.narrow is None:
        for term in question.reach.traits:
            if await tx.searchable.few(question.organization, term, most):
                return msgspec.structs.replace(question, few=term)  # type: ignore[type-var]  # it is a struct
    return question


def _too_broad(unserved: str) -> QueryTooBroad:
    return QueryTooBroad(f"More than {READ_MOST:,} would have to be read. {unserved}, or ask with allow_scan.")
