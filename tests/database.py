"""An open store, asked from outside of its loop."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from nightlatch.core.events.model import Event
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.store import Store
from nightlatch.stores.opening import migrate, open_store
from nightlatch.stores.sql import policies
from nightlatch.stores.sql.migrations import MIGRATIONS
from nightlatch.stores.sql.statement import Connection, Row, sql

T = TypeVar("T")
TABLES = re.findall(r"create table (\w+)", "\n".join(text for made in MIGRATIONS for text in made.statements))
Unit = Callable[[Any], Coroutine[Any, Any, T]]


class Run(Protocol):
    """Runs a coroutine to its end."""

    def __call__(self, coro: Coroutine[Any, Any, T]) -> T: ...


class Database:
    """`happened` holds every event of which was told that it is committed, in order."""

    def __init__(self, dsn: str, run: Run) -> None:
        self.dsn = dsn
        self.run = run
        self.happened: list[Event] = []
        run(migrate(dsn, 0))
        self.open()

    def open(self) -> None:
        self.store: Store = self.run(open_store(self.dsn, self.happened.extend))

    def close(self) -> None:
        self.run(self.store.close())

    def empty(self) -> None:
        """Takes every row away, but for the organization that is always there."""
        texts = [f"delete from {table}" for table in reversed(TABLES) if table != "organizations"]
        none = ", ".join(f"{column} = null" for column in policies._COLUMNS)
        zero = "ended_before = 0, deleted_before = 0, session_proved_after = 0, session_seen_after = 0"
        for text in [*texts, f"update organizations set {zero}, {none}"]:
            self.sql(text)
        self.sql("delete from organizations where id <> $1", DEFAULT)

    def write(self, unit: Unit[T]) -> T:
        return self.run(self.store.write(unit))

    def read(self, unit: Unit[T]) -> T:
        return self.run(self.store.read(unit))

    def scan(self, unit: Unit[T]) -> T:
        return self.run(self.store.scan(unit))

    def sql(self, text: str, *arguments: object) -> list[Row]:
        """The rows of a statement of the test's own, which may also write."""
        return self.write(lambda tx: _rows(tx, text, arguments))

    def together(self, *units: Unit[Any]) -> list[Any]:
        """Writes all of them at once; what came of each: a value, or the exception."""

        async def work() -> list[Any]:
            return await asyncio.gather(*map(self.store.write, units), return_exceptions=True)

        return self.run(work())


async def _rows(tx: Any, text: str, arguments: tuple[object, ...]) -> list[Row]:
    connection: Connection = tx.sessions._connection
    return [tuple(row) for row in await connection.rows(sql(text), *arguments)]
