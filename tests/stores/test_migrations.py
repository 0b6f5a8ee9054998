"""The schema: built in order, once, by whoever comes first; the same on both databases."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.database import TABLES, Database, Run
from tests.postgres import Postgres
from tests.stores.programs import ROOT
from tests.stores.rows import NOW, add_person

from nightlatch.stores import postgres as postgres_store
from nightlatch.stores import sqlite_file
from nightlatch.stores.opening import migrate
from nightlatch.stores.sql.migrations import MIGRATIONS, Migration

NAMES = [migration.name for migration in MIGRATIONS]
ON_SQLITE = "select sql from sqlite_schema where sql is not null and name <> 'extra' order by name"
ON_POSTGRES = """select table_name, column_name, data_type, is_nullable, column_default, collation_name
    from information_schema.columns where table_schema = 'public' and table_name <> 'extra' order by 1, ordinal_position"""
TRIES_LOCK = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
    except OSError: print("locked")
"""


def use(monkeypatch: pytest.MonkeyPatch, migrations: tuple[Migration, ...]) -> None:
    monkeypatch.setattr(sqlite_file, "MIGRATIONS", migrations)
    monkeypatch.setattr(postgres_store, "MIGRATIONS", migrations)


@pytest.fixture
def opened(dsn: str, run: Run) -> Iterator[Database]:
    made = Database(dsn, run)
    yield made
    made.close()


def schema(db: Database) -> list[Any]:
    return db.sql(ON_SQLITE if db.dsn.startswith("sqlite") else ON_POSTGRES)


def test_migrations_are_numbered_in_their_order() -> None:
    numbers = [migration.number for migration in MIGRATIONS]
    assert numbers == sorted(set(numbers))
    assert len(set(NAMES)) == len(NAMES)


def test_every_migration_runs_once_and_is_recorded(dsn: str, run: Run) -> None:
    assert run(migrate(dsn, NOW)) == NAMES
    assert run(migrate(dsn, NOW + 5)) == []
    db = Database(dsn, run)
    rows = db.sql("select number, name, at from migrations order by number")
    assert rows == [(migration.number, migration.name, NOW) for migration in MIGRATIONS]
    db.close()


def test_of_many_nodes_that_migrate_one_server_one_does_the_work(postgres: Postgres, run: Run) -> None:
    dsn = postgres.create_database()

    async def together() -> list[list[str]]:
        return await asyncio.gather(*(migrate(dsn, NOW) for _ in range(8)))

    assert sorted(run(together())) == [*[[]] * 7, NAMES]
    postgres.drop_database(dsn)


def test_of_many_processes_that_migrate_one_file_one_does_the_work(tmp_path: Path) -> None:
    code = "import asyncio, sys; from nightlatch.stores.opening import migrate; print(asyncio.run(migrate(sys.argv[1], 1)))"
    command = [sys.executable, "-c", code, f"sqlite://{tmp_path}/db.sqlite"]
    running = [
        subprocess.Popen(command, env={"PYTHONPATH": str(ROOT / "src")}, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    printed = sorted(process.communicate(timeout=60)[0].strip() for process in running)
    assert printed == sorted(["[]"] * 3 + [repr(NAMES)])


def test_migrating_again_keeps_what_is_there(opened: Database, run: Run) -> None:
    person = add_person(opened)
    assert run(migrate(opened.dsn, NOW)) == []
    assert opened.sql("select id from identities") == [(person.id,)]


def test_one_by_one_makes_the_same_schema_as_all_at_once(
    dsn: str, run: Run, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = schema(opened)
    if dsn.startswith("sqlite"):
        for table in ("migrations", *reversed(dict.fromkeys(TABLES))):
            opened.sql(f"drop table {table}")
    else:  # which has functions as well
        opened.sql("drop schema public cascade")
        opened.sql("create schema public")
    for count in range(1, len(MIGRATIONS) + 1):
        use(monkeypatch, MIGRATIONS[:count])
        assert run(migrate(dsn, NOW)) == [NAMES[count - 1]]
    assert schema(opened) == at_once


def test_a_migration_that_fails_leaves_nothing_half_made(
    dsn: str, run: Run, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = schema(opened)
    table = "create table extra (id {id} primary key, at {int} not null) {strict}"
    use(monkeypatch, (*MIGRATIONS, Migration(99, "extra", (table, "insert into nowhere values (1)"))))
    with pytest.raises(Exception, match="nowhere"):
        run(migrate(dsn, NOW))
    assert schema(opened) == before
    assert len(opened.sql("select number from migrations")) == len(MIGRATIONS)
    use(monkeypatch, (*MIGRATIONS, Migration(99, "extra", (table,))))
    assert run(migrate(dsn, NOW)) == ["extra"]
    assert opened.sql("select id from extra") == []


def test_migrating_leaves_the_locks_of_an_open_store_alone(tmp_path: Path, run: Run) -> None:
    # Closing any descriptor of a file drops every lock that the process has on it (POSIX): SQLite's among them.
    path = tmp_path / "db.sqlite"
    db = Database(f"sqlite://{path}", run)
    run(migrate(db.dsn, NOW))
    tried = subprocess.run([sys.executable, "-c", TRIES_LOCK, path], capture_output=True, text=True, check=True)
    assert tried.stdout == "locked\n"
    db.close()


def test_both_databases_have_the_same_columns_and_the_same_that_may_be_null(opened: Database) -> None:
    text = "\n".join(text for migration in MIGRATIONS for text in migration.statements)
    for table in TABLES:
        body = re.findall(rf"create table {table} \((.*?)\n\s+\) ", text, re.DOTALL)[-1]
        parts = re.split(r",\s+(?![^(]*\))", body.strip())
        wanted = {
            (part.split()[0], "not null" in part or "primary key" in part)
            for part in parts
            if not part.startswith("primary key")
        }
        added = re.findall(rf"^alter table {table} add column (\w+) (.*)$", text, re.MULTILINE)
        wanted |= {(name, "not null" in rest) for name, rest in added}
        if opened.dsn.startswith("sqlite"):
            rows = opened.sql(f"select name, \"notnull\" or pk > 0 from pragma_table_info('{table}')")
        else:
            rows = opened.sql(
                f"select column_name, is_nullable = 'NO' from information_schema.columns where table_name = '{table}'"
            )
        assert {(str(name), bool(required)) for name, required in rows} == wanted, table


def test_every_reference_to_what_can_be_removed_is_served_by_an_index(opened: Database) -> None:
    if opened.dsn.startswith("sqlite"):
        references = opened.sql("""select m.name, k."from" from sqlite_schema m, pragma_foreign_key_list(m.name) k
            where m.type = 'table' and k."table" <> 'organizations'""")
        indexed = opened.sql("""select m.name, i.name from sqlite_schema m, pragma_index_list(m.name) l,
            pragma_index_info(l.name) i where m.type = 'table' and i.seqno = 0""")
    else:
        references = opened.sql("""select t.relname, a.attname from pg_constraint c join pg_class t on t.oid = c.conrelid
            join pg_attribute a on a.attrelid = t.oid and a.attnum = c.conkey[1] join pg_class f on f.oid = c.confrelid
            where c.contype = 'f' and f.relname <> 'organizations'""")
        indexed = opened.sql("""select t.relname, a.attname from pg_index x join pg_class t on t.oid = x.indrelid
            join pg_attribute a on a.attrelid = t.oid and a.attnum = x.indkey[0]""")
    assert references
    assert set(references) - set(indexed) == set()
