"""The log of what happened in an organization."""

from collections.abc import Sequence

from nightlatch.core.access.rules import acting_in
from nightlatch.core.access.store import Tx
from nightlatch.core.administration.audit import page
from nightlatch.core.events.model import Logged
from nightlatch.core.events.question import Question, filter_of
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.native import paging, questions, shapes
from nightlatch.doors.native.keys import organization_of

QUESTION = questions.parameters('name sw "session." and at gt …', "at")


async def list_events(call: Call[Shared]) -> Answer:
    organization_id = organization_of(call)
    asking = questions.asking(call, organization_id, filter_of, "at")
    question = Question(organization_id, asking.where, asking.oldest_first)

    async def unit(tx: Tx) -> Sequence[Logged]:
        await acting_in(tx, call.act, organization_id)
        return await page(tx, question, asking.after, asking.page.size + 1, allow_scan=asking.allow_scan)

    found = await call.door.store.scan(unit)
    rows = [(questions.placed(each.event.at, each.event.id), shapes.happened(each)) for each in found]
    return Answer(200, shapes.encode(shapes.Log(*paging.cut(call, asking.page, rows))))
