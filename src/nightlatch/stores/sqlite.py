"""SQLite: WAL, synchronous=FULL, one writer thread a process, many readers.

Units of work are grouped: up to 64 of them share one transaction and one fsync, each in a savepoint of its own, and
nobody is answered before the commit. Processes queue at a lock on a file beside the database (gate.py), not at SQLite's
own polling lock; what a batch changed of what session checks show is in doubt while it commits, and moved after it.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

import apsw

from nightlatch.core.events.model import Event
from nightlatch.core.sessions.generations import bucket
from nightlatch.core.store import Committed, Unit
from nightlatch.kernel.unit import inside_unit
from nightlatch.problems import StoreDown
from nightlatch.stores.gate import Gate, gate_of, leave
from nightlatch.stores.sql.statement import Row, Statement
from nightlatch.stores.sql.transaction import Transaction
from nightlatch.stores.sqlite_file import execute, open_file, problem, settle, watch

T = TypeVar("T")

_MOST_A_BATCH = 64  # more are not faster, and the first of them would wait for the last
_LONGEST_WAIT = 5.0  # seconds that a write may wait for its turn and its commit
_DOUBT = 0.1  # seconds between two asks to settle what is in doubt
_LONGEST_SCAN = 5.0  # seconds; PostgreSQL has them as its statement_timeout
_STEPS = 100_000  # of SQLite's machine, a millisecond or two, between looks at the clock


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


class SqliteGenerations:
    """The generations, as this process sees them. `ask` has the writer pass the gate, where whoever passes settles what
    a dead one left in doubt."""

    def __init__(self, gate: Gate, ask: Callable[[], None]) -> None:
        self.cells = gate.cells
        self.lost = gate.lost
        self._ask = ask
        self._asked = 0.0

    def trusted(self) -> bool:
        return True

    def doubt(self) -> None:
        now = time.monotonic()
        if now - self._asked >= _DOUBT:  # mostly it is a living writer, who is through in a moment
            self._asked = now
            self._ask()


class SqliteStore:
    """`path` must have been migrated. Never carried over a fork. OSError when the files beside it cannot be made."""

    remote = False
    scatters = False  # a page is written whole by each unit that touches it

    def __init__(self, path: str, committed: Committed) -> None:
        self._committed = committed
        gate = gate_of(path)
        try:
            self._open(path, gate)
        except BaseException:
            leave(path)
            raise

    def _open(self, path: str, gate: Gate) -> None:
        self.generations = SqliteGenerations(gate, self._pass_gate)
        self._reader = open_file(path, reader=True)
        self._reads = Transaction(SqliteConnection(self._reader))
        self._path = path
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._scans = ThreadPoolExecutor(2, thread_name_prefix="scan")
        self._local = threading.local()
        self._opened: list[apsw.Connection] = [self._reader]
        writer = _Writer(open_file(path), gate, self._committed)
        self._writer = threading.Thread(target=self._write_all, args=(writer,), name="writer")
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
            raise problem(error) from error

    async def scan(self, unit: Unit[T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._scans, self._scan, unit)

    async def close(self) -> None:
        self._queue.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._writer.join)
        self._scans.shutdown()
        for connection in self._opened:
            connection.close()
        leave(self._path)

    def _pass_gate(self) -> None:
        nobody = asyncio.get_running_loop().create_future()
        nobody.cancel()
        self._queue.put(_Work(_nothing, nobody))

    def _scan(self, unit: Unit[T]) -> T:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # One a thread: whoever shares the loop's has the loop wait for a long read.
            connection = self._local.connection = open_file(self._path, reader=True)
            self._opened.append(connection)
        try:
            execute(connection, "begin")
            until = time.monotonic() + _LONGEST_SCAN
            connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
            try:
                return cast("T", _drive(unit(Transaction(SqliteConnection(connection)))))
            finally:
                connection.set_progress_handler(None)
                execute(connection, "commit")
        except apsw.Error as error:
            raise problem(error) from error

    def _write_all(self, writer: "_Writer") -> None:
        more: _Work | None = self._queue.get()
        while more is not None:
            batch = [more]
            with contextlib.suppress(Empty):
                while len(batch) < _MOST_A_BATCH and (more := self._queue.get_nowait()) is not None:
                    batch.append(more)
            writer.write(batch)
            if more is not None:
                more = self._queue.get()
        writer.connection.close()


class _Writer:
    """The connection that writes. All but its making is of the writer thread."""

    def __init__(self, connection: apsw.Connection, gate: Gate, committed: Committed) -> None:
        self.connection = connection
        self._gate = gate
        self._committed = committed
        self._touched: set[int] = set()
        watch(connection, lambda id_: self._touched.add(bucket(id_)))

    def write(self, batch: list[_Work]) -> None:
        """Does them all, and tells their callers."""
        try:
            with self._gate.held(lambda: settle(self.connection)):
                # Those given up by their callers, who were told that it did not happen, are left out.
                batch = [work for work in batch if not work.future.cancelled()]
                self._commit(batch)
        except Exception as error:  # noqa: BLE001 - the whole batch failed with it, and each of its callers is told
            for work in batch:
                work.error = error
        by_loop: dict[asyncio.AbstractEventLoop, list[_Work]] = {}
        for work in batch:
            by_loop.setdefault(work.future.get_loop(), []).append(work)
        for loop, some in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_tell, some, self._committed)

    def _commit(self, batch: list[_Work]) -> None:
        self._touched.clear()
        try:
            execute(self.connection, "begin immediate")
            for work in batch:
                _write_one(self.connection, work)
            with self._gate.moved(self._touched):
                execute(self.connection, "commit")
        except BaseException:
            with contextlib.suppress(apsw.Error):
                if self.connection.in_transaction:
                    execute(self.connection, "rollback")
            raise


def _write_one(connection: apsw.Connection, work: _Work) -> None:
    execute(connection, "savepoint unit")
    try:
        tx = Transaction(SqliteConnection(connection))
        work.value = _drive(work.unit(tx))
        work.happened = tx.happened
    except Exception as error:  # it is this unit's alone, unless the transaction went with it
        if not connection.in_transaction:
            # A full disk rolls back everything: the next statement would run outside any transaction.
            raise
        execute(connection, "rollback to unit")
        work.error = error
    finally:
        if connection.in_transaction:
            execute(connection, "release unit")


async def _nothing(_: Any) -> None:
    pass


def _tell(batch: list[_Work], committed: Committed) -> None:
    for work in batch:
        if work.error is None:
            committed(work.happened)
        if work.future.done():
            continue
        if work.error is None:
            work.future.set_result(work.value)
        else:
            work.future.set_exception(problem(work.error))


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


def connect(path: str, committed: Committed) -> SqliteStore:
    """A store over a migrated file. StoreDown when it is not there, is no database, or cannot be written."""
    try:
        return SqliteStore(path, committed)
    except apsw.Error as error:
        raise problem(error) from error
    except OSError as error:
        raise StoreDown(str(error)) from error
