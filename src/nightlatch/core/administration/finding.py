"""Identities found by an administrator, whatever tells them apart."""

from collections.abc import Sequence

from nightlatch.core.administration import questions
from nightlatch.core.identities.model import Identity
from nightlatch.core.identities.question import Question
from nightlatch.core.identities.store import Tx
from nightlatch.core.questions import Place, Summary

_UNSERVED = "Name id, external_id or a trait that few have with eq, or bound created_at, beside all else with and"


async def page(
    tx: Tx, question: Question, after: Place | None, size: int, *, allow_scan: bool = False
) -> Sequence[Identity]:
    """The next `size` that fit. QueryTooBroad when 50,000 were looked at and did not hold so many."""
    return await questions.page(tx, tx.identity_questions, question, after, size, _UNSERVED, allow_scan=allow_scan)


async def summary(tx: Tx, question: Question, schemas: Sequence[str] = (), *, allow_scan: bool = False) -> Summary:
    """How many fit, in all and, where schemas are named, by these and by state. QueryTooBroad when more than 50,000
    would have to be looked at."""
    question = await questions.bound(tx, tx.identity_questions, question, _UNSERVED, allow_scan=allow_scan)
    return await tx.identity_questions.summary(question, schemas)


async def along(
    tx: Tx, question: Question, after: Place | None, most: int, *, allow_scan: bool = False
) -> tuple[Sequence[Place], Place | None]:
    """Where the next are that fit, at most so many, the oldest first; and from where to go on, None when these are the
    last. With no place to begin after, QueryTooBroad as of `summary`."""
    asked = tx.identity_questions
    return await questions.along(tx, asked, question, after, most, _UNSERVED, allow_scan=allow_scan)
