"""Identities deactivated or deleted, very many at once: those that are named, that a filter picks, or all."""

from collections.abc import Awaitable, Callable, Sequence

from nightlatch.core.administration import finding
from nightlatch.core.administration.identities import deactivate, delete
from nightlatch.core.administration.work import Found, Work
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Filter, Identity
from nightlatch.core.identities.question import Question, filter_of
from nightlatch.core.jobs import rules
from nightlatch.core.jobs.model import Failure, Job, Kind, Which
from nightlatch.core.questions import Place, Traits
from nightlatch.core.store import Store
from nightlatch.kernel.filters import All, Comparison, Op
from nightlatch.problems import IdentityNotFound

Rule = Callable[[Tx, Act, bytes, str | None], Awaitable[object]]
"""What is done to one, and why; IdentityNotFound."""
_UNIT = 50  # each is a dozen statements, and takes sessions, credentials and flows with it


async def find(tx: Tx, organization: bytes, which: Which, traits: Traits, after: Place | None, most: int) -> Found:
    """The next identities: by id, or those of a filter the oldest first, with no place to begin after QueryTooBroad as
    of `finding`. FilterInvalid."""
    if which.filter is not None:
        question, scan = _question(organization, which, which.filter, traits), which.allow_scan
        return Found(*await finding.along(tx, question, after, most, allow_scan=scan))
    last = after[1] if after else None
    if which.ids is not None:
        named = [each for each in sorted(which.ids) if last is None or each > last]
        return _found([(0, each) for each in named[:most]], most)
    rows = await tx.identities.list(organization, Filter(), last, 0, most)
    found = _found([(0, row.id) for row in rows], most)
    made = {row.id for row in rows if which.by is None or row.created_at <= which.by}
    return Found([place for place in found.places if place[1] in made], found.next)


async def count(tx: Tx, organization: bytes, which: Which, traits: Traits) -> int:
    """How many there are of them. FilterInvalid; QueryTooBroad as of `finding`."""
    if which.filter is not None:
        question = _question(organization, which, which.filter, traits)
        return (await finding.summary(tx, question, allow_scan=which.allow_scan)).total
    if which.ids is not None:
        return len(which.ids)
    return await tx.identities.count(organization, Filter())


async def sample(tx: Tx, organization: bytes, places: Sequence[Place]) -> list[Identity]:
    """The first ten of those."""
    ids = tuple(key for _, key in places[:10])
    return await tx.identities.list(organization, Filter(ids=ids), None, 0, 10) if ids else []


async def begin(
    store: Store, act: Act, kind: Kind, which: Which, traits: Traits, reason: str, most: int | None = None
) -> Job:
    """The job that does it, to so many at most. FilterInvalid; QueryTooBroad as of `finding`."""
    total = await store.scan(lambda tx: count(tx, act.organization, which, traits))
    total = total if most is None else min(total, most)
    return await store.write(lambda tx: rules.begin(tx, act, kind, which, total, reason))


def _question(organization: bytes, which: Which, text: str, traits: Traits) -> Question:
    where = filter_of(text, traits)
    if which.by is not None:
        where = All((where, Comparison("created_at", Op.LE, which.by)))
    return Question(organization, where, oldest_first=True)


def _found(places: list[Place], most: int) -> Found:
    return Found(places, places[-1] if len(places) == most else None)


def _each(rule: Rule) -> Callable[[Tx, Act, Job, Sequence[bytes]], Awaitable[tuple[int, list[Failure]]]]:
    async def each(tx: Tx, act: Act, job: Job, identity_ids: Sequence[bytes]) -> tuple[int, list[Failure]]:
        failures = []
        for identity_id in identity_ids:
            try:
                await rule(tx, act, identity_id, job.reason)
            except IdentityNotFound as problem:
                failures.append(Failure(identity_id, problem.code, "There is no such identity."))
        return len(identity_ids) - len(failures), failures

    return each


async def _delete(tx: Tx, act: Act, identity_id: bytes, reason: str | None) -> None:
    if not await delete(tx, act, identity_id, reason):
        raise IdentityNotFound


RULES: dict[Kind, Rule] = {Kind.DEACTIVATE: deactivate, Kind.DELETE: _delete}
WORK = {kind: Work(find, count, _each(rule), _UNIT, again=False) for kind, rule in RULES.items()}
