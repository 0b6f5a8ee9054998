"""A backup: one SQLite file with the tables of either database, as all of them were at one moment.

What is restored is a private copy of it, checked and brought up to date before anything is taken over. Restoring takes
everything over or nothing.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import apsw

from nightlatch.problems import StoreDown
from nightlatch.stores import sqlite_file
from nightlatch.stores.sql.migrations import MIGRATIONS

READ = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_EXRESCODE
WRITE = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_EXRESCODE | apsw.SQLITE_OPEN_NOFOLLOW
_PAGES = 10_000
PATIENCE = 5000  # milliseconds
KNOWN = [(each.number, each.name) for each in MIGRATIONS]
# Of those rows a database without people has some: its own record, and who cleans up.
_OF_NOBODY = {"migrations", "organizations", "leases"}


class Unrestorable(ValueError):
    """The file is no backup that this program could restore, or there is something in the way of it."""


_BROKEN = "The file of the database cannot be written over. If it is damaged, move it away, with its -wal and -shm."
NOT_EMPTY = "There are people, keys or events in the database. They are lost with --replace."
IN_USE = "A server, or another program, uses the database. Stop it first."


@contextlib.contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """Where to write what becomes `file`, whole or not at all, for its owner only. FileExistsError, OSError."""
    if file.exists():
        raise FileExistsError(f"{file} is there already")
    with private_folder(file.parent) as folder:
        half = folder / "backup.sqlite"
        os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        yield half
        _flush(half)
        half.rename(file)
    _flush(file.parent)


@contextlib.contextmanager
def private_folder(parent: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".nightlatch-", dir=parent) as folder:
        yield Path(folder)


def from_sqlite(path: str, file: Path) -> None:
    """Writes the database at `path` to the empty `file`. Neither its readers nor its writers wait. StoreDown."""
    try:
        with connected(path, READ) as connection:
            # Not page by page: what was deleted would go along in the free ones.
            run(connection, "vacuum into ?", str(file))
    except apsw.Error as error:
        raise StoreDown from error


def unpack(file: Path, copy: Path, now: int) -> None:
    """Writes a backup to `copy`, and makes that a database of today. Unrestorable when it is not whole or is of another
    program; OSError."""
    with file.open("rb"):
        pass
    try:
        with connected(str(file), READ) as source:
            _check_whole(source)
            _check_known(source)
            os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            with connected(str(copy), WRITE) as target:
                _copy(source, target)
        sqlite_file.migrate(str(copy), now)
    except apsw.Error as error:
        raise Unrestorable(f"{file} is no backup: {error}") from error
    fresh = copy.with_name("fresh.sqlite")
    sqlite_file.migrate(str(fresh), now)
    with connected(str(copy), READ) as one, connected(str(fresh), READ) as other:
        if _shape(one) != _shape(other):
            raise Unrestorable(f"{file} has other tables than nightlatch makes.")


def into_sqlite(copy: Path, path: str, *, replace: bool) -> None:
    """Puts the database at `copy` in the place of that at `path`. Unrestorable when that is in use, or is not empty and
    not to be replaced; StoreDown, OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    try:
        with connected(path, WRITE) as target, connected(str(copy), READ) as source:
            # Exclusive, because who reads it now would go on with what they remember.
            for pragma in ("locking_mode=exclusive", "journal_mode=wal", "synchronous=full"):
                run(target, f"pragma {pragma}")
            run(target, "begin immediate")
            empty = not any(run(target, f"select 1 from {table} limit 1") for table in of_people(tables(target)))
            run(target, "rollback")
            if not (empty or replace):
                raise Unrestorable(NOT_EMPTY)
            _copy(source, target)
    except (apsw.BusyError, apsw.LockedError) as error:
        raise Unrestorable(IN_USE) from error
    except apsw.Error as error:
        raise StoreDown(_BROKEN) from error


def tables(connection: apsw.Connection) -> dict[str, list[str]]:
    """The columns of each table, in the order in which the tables were made: what is referred to comes first."""
    names = [name for (name,) in run(connection, "select name from sqlite_schema where type = 'table' order by rowid")]
    own = [name for name in names if not name.startswith("sqlite_")]
    return {name: [row[1] for row in run(connection, f"pragma table_info({name})")] for name in own}


def of_people(names: Iterable[str]) -> list[str]:
    """The tables in which nothing is as long as nobody did anything."""
    return [name for name in names if name not in _OF_NOBODY]


def _shape(connection: apsw.Connection) -> object:
    made = run(connection, "select type, name, tbl_name from sqlite_schema where name not like 'sqlite!_%' escape '!'")
    return set(made), tables(connection)


def _check_whole(connection: apsw.Connection) -> None:
    wrong = [str(row[0]) for row in run(connection, "pragma integrity_check(1)")]
    if wrong != ["ok"] or run(connection, "pragma foreign_key_check"):
        raise Unrestorable(f"The backup is damaged: {wrong[0]}")


def _check_known(connection: apsw.Connection) -> None:
    if "migrations" not in tables(connection):
        raise Unrestorable("The file is a database of another program.")
    done = run(connection, "select number, name from migrations order by number")
    if done != KNOWN[: len(done)]:
        raise Unrestorable("The backup is of a newer version of nightlatch.")


def _copy(source: apsw.Connection, target: apsw.Connection) -> None:
    with target.backup("main", source, "main") as pages:
        while not pages.done:
            pages.step(_PAGES)


@contextlib.contextmanager
def connected(path: str, flags: int) -> Iterator[apsw.Connection]:
    connection = apsw.Connection(path, flags=flags)
    try:
        connection.set_busy_timeout(PATIENCE)
        connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        yield connection
    finally:
        connection.close()


def run(connection: apsw.Connection, text: str, *values: object) -> list[Any]:
    return connection.execute(text, values).fetchall()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
