"""Sessions found and ended by an administrator, whatever tells them apart.

What a filter finds is ended in units of 1,000, each with its event; who is signing in meanwhile is found by the next
question. More than 10,000 are ended by a job.
"""

from collections.abc import Sequence

from nightlatch.core.administration import questions
from nightlatch.core.administration.work import KNOWN_MOST, Found, Work, in_units, matching
from nightlatch.core.credentials.methods import METHODS
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.jobs.model import Failure, Job, Kind, Which
from nightlatch.core.jobs.rules import begin
from nightlatch.core.questions import Place, Summary, Traits
from nightlatch.core.sessions.marking import AT_ONCE
from nightlatch.core.sessions.model import Standing, Where
from nightlatch.core.sessions.question import Question, filter_of
from nightlatch.core.sessions.rules import end
from nightlatch.core.store import Store

_UNIT = 500  # of a job: what is checked meanwhile waits little for it
_COUNTED = (*METHODS, "code_recovery", "link_recovery")
_UNSERVED = (
    "Name id, number, identity.id, identity.external_id or a trait that few have with eq, or bound created_at, "
    "beside all else with and"
)


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


async def end_matching(
    store: Store, act: Act, which: Which, traits: Traits, reason: str, most: int | None = None
) -> int | Job:
    """Ends those, at most so many: how many were not over before, or, of more than 10,000, the job that does it.
    FilterInvalid; QueryTooBroad as of `summary`."""
    places, total = await store.scan(lambda tx: matching(tx, WORK, act.organization, which, traits))
    total = total if most is None else min(total, most)
    if total > KNOWN_MOST:
        return await store.write(lambda tx: begin(tx, act, Kind.END_SESSIONS, which, total, reason))
    count = 0
    for some in in_units(places[:total], AT_ONCE, scattered=store.scatters):
        where = Where(session_ids=tuple(key for _, key in some), filter=which.filter, issued_by=which.by)
        revocation = await store.write(lambda tx, where=where: end(tx, act, where, which.how, reason))  # type: ignore[misc]
        count += revocation.count
    return count


async def find(tx: Tx, organization: bytes, which: Which, traits: Traits, after: Place | None, most: int) -> Found:
    """The next sessions, the newest first; with no place to begin after, QueryTooBroad as of `summary`."""
    question, scan = question_of(organization, which, traits), which.allow_scan
    return Found(*await questions.along(tx, tx.questions, question, after, most, _UNSERVED, allow_scan=scan))


def question_of(organization: bytes, which: Which, traits: Traits) -> Question:
    """What the filter asks. FilterInvalid, also when there is none."""
    where = filter_of(which.filter or "", traits)
    return Question(organization, which.at, which.idle, where, how=which.how, issued_by=which.by)


async def _count(tx: Tx, organization: bytes, which: Which, traits: Traits) -> int:
    return (await summary(tx, question_of(organization, which, traits), facets=False, allow_scan=True)).total


async def _end(tx: Tx, act: Act, job: Job, session_ids: Sequence[bytes]) -> tuple[int, list[Failure]]:
    where = Where(session_ids=tuple(session_ids), filter=job.which.filter, issued_by=job.which.by)
    return (await end(tx, act, where, job.which.how, job.reason)).count, []


WORK = Work(find, _count, _end, _UNIT, again=True)
