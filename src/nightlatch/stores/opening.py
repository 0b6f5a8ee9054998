"""Database URL → store: the only place that names databases."""

import tempfile
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from nightlatch.core.store import Committed, Store
from nightlatch.stores import sqlite, sqlite_file

# Of a pool, not of PostgreSQL, which would refuse them.
_POOL_OPTIONS = {"max_conns", "max_idle_conns", "max_conn_lifetime", "max_conn_idle_time"}
_POOL = 10


async def open_store(dsn: str, committed: Committed = lambda _: None) -> Store:
    """The store of a migrated database. StoreDown when it does not answer."""
    if dsn.startswith("sqlite:"):
        return sqlite.connect(_path(dsn), committed)
    url, most = _pool_of(dsn)
    store: Store = await _postgres().connect(url, committed, most)
    return store


async def migrate(dsn: str, now: int) -> list[str]:
    """Brings the database up to date; the names of the migrations that ran."""
    if dsn.startswith("sqlite:"):
        return sqlite_file.migrate(_path(dsn), now)
    ran: list[str] = await _postgres().migrate(_pool_of(dsn)[0], now)
    return ran


def lasting(dsn: str) -> tuple[str, tempfile.TemporaryDirectory[str] | None]:
    """The DSN to open in every process, and for `memory` the folder that it lives in until that is cleaned up."""
    if dsn != "memory":
        return dsn, None
    folder = tempfile.TemporaryDirectory(prefix="nightlatch-")
    return f"sqlite://{folder.name}/memory.sqlite", folder


def _postgres() -> ModuleType:
    from nightlatch.stores import postgres  # 15 MiB that a worker on SQLite does without

    return postgres


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
