"""The operations on jobs, and what begins them: an answer of 202 that says where the job is."""

from nightlatch.core.access.rules import acting_in
from nightlatch.core.administration.work import Trial, check_trial
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.jobs import rules
from nightlatch.core.jobs.model import Job, Kind
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.native import job_shapes, paging, shapes
from nightlatch.doors.native.keys import organization_of
from nightlatch.kernel.ids import id_text
from nightlatch.problems import NotFound


async def list_jobs(call: Call[Shared]) -> Answer:
    organization_id = organization_of(call)
    page = paging.asked(call, f"jobs of {organization_id.hex()}")

    async def unit(tx: Tx) -> list[tuple[bytes, job_shapes.Job]]:
        act = await acting_in(tx, call.act, organization_id)
        found = await tx.jobs.list(act.organization, page.after, page.size + 1)
        return [(each.id, job_shapes.job(each)) for each in found]

    rows, token = paging.cut(call, page, await call.door.store.scan(unit))
    return Answer(200, shapes.encode(job_shapes.Jobs(rows, token)))


async def get_job(call: Call[Shared]) -> Answer:
    organization_id, job_id = organization_of(call), _id(call)

    async def unit(tx: Tx) -> Job:
        return await rules.get(tx, (await acting_in(tx, call.act, organization_id)).organization, job_id)

    return Answer(200, shapes.encode(job_shapes.job(await call.door.store.read(unit))))


async def cancel_job(call: Call[Shared]) -> Answer:
    organization_id, job_id = organization_of(call), _id(call)

    async def unit(tx: Tx) -> Job:
        return await rules.cancel(tx, await acting_in(tx, call.act, organization_id), job_id)

    return Answer(200, shapes.encode(job_shapes.job(await call.door.store.write(unit))))


def begun(job: Job) -> Answer:
    """It goes on after the answer: where to ask how far it is."""
    return Answer(202, shapes.encode(job_shapes.job(job)), (("location", f"/v1/jobs/{id_text(job.id)}"),))


def sealed(call: Call[Shared], tried: Trial) -> str:
    """The token of a trial."""
    return call.door.page_keys.seal(("trial", tried))


def tried(call: Call[Shared], act: Act, kind: Kind, token: str) -> Trial:
    """The trial of a token. FieldInvalid when it is not one of who acts, of that kind, in the last ten minutes."""
    opened = call.door.page_keys.unseal(token, tuple[str, Trial])
    return check_trial(act, kind, opened[1] if opened and opened[0] == "trial" else None)


def _id(call: Call[Shared]) -> bytes:
    return call.path_id("id", NotFound("There is no such job."))
