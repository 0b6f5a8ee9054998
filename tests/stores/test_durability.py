"""What is answered is on disk; what cannot be put on disk is refused, and costs nothing that was there before."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from tests.database import Database, Run
from tests.postgres import Postgres
from tests.stores.disk import Disk
from tests.stores.rows import NOW, identity

from nightlatch.core.identities.model import Filter
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.kernel.ids import new_id
from nightlatch.problems import StoreDown
from nightlatch.stores.opening import migrate
from nightlatch.stores.sql.statement import sql
from nightlatch.stores.sqlite_file import FIXED_WAL

FULL = 2  # synchronous=full: each commit is on disk before it is answered


@pytest.fixture
def sqlite(tmp_path: Path, run: Run) -> Iterator[Database]:
    opened = Database(f"sqlite://{tmp_path}/db.sqlite", run)
    yield opened
    opened.close()


@pytest.fixture
def disk() -> Iterator[Disk]:
    made = Disk()
    yield made
    made.restore()


async def pragma(tx: Any, text: str) -> Any:
    return (await tx.sessions._connection.row(sql(f"pragma {text}")))[0]


def adding(size: int) -> Any:
    """A unit that writes in two steps, so that a half is told from a whole."""
    person = identity(id=new_id(NOW, os.urandom), external_id=None, addresses=(), traits='"' + "x" * size + '"')

    async def unit(tx: Any) -> bytes:
        await tx.identities.add([(msgspec.structs.replace(person, version=1), ())])
        await tx.identities.change(msgspec.structs.replace(person, version=2), ())
        return person.id

    return unit


def attempt(db: Database, count: int, size: int = 0) -> set[bytes]:
    """Writes so many at once; the ids of those that were answered. All others must have been told."""
    outcomes = db.together(*(adding(size) for _ in range(count)))
    assert {type(outcome) for outcome in outcomes} <= {bytes, StoreDown}
    return {outcome for outcome in outcomes if isinstance(outcome, bytes)}


def there(db: Database) -> set[bytes]:
    """Who is there, all of them whole."""
    assert db.read(lambda tx: pragma(tx, "integrity_check")) == "ok"
    people = db.scan(lambda tx: tx.identities.list(DEFAULT, Filter(), None, 0, 100_000))
    assert {person.version for person in people} <= {2}
    return {person.id for person in people}


def test_on_sqlite_every_commit_is_synchronised(sqlite: Database) -> None:
    for way in (sqlite.write, sqlite.read, sqlite.scan):
        assert way(lambda tx: pragma(tx, "synchronous")) == FULL
        assert way(lambda tx: pragma(tx, "journal_mode")) == "wal"
    assert sqlite.write(lambda tx: pragma(tx, "foreign_keys")) == 1


def test_on_postgres_every_commit_is_synchronous_whatever_the_server_has_set(postgres: Postgres, run: Run) -> None:
    dsn = postgres.create_database()
    postgres.run(f'alter database "{dsn.rpartition("/")[2]}" set synchronous_commit = off')
    db = Database(dsn, run)
    assert db.sql("show synchronous_commit") == [("on",)]
    db.close()
    postgres.drop_database(dsn)


def test_sqlite_is_one_that_several_processes_may_write_with() -> None:
    assert tuple(map(int, apsw.sqlite_lib_version().split("."))) >= FIXED_WAL


def test_only_the_owner_reads_what_sqlite_keeps(sqlite: Database, tmp_path: Path) -> None:
    attempt(sqlite, 1)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("db.sqlite", *(f"db.sqlite-{end}" for end in ("wal", "shm", "gate", "gens"))), 0o600)


def test_what_was_answered_is_there_after_a_restart(db: Database) -> None:
    answered = attempt(db, 20)
    db.close()
    db.open()
    assert {row[0] for row in db.sql("select id from identities")} == answered


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_full_or_broken_disk_loses_nothing_and_says_so(sqlite: Database, disk: Disk, error: int) -> None:
    disk.error = error
    answered, refused = attempt(sqlite, 3), 0
    for room in range(40):
        disk.room = room
        new = attempt(sqlite, 8)
        disk.room = None
        refused += not new
        answered |= new
        assert there(sqlite) == answered
    assert 0 < refused < 40
    assert attempt(sqlite, 8) | answered == there(sqlite)


def test_a_disk_that_fills_up_in_the_middle_of_a_batch_fails_the_whole_batch(sqlite: Database, disk: Disk) -> None:
    # With so small a cache, pages are written before the commit: the transaction is lost in the middle of a unit.
    sqlite.write(lambda tx: tx.sessions._connection.rows(sql("pragma cache_size=8")))
    answered: set[bytes] = set()
    for room in range(0, 400, 9):
        disk.room = room
        new = attempt(sqlite, 6, size=20_000)
        assert len(new) in {0, 6}
        disk.room = None
        answered |= new
        assert there(sqlite) == answered
    assert answered


def test_a_database_that_may_not_grow_refuses_what_does_not_fit_and_is_read_on(sqlite: Database) -> None:
    pages = sqlite.write(lambda tx: pragma(tx, "page_count"))
    sqlite.write(lambda tx: pragma(tx, f"max_page_count={pages + 20}"))
    answered: set[bytes] = set()
    while new := attempt(sqlite, 8, size=3000):
        answered |= new
    assert answered == there(sqlite)
    sqlite.write(lambda tx: pragma(tx, "max_page_count=100000"))
    assert attempt(sqlite, 8, size=3000) | answered == there(sqlite)


def test_a_disk_that_is_full_at_the_start_says_so_and_leaves_nothing_half_made(
    tmp_path: Path, run: Run, disk: Disk
) -> None:
    refused = 0
    for room in range(0, 60, 2):
        dsn = f"sqlite://{tmp_path}/{room}.sqlite"
        disk.room = room
        try:
            made = run(migrate(dsn, NOW))
        except StoreDown:
            refused, made = refused + 1, []
        disk.room = None
        assert bool(run(migrate(dsn, NOW))) is not bool(made)
        db = Database(dsn, run)
        assert attempt(db, 1) == there(db)
        db.close()
    assert refused
