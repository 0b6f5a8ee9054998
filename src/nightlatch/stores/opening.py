"""Database URL → store: the only place that names databases."""

from pathlib import Path
from urllib.parse import unquote

from nightlatch.core.store import Committed, Store
from nightlatch.stores import postgres, sqlite


async def open_store(dsn: str, committed: Committed = lambda _: None) -> Store:
    """The store of a migrated database. StoreDown when it does not answer."""
    if dsn.startswith("sqlite:"):
        return sqlite.SqliteStore(_path(dsn), committed)
    return await postgres.connect(dsn, committed)


async def migrate(dsn: str, now: int) -> list[str]:
    """Brings the database up to date; the names of the migrations that ran."""
    if dsn.startswith("sqlite:"):
        return sqlite.migrate(_path(dsn), now)
    return await postgres.migrate(dsn, now)


def _path(dsn: str) -> str:
    """The file of sqlite:///absolute/path or sqlite://relative/path; options behind ? are other programs'."""
    return str(Path(unquote(dsn.removeprefix("sqlite:").removeprefix("//").partition("?")[0])).resolve())
