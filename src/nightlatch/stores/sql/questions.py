"""Questions over sessions as SQL: a filter becomes constant texts, its values parameters.

`lower` is that of A to Z on both databases: SQLite's knows no other, and PostgreSQL's columns are in byte order. What
may be null is wrapped, so that what is not known is false under `not` too.
"""

from collections.abc import Mapping, Sequence

import msgspec

from nightlatch.core.sessions.model import How, Position, Standing
from nightlatch.core.sessions.question import ATTRIBUTES, Kind, Question, Summary
from nightlatch.kernel.filters import All, Comparison, Filter, Not, Op, Some, Value
from nightlatch.stores.sql.sessions import ENDED, JOINS, STANDING, standing_of
from nightlatch.stores.sql.statement import FIRST, Conditions, Connection, Rows

_COLUMNS: Mapping[str, str] = {
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
_OPTIONAL = {"identity.external_id", "device.ip", "device.user_agent", "device.location"}
_SIGNS = {Op.EQ: "=", Op.NE: "<>", Op.GT: ">", Op.GE: ">=", Op.LT: "<", Op.LE: "<="}
_BY_EXTERNAL_ID = """s.identity_id = (select identity_id from names
    where organization_id = {} and kind = 'external_id' and value = {})"""


class SqlQuestions(Rows):
    async def horizon(self, question: Question, after: Position | None, most: int) -> int | None:
        if question.narrow:
            return None
        conditions = _Asked(self._connection, question)
        conditions.add("s.organization_id = {}", question.organization)
        for comparison in question.span:
            conditions.add(conditions.text(comparison))
        conditions.past(after)
        end = f"limit 1 offset {conditions.parameter(most)}"
        statement = conditions.statement(f"select s.created_at from sessions s where %s {conditions.order} {end}")
        return await self._one(FIRST, statement, *conditions.arguments)

    async def list(self, question: Question, after: Position | None, horizon: int | None, limit: int) -> list[Standing]:
        conditions = _conditions(self._connection, question)
        conditions.past(after)
        if horizon is not None:
            conditions.add("s.created_at < {}" if question.oldest_first else "s.created_at > {}", horizon)
        end = f"limit {conditions.parameter(limit)}"
        statement = conditions.statement(f"{STANDING} where %s {conditions.order} {end}")
        return await self._all(standing_of, statement, *conditions.arguments)

    async def ids(self, question: Question, limit: int) -> Sequence[bytes]:
        conditions = _conditions(self._connection, question)
        end = f"limit {conditions.parameter(limit)}"
        statement = conditions.statement(f"select s.id from sessions s {JOINS} where %s {conditions.order} {end}")
        return await self._all(FIRST, statement, *conditions.arguments)

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
    if (narrow := question.narrow) is None:
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


class _Asked(Conditions):
    """The conditions of a question."""

    def __init__(self, connection: Connection, question: Question) -> None:
        super().__init__(connection)
        self._question = question
        self.order = "order by s.created_at, s.id desc" if question.oldest_first else "order by s.created_at desc, s.id"

    def past(self, after: Position | None) -> None:
        if after is not None:
            beyond, before = (">", "<") if self._question.oldest_first else ("<", ">")
            self.add(f"s.created_at {beyond}= {{}}", after.created_at)
            self.add(f"(s.created_at {beyond} {{}} or s.id {before} {{}})", after.created_at, after.id)

    def text(self, tree: Filter) -> str:
        """The text of a filter, whose values become parameters."""
        match tree:
            case Not(of):
                return f"not ({self.text(of)})"
            case All(terms):
                return "(" + " and ".join(map(self.text, terms)) + ")"
            case Some(terms):
                return "(" + " or ".join(map(self.text, terms)) + ")"
        if tree.path == "state":
            return self._of_state(tree)
        if tree.path == "methods":
            return self._of_methods(tree)
        column = _COLUMNS.get(tree.path, f"s.{tree.path}")
        if tree.op is Op.PR:
            return f"{column} is not null"
        if ATTRIBUTES[tree.path].kind is Kind.CASELESS:
            column = f"lower({column})"
        if tree.op is Op.NE:
            return f"{column} is distinct from {self.parameter(tree.value)}"
        text = self._compared(column, tree.op, tree.value)
        return f"coalesce({text}, false)" if tree.path in _OPTIONAL else text

    def _compared(self, column: str, op: Op, value: Value) -> str:
        if op in _SIGNS:
            return f"{column} {_SIGNS[op]} {self.parameter(value)}"
        assert isinstance(value, str)
        if not value:
            return f"{column} is not null"
        given = self.parameter(value)
        match op:
            case Op.SW:
                return f"substr({column}, 1, {self.parameter(len(value))}) = {given}"
            case Op.EW:
                # A start before the first letter would give SQLite the last ones.
                length = self.parameter(len(value))
                return f"(length({column}) >= {length} and substr({column}, length({column}) - {length} + 1) = {given})"
        return f"replace({column}, {given}, '') <> {column}"

    def _of_state(self, comparison: Comparison) -> str:
        if comparison.op is Op.PR:
            return "true"
        over = f"s.expires_at <= {self.parameter(self._question.now)}"
        if self._question.idle_since is not None:
            over += f" or s.last_seen <= {self.parameter(self._question.idle_since)}"
        state = f"case when {ENDED} then 'ended' when {over} then 'expired' else i.state end"
        return f"{state} {_SIGNS[comparison.op]} {self.parameter(comparison.value)}"

    def _of_methods(self, comparison: Comparison) -> str:
        if comparison.op is Op.PR:
            return "s.methods <> '[]'"
        member = '"method":' + msgspec.json.encode(comparison.value).decode()
        sign = "<>" if comparison.op is Op.EQ else "="
        return f"replace(s.methods, {self.parameter(member)}, '') {sign} s.methods"
