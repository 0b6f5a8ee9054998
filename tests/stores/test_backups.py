"""A backup has every row of every table, of either database, and is taken over by either: whole, or not at all."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest
from tests.database import TABLES, Database, Run
from tests.stores.programs import Program
from tests.stores.rows import NOW, code, flow, identity, session
from tests.stores.test_statements import play

from nightlatch.core.access.model import Entry
from nightlatch.core.organizations.model import DEFAULT, Alias, AliasKind
from nightlatch.problems import StoreDown
from nightlatch.stores import backups
from nightlatch.stores.backups import IN_USE, NOT_EMPTY, Unrestorable
from nightlatch.stores.opening import back_up, migrate, take_over, unpacked
from nightlatch.stores.sql.migrations import MIGRATIONS, SQLITE

Make = Callable[[str], str]
LEFT_EMPTY = {"old_codes"}


@pytest.fixture
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes databases: the DSN of an empty one of that kind."""
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:

        def made(kind: str) -> str:
            if kind == "sqlite":
                folder = tmp_path / f"database {next(numbers)}"
                folder.mkdir()
                return f"sqlite://{folder}/nightlatch.sqlite"
            postgres = request.getfixturevalue("postgres")
            dsn: str = postgres.create_database()
            stack.callback(postgres.drop_database, dsn)
            return dsn

        yield made


@pytest.fixture
def full(make: Make, request: pytest.FixtureRequest, run: Run) -> tuple[str, dict[str, list[Any]]]:
    """A database with rows in every table, and all of them."""
    dsn = make(request.param)
    with contextlib.closing(Database(dsn, run)) as db:
        db.write(play)
        db.write(what_the_script_removes)
        return dsn, rows(db)


async def what_the_script_removes(tx: Any) -> None:
    person, begun = identity(external_id=None), flow()
    await tx.identities.add([(person, ())])
    await tx.sessions.add(session(person))
    await tx.flows.add(begun)
    await tx.flows.put_code(code(person, begun))
    await tx.attempts.hold(b"network", NOW)
    await tx.idempotency_keys.take(Entry(bytes(32), "key", bytes(32), bytes(16), NOW, NOW), NOW)
    await tx.organizations.add_alias(DEFAULT, Alias(AliasKind.TEAM, "T9"))


def rows(db: Database) -> dict[str, list[Any]]:
    return {
        table: sorted((tuple(row) for row in db.sql(f"select * from {table}")), key=repr)
        for table in {*TABLES, "migrations"} - LEFT_EMPTY
    }


def restore(run: Run, file: Path, dsn: str, *, replace: bool = False) -> None:
    with unpacked(file, dsn, NOW) as copy:
        run(take_over(copy, dsn, NOW, replace=replace))


def rows_of(run: Run, dsn: str) -> dict[str, list[Any]]:
    with contextlib.closing(Database(dsn, run)) as db:
        return rows(db)


KINDS = ("sqlite", "postgres")


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("full", KINDS, indirect=True)
def test_every_row_comes_back_on_either_database(
    full: tuple[str, dict[str, list[Any]]], target: str, make: Make, run: Run, tmp_path: Path
) -> None:
    dsn, before = full
    assert [table for table, some in before.items() if not some] == []
    file, other = tmp_path / "backup", make(target)
    run(back_up(dsn, file, NOW))
    assert file.stat().st_mode & 0o777 == 0o600
    restore(run, file, other)
    after = rows_of(run, other)
    assert {**after, "migrations": []} == {**before, "migrations": []}
    assert [row[:2] for row in after["migrations"]] == [row[:2] for row in before["migrations"]]
    assert rows_of(run, dsn) == before
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["backup"]


@pytest.mark.parametrize("target", KINDS)
def test_a_database_with_people_is_kept_unless_it_is_to_be_replaced(
    target: str, make: Make, run: Run, tmp_path: Path
) -> None:
    file, first, second = tmp_path / "backup", make(target), make(target)
    for dsn in (first, second):
        with contextlib.closing(Database(dsn, run)) as db:
            db.write(what_the_script_removes)
    run(back_up(first, file, NOW))
    before = rows_of(run, second)
    with pytest.raises(Unrestorable, match=NOT_EMPTY):
        restore(run, file, second)
    assert rows_of(run, second) == before
    restore(run, file, second, replace=True)
    assert rows_of(run, second)["identities"] == rows_of(run, first)["identities"] != before["identities"]


@pytest.mark.parametrize("target", KINDS)
def test_a_database_that_a_server_has_open_is_not_replaced_and_opens_after_it(
    target: str, make: Make, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "PATIENCE", 50)
    file, dsn = tmp_path / "backup", make(target)
    with contextlib.closing(Database(dsn, run)) as db:
        run(back_up(dsn, file, NOW))
        with pytest.raises(Unrestorable, match=IN_USE):
            restore(run, file, dsn, replace=True)
        assert db.sql("select 1 from organizations") == [(1,)]
    restore(run, file, dsn, replace=True)


@pytest.mark.parametrize("kind", KINDS)
def test_F30_a_backup_taken_amid_writes_is_of_one_moment_and_has_all_that_was_answered_before_it(
    kind: str, make: Make, run: Run, tmp_path: Path
) -> None:
    dsn = make(kind)
    run(migrate(dsn, NOW))
    with Program("write", dsn) as program:
        written = program.lines(500)
        run(back_up(dsn, tmp_path / "backup", NOW))
        program.lines(500)
    other = make("sqlite")
    restore(run, tmp_path / "backup", other)
    with contextlib.closing(Database(other, run)) as db:
        people = {row[0].hex() for row in db.sql("select id from identities")}
        assert people >= set(written)
        # An identity and its event are written in one unit.
        assert people == {row[0].hex() for row in db.sql("select identity_id from events")}


def test_a_backup_never_goes_over_what_is_there_and_leaves_nothing_when_it_fails(
    make: Make, run: Run, tmp_path: Path
) -> None:
    dsn, file = make("sqlite"), tmp_path / "backup"
    with pytest.raises(StoreDown):
        run(back_up(dsn, file, NOW))
    assert [each for each in tmp_path.iterdir() if each.is_file() or each.name.startswith(".")] == []
    run(migrate(dsn, NOW))
    file.write_text("mine")
    with pytest.raises(FileExistsError):
        run(back_up(dsn, file, NOW))
    assert file.read_text() == "mine"
    with pytest.raises(FileNotFoundError):
        run(back_up(dsn, tmp_path / "no folder" / "backup", NOW))


def test_what_is_deleted_is_not_in_a_backup(make: Make, run: Run, tmp_path: Path) -> None:
    dsn = make("sqlite")
    with contextlib.closing(Database(dsn, run)) as db:
        db.write(what_the_script_removes)
        ((traits, who),) = db.sql("select traits, id from identities")
        db.sql("delete from identities where id = $1", who)
        db.sql("delete from names where identity_id = $1", who)
        run(back_up(dsn, tmp_path / "backup", NOW))
    assert traits.encode() not in (tmp_path / "backup").read_bytes()


def test_F10_a_file_that_is_damaged_foreign_or_of_a_newer_version_is_refused_and_nothing_is_made(
    make: Make, run: Run, tmp_path: Path
) -> None:
    whole, target = tmp_path / "backup", make("sqlite")
    dsn = make("sqlite")
    with contextlib.closing(Database(dsn, run)) as db:
        db.write(play)
    run(back_up(dsn, whole, NOW))
    index = whole.read_bytes()
    damaged = bytearray(index)
    damaged[3 * 4096 : 4 * 4096] = bytes(4096)
    statements = {
        "of a newer version": "insert into migrations values (1000, 'later', 0)",
        "of another program": "drop table migrations",
        "other tables": "create trigger t after insert on events begin delete from sessions; end",
        "damaged": "pragma foreign_keys = off; delete from identities",
    }
    files = {text: with_statement(tmp_path / text, index, statement) for text, statement in statements.items()}
    for text, content in {"is no backup": b"no database" * 1000, "damaged|no backup": bytes(damaged)}.items():
        files[text] = tmp_path / f"file {len(files)}"
        files[text].write_bytes(content)
    for text, file in files.items():
        with pytest.raises(Unrestorable, match=text):
            restore(run, file, target)
    assert not Path(target.removeprefix("sqlite://")).exists()
    with pytest.raises(FileNotFoundError):
        restore(run, tmp_path / "none", target)
    Path(target.removeprefix("sqlite://")).write_bytes(b"no database" * 1000)
    with pytest.raises(StoreDown, match="move it away"):
        restore(run, whole, target)


def with_statement(file: Path, content: bytes, statement: str) -> Path:
    file.write_bytes(content)
    with apsw.Connection(str(file)) as connection:
        connection.execute(statement)
    connection.close()
    return file


def test_a_backup_of_an_older_version_is_brought_up_to_date(make: Make, run: Run, tmp_path: Path) -> None:
    file, target = tmp_path / "old", make("sqlite")
    file.touch()
    with apsw.Connection(str(file)) as connection:
        connection.execute(
            "create table migrations (number integer primary key, name text not null, at integer not null) strict"
        )
        for each in MIGRATIONS[:3]:
            for statement in each.statements:
                connection.execute(statement.format(**SQLITE))
            connection.execute("insert into migrations values (?, ?, 0)", each[:2])
    connection.close()
    restore(run, file, target)
    assert len(rows_of(run, target)["migrations"]) == len(MIGRATIONS)


@pytest.mark.parametrize("target", KINDS)
def test_what_stops_amid_a_restore_leaves_what_was(
    target: str, make: Make, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, dsn = tmp_path / "backup", make(target)
    with contextlib.closing(Database(dsn, run)) as db:
        db.write(play)
    run(back_up(dsn, file, NOW))
    before = rows_of(run, dsn)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def stop_halfway(source: apsw.Connection, target: apsw.Connection) -> None:
        with target.backup("main", source, "main") as pages:
            pages.step(3)
            stop()

    with unpacked(file, dsn, NOW) as copy:
        monkeypatch.setattr(backups, "_copy", stop_halfway)
        monkeypatch.setattr(asyncpg.Connection, "copy_records_to_table", stop)
        with pytest.raises(KeyboardInterrupt):
            run(take_over(copy, dsn, NOW, replace=True))
    assert rows_of(run, dsn) == before
