"""The operations on identities."""

from collections.abc import Sequence
from functools import partial

from nightlatch.core.access.rules import acting_in, allow
from nightlatch.core.administration import finding, many
from nightlatch.core.administration.identities import unlock
from nightlatch.core.administration.work import GOOD_FOR, attempt
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Identity
from nightlatch.core.identities.question import Question, filter_of
from nightlatch.core.jobs.model import Kind, Which
from nightlatch.core.questions import Summary
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import KIB, Answer, Call
from nightlatch.doors.native import job_shapes, jobs, paging, questions, shapes
from nightlatch.doors.native.keys import organization_of
from nightlatch.kernel.clock import moment
from nightlatch.problems import FieldInvalid, IdentityNotFound

_WHICH = ("ids", "organization", "filter", "token")

QUESTION = (*questions.parameters('state eq "active" and created_at gt …', "created_at"), questions.INCLUDE)


async def list_identities(call: Call[Shared]) -> Answer:
    organization_id, include, schemas = organization_of(call), questions.include(call), call.door.schemas
    asking = questions.asking(call, organization_id, partial(filter_of, traits=schemas.traits), "created_at")
    question = Question(organization_id, asking.where, asking.oldest_first)
    counted = [schema.id for schema in schemas] if "facets" in include else []

    async def unit(tx: Tx) -> tuple[Sequence[Identity], Summary | None]:
        await acting_in(tx, call.act, organization_id)
        scan = asking.allow_scan
        found = await finding.page(tx, question, asking.after, asking.page.size + 1, allow_scan=scan)
        return found, await finding.summary(tx, question, counted, allow_scan=scan) if include else None

    found, summary = await call.door.store.scan(unit)
    places = [(questions.placed(each.created_at, each.id), shapes.identity(each)) for each in found]
    rows, token = paging.cut(call, asking.page, places)
    answer = shapes.Identities(identities=rows, next_cursor=token)
    questions.counted(answer, summary, include)
    return Answer(200, shapes.encode(answer))


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
    ids, most = shapes.given_ids("ids", body.ids) if body.ids else None, None
    which = Which(act.now, body.filter, ids, allow_scan=body.allow_scan)
    if body.dry_run:
        allow(act.scopes, "identities:read")  # its sample shows identities
        return await _try(call, act, kind, which)
    if body.token is not None:
        tried = jobs.tried(call, act, kind, body.token)
        which, most = tried.which, tried.total
    traits = call.door.schemas.traits
    return jobs.begun(await many.begin(call.door.store, act, kind, which, traits, body.reason, most))


async def _try(call: Call[Shared], act: Act, kind: Kind, which: Which) -> Answer:
    async def unit(tx: Tx) -> job_shapes.Tried:
        tried, places = await attempt(tx, act, kind, many.WORK[kind], which, call.door.schemas.traits)
        shown = await many.sample(tx, act.organization, places)
        return job_shapes.Tried(
            count=tried.total,
            sample=[shapes.identity(each) for each in shown],
            token=jobs.sealed(call, tried),
            expires_at=moment(which.at + GOOD_FOR),
        )

    return Answer(200, shapes.encode(await call.door.store.scan(unit)))
