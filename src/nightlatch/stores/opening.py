"""Database URL → store: the only place that names databases."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from nightlatch.core.leases.model import Joining
from nightlatch.core.store import Committed, Store
from nightlatch.stores import backups, sqlite, sqlite_file

# Of a pool, not of PostgreSQL, which would refuse them.
_POOL_OPTIONS = {"max_conns", "max_idle_conns", "max_conn_lifetime", "max_conn_idle_time"}
_POOL = 10


async def open_store(dsn: str, committed: Committed = lambda _: None, joining: Joining | None = None) -> Store:
    """The store of a migrated database; on PostgreSQL it keeps answers only as a node, `joining` the others. StoreDown
    when it does not answer."""
    if dsn.startswith("sqlite:"):
        return sqlite.connect(_path(dsn), committed)
    url, most = _pool_of(dsn)
    store: Store = await _postgres()[0].connect(url, committed, most, joining)
    return store


async def migrate(dsn: str, now: int) -> list[str]:
    """Brings the database up to date; the names of the migrations that ran."""
    if dsn.startswith("sqlite:"):
        return sqlite_file.migrate(_path(dsn), now)
    ran: list[str] = await _postgres()[0].migrate(_pool_of(dsn)[0], now)
    return ran


async def back_up(dsn: str, file: Path, now: int) -> None:
    """Writes the database, as it is at one moment, to a new file. FileExistsError, OSError; StoreDown, Unrestorable."""
    with backups.new_file(file) as half:
        if dsn.startswith("sqlite:"):
            backups.from_sqlite(_path(dsn), half)
        else:
            await _postgres()[1].to_file(_pool_of(dsn)[0], half, now)


@contextlib.contextmanager
def unpacked(file: Path, dsn: str, now: int) -> Iterator[str]:
    """The DSN of a copy of the backup `file`, whole and of today, to be taken over by `dsn`. Unrestorable, OSError."""
    folder = Path(_path(dsn)).parent if dsn.startswith("sqlite:") else None
    with backups.private_folder(folder) as private:
        copy = private / "copy.sqlite"
        backups.unpack(file, copy, now)
        yield f"sqlite://{quote(str(copy))}"


async def take_over(copy: str, dsn: str, now: int, *, replace: bool) -> None:
    """Puts the copy in the place of the database, whole or not at all. Unrestorable when that is in use, or has people
    in it and is not to be replaced; StoreDown, OSError."""
    if dsn.startswith("sqlite:"):
        backups.into_sqlite(Path(_path(copy)), _path(dsn), replace=replace)
        return
    await migrate(dsn, now)
    await _postgres()[1].from_file(Path(_path(copy)), _pool_of(dsn)[0], replace=replace)


def lasting(dsn: str) -> tuple[str, tempfile.TemporaryDirectory[str] | None]:
    """The DSN to open in every process, and for `memory` the folder that it lives in until that is cleaned up."""
    if dsn != "memory":
        return dsn, None
    folder = tempfile.TemporaryDirectory(prefix="nightlatch-")
    return f"sqlite://{folder.name}/memory.sqlite", folder


def _postgres() -> tuple[ModuleType, ModuleType]:
    from nightlatch.stores import postgres, postgres_backups  # 15 MiB that a worker on SQLite does without

    return postgres, postgres_backups


def _path(dsn: str) -> str:
    """The file of sqlite:///absolute/path or sqlite://relative/path; options behind ? are other programs'."""
    # Resolved, because the store follows no link.
    return str(Path(unquote(dsn.removeprefix("sqlite:").removeprefix("//").partition("?")[0])).resolve())


def _pool_of(dsn: str) -> tuple[str, int]:
    """The URL without the options that are for a pool, and how many connections it may hold."""
    parts = urlsplit(dsn)
    options = parse_qsl(parts.query)
    most = next((int(v) for k, v in options if k == "max_conns" and v.isdecimal()), _POOL)
    return parts._replace(query=urlencode([o for o in options if o[0] not in _POOL_OPTIONS])).geturl(), max(1, most)
