"""Backups of PostgreSQL: its rows in the file of a SQLite database, and back (backups.py)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg

from nightlatch.stores import backups, sqlite_file
from nightlatch.stores.backups import IN_USE, KNOWN, NOT_EMPTY, Unrestorable
from nightlatch.stores.postgres import DOWN, down

Connection: TypeAlias = "asyncpg.Connection[Any]"
_ROWS = 1000  # at once in memory
_PAUSE = 50  # milliseconds
# Nobody else is held up for long, and a long read is not cut short.
_SETTINGS = {"lock_timeout": "2000", "jit": "off", "timezone": "UTC"}


async def to_file(dsn: str, file: Path, now: int) -> None:
    """Writes all tables, as they are at one moment, to the empty `file`. StoreDown; Unrestorable when it is not of this
    version."""
    sqlite_file.migrate(str(file), now)
    with backups.connected(str(file), backups.WRITE) as target:
        for pragma in ("journal_mode=delete", "synchronous=off", "foreign_keys=off"):
            backups.run(target, f"pragma {pragma}")
        async with _connected(dsn) as source, source.transaction(isolation="repeatable_read", readonly=True):
            await _check_version(source)
            with target:
                for table, columns in backups.tables(target).items():
                    backups.run(target, f"delete from {table}")
                    add = f"insert into {table} values ({', '.join('?' * len(columns))})"
                    rows = await source.cursor(f"select {', '.join(columns)} from {table}")
                    while some := await rows.fetch(_ROWS):
                        target.executemany(add, map(tuple, some)).fetchall()


async def from_file(copy: Path, dsn: str, *, replace: bool) -> None:
    """Puts the tables at `copy` in the place of those of a migrated database, in one transaction. StoreDown;
    Unrestorable when it is in use, or is not empty and not to be replaced."""
    with backups.connected(str(copy), backups.READ) as source:
        tables = backups.tables(source)
        async with _connected(dsn) as target:
            async with target.transaction():
                await _hold(target)
                await _check_version(target)
                if not replace and await _any_row(target, backups.of_people(tables)):
                    raise Unrestorable(NOT_EMPTY)
                await target.execute(f"truncate {', '.join(tables)}")
                for table, columns in tables.items():
                    rows = map(tuple, source.execute(f"select {', '.join(columns)} from {table}"))
                    await target.copy_records_to_table(table, records=rows, columns=columns)
            # Until it has, the planner takes the tables for what they were.
            await target.execute("analyze")


async def _hold(connection: Connection) -> None:
    """Keeps servers from starting, which migrate first, and refuses where one runs."""
    await connection.execute("lock table migrations in access exclusive mode")
    others = """select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
        and application_name = 'nightlatch' limit 1"""
    for _ in range(backups.PATIENCE // _PAUSE):  # the server may still be taking leave of one that has stopped
        await connection.execute("select pg_stat_clear_snapshot()")
        if not await connection.fetchval(others):
            return
        await asyncio.sleep(_PAUSE / 1000)
    raise Unrestorable(IN_USE)


async def _any_row(connection: Connection, tables: list[str]) -> bool:
    one = " or ".join(f"exists (select 1 from {table})" for table in tables)
    return bool(await connection.fetchval(f"select {one}"))


async def _check_version(connection: Connection) -> None:
    done = await connection.fetch("select number, name from migrations order by number")
    if [tuple(row) for row in done] != KNOWN:
        raise Unrestorable("The database is of another version of nightlatch than this one.")


@contextlib.asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Connection]:
    try:
        connection = await asyncpg.connect(dsn, timeout=5, server_settings=_SETTINGS)
        try:
            await connection.set_type_codec("uuid", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
            yield connection
        finally:
            await connection.close()
    except DOWN as error:
        raise down(error) from error
