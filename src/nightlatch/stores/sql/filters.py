"""Filters as SQL: a filter becomes constant texts, its values parameters. What any list that is asked with one needs.

`lower` is that of A to Z on both databases: SQLite's knows no other, and PostgreSQL's columns are in byte order.
"""

from collections.abc import Mapping
from typing import NamedTuple

from nightlatch.core.questions import Attribute, Kind, Place
from nightlatch.kernel.filters import All, Comparison, Filter, Not, Op, Some, Value
from nightlatch.stores.sql.statement import Conditions, Connection

SIGNS = {Op.EQ: "=", Op.NE: "<>", Op.GT: ">", Op.GE: ">=", Op.LT: "<", Op.LE: "<="}


class Order(NamedTuple):
    """The columns that an index has a list in: a time, newest first, and an id, which goes `upwards` beside that."""

    time: str
    id: str
    upwards: bool


class Filtered(Conditions):
    """Conditions on rows with such attributes, each in the column of its name unless `columns` says otherwise."""

    attributes: Mapping[str, Attribute]
    columns: Mapping[str, str]
    by: Order

    def __init__(self, connection: Connection, oldest_first: bool) -> None:
        super().__init__(connection)
        self._oldest_first = oldest_first

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
        column = self.columns.get(comparison.path, comparison.path)
        if comparison.op is Op.PR:
            return f"{column} is not null"
        if self.attributes[comparison.path].kind is Kind.CASELESS:
            column = f"lower({column})"
        if comparison.op is Op.NE:
            return f"{column} is distinct from {self.parameter(comparison.value)}"
        return self._compared(column, comparison.op, comparison.value)

    def _compared(self, column: str, op: Op, value: Value) -> str:
        if op in SIGNS:
            return f"{column} {SIGNS[op]} {self.parameter(value)}"
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
