"""The full databases, made once and kept under .build/bench until the schema or the people change.

The rows are those that the store's own code makes; only the writing is in bulk.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import apsw
import asyncpg
from bench import people
from bench.postgres import Postgres

from nightlatch.core.credentials.person import add, names_of
from nightlatch.core.events.model import Act
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import Session
from nightlatch.stores.opening import migrate
from nightlatch.stores.sql.migrations import MIGRATIONS
from nightlatch.stores.sql.sessions import COLUMNS
from nightlatch.stores.sql.statement import Row, Statement
from nightlatch.stores.sql.transaction import Transaction

BUILD = Path(__file__).parents[1] / ".build" / "bench"
_PEOPLE = Path(people.__file__).read_bytes() + people.SCHEMA.read_bytes()
_VERSION = blake2b(repr(MIGRATIONS).encode() + _PEOPLE, digest_size=6).hexdigest()
_BATCH = 10_000
_SESSIONS = ("sessions", tuple(each.strip() for each in COLUMNS.split(",")))
Rows = dict[Statement, list[Sequence[Any]]]


@contextmanager
def opened(store: str) -> Iterator[str]:
    """The DSN of a seeded database of this kind, which is asked from one processor."""
    os.sched_setaffinity(0, {0})
    BUILD.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=BUILD)))
        yield sqlite(folder) if store == "sqlite" else stack.enter_context(postgres(folder)).dsn


def sqlite(folder: Path) -> str:
    """The DSN of a copy in `folder`."""
    copy = folder / "nightlatch.sqlite"
    shutil.copy(_kept("sqlite", _make_sqlite) / copy.name, copy)
    return f"sqlite://{copy}"


def postgres(folder: Path) -> Postgres:
    """A server, not yet started, over a copy in `folder`."""
    copy = folder / "postgres"
    shutil.copytree(_kept("postgres", _make_postgres), copy)
    return Postgres(copy)


def _kept(name: str, make: Callable[[Path], None]) -> Path:
    kept = BUILD / f"{name}-{_VERSION}"
    if not kept.exists():
        for stale in BUILD.glob(f"{name}-*"):
            shutil.rmtree(stale)
        half = BUILD / f"half-{name}"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        began = time.monotonic()
        make(half)
        half.rename(kept)
        print(f"made {kept} in {time.monotonic() - began:.0f} s", flush=True)
    return kept


def _make_sqlite(folder: Path) -> None:
    asyncio.run(fill_sqlite(folder / "nightlatch.sqlite", batches(range(people.IDENTITIES), range(people.SESSIONS))))


async def fill_sqlite(file: Path, rows: AsyncIterator[Rows]) -> None:
    """Adds them to the database `file`, which is made if it is not there."""
    await migrate(f"sqlite://{file}", 0)
    connection = apsw.Connection(str(file))
    for pragma in ("synchronous=off", "cache_size=-2000000", "foreign_keys=off"):
        connection.execute(f"pragma {pragma}").fetchall()
    async for some in rows:
        with connection:
            for statement, values in some.items():
                connection.executemany(statement.sqlite, values).fetchall()
    connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    connection.close()


def _make_postgres(folder: Path) -> None:
    with Postgres.fresh(folder) as server:
        asyncio.run(fill_postgres(server.dsn, batches(range(people.IDENTITIES), range(people.SESSIONS))))


async def fill_postgres(dsn: str, rows: AsyncIterator[Rows]) -> None:
    """Adds them to the database."""
    await migrate(dsn, 0)
    connection = await asyncpg.connect(dsn)
    await connection.set_type_codec("uuid", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
    await connection.execute("set synchronous_commit = off")
    async for some in rows:
        async with connection.transaction():
            for statement, values in some.items():
                table, columns = statement.copy or _SESSIONS
                await connection.copy_records_to_table(table, records=values, columns=columns)
    await connection.execute("vacuum analyze")
    await connection.execute("checkpoint")
    await connection.close()


async def batches(
    identities: range, sessions: range, session: Callable[[int], Session] = people.session
) -> AsyncIterator[Rows]:
    """The rows of people and sessions of these numbers."""
    act = Act(DEFAULT, "bench", 0, os.urandom)
    for start in range(0, len(identities), _BATCH):
        gathering = _Gathering()
        made = map(people.person, identities[start : start + _BATCH])
        await add(Transaction(gathering), act, [(each, names_of(each)) for each in made])
        yield gathering.written
    for start in range(0, len(sessions), _BATCH):
        gathering = _Gathering()
        tx = Transaction(gathering)
        for n in sessions[start : start + _BATCH]:
            await tx.sessions.add(session(n))
        yield gathering.written


class _Gathering:
    """Stands where a connection would, and keeps what is written, to be written with much else."""

    def __init__(self) -> None:
        self.written: Rows = defaultdict(list)

    async def row(self, statement: Statement, *arguments: Any) -> Row | None:  # noqa: ARG002
        return None

    async def rows(self, statement: Statement, *arguments: Any) -> Sequence[Row]:  # noqa: ARG002
        return ()

    async def run(self, statement: Statement, *arguments: Any) -> int:
        self.written[statement].append(arguments)
        return 1

    async def many(self, statement: Statement, arguments: Sequence[Sequence[Any]]) -> None:
        self.written[statement].extend(arguments)

    def array(self, values: Sequence[bytes] | Sequence[str]) -> Any:
        return values
