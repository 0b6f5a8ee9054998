"""Questions over sessions as SQL."""

from collections.abc import Sequence

import msgspec

from nightlatch.core.questions import Place
from nightlatch.core.sessions.model import How, Standing
from nightlatch.core.sessions.question import ATTRIBUTES, Question, Summary
from nightlatch.kernel.filters import Comparison, Op
from nightlatch.stores.sql.filters import SIGNS, Filtered, Order
from nightlatch.stores.sql.sessions import ENDED, JOINS, STANDING, standing_of
from nightlatch.stores.sql.statement import FIRST, Connection, Rows

_BY_EXTERNAL_ID = """s.identity_id = (select identity_id from names
    where organization_id = {} and kind = 'external_id' and value = {})"""


class SqlQuestions(Rows):
    async def horizon(self, question: Question, after: Place | None, most: int) -> int | None:
        if question.reach.narrow:
            return None
        conditions = _Asked(self._connection, question)
        conditions.add("s.organization_id = {}", question.organization)
        for comparison in question.reach.span:
            conditions.add(conditions.text(comparison))
        conditions.past(after)
        end = f"limit 1 offset {conditions.parameter(most)}"
        statement = conditions.statement(f"select s.created_at from sessions s where %s {conditions.order} {end}")
        return await self._one(FIRST, statement, *conditions.arguments)

    async def list(self, question: Question, after: Place | None, horizon: int | None, limit: int) -> list[Standing]:
        conditions = _conditions(self._connection, question)
        conditions.past(after)
        conditions.before(horizon)
        end = f"limit {conditions.parameter(limit)}"
        statement = conditions.statement(f"{STANDING} where %s {conditions.order} {end}")
        return await self._all(standing_of, statement, *conditions.arguments)

    async def places(self, question: Question, after: Place | None, horizon: int | None, limit: int) -> Sequence[Place]:
        conditions = _conditions(self._connection, question)
        conditions.past(after)
        conditions.before(horizon)
        end = f"limit {conditions.parameter(limit)}"
        columns = "s.created_at, s.id"
        statement = conditions.statement(f"select {columns} from sessions s {JOINS} where %s {conditions.order} {end}")
        return await self._all(lambda row: (row[0], row[1]), statement, *conditions.arguments)

    async def summary(self, question: Question, methods: Sequence[str] = ()) -> Summary:
        conditions = _conditions(self._connection, question)
        kinds = ATTRIBUTES["device.kind"].choices if methods else ()
        wanted = [Comparison("device.kind", Op.EQ, kind) for kind in kinds]
        wanted += [Comparison("methods", Op.EQ, method) for method in methods]
        columns = "".join(f", count(case when {conditions.text(each)} then 1 end)" for each in wanted)
        statement = conditions.statement(f"select count(*){columns} from sessions s {JOINS} where %s")
        total, *counts = await self._connection.row(statement, *conditions.arguments) or (0,)
        facets: dict[str, dict[str, int]] = {"device.kind": {}, "methods": {}}
        for each, count in zip(wanted, counts, strict=False):
            if count:
                facets[each.path][str(each.value)] = count
        return Summary(total, facets)


def _conditions(connection: Connection, question: Question) -> "_Asked":
    conditions = _Asked(connection, question)
    if (narrow := question.reach.narrow) is None:
        conditions.add("s.organization_id = {}", question.organization)
    else:
        # Asked of the identity: SQLite would walk all sessions of the organization, whose index is in the same order.
        conditions.add("i.organization_id = {}", question.organization)
        if narrow.path == "identity.external_id":
            conditions.add(_BY_EXTERNAL_ID, question.organization, narrow.value)
    if question.how is How.DISABLE:
        conditions.add(f"not {ENDED}")
    if question.issued_by is not None:
        conditions.add("s.issued_at <= {}", question.issued_by)
    if question.where is not None:
        conditions.add(conditions.text(question.where))
    return conditions


class _Asked(Filtered):
    """The conditions of a question."""

    attributes = ATTRIBUTES
    columns = {name: f"s.{name}" for name in ATTRIBUTES} | {
        "organization": "s.organization_id",
        "identity.id": "s.identity_id",
        "identity.state": "i.state",
        "identity.schema": "i.schema_id",
        "identity.external_id": "i.external_id",
        "device.kind": "s.device_kind",
        "device.ip": "s.ip",
        "device.user_agent": "s.user_agent",
        "device.location": "s.location",
    }
    by = Order("s.created_at", "s.id", upwards=True)

    def __init__(self, connection: Connection, question: Question) -> None:
        super().__init__(connection, question.oldest_first)
        self._question = question

    def compared(self, comparison: Comparison) -> str:
        if comparison.path == "state":
            return self._of_state(comparison)
        if comparison.path == "methods":
            return self._of_methods(comparison)
        return super().compared(comparison)

    def _of_state(self, comparison: Comparison) -> str:
        if comparison.op is Op.PR:
            return "true"
        over = f"s.expires_at <= {self.parameter(self._question.now)}"
        if self._question.idle_since is not None:
            over += f" or s.last_seen <= {self.parameter(self._question.idle_since)}"
        state = f"case when {ENDED} then 'ended' when {over} then 'expired' else i.state end"
        return f"{state} {SIGNS[comparison.op]} {self.parameter(comparison.value)}"

    def _of_methods(self, comparison: Comparison) -> str:
        if comparison.op is Op.PR:
            return "s.methods <> '[]'"
        member = '"method":' + msgspec.json.encode(comparison.value).decode()
        sign = "<>" if comparison.op is Op.EQ else "="
        return f"replace(s.methods, {self.parameter(member)}, '') {sign} s.methods"
