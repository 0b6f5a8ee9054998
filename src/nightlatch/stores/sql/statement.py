"""Statements and the connection that runs them.

Shared text uses `$1` parameters, which SQLite would take for names and bind by first appearance: it gets `?1`.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

Row = Sequence[Any]
_ARRAY = re.compile(r"in \(select value from carray\((\$\d+)\)\)")


class Statement(NamedTuple):
    sqlite: str
    postgres: str


@lru_cache(maxsize=512)
def sql(text: str, postgres: str | None = None) -> Statement:
    """The statement `text`; `postgres` is its own wording where the shared one will not do."""
    return Statement(re.sub(r"\$(\d+)", r"?\1", text), _ARRAY.sub(r"= any(\1)", postgres or text))


class Connection(Protocol):
    """One open transaction, or a connection that reads."""

    async def row(self, statement: Statement, *arguments: Any) -> Row | None: ...

    async def rows(self, statement: Statement, *arguments: Any) -> Sequence[Row]: ...

    async def run(self, statement: Statement, *arguments: Any) -> int:
        """How many rows it changed."""
        ...

    async def many(self, statement: Statement, arguments: Sequence[Sequence[Any]]) -> None: ...

    def array(self, values: Sequence[bytes] | Sequence[str]) -> Any:
        """`values` as one argument."""
        ...


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
