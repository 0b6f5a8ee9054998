"""The operations on identities."""

from collections.abc import Sequence
from functools import partial

from nightlatch.core.access.rules import acting_in
from nightlatch.core.access.store import Tx
from nightlatch.core.administration import finding
from nightlatch.core.administration.identities import unlock
from nightlatch.core.identities.model import Identity
from nightlatch.core.identities.question import Question, filter_of
from nightlatch.core.questions import Summary
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.native import paging, questions, shapes
from nightlatch.doors.native.keys import organization_of
from nightlatch.problems import IdentityNotFound

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
    answer = shapes.Identities(identities=rows, next_page_token=token)
    questions.counted(answer, summary, include)
    return Answer(200, shapes.encode(answer))


async def unlock_identity(call: Call[Shared]) -> Answer:
    identity_id = call.path_id("id", IdentityNotFound)
    await call.door.store.write(lambda tx: unlock(tx, call.act, identity_id))
    return Answer(204)
