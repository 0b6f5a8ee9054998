"""PostgreSQL and engines that speak its protocol: a pool of connections, a transaction a unit of work.

A unit that collides with another (serialization failure, deadlock, a unique value that came first) is repeated whole.
"""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from typing import Any, TypeVar

import asyncpg

from nightlatch.core.leases.model import Joining
from nightlatch.core.store import Committed, Unit
from nightlatch.problems import Conflict, StoreDown
from nightlatch.stores.postgres_nodes import Node
from nightlatch.stores.postgres_pool import Connection, Pool, confirmed
from nightlatch.stores.postgres_waits import Waits
from nightlatch.stores.sql.feed import TIMELINE
from nightlatch.stores.sql.migrations import MIGRATIONS, POSTGRES
from nightlatch.stores.sql.statement import TOO_LONG, Row, Statement
from nightlatch.stores.sql.transaction import Transaction

T = TypeVar("T")

_SETTINGS = {
    "statement_timeout": "5000",
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "10000",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "application_name": "nightlatch",
}
_TRIES = 4
_PREPARED = 256  # statements a connection keeps: all of ours, and the filters asked last
_BULK = 16  # rows; to begin with many costs as much as a few single ones
_COLLISIONS = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,  # another node has migrated: inside a transaction, what was prepared is lost
    asyncpg.UniqueViolationError,
)
_UNUSABLE: dict[type[Exception], str] = {
    asyncpg.UndefinedTableError: "The database is not migrated: run nightlatch migrate.",
    asyncpg.InsufficientPrivilegeError: "The database server allows this user too little.",
    asyncpg.ReadOnlySQLTransactionError: "The database is read-only.",
    asyncpg.QueryCanceledError: TOO_LONG,
    asyncpg.InvalidCatalogNameError: "The database server has no database of that name.",
    asyncpg.InvalidAuthorizationSpecificationError: "The database server refuses this user.",
}
LEASELESS = "This node has no lease: the database does not commit, or cannot be reached."
ELSEWHERE = "A connection led to another server of the database than the one before."
_LEASELESS = 2  # seconds that a read waits for a lease
DOWN: tuple[type[Exception], ...] = (
    *_UNUSABLE, asyncpg.LockNotAvailableError, asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError, asyncpg.DiskFullError, asyncpg.InterfaceError, asyncpg.InternalClientError,
    asyncpg.exceptions.IdleInTransactionSessionTimeoutError, OSError, TimeoutError,
)  # fmt: skip


class PostgresConnection:
    """`ends` says whether something that it ran may have ended a session."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.ends = False

    async def row(self, statement: Statement, *arguments: Any) -> Row | None:
        self.ends |= statement.ends
        row: Row | None = await self._connection.fetchrow(statement.postgres, *arguments)
        return row

    async def rows(self, statement: Statement, *arguments: Any) -> Sequence[Row]:
        self.ends |= statement.ends
        rows: Sequence[Row] = await self._connection.fetch(statement.postgres, *arguments)
        return rows

    async def run(self, statement: Statement, *arguments: Any) -> int:
        self.ends |= statement.ends
        status: str = await self._connection.execute(statement.postgres, *arguments)
        return int(status.rsplit(" ", 1)[1])

    async def many(self, statement: Statement, arguments: Sequence[Sequence[Any]]) -> None:
        self.ends |= statement.ends
        if statement.copy and len(arguments) >= _BULK:
            # The driver would look at each element of an array, whether it is an array itself.
            table, columns = statement.copy
            await self._connection.copy_records_to_table(table, records=arguments, columns=columns)
        elif statement.bulk and len(arguments) >= _BULK:
            await self._connection.execute(statement.bulk, *map(list, zip(*arguments, strict=True)))
        elif arguments:
            await self._connection.executemany(statement.postgres, arguments)

    def array(self, values: Sequence[bytes] | Sequence[str]) -> Any:
        return list(values)


class PostgresStore:
    remote = True
    # A new version of a row finds room beside the old one, and no index is written, once another unit has left some
    # there; neighbours that one unit changes all go to another page, with an entry in each of seven indexes.
    scatters = True

    def __init__(self, pool: Pool, committed: Committed, waits: Waits, node: Node | None = None) -> None:
        self._pool = pool
        self._committed = committed
        self._waits = waits
        self._node = node
        self.generations = node

    async def write(self, unit: Unit[T]) -> T:
        try:
            value, ends = await self._committed_once(unit)
            if ends:
                await self._waits.out()
        except DOWN as error:
            raise down(error) from error
        return value

    async def _committed_once(self, unit: Unit[T]) -> tuple[T, bool]:
        collision: Exception | None = None
        for again in range(_TRIES):
            try:
                return await self._once(unit)
            except _COLLISIONS as error:
                collision = error
                # Unequal waits, without a source of randomness: the two that collided do not meet again.
                await asyncio.sleep(0.005 * (again + 1) + id(unit) % 997 * 1e-5)
        raise Conflict if isinstance(collision, asyncpg.UniqueViolationError) else StoreDown from collision

    async def read(self, unit: Unit[T]) -> T:
        node = self._node
        try:
            if node is None or not node.joining.fenced:
                return await self._read(unit)
            for _ in range(2):
                # A server that was cut off and replaced goes on answering reads; it cannot renew a lease.
                lease = node.id
                value = await self._read(unit)
                if node.holds(lease):
                    return value
                with contextlib.suppress(TimeoutError):
                    await node.joined(_LEASELESS)
        except DOWN as error:
            raise down(error) from error
        raise StoreDown(LEASELESS)

    async def scan(self, unit: Unit[T]) -> T:
        try:
            async with self._pool.lease() as held, held.transaction(isolation="repeatable_read", readonly=True):
                return await unit(Transaction(PostgresConnection(held)))
        except DOWN as error:
            raise down(error) from error

    async def close(self) -> None:
        if self._node:
            await self._node.stop()
        await self._pool.close()

    async def _read(self, unit: Unit[T]) -> T:
        async with self._pool.lease() as connection:
            return await unit(Transaction(PostgresConnection(connection)))

    async def _once(self, unit: Unit[T]) -> tuple[T, bool]:
        """What the unit gave, and whether it may have ended a session."""
        async with self._pool.lease() as connection:
            over = PostgresConnection(connection)
            tx, transaction = Transaction(over), connection.transaction()
            await transaction.start()
            try:
                value = await unit(tx)
            except BaseException:
                if not connection.is_closed():
                    await transaction.rollback()
                raise
            with confirmed(connection):
                await transaction.commit()
        self._committed(tx.happened)
        return value, over.ends


async def connect(dsn: str, committed: Committed, most: int, joining: Joining | None = None) -> PostgresStore:
    """A store over a pool of at most `most` connections, and one more as a node. StoreDown when the server does not
    answer."""

    async def opened() -> Connection:
        # Its timeout is above the server's own: that ends a slow statement, this gives up a server that is silent.
        connection = await asyncpg.connect(
            dsn, timeout=5, command_timeout=6, server_settings=_SETTINGS, connection_class=Connection,
            statement_cache_size=_PREPARED, max_cached_statement_lifetime=0,
        )  # fmt: skip
        connection.listen()
        # 16 bytes in and out, as on SQLite.
        await connection.set_type_codec("uuid", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
        return connection

    async def beside_lease() -> Connection:
        connection = await opened()
        if node and node.timeline and await connection.fetchval(TIMELINE) != node.timeline:
            connection.terminate()
            node.elsewhere()
            raise OSError(ELSEWHERE)
        return connection

    node: Node | None = None
    pool = Pool(beside_lease, most)
    try:
        # They are opened when they are first needed: a wrong address is better known at the start.
        async with pool.lease():
            pass
        if joining is not None:
            node = Node(joining, opened, pool, os.urandom)  # noqa: TID251 - names of leases are of this process alone
            await node.start()
    except DOWN as error:
        if node:
            await node.stop()
        await pool.close()
        raise down(error) from error
    return PostgresStore(pool, committed, Waits(pool, (joining or Joining("")).grace, node), node)


async def migrate(dsn: str, now: int) -> list[str]:
    """Brings the database up to date and gives the names of what it ran. StoreDown when it does not answer."""
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
    except DOWN as error:
        raise down(error) from error
    try:
        if (encoding := await connection.fetchval("show server_encoding")) != "UTF8":
            raise StoreDown(f"The database is encoded in {encoding}; it must be UTF8.")
        try:
            return await _migrate(connection, now)
        except asyncpg.UniqueViolationError:
            # Another node made the first table in the same moment: "if not exists" does not wait, its index does.
            return await _migrate(connection, now)
    except asyncpg.UndefinedTableError:
        raise  # a migration that does not fit: a bug of ours
    except DOWN as error:
        raise down(error) from error
    finally:
        await connection.close()


async def _migrate(connection: "asyncpg.Connection[asyncpg.Record]", now: int) -> list[str]:
    ran: list[str] = []
    async with connection.transaction():
        # Several nodes may start at once; the second finds the work done.
        await connection.execute(
            "create table if not exists migrations (number bigint primary key, name text not null, at bigint not null)"
        )
        await connection.execute("lock table migrations in exclusive mode")
        done = {row[0] for row in await connection.fetch("select number from migrations")}
        for migration in MIGRATIONS:
            if migration.number not in done:
                for statement in (*(each.format(**POSTGRES) for each in migration.statements), *migration.postgres):
                    await connection.execute(statement)
                await connection.execute(
                    "insert into migrations values ($1, $2, $3)", migration.number, migration.name, now
                )
                ran.append(migration.name)
    return ran


def down(error: BaseException) -> StoreDown:
    return StoreDown(next((reason for kind, reason in _UNUSABLE.items() if isinstance(error, kind)), ""))
