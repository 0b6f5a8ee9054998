"""A SQLite file: how it is opened and migrated, whom its writers tell what they touch, and what its errors mean."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import apsw

from nightlatch.core.sessions.generations import BUCKETS
from nightlatch.problems import Conflict, StoreDown
from nightlatch.stores.gate import gate_of, leave
from nightlatch.stores.sql.migrations import MIGRATIONS, SQLITE, Migration
from nightlatch.stores.sql.sessions import SHOWN, UNSHOWN
from nightlatch.stores.sql.statement import TOO_LONG

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
_DOWN = (
    apsw.BusyError, apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.CorruptError, apsw.NotADBError,
    apsw.ReadOnlyError,
)  # fmt: skip
_BUSY = 5000  # milliseconds, for outsiders that do not queue at the gate


def execute(connection: apsw.Connection, statement: str) -> None:
    # To the end, here and everywhere: a cursor that is not keeps its snapshot, and no checkpoint gets past that.
    connection.execute(statement).fetchall()


def open_file(path: str, *, reader: bool = False) -> apsw.Connection:
    # NOFOLLOW: whoever may write the folder must not lead us to another file by a link.
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_EXRESCODE | apsw.SQLITE_OPEN_NOFOLLOW
    connection = apsw.Connection(path, flags=flags, statementcachesize=256)
    connection.set_busy_timeout(_BUSY)
    for pragma in _PRAGMAS:
        execute(connection, f"pragma {pragma}")
    if reader:
        execute(connection, "pragma query_only=on")
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)  # a column that is misspelt in quotes would be a text
    return connection


def watch(connection: apsw.Connection, touched: Callable[..., None]) -> None:
    """Has `touched` told whose row each of the connection's statements adds, changes or takes away, where a session
    check may show it. By the database, so that no statement can be written that forgets it."""
    connection.create_scalar_function("touched", touched, 1)
    execute(connection, "pragma recursive_triggers=on")  # or a row that another replaces would leave in silence
    for table, (owner, acts) in SHOWN.items():
        names = [str(row[1]) for row in connection.execute(f"pragma table_info({table})").fetchall()]
        changed = ", ".join(name for name in names if (table, name) not in UNSHOWN)
        for act in acts:
            event, row = f"update of {changed}" if act == "update" else act, "new" if act == "insert" else "old"
            trigger = f"create temp trigger {table}_{act} after {event} on main.{table}"
            execute(connection, f"{trigger} begin select touched({row}.{owner}); end")


def settle(connection: apsw.Connection) -> None:
    """Commits next to nothing."""
    number = int(connection.pragma("user_version"))
    execute(connection, f"pragma user_version={(number + 1) % 2**31}")


def problem(error: Exception) -> Exception:
    """The Problem that an error of SQLite is; another error as it is."""
    taken = (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY)
    if isinstance(error, apsw.ConstraintError) and getattr(error, "extendedresult", 0) in taken:
        return Conflict()
    if isinstance(error, apsw.InterruptError):
        return StoreDown(TOO_LONG)
    unmigrated = isinstance(error, apsw.SQLError) and str(error).startswith("no such table")
    if isinstance(error, _DOWN) or unmigrated:
        down = StoreDown("The database is not migrated: run nightlatch migrate." if unmigrated else "")
        down.__cause__ = error
        return down
    return error


def migrate(path: str, now: int) -> list[str]:
    """Makes the file where there is none, brings it up to date and gives the names of what it ran. OSError when it
    cannot be made; StoreDown when it is no database, or its disk is full or read-only."""
    if tuple(map(int, apsw.sqlite_lib_version().split("."))) < FIXED_WAL:
        raise RuntimeError(f"SQLite {apsw.sqlite_lib_version()} corrupts databases that several processes write")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    if not Path(path).exists():  # closing a file that is in use would drop the locks that SQLite has on it
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    gate = gate_of(path)
    try:
        with gate.held(lambda: _settle_file(path)), contextlib.closing(open_file(path)) as connection:
            pending = _pending(connection)
            # A migration may change whatever a check shows.
            with gate.moved(range(BUCKETS) if pending else ()):
                for migration in pending:
                    _run(connection, migration, now)
            return [migration.name for migration in pending]
    except apsw.SQLError:
        raise  # a migration that does not fit: a bug of ours
    except apsw.Error as error:
        raise problem(error) from error
    finally:
        leave(path)


def _settle_file(path: str) -> None:
    with contextlib.closing(open_file(path)) as connection:
        settle(connection)


def _pending(connection: apsw.Connection) -> list[Migration]:
    execute(
        connection,
        "create table if not exists migrations"
        " (number integer primary key, name text not null, at integer not null) strict",
    )
    done = {row[0] for row in connection.execute("select number from migrations").fetchall()}
    return [migration for migration in MIGRATIONS if migration.number not in done]


def _run(connection: apsw.Connection, migration: Migration, now: int) -> None:
    with connection:
        for statement in migration.statements:
            execute(connection, statement.format(**SQLITE))
        connection.execute(
            "insert into migrations values (?, ?, ?)", (migration.number, migration.name, now)
        ).fetchall()
