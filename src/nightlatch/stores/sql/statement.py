"""Statements and the connection that runs them.

Shared text uses `$1` parameters, which SQLite would take for names and bind by first appearance: it gets `?1`.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")
Row = Sequence[Any]
TOO_LONG = "The database took too long to answer. Ask for less, or again in a moment."
FIRST: Callable[[Row], Any] = itemgetter(0)
# Of what a session check shows. What is new was shown to nobody, but a credential changes who has it.
_CHANGES = re.compile(
    r"\b(?:(?:update|delete\s+from)\s+(?:sessions|identities|organizations|credentials)"
    r"|insert\s+into\s+credentials)\b"
)
_ARRAY = re.compile(r"in \(select value from carray\((\$\d+)\)\)")


class Statement(NamedTuple):
    """For many rows PostgreSQL has `copy`, the table and columns that the statement adds to, or `bulk`, which does for
    many what the statement does for one: its parameters are whole columns. A write that `ends` may have ended what
    other nodes still accept: it is answered when none does any more."""

    sqlite: str
    postgres: str
    bulk: str | None = None
    copy: tuple[str, tuple[str, ...]] | None = None
    ends: bool = False


@lru_cache(maxsize=512)
def sql(text: str, postgres: str | None = None) -> Statement:
    """The statement `text`; `postgres` is its own wording where the shared one will not do."""
    ends = _CHANGES.search(text) is not None
    return Statement(re.sub(r"\$(\d+)", r"?\1", text), _ARRAY.sub(r"= any(\1)", postgres or text), ends=ends)


def purge(table: str, key: str = "id", since: str = "expires_at", also: str = "true") -> Statement:
    """Removes $2 of those that are over since before $1, the oldest first; on PostgreSQL where `also` holds."""
    oldest = f"select {key} from {table} where {since} < $1 order by {since} limit $2"
    # A kept plan of PostgreSQL takes any limit for a tenth of the table, and would read all of it.
    return sql(
        f"delete from {table} where {key} in ({oldest})",
        f"delete from {table} where {key} = any(array({oldest})) and {also}",
    )


def insert(table: str, columns: str) -> Statement:
    """Adds a row to `table`, where no such row is."""
    names = tuple(column.strip() for column in columns.split(","))
    values = ", ".join(f"${n}" for n in range(1, len(names) + 1))
    return sql(f"insert into {table} ({', '.join(names)}) values ({values})")._replace(copy=(table, names))


class Connection(Protocol):
    """One open transaction, or a connection that reads."""

    async def row(self, statement: Statement, *arguments: Any) -> Row | None: ...

    async def rows(self, statement: Statement, *arguments: Any) -> Sequence[Row]: ...

    async def run(self, statement: Statement, *arguments: Any) -> int:
        """How many rows it changed."""

    async def many(self, statement: Statement, arguments: Sequence[Sequence[Any]]) -> None: ...

    def array(self, values: Sequence[bytes] | Sequence[str]) -> Any:
        """`values` as one argument."""


class Rows:
    """What a transaction knows of one feature."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def _one(self, read: Callable[[Row], T], statement: Statement, *arguments: Any) -> T | None:
        row = await self._connection.row(statement, *arguments)
        return read(row) if row else None

    async def _all(self, read: Callable[[Row], T], statement: Statement, *arguments: Any) -> list[T]:
        return [read(row) for row in await self._connection.rows(statement, *arguments)]


class Conditions:
    """A WHERE clause of constant texts whose `{}` become parameters."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.arguments: list[Any] = []
        self._texts: list[str] = []

    def parameter(self, value: Any) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def add(self, text: str, *values: Any) -> None:
        self._texts.append(text.format(*map(self.parameter, values)))

    def among(self, column: str, values: Sequence[bytes] | Sequence[str]) -> None:
        self.add(column + " in (select value from carray({}))", self._connection.array(values))

    def statement(self, text: str) -> Statement:
        """`text` with its `%s` replaced by the clause."""
        return sql(text.replace("%s", " and ".join(self._texts) or "true"))
