"""Jobs done: one process at a time, a small unit after the other, while all serve.

Each unit moves the job's place in the same transaction. Whoever is stopped leaves nothing half done, and the next goes
on from there.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from nightlatch.core.administration import many, sessions
from nightlatch.core.administration.work import Found, in_units
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.jobs import rules
from nightlatch.core.jobs.model import Job, Kind, Status
from nightlatch.core.questions import Place, Traits
from nightlatch.core.store import Store
from nightlatch.kernel.clock import SECOND
from nightlatch.problems import Invalid

AT_ONCE = 2000  # reading more holds up whoever is being checked
_LEASE = "jobs"
_LEASED = 15 * SECOND
_PAUSES = 0.5  # times as long as the unit took
_WORK = {Kind.END_SESSIONS: sessions.WORK, **many.WORK}


class _Unit(NamedTuple):
    """Some rows, the place of the job after them, and whether that is its end."""

    some: Sequence[Place]
    after: Place | None
    over: bool


async def advance(
    store: Store, act: Callable[[], Act], holder: bytes, traits: Traits, told: Callable[[Job], None] = lambda _: None
) -> Job | None:
    """Does the next 2,000 rows of the oldest job, if `holder` gets the lease; `told` is shown the job after each unit.
    None when there is nothing to do, or somebody else does it. A job whose filter cannot be read, with these traits, is
    over."""
    job = await store.read(lambda tx: tx.jobs.oldest())
    if job is None or not await store.write(lambda tx: _leased(tx, act(), holder)):
        return None
    try:
        found = await store.scan(
            lambda tx: _WORK[job.kind].find(tx, job.organization, job.which, traits, job.after, AT_ONCE)
        )
    except Invalid as problem:
        wrong = problem
        return await store.write(lambda tx: _fail(tx, act(), holder, job, wrong))
    moved: Job | None = job
    for unit in _units(job, found, scatters=store.scatters):
        if moved is None or moved.ended_at:
            break
        moved = await _move(store, act, holder, moved, unit)
        if moved:
            told(moved)
    return moved


def _units(job: Job, found: Found, *, scatters: bool) -> Iterator[_Unit]:
    """What is done at once, and at last the way on."""
    work = _WORK[job.kind]
    places = job.which.shown(found.places)[: job.left]
    for some in in_units(places, work.size, scattered=scatters and work.again):
        yield _Unit(some, job.after if work.again else some[-1], over=False)
    yield _Unit((), found.next, over=found.next is None)


async def _move(store: Store, act: Callable[[], Act], holder: bytes, job: Job, unit: _Unit) -> Job | None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    moved = await store.write(lambda tx: _do(tx, act(), holder, job, unit))
    await asyncio.sleep(_PAUSES * (loop.time() - began))
    return moved


async def _do(tx: Tx, act: Act, holder: bytes, job: Job, unit: _Unit) -> Job | None:
    """None when somebody has ended the job, or done this."""
    if not await _held(tx, act, holder, job):
        return None
    doing, ids = _of(job, act), [key for _, key in unit.some]
    done, failures = await _WORK[job.kind].do(tx, doing, job, ids) if ids else (0, [])
    moved = await rules.move(tx, doing, job, done, failures, unit.after, over=unit.over)
    if moved.ended_at:
        await _leased(tx, act, holder, 0)  # a command that has waited for it is gone now
    return moved


async def _fail(tx: Tx, act: Act, holder: bytes, job: Job, problem: Invalid) -> Job | None:
    """None as of `_do`."""
    if not await _held(tx, act, holder, job):
        return None
    await _leased(tx, act, holder, 0)
    return await rules.end(tx, _of(job, act), job, Status.FAILED, problem)


async def _held(tx: Tx, act: Act, holder: bytes, job: Job) -> bool:
    """Whether the job is as it was, and stays so until the transaction ends, with `holder` to do it."""
    return await tx.jobs.hold(job.id) == job and await _leased(tx, act, holder)


async def _leased(tx: Tx, act: Act, holder: bytes, term: int = _LEASED) -> bool:
    return await tx.leases.take(_LEASE, holder, act.now, act.now + term)


def _of(job: Job, act: Act) -> Act:
    """Whoever began it does it, whichever process that is."""
    return msgspec.structs.replace(act, organization=job.organization, actor=job.actor)
