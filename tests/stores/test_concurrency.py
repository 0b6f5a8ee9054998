"""Many writers and many processes: nothing that was answered is lost, nothing that ended is accepted."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.database import Database, Run
from tests.postgres import Postgres
from tests.stores.programs import LIFETIME, Program, write_person
from tests.stores.rows import NOW, add_person, add_session, bits

from nightlatch.core.events.model import Act
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import How, Where
from nightlatch.core.sessions.rules import check, end
from nightlatch.kernel.secrets import digest
from nightlatch.problems import SessionRequired, StoreDown
from nightlatch.stores import sqlite as sqlite_store


@pytest.fixture
def shared(dsn: str, run: Run) -> Iterator[Database]:
    """A database of the test's own, which programs may open too."""
    opened = Database(dsn, run)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(tmp_path: Path, run: Run) -> Iterator[Database]:
    opened = Database(f"sqlite://{tmp_path}/db.sqlite", run)
    yield opened
    opened.close()


def written(db: Database) -> set[str]:
    """The ids of the identities, of which each must have its event and each event its identity."""
    people = {row[0].hex() for row in db.sql("select id from identities")}
    assert people == {row[0].hex() for row in db.sql("select identity_id from events")}
    return people


def check_integrity(db: Database) -> None:
    if db.dsn.startswith("sqlite"):
        assert db.sql("pragma integrity_check") == [("ok",)]
        assert db.sql("pragma foreign_key_check") == []


def test_what_many_processes_wrote_at_once_is_all_there(shared: Database) -> None:
    with (
        Program("write", shared.dsn) as one,
        Program("write", shared.dsn) as two,
        Program("write", shared.dsn) as three,
    ):
        programs = (one, two, three)
        answered = [line for program in programs for line in program.lines(100)]
        answered += [shared.run(write_person(shared.store)) for _ in range(50)]
        # None of them kept the others out: each still gets its turn while all of them write.
        answered += [line for program in reversed(programs) for line in program.lines(100)]
        answered += [line for program in programs for line in program.kill()]
    assert len(answered) == len(set(answered))
    assert set(answered) <= written(shared)
    check_integrity(shared)


@pytest.mark.parametrize("times", [4, pytest.param(60, marks=pytest.mark.long)])
def test_a_killed_writer_loses_nothing_that_was_answered_and_stops_nobody(shared: Database, times: int) -> None:
    answered: list[str] = []
    with Program("write", shared.dsn) as steady:
        for n in range(times):
            with Program("write", shared.dsn) as victim:
                answered += victim.lines(1 + 17 * n % 90) + victim.kill()
            answered += steady.lines(20)
            answered.append(shared.run(write_person(shared.store)))
        answered += steady.kill()
    assert set(answered) <= written(shared)
    check_integrity(shared)


def checks_since(moment: int, program: Program, count: int) -> list[str]:
    """What came of the first checks that began after `moment`."""
    late: list[str] = []
    while len(late) < count:
        began, accepted = program.lines(1)[0].split()
        late += [accepted] * (int(began) > moment)
    return late


@pytest.mark.parametrize("how", list(How))
@pytest.mark.parametrize("many", [False, True])
def test_S4_a_check_that_starts_after_an_ending_is_refused_in_every_process(
    shared: Database, how: How, many: bool
) -> None:
    token = "ory_st_" + "s" * 32
    person = add_person(shared)
    one = add_session(shared, person, token_hash=digest(token))
    where = Where(identity_id=person.id) if many else Where(session_id=one.id)
    with Program("check", shared.dsn, token) as here, Program("check", shared.dsn, token) as there:
        before = [line.split()[1] for program in (here, there) for line in program.lines(50)]
        shared.write(lambda tx: end(tx, Act(DEFAULT, "test", NOW, bits), where, how, "test"))
        answered = time.monotonic_ns()
        late = [accepted for program in (here, there) for accepted in checks_since(answered, program, 100)]
    assert set(before) == {"1"}
    assert set(late) == {"0"}
    with pytest.raises(SessionRequired):
        shared.read(lambda tx: check(tx, token, LIFETIME, NOW))


def test_many_units_share_one_commit(sqlite: Database) -> None:
    def frames() -> int:
        """How much has been written to the log; a commit alone writes each page that it changed again."""
        return Path(sqlite.dsn.removeprefix("sqlite://") + "-wal").stat().st_size

    async def together(count: int) -> None:
        await asyncio.gather(*(write_person(sqlite.store) for _ in range(count)))

    before = frames()
    for _ in range(64):
        sqlite.run(together(1))
    alone = frames() - before
    sqlite.run(together(64))
    assert frames() - before - alone < alone / 4


def test_a_writer_that_is_kept_out_too_long_is_told_so_and_does_not_write_later(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "_LONGEST_WAIT", 0.3)
    first = sqlite.run(write_person(sqlite.store))

    async def give_up() -> list[Any]:
        late = [write_person(sqlite.store) for _ in range(3)]
        return await asyncio.gather(*late, return_exceptions=True)

    with Program("hold", sqlite.dsn.removeprefix("sqlite://") + "-gate") as holder:
        assert holder.lines(1) == ["held"]
        assert {type(outcome) for outcome in sqlite.run(give_up())} == {StoreDown}
        # Who only reads does not notice.
        assert sqlite.read(lambda tx: tx.identities.get(DEFAULT, bytes.fromhex(first))) is not None
    last = sqlite.run(write_person(sqlite.store))
    assert written(sqlite) == {first, last}


def test_a_store_whose_server_is_down_says_so_and_recovers_with_it(run: Run) -> None:
    with Postgres() as server:
        db = Database(server.create_database(), run)
        first = run(write_person(db.store))
        for end in (server.stop, server.kill):
            end()
            with pytest.raises(StoreDown):
                run(write_person(db.store))
            for way in (db.read, db.scan):
                with pytest.raises(StoreDown):
                    way(lambda tx: tx.identities.get(DEFAULT, bytes(16)))
            server.start()
            assert db.read(lambda tx: tx.identities.get(DEFAULT, bytes.fromhex(first))) is not None
            run(write_person(db.store))
        assert len(written(db)) == 3
        db.close()


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.long)])
def test_a_server_that_is_killed_loses_nothing_that_was_answered(run: Run, times: int) -> None:
    with Postgres() as server:
        db = Database(server.create_database(), run)
        answered: list[str] = []

        async def write_until_it_is_down(enough: asyncio.Event, count: int) -> None:
            while True:
                try:
                    answered.append(await write_person(db.store))
                except StoreDown:
                    return
                if len(answered) >= count:
                    enough.set()

        async def kill_in_the_middle(count: int) -> None:
            enough = asyncio.Event()
            writing = [asyncio.ensure_future(write_until_it_is_down(enough, count)) for _ in range(8)]
            await enough.wait()
            await asyncio.to_thread(server.kill)
            await asyncio.gather(*writing)

        for n in range(times):
            run(kill_in_the_middle(len(answered) + 20 + n))
            server.start()
        assert set(answered) <= written(db)
        db.close()
