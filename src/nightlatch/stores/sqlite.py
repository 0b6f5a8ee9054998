"""SQLite: WAL, synchronous=FULL, one writer thread a process, many readers.

Units of work are grouped: up to 64 of them share one transaction and one fsync, each in a savepoint of its own, and
nobody is answered before the commit. Processes queue at a lock on a file beside the database, not at SQLite's own
polling lock: the kernel's queue is fair, and a dead holder lets go.
"""

import asyncio
import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

import apsw

from nightlatch.core.events.model import Event
from nightlatch.core.store import Committed, Unit
from nightlatch.kernel.unit import inside_unit
from nightlatch.problems import Conflict, StoreDown
from nightlatch.stores.sql.migrations import MIGRATIONS, SQLITE
from nightlatch.stores.sql.statement import TOO_LONG, Row, Statement
from nightlatch.stores.sql.transaction import Transaction

T = TypeVar("T")

FIXED_WAL = (3, 51, 3)  # before it, several processes that write or checkpoint at once can corrupt the file
_PRAGMAS = (
    "journal_mode=wal",
    "synchronous=full",
    "wal_autocheckpoint=16000",
    "foreign_keys=on",
    "trusted_schema=off",
    "temp_store=memory",
    "cache_size=-2048",  # KiB, for each of four connections: the kernel caches the file once for all
)
_MOST_A_BATCH = 64  # more are not faster, and the first of them would wait for the last
_LONGEST_WAIT = 5.0  # seconds that a write may wait for its turn and its commit
_LONGEST_SCAN = 5.0  # seconds; PostgreSQL has them as its statement_timeout
_STEPS = 100_000  # of SQLite's machine, a millisecond or two, between looks at the clock
_DOWN = (
    apsw.BusyError, apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.CorruptError, apsw.NotADBError,
    apsw.ReadOnlyError,
)  # fmt: skip
_BUSY = 5000  # milliseconds, for outsiders that do not queue at the gate


class SqliteConnection:
    """Runs statements at once: a coroutine over it never suspends."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    async def row(self, statement: Statement, *arguments: Any) -> Row | None:
        rows = self._connection.execute(statement.sqlite, arguments).fetchall()
        return rows[0] if rows else None

    async def rows(self, statement: Statement, *arguments: Any) -> Sequence[Row]:
        return self._connection.execute(statement.sqlite, arguments).fetchall()

    async def run(self, statement: Statement, *arguments: Any) -> int:
        self._connection.execute(statement.sqlite, arguments).fetchall()
        return self._connection.changes()

    async def many(self, statement: Statement, arguments: Sequence[Sequence[Any]]) -> None:
        self._connection.executemany(statement.sqlite, arguments).fetchall()

    def array(self, values: Sequence[bytes] | Sequence[str]) -> Any:
        return apsw.carray(tuple(values)) if values else None


@dataclass(slots=True, eq=False)
class _Work:
    """A unit in the queue, the future of whoever waits for it, and what became of it."""

    unit: Unit[Any]
    future: asyncio.Future[Any]
    value: Any = None
    error: Exception | None = None
    happened: Sequence[Event] = ()


class SqliteStore:
    """`path` must have been migrated. One of these a process; never carried over a fork."""

    remote = False
    scatters = False  # a page is written whole by each unit that touches it

    def __init__(self, path: str, committed: Committed) -> None:
        self._committed = committed
        self._reader = _open(path, reader=True)
        self._reads = Transaction(SqliteConnection(self._reader))
        self._path = path
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._scans = ThreadPoolExecutor(2, thread_name_prefix="scan")
        self._local = threading.local()
        self._opened: list[apsw.Connection] = [self._reader]
        self._writer = threading.Thread(target=self._write_all, args=(_open(path), _gate(path)), name="writer")
        self._writer.start()

    async def write(self, unit: Unit[T]) -> T:
        work = _Work(unit, asyncio.get_running_loop().create_future())
        self._queue.put(work)
        done, _ = await asyncio.wait([work.future], timeout=_LONGEST_WAIT)
        if not done:
            work.future.cancel()
            raise StoreDown
        return cast("T", work.future.result())

    async def read(self, unit: Unit[T]) -> T:
        # In the loop: a hop to a thread costs more than a read by key.
        try:
            return cast("T", _drive(unit(self._reads)))
        except apsw.Error as error:
            raise _problem(error) from error

    async def scan(self, unit: Unit[T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._scans, self._scan, unit)

    async def close(self) -> None:
        self._queue.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._writer.join)
        self._scans.shutdown()
        for connection in self._opened:
            connection.close()

    def _scan(self, unit: Unit[T]) -> T:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # One a thread: whoever shares the loop's has the loop wait for a long read.
            connection = self._local.connection = _open(self._path, reader=True)
            self._opened.append(connection)
        try:
            _execute(connection, "begin")
            until = time.monotonic() + _LONGEST_SCAN
            connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
            try:
                return cast("T", _drive(unit(Transaction(SqliteConnection(connection)))))
            finally:
                connection.set_progress_handler(None)
                _execute(connection, "commit")
        except apsw.Error as error:
            raise _problem(error) from error

    def _write_all(self, connection: apsw.Connection, gate: int) -> None:
        more: _Work | None = self._queue.get()
        while more is not None:
            batch = [more]
            with contextlib.suppress(Empty):
                while len(batch) < _MOST_A_BATCH and (more := self._queue.get_nowait()) is not None:
                    batch.append(more)
            _write_batch(connection, gate, batch, self._committed)
            if more is not None:
                more = self._queue.get()
        connection.close()
        os.close(gate)


def _write_batch(connection: apsw.Connection, gate: int, batch: list[_Work], committed: Committed) -> None:
    fcntl.lockf(gate, fcntl.LOCK_EX)
    try:
        _execute(connection, "begin immediate")
        # Those given up by their callers, who were told that it did not happen, are left out.
        batch = [work for work in batch if not work.future.cancelled()]
        for work in batch:
            _write_one(connection, work)
        _execute(connection, "commit")
    except Exception as error:  # noqa: BLE001 - the whole batch failed with it, and each of its callers is told
        with contextlib.suppress(apsw.Error):
            if connection.in_transaction:
                _execute(connection, "rollback")
        for work in batch:
            work.error = error
    finally:
        fcntl.lockf(gate, fcntl.LOCK_UN)
    by_loop: dict[asyncio.AbstractEventLoop, list[_Work]] = {}
    for work in batch:
        by_loop.setdefault(work.future.get_loop(), []).append(work)
    for loop, some in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_tell, some, committed)


def _write_one(connection: apsw.Connection, work: _Work) -> None:
    _execute(connection, "savepoint unit")
    try:
        tx = Transaction(SqliteConnection(connection))
        work.value = _drive(work.unit(tx))
        work.happened = tx.happened
    except Exception as error:  # it is this unit's alone, unless the transaction went with it
        if not connection.in_transaction:
            # A full disk rolls back everything: the next statement would run outside any transaction.
            raise
        _execute(connection, "rollback to unit")
        work.error = error
    finally:
        if connection.in_transaction:
            _execute(connection, "release unit")


def _tell(batch: list[_Work], committed: Committed) -> None:
    for work in batch:
        if work.error is None:
            committed(work.happened)
        if work.future.done():
            continue
        if work.error is None:
            work.future.set_result(work.value)
        else:
            work.future.set_exception(_problem(work.error))


def _drive(rule: Any) -> Any:
    """Runs a coroutine to its end. It may only ask its transaction, which answers at once."""
    coroutine: Coroutine[Any, Any, Any] = rule
    outside = inside_unit.set(True)
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    finally:
        inside_unit.reset(outside)
    coroutine.close()
    raise RuntimeError("a unit of work waited for something other than its transaction")


def _problem(error: Exception) -> Exception:
    taken = (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY)
    if isinstance(error, apsw.ConstraintError) and getattr(error, "extendedresult", 0) in taken:
        return Conflict()
    if isinstance(error, apsw.InterruptError):
        return StoreDown(TOO_LONG)
    unmigrated = isinstance(error, apsw.SQLError) and str(error).startswith("no such table")
    if isinstance(error, _DOWN) or unmigrated:
        problem = StoreDown("The database is not migrated: run nightlatch migrate." if unmigrated else "")
        problem.__cause__ = error
        return problem
    return error


def _execute(connection: apsw.Connection, statement: str) -> None:
    # To the end, here and everywhere: a cursor that is not keeps its snapshot, and no checkpoint gets past that.
    connection.execute(statement).fetchall()


def connect(path: str, committed: Committed) -> SqliteStore:
    """A store over a migrated file. StoreDown when it is not there, is no database, or cannot be written."""
    try:
        return SqliteStore(path, committed)
    except apsw.Error as error:
        raise _problem(error) from error


def _open(path: str, *, reader: bool = False) -> apsw.Connection:
    # NOFOLLOW: whoever may write the folder must not lead us to another file by a link.
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_EXRESCODE | apsw.SQLITE_OPEN_NOFOLLOW
    connection = apsw.Connection(path, flags=flags, statementcachesize=256)
    connection.set_busy_timeout(_BUSY)
    for pragma in _PRAGMAS:
        _execute(connection, f"pragma {pragma}")
    if reader:
        _execute(connection, "pragma query_only=on")
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)  # a column that is misspelt in quotes would be a text
    return connection


def _gate(path: str) -> int:
    return os.open(f"{path}-gate", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def migrate(path: str, now: int) -> list[str]:
    """Makes the file where there is none, brings it up to date and gives the names of what it ran. OSError when it
    cannot be made; StoreDown when it is no database, or its disk is full or read-only."""
    if tuple(map(int, apsw.sqlite_lib_version().split("."))) < FIXED_WAL:
        raise RuntimeError(f"SQLite {apsw.sqlite_lib_version()} corrupts databases that several processes write")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    if not Path(path).exists():  # closing a file that is in use would drop the locks that SQLite has on it
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    gate = _gate(path)
    fcntl.lockf(gate, fcntl.LOCK_EX)
    try:
        with contextlib.closing(_open(path)) as connection:
            return _migrate(connection, now)
    except apsw.SQLError:
        raise  # a migration that does not fit: a bug of ours
    except apsw.Error as error:
        raise _problem(error) from error
    finally:
        os.close(gate)


def _migrate(connection: apsw.Connection, now: int) -> list[str]:
    ran: list[str] = []
    _execute(
        connection,
        "create table if not exists migrations"
        " (number integer primary key, name text not null, at integer not null) strict",
    )
    done = {row[0] for row in connection.execute("select number from migrations").fetchall()}
    for migration in MIGRATIONS:
        if migration.number in done:
            continue
        with connection:
            for statement in migration.statements:
                _execute(connection, statement.format(**SQLITE))
            connection.execute(
                "insert into migrations values (?, ?, ?)", (migration.number, migration.name, now)
            ).fetchall()
        ran.append(migration.name)
    return ran
