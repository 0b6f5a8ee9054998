"""The operations on identities."""

from nightlatch.core.access.rules import acting_in, allow
from nightlatch.core.administration import many
from nightlatch.core.administration.identities import unlock
from nightlatch.core.administration.work import GOOD_FOR, attempt
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.jobs.model import Kind, Which
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import KIB, Answer, Call
from nightlatch.doors.native import job_shapes, jobs, shapes
from nightlatch.doors.native.keys import organization_of
from nightlatch.kernel.clock import moment
from nightlatch.problems import FieldInvalid, IdentityNotFound

_WHICH = ("ids", "organization", "token")


async def unlock_identity(call: Call[Shared]) -> Answer:
    identity_id = call.path_id("id", IdentityNotFound)
    await call.door.store.write(lambda tx: unlock(tx, call.act, identity_id))
    return Answer(204)


async def deactivate_identities(call: Call[Shared]) -> Answer:
    return await _change(call, Kind.DEACTIVATE)


async def delete_identities(call: Call[Shared]) -> Answer:
    return await _change(call, Kind.DELETE)


async def _change(call: Call[Shared], kind: Kind) -> Answer:
    body = shapes.decode(await call.body(80 * KIB), job_shapes.ChangeIdentities)
    chosen = shapes.one_of(body, _WHICH)
    if body.dry_run and chosen == "token":
        raise FieldInvalid("dry_run", "A trial is of what is not tried yet.")
    organization_id = organization_of(call, body.organization)
    act = await call.door.store.read(lambda tx: acting_in(tx, call.act, organization_id))
    which, most = Which(act.now, ids=shapes.given_ids("ids", body.ids) if body.ids else None), None
    if body.dry_run:
        allow(act.scopes, "identities:read")  # its sample shows identities
        return await _try(call, act, kind, which)
    if body.token is not None:
        tried = jobs.tried(call, act, kind, body.token)
        which, most = tried.which, tried.total
    return jobs.begun(await call.door.store.write(lambda tx: many.begin(tx, act, kind, which, body.reason, most)))


async def _try(call: Call[Shared], act: Act, kind: Kind, which: Which) -> Answer:
    async def unit(tx: Tx) -> job_shapes.Tried:
        tried, places = await attempt(tx, act, kind, many.WORK[kind], which)
        shown = await many.sample(tx, act.organization, places)
        return job_shapes.Tried(
            count=tried.total,
            sample=[shapes.identity(each) for each in shown],
            token=jobs.sealed(call, tried),
            expires_at=moment(which.at + GOOD_FOR),
        )

    return Answer(200, shapes.encode(await call.door.store.scan(unit)))
