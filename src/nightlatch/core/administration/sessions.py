"""Sessions found and ended by an administrator, whatever tells them apart.

What a filter finds is ended in units of 1,000, each with its event; who is signing in meanwhile is found by the next
question.
"""

from collections.abc import Sequence

import msgspec

from nightlatch.core.administration import questions
from nightlatch.core.credentials.methods import METHODS
from nightlatch.core.events.model import Act
from nightlatch.core.questions import Place, Summary
from nightlatch.core.sessions.marking import AT_ONCE
from nightlatch.core.sessions.model import How, Standing, Where
from nightlatch.core.sessions.question import Question
from nightlatch.core.sessions.rules import end
from nightlatch.core.sessions.store import Tx
from nightlatch.core.store import Store
from nightlatch.kernel.clock import MINUTE
from nightlatch.problems import FieldInvalid, QueryTooBroad

END_MOST = 10_000
GOOD_FOR = 10 * MINUTE
_COUNTED = (*METHODS, "code_recovery", "link_recovery")
_UNSERVED = (
    "Name id, number, identity.id, identity.external_id or a trait that few have with eq, or bound created_at, "
    "beside all else with and"
)
_TAIL = 4  # bytes of an id, all random: one in 400,000 new sessions is taken for one of 10,000


class Trial(msgspec.Struct, frozen=True, array_like=True):
    """What somebody was shown of an ending by `filter` at `at`: which sessions, each by the tail of its id."""

    actor: str
    organization: bytes
    filter: str
    how: How
    at: int
    allow_scan: bool
    tails: bytes

    def shown(self, found: Sequence[bytes]) -> Sequence[bytes]:
        """Those of `found` that were. When they were issued does not tell: who was signing in then was not seen."""
        known = {self.tails[n : n + _TAIL] for n in range(0, len(self.tails), _TAIL)}
        return [each for each in found if each[-_TAIL:] in known]


async def page(
    tx: Tx, question: Question, after: Place | None, size: int, *, allow_scan: bool = False
) -> Sequence[Standing]:
    """The next `size` that fit. QueryTooBroad when 50,000 were looked at and did not hold so many."""
    return await questions.page(tx, tx.questions, question, after, size, _UNSERVED, allow_scan=allow_scan)


async def summary(tx: Tx, question: Question, *, facets: bool = True, allow_scan: bool = False) -> Summary:
    """How many fit, in all and, with `facets`, by what they are. QueryTooBroad when more than 50,000 would have to be
    looked at."""
    question = await questions.bound(tx, tx.questions, question, _UNSERVED, allow_scan=allow_scan)
    return await tx.questions.summary(question, _COUNTED if facets else ())


async def matching(tx: Tx, question: Question, *, allow_scan: bool = False) -> Sequence[bytes]:
    """The ids of all that fit. QueryTooBroad as of `summary`, and when they are more than 10,000."""
    question = await questions.bound(tx, tx.questions, question, _UNSERVED, allow_scan=allow_scan)
    found = await tx.questions.ids(question, END_MOST + 1)
    if len(found) > END_MOST:
        raise QueryTooBroad(
            f"More than {END_MOST:,} sessions fit. Narrow the filter, or end all of an identity, of an organization or "
            "of everybody: that takes the same short time however many they are."
        )
    return found


async def preview(
    tx: Tx, question: Question, *, allow_scan: bool = False
) -> tuple[Sequence[bytes], Sequence[Standing]]:
    """The same, and the first ten of them."""
    question = await questions.bound(tx, tx.questions, question, _UNSERVED, allow_scan=allow_scan)
    found = await matching(tx, question, allow_scan=allow_scan)
    return found, await tx.questions.list(question, None, None, min(len(found), 10))


async def end_matching(store: Store, act: Act, found: Sequence[bytes], how: How, reason: str, text: str) -> int:
    """Ends what the filter `text` found; how many were not over before."""
    count = 0
    for begin in range(0, len(found), AT_ONCE):
        where = Where(session_ids=tuple(found[begin : begin + AT_ONCE]), filter=text)
        revocation = await store.write(lambda tx, where=where: end(tx, act, where, how, reason))  # type: ignore[misc]
        count += revocation.count
    return count


def trial(act: Act, found: Sequence[bytes], how: How, text: str, *, allow_scan: bool) -> Trial:
    """What is shown when nothing is ended."""
    tails = b"".join(each[-_TAIL:] for each in found)
    return Trial(act.actor, act.organization, text, how, act.now, allow_scan, tails)


def check_trial(act: Act, tried: Trial | None) -> Trial:
    """FieldInvalid when it is not one of who acts, or is ten minutes old."""
    mine = tried is not None and (tried.actor, tried.organization) == (act.actor, act.organization)
    if tried is None or not mine or act.now >= tried.at + GOOD_FOR:
        raise FieldInvalid("token", "The token is not one of a trial by you in the last ten minutes.")
    return tried
