"""Jobs begun, moved on and ended. Beginning is an event, and so is the end, however it comes."""

from collections.abc import Sequence

import msgspec

from nightlatch.core.events.model import Act, event
from nightlatch.core.jobs.model import MOST_FAILURES, Failure, Job, Kind, Status, Which
from nightlatch.core.jobs.store import Tx
from nightlatch.core.questions import Place
from nightlatch.kernel.ids import id_text
from nightlatch.problems import NotFound, Problem


async def begin(tx: Tx, act: Act, kind: Kind, which: Which, total: int, reason: str) -> Job:
    """A job that whoever has the lease does from now on: on `total` rows at most, none of them made later."""
    # Whoever asked was refused if it reads too much: it may have grown since.
    which = msgspec.structs.replace(which, by=which.at if which.by is None else which.by, allow_scan=True)
    job = Job(
        id=act.new_id(),
        organization=act.organization,
        kind=kind,
        actor=act.actor,
        reason=reason,
        which=which,
        total=total,
        created_at=act.now,
        updated_at=act.now,
    )
    await tx.jobs.add(job)
    await _tell(tx, act, "job.begun", job, total, {"filter": which.filter} if which.filter is not None else {})
    return job


async def get(tx: Tx, organization: bytes, job_id: bytes) -> Job:
    """NotFound."""
    job = await tx.jobs.get(organization, job_id)
    if job is None:
        raise NotFound("There is no such job.")
    return job


async def cancel(tx: Tx, act: Act, job_id: bytes) -> Job:
    """The job, which does no more from now on; what it has done stays done. One that is over stays as it is.
    NotFound."""
    await get(tx, act.organization, job_id)
    job = await tx.jobs.hold(job_id)
    assert job is not None
    return job if job.ended_at else await end(tx, act, job, Status.CANCELLED)


async def move(
    tx: Tx, act: Act, job: Job, done: int, failures: Sequence[Failure], after: Place | None, *, over: bool
) -> Job:
    """The job after so many more; it is through when it is `over`, or none are left."""
    job = msgspec.structs.replace(
        job,
        done=job.done + done,
        failed=job.failed + len(failures),
        failures=(*job.failures, *failures)[:MOST_FAILURES],
        after=after,
        updated_at=act.now,
    )
    if over or job.left <= 0:
        return await end(tx, act, job, Status.DONE)
    await tx.jobs.save(job)
    return job


async def end(tx: Tx, act: Act, job: Job, status: Status, problem: Problem | None = None) -> Job:
    """The job, over; `problem` is what was wrong with the whole of it."""
    wrong = () if problem is None else (Failure(job.id, problem.code, problem.reason),)
    failures = (*wrong, *job.failures)[:MOST_FAILURES]
    job = msgspec.structs.replace(job, status=status, failures=failures, updated_at=act.now, ended_at=act.now)
    await tx.jobs.save(job)
    await _tell(tx, act, "job.ended", job, job.done, {"status": status, "failed": job.failed})
    return job


async def _tell(tx: Tx, act: Act, name: str, job: Job, amount: int, more: dict[str, object]) -> None:
    data = {"job": id_text(job.id), "kind": job.kind, **more}
    await tx.events.add([event(act, name, reason=job.reason, amount=amount, data=data)])
