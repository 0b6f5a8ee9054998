"""Filters as SQL: a filter becomes constant texts, its values parameters. What any list that is asked with one needs.

`lower` is that of A to Z on both databases: SQLite's knows no other, and PostgreSQL's columns are in byte order.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from nightlatch.core.identities.model import indexed
from nightlatch.core.questions import TRAITS, Attribute, Kind, Place, Question, Summary
from nightlatch.kernel.filters import All, Comparison, Filter, Not, Op, Some, Value
from nightlatch.stores.sql.statement import FIRST, Conditions, Connection, Row, Rows

R = TypeVar("R")
Q = TypeVar("Q", bound=Question)

LAST = "\U0010ffff"
SIGNS = {Op.EQ: "=", Op.NE: "<>", Op.GT: ">", Op.GE: ">=", Op.LT: "<", Op.LE: "<="}


class Order(NamedTuple):
    """The columns that an index has a list in: a time, newest first, and an id, which goes `upwards` beside that."""

    time: str
    id: str
    upwards: bool


class Filtered(Conditions, Generic[Q]):
    """Conditions on rows with such attributes, each in the column of its name unless `columns` says otherwise."""

    attributes: Mapping[str, Attribute]
    columns: Mapping[str, str]
    organization = "organization_id"
    identity = "identity_id"
    by: Order

    def __init__(self, connection: Connection, question: Q) -> None:
        super().__init__(connection)
        self._question = question
        self._oldest_first = question.oldest_first

    def walk(self) -> None:
        """Those that the question could be about."""
        self.add(f"{self.organization} = {{}}", self._question.organization)

    def pick(self) -> None:
        """Those that it is about."""
        self.walk()
        if self._question.where is not None:
            self.add(self.text(self._question.where))

    @property
    def order(self) -> str:
        time, key, upwards = self.by
        ways = ("", "desc") if self._oldest_first else ("desc", "")
        return f"order by {time} {ways[0]}, {key} {ways[upwards]}"

    def past(self, after: Place | None) -> None:
        """Those after this place of the list."""
        if after is not None:
            time, key, upwards = self.by
            signs = (">", "<") if self._oldest_first else ("<", ">")
            self.add(f"{time} {signs[0]}= {{}}", after[0])
            self.add(f"({time} {signs[0]} {{}} or {key} {signs[upwards]} {{}})", *after)

    def before(self, horizon: int | None) -> None:
        if horizon is not None:
            self.add(f"{self.by.time} {'<' if self._oldest_first else '>'} {{}}", horizon)

    def text(self, tree: Filter) -> str:
        """The text of a filter, whose values become parameters. Where it is null it does not hold."""
        match tree:
            case Not(of):
                return f"not coalesce({self.text(of)}, false)"
            case All(terms):
                return "(" + " and ".join(map(self.text, terms)) + ")"
            case Some(terms):
                return "(" + " or ".join(map(self.text, terms)) + ")"
        return self.compared(tree)

    def compared(self, comparison: Comparison) -> str:
        """The text of a comparison with a column."""
        if comparison.path.startswith(TRAITS):
            return self._of_trait(comparison)
        column = self.columns.get(comparison.path, comparison.path)
        if comparison.op is Op.PR:
            return f"{column} is not null"
        if self.attributes[comparison.path].kind is Kind.CASELESS:
            column = f"lower({column})"
        if comparison.op is Op.NE:
            return f"{column} is distinct from {self.parameter(comparison.value)}"
        return _compared(self, column, comparison.op, comparison.value)

    def found_by(self, column: str, term: Comparison) -> None:
        """Those of the identities in `column` that an index finds by this term, over a trait."""
        self.add(f"{column} in (select identity_id {held(self, self._question.organization, term)})")

    def _of_trait(self, comparison: Comparison) -> str:
        if comparison is self._question.reach.narrow:
            return "true"  # as found_by has it
        # Not `exists`: either database would make it a join, and read all that are such for one page.
        test = f"identity_id = {self.identity} and name = {self.parameter(comparison.path.removeprefix(TRAITS))}"
        op, value = comparison.op, comparison.value
        if op is not Op.PR:
            assert isinstance(value, str | int)
            test += f" and {_compared(self, 'value', Op.EQ if op is Op.NE else op, indexed(value))}"
        return f"(select count(*) from searchable_traits where {test}) {'=' if op is Op.NE else '>'} 0"


def held(conditions: Conditions, organization: bytes, term: Comparison) -> str:
    """Where the values are that are such as this term over a trait says, which an index finds."""
    test = f"organization_id = {conditions.parameter(organization)}"
    test += f" and name = {conditions.parameter(term.path.removeprefix(TRAITS))}"
    if term.op is not Op.PR:
        assert isinstance(term.value, str | int)
        value = indexed(term.value)
        if term.op is Op.SW:
            # The last code point bounds the range in byte order, so that the index serves it.
            test += f" and value >= {conditions.parameter(value)} and value < {conditions.parameter(value + LAST)}"
        else:
            test += f" and {_compared(conditions, 'value', term.op, value)}"
    return f"from searchable_traits where {test}"


def _compared(conditions: Conditions, column: str, op: Op, value: Value) -> str:
    if op in SIGNS:
        return f"{column} {SIGNS[op]} {conditions.parameter(value)}"
    assert isinstance(value, str)
    if not value:
        return f"{column} is not null"
    given = conditions.parameter(value)
    match op:
        case Op.SW:
            return f"substr({column}, 1, {conditions.parameter(len(value))}) = {given}"
        case Op.EW:
            # A start before the first letter would give SQLite the last ones.
            length = conditions.parameter(len(value))
            return f"(length({column}) >= {length} and substr({column}, length({column}) - {length} + 1) = {given})"
    return f"replace({column}, {given}, '') <> {column}"


class Asked(Rows, Generic[Q, R]):
    """What a store answers to questions over one kind of rows: they are walked in one table, and shown with others."""

    conditions: type[Filtered[Q]]
    walked: str
    source: str
    shown: str
    read: Callable[[Row], R]

    async def horizon(self, question: Q, after: Place | None, most: int) -> int | None:
        if question.reach.narrow:
            return None
        conditions = self.conditions(self._connection, question)
        conditions.walk()
        for comparison in question.reach.span:
            conditions.add(conditions.text(comparison))
        conditions.past(after)
        end = f"limit 1 offset {conditions.parameter(most)}"
        what = f"select {conditions.by.time} from {self.walked}"
        return await self._one(
            FIRST, conditions.statement(f"{what} where %s {conditions.order} {end}"), *conditions.arguments
        )

    async def list(self, question: Q, after: Place | None, horizon: int | None, limit: int) -> Sequence[R]:
        return await self._picked(self.read, self.shown, question, after, horizon, limit)

    async def places(self, question: Q, after: Place | None, horizon: int | None, limit: int) -> Sequence[Place]:
        time, key, _ = self.conditions.by
        return await self._picked(lambda row: (row[0], row[1]), f"{time}, {key}", question, after, horizon, limit)

    async def _picked(
        self, read: Callable[[Row], Any], shown: str, question: Q, after: Place | None, horizon: int | None, limit: int
    ) -> Sequence[Any]:
        conditions = self.conditions(self._connection, question)
        conditions.pick()
        conditions.past(after)
        conditions.before(horizon)
        end = f"limit {conditions.parameter(limit)}"
        statement = conditions.statement(f"select {shown} from {self.source} where %s {conditions.order} {end}")
        return await self._all(read, statement, *conditions.arguments)

    async def _summary(self, question: Q, wanted: Sequence[Comparison]) -> Summary:
        conditions = self.conditions(self._connection, question)
        conditions.pick()
        columns = "".join(f", count(case when {conditions.text(each)} then 1 end)" for each in wanted)
        statement = conditions.statement(f"select count(*){columns} from {self.source} where %s")
        total, *counts = await self._connection.row(statement, *conditions.arguments) or (0,)
        facets: dict[str, dict[str, int]] = {each.path: {} for each in wanted}
        for each, count in zip(wanted, counts, strict=False):
            if count:
                facets[each.path][str(each.value)] = count
        return Summary(total, facets)
