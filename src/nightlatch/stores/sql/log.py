"""Questions over events as SQL."""

import msgspec

from nightlatch.core.events.model import Event, Logged
from nightlatch.core.events.question import ATTRIBUTES, Question
from nightlatch.core.questions import Place
from nightlatch.stores.sql.events import COLUMNS
from nightlatch.stores.sql.filters import Filtered, Order
from nightlatch.stores.sql.statement import FIRST, Row, Rows


class SqlLog(Rows):
    async def horizon(self, question: Question, after: Place | None, most: int) -> int | None:
        if question.reach.narrow:
            return None
        conditions = self._asked(question, after)
        for comparison in question.reach.span:
            conditions.add(conditions.text(comparison))
        end = f"limit 1 offset {conditions.parameter(most)}"
        statement = conditions.statement(f"select at from events where %s {conditions.order} {end}")
        return await self._one(FIRST, statement, *conditions.arguments)

    async def list(self, question: Question, after: Place | None, horizon: int | None, limit: int) -> list[Logged]:
        conditions = self._asked(question, after)
        conditions.before(horizon)
        if question.where is not None:
            conditions.add(conditions.text(question.where))
        end = f"limit {conditions.parameter(limit)}"
        statement = conditions.statement(f"select {COLUMNS}, position from events where %s {conditions.order} {end}")
        return await self._all(_logged, statement, *conditions.arguments)

    def _asked(self, question: Question, after: Place | None) -> "_Asked":
        conditions = _Asked(self._connection, question.oldest_first)
        conditions.add("organization_id = {}", question.organization)
        conditions.past(after)
        return conditions


class _Asked(Filtered):
    attributes = ATTRIBUTES
    columns = {"identity.id": "identity_id", "session.id": "session_id"}
    by = Order("at", "id", upwards=False)


def _logged(row: Row) -> Logged:
    fields = [*row[:9], row[9] and msgspec.json.decode(row[9])]
    return Logged(Event(*fields), row[10])
