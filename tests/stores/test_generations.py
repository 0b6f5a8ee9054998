"""The generations of what session checks show: every change moves them, and a writer that died is cleared up after."""

import asyncio
import contextlib
import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.database import Database, Run
from tests.stores.rows import NOW, add_person, add_session, credential

from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.generations import BUCKETS, bucket
from nightlatch.problems import StoreDown
from nightlatch.stores.gate import MENDS, OPEN, Gate, gate_of, leave, tears
from nightlatch.stores.sql.migrations import MIGRATIONS
from nightlatch.stores.sql.sessions import BY_TOKEN, SHOWN, UNSHOWN
from nightlatch.stores.sql.statement import sql
from nightlatch.stores.sqlite_file import migrate, open_file


@pytest.fixture
def sqlite(tmp_path: Path, run: Run) -> Iterator[Database]:
    with contextlib.closing(Database(f"sqlite://{tmp_path}/db.sqlite", run)) as opened:
        yield opened


@pytest.fixture
def gate(sqlite: Database, tmp_path: Path) -> Iterator[Gate]:
    path = str(tmp_path / "db.sqlite")
    yield gate_of(path)
    leave(path)


def read_by_the_check(path: Path) -> set[tuple[str, str]]:
    """Each table and column that SQLite reads for the statement of the check, by its own word."""
    connection, found = open_file(str(path)), set()

    def note(action: int, table: str | None, column: str | None, *_: str | None) -> int:
        if action == apsw.SQLITE_READ and table and column:
            found.add((table, column))
        return apsw.SQLITE_OK

    connection.authorizer = note
    connection.execute(BY_TOKEN.sqlite, (b"x",)).fetchall()
    connection.close()
    return found


def test_S4_a_change_of_any_column_that_the_check_reads_moves_the_generation(
    sqlite: Database, gate: Gate, tmp_path: Path
) -> None:
    read = read_by_the_check(tmp_path / "db.sqlite")
    assert {table for table, _ in read} == set(SHOWN)
    assert len(read) > 40
    person = add_person(sqlite)
    add_session(sqlite, person)
    sqlite.write(lambda tx: tx.credentials.put([credential(person)]))
    for table, column in sorted(read):
        owner = DEFAULT if table == "organizations" else person.id
        before = gate.cells[bucket(owner)]
        sqlite.sql(f"update {table} set {column} = {column} where {SHOWN[table][0]} = $1", owner)
        moved = gate.cells[bucket(owner)] - before
        assert moved == (0 if (table, column) in UNSHOWN else 2), (table, column)


def test_S4_rows_that_come_and_go_move_it_too(sqlite: Database, gate: Gate) -> None:
    person = add_person(sqlite)
    session = add_session(sqlite, person)
    mine = bucket(person.id)

    def moves(text: str, *arguments: object) -> bool:
        before = gate.cells[mine]
        sqlite.sql(text, *arguments)
        return gate.cells[mine] > before

    columns = "identity_id, type, identifiers, config, first_factors, second_factors, revision, created_at, updated_at"
    added = f"into credentials ({columns}) values ($1, 'totp', '[]', '', 0, 1, 1, 1, 1)"
    assert moves(f"insert {added}", person.id)
    assert moves(f"insert or replace {added}", person.id)
    assert moves("delete from credentials where identity_id = $1", person.id)
    # Whatever it is that takes a session away: a conflict, its identity, everything at once.
    names = "number, organization_id, identity_id, token_hash, aal, methods, created_at, issued_at, authenticated_at, expires_at, last_seen, device_id, device_kind, identity_ended, identity_deleted, organization_ended, organization_deleted"
    replacing = f"insert or replace into sessions (id, {names}) select $1, {names} from sessions where id = $2"
    assert moves(replacing, b"0123456789abcdef", session.id)
    assert moves("delete from sessions")
    add_session(sqlite, person)
    assert moves("delete from identities where id = $1", person.id)


def test_what_no_check_shows_moves_nothing(sqlite: Database, gate: Gate) -> None:
    person = add_person(sqlite)
    session = add_session(sqlite, person)
    before = gate.cells.tolist()
    sqlite.write(lambda tx: tx.sessions.seen({session.id: NOW + 10}))
    add_session(sqlite, person)
    assert gate.cells.tolist() == before


def test_a_bucket_is_in_doubt_while_its_change_is_committed_and_grows_whatever_comes_of_it(gate: Gate) -> None:
    before = gate.cells[7]
    with gate.held(lambda: None), gate.moved({7}):
        assert gate.cells[7] == before + 1
        assert gate.header[OPEN] == 1
    with pytest.raises(OSError), gate.held(lambda: None), gate.moved({7}):
        raise OSError
    assert gate.cells[7] == before + 4
    assert gate.header[OPEN] == 0


def test_the_next_through_the_gate_clears_up_after_a_dead_one_and_commits_first(sqlite: Database, gate: Gate) -> None:
    ((before,),) = sqlite.sql("pragma user_version")
    gate.cells[3], gate.cells[9], gate.header[OPEN] = 41, 42, 1
    ((after,),) = sqlite.sql("pragma user_version")
    assert after == before + 1
    assert (gate.cells[3], gate.cells[9], gate.header[OPEN], gate.header[MENDS]) == (42, 42, 0, 1)


def test_a_reader_that_meets_a_doubt_has_it_settled_without_waiting_for_a_write(sqlite: Database, gate: Gate) -> None:
    gate.cells[3], gate.header[OPEN] = 41, 1

    async def meet() -> None:
        generations = sqlite.store.generations
        assert generations is not None
        async with asyncio.timeout(10):
            while generations.cells[3] & 1:
                generations.doubt()
                await asyncio.sleep(0.01)

    sqlite.run(meet())
    assert gate.header[MENDS] == 1


@pytest.mark.parametrize("end", ["gate", "gens"])
@pytest.mark.parametrize("anew", [False, True])
def test_who_finds_a_file_taken_away_writes_no_more(sqlite: Database, tmp_path: Path, end: str, anew: bool) -> None:
    file = tmp_path / f"db.sqlite-{end}"
    content = file.read_bytes()
    file.unlink()
    if anew:
        file.write_bytes(content)
    with pytest.raises(StoreDown, match="taken away"):
        add_person(sqlite)
    assert sqlite.store.generations is not None
    assert sqlite.store.generations.lost()


def test_a_table_that_is_none_is_made_anew(tmp_path: Path) -> None:
    path = str(tmp_path / "db.sqlite")
    (tmp_path / "db.sqlite-gens").write_bytes(b"NLGENS01 and too short")
    migrate(path, NOW)
    gate = gate_of(path)
    assert len(gate.cells) == BUCKETS
    assert not any(each & 1 for each in gate.cells)
    leave(path)


def test_a_migration_moves_all(sqlite: Database, gate: Gate, tmp_path: Path) -> None:
    path, before = str(tmp_path / "db.sqlite"), gate.cells.tolist()
    migrate(path, NOW)
    assert gate.cells.tolist() == before
    sqlite.sql("delete from migrations where number = $1", max(each.number for each in MIGRATIONS if each.statements))
    with pytest.raises(apsw.SQLError):  # its tables are there
        migrate(path, NOW)
    assert gate.cells.tolist() == [each + 2 for each in before]


def test_two_stores_of_one_process_pass_the_gate_one_after_the_other(tmp_path: Path, run: Run) -> None:
    dsn = f"sqlite://{tmp_path}/db.sqlite"
    with contextlib.closing(Database(dsn, run)) as one, contextlib.closing(Database(dsn, run)) as other:
        people = [add_person(db) for db in (one, other)]

        async def both() -> None:
            async def change(db: Database, who: Any) -> None:
                for _ in range(50):
                    await db.store.write(lambda tx: _touch(tx, who))

            await asyncio.gather(*(change(db, who) for db, who in zip((one, other), people, strict=True)))

        run(both())
        assert one.store.generations is not None
        assert all(one.store.generations.cells[bucket(who.id)] % 2 == 0 for who in people)


async def _touch(tx: Any, who: Any) -> None:
    await tx.sessions._connection.run(sql("update identities set version = version + 1 where id = $1"), who.id)


def test_a_descriptor_of_the_gate_is_one_for_the_process_and_goes_with_its_last_user(tmp_path: Path) -> None:
    path = str(tmp_path / "db.sqlite")
    first = gate_of(path)
    assert gate_of(path) is first
    leave(path)
    open_now = len([*Path("/proc/self/fd").iterdir()])
    leave(path)
    assert len([*Path("/proc/self/fd").iterdir()]) == open_now - 1


def test_no_store_to_a_cell_is_seen_half_done_on_this_machine() -> None:
    # In a process without threads, as where the server asks it.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(tears) is False
