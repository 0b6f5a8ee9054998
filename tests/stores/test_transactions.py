"""Units of work: whole or not at all, alone, durable before they are answered, and never waiting for anything else."""

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.database import Database, Run
from tests.places import Here
from tests.stores.rows import NOW, add_people, add_person, an_id, identity, names_of

from nightlatch.core.credentials.hashing import Hasher
from nightlatch.core.events.model import Event
from nightlatch.core.identities.model import Filter, Identity, Name
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.kernel.outbound import Outbound
from nightlatch.problems import Conflict, IdentityNotFound, StoreDown
from nightlatch.stores.opening import open_store
from nightlatch.stores.sql.statement import Connection, Statement, sql

ALL = Filter()


def everybody(db: Database) -> set[bytes]:
    rows: list[Identity] = db.scan(lambda tx: tx.identities.list(DEFAULT, ALL, None, 0, 10_000))
    return {person.id for person in rows}


def adding(person: Identity, then: Exception | None = None) -> Callable[[Any], Any]:
    async def unit(tx: Any) -> bytes:
        await tx.identities.add([(person, names_of(person))])
        await tx.events.add([Event(an_id(), DEFAULT, NOW, "identity.created", "test", person.id)])
        if then is not None:
            raise then
        return person.id

    return unit


@pytest.fixture
def hasher() -> Hasher:
    return Hasher(memory=8, time=1, parallelism=1, places=[Here()], queue=8, entropy=os.urandom)


def test_a_unit_gives_back_what_it_returns_and_sees_what_it_wrote(db: Database) -> None:
    person = identity()

    async def unit(tx: Any) -> Identity:
        await adding(person)(tx)
        found: Identity = await tx.identities.get(DEFAULT, person.id)
        return found

    assert db.write(unit) == person


@pytest.mark.parametrize("problem", [IdentityNotFound("gone"), ValueError("a bug")])
def test_a_unit_that_raises_leaves_nothing_behind(db: Database, problem: Exception) -> None:
    with pytest.raises(type(problem)) as caught:
        db.write(adding(identity(), problem))
    assert caught.value is problem
    assert everybody(db) == set()
    assert db.sql("select id from events") == []
    assert db.happened == []


def test_of_units_that_run_together_only_those_that_raise_leave_nothing(db: Database) -> None:
    people = [identity() for _ in range(200)]
    units = [adding(person, IdentityNotFound() if n % 3 else None) for n, person in enumerate(people)]
    outcomes = db.together(*units)
    kept = {person.id for person in people[::3]}
    assert everybody(db) == kept
    assert [o for o in outcomes if isinstance(o, bytes)] == [person.id for person in people[::3]]
    assert {type(o) for o in outcomes} == {bytes, IdentityNotFound}
    assert {event.identity_id for event in db.happened} == kept


def test_a_unit_that_the_database_refuses_costs_its_neighbours_nothing(db: Database) -> None:
    taken = add_person(db)
    good = [identity() for _ in range(20)]
    bad = [identity(id=taken.id) for _ in range(3)]
    outcomes = db.together(*map(adding, [*good[:10], *bad, *good[10:]]))
    assert everybody(db) == {taken.id, *(person.id for person in good)}
    assert [type(o) for o in outcomes[10:13]] == [Conflict] * 3


def test_units_that_read_then_write_do_not_lose_each_others_changes(db: Database) -> None:
    person = add_person(db, version=0)

    async def count(tx: Any) -> None:
        locked: Identity = await tx.identities.lock(DEFAULT, person.id)
        changed = identity(id=person.id, version=locked.version + 1)
        await tx.identities.change(changed, ())

    assert db.together(*[count] * 30) == [None] * 30
    found = db.read(lambda tx: tx.identities.get(DEFAULT, person.id))
    assert found is not None
    assert found.version == 30


def test_of_units_that_want_one_name_at_once_one_gets_it_and_the_others_a_conflict(db: Database) -> None:
    name = Name("password", "a@b")

    def wanting(person: Identity) -> Callable[[Any], Any]:
        async def unit(tx: Any) -> bytes:
            if await tx.identities.holders(DEFAULT, [name]):
                raise Conflict
            await tx.identities.add([(person, [name])])
            return person.id

        return unit

    outcomes = db.together(*(wanting(identity()) for _ in range(12)))
    assert sorted(type(o).__name__ for o in outcomes) == ["Conflict"] * 11 + ["bytes"]
    assert len(everybody(db)) == 1


def test_reads_and_scans_see_a_write_as_soon_as_it_is_answered(db: Database) -> None:
    for _ in range(50):
        person = add_person(db)
        assert db.read(lambda tx, person=person: tx.identities.get(DEFAULT, person.id)) == person  # type: ignore[misc]
        assert person.id in everybody(db)


def test_what_is_asked_by_a_scan_is_of_one_moment(db: Database, run: Run) -> None:
    add_people(db, 3)
    counted, written = threading.Event(), threading.Event()
    counts: list[int] = []

    async def unit(tx: Any) -> None:
        counts.append(await tx.identities.count(DEFAULT, ALL))
        counted.set()
        assert written.wait(10)
        counts.append(await tx.identities.count(DEFAULT, ALL))

    async def scan() -> None:
        store = await open_store(db.dsn)
        await store.scan(unit)
        await store.close()

    other = threading.Thread(target=asyncio.run, args=(scan(),))
    other.start()
    assert counted.wait(10)
    add_person(db)
    written.set()
    other.join()
    assert counts == [3, 3]
    assert len(everybody(db)) == 4


@pytest.mark.parametrize("way", ["write", "read", "scan"])
def test_a_hash_inside_a_transaction_is_an_error_and_leaves_nothing(db: Database, hasher: Hasher, way: str) -> None:
    async def unit(tx: Any) -> None:
        if way == "write":
            await adding(identity())(tx)
        await hasher.hash("a password")

    with pytest.raises(RuntimeError, match="a hash inside a transaction"):
        getattr(db, way)(unit)
    assert everybody(db) == set()
    db.run(hasher.hash("outside it is none"))
    hasher.close()


def test_an_outbound_call_inside_a_transaction_is_an_error_and_leaves_nothing(db: Database) -> None:
    async def unit(tx: Any) -> None:
        await adding(identity())(tx)
        await Outbound().get("https://192.0.2.1/")

    with pytest.raises(RuntimeError, match="inside a transaction"):
        db.write(unit)
    assert everybody(db) == set()


@pytest.mark.parametrize("way", ["write", "read", "scan"])
def test_on_sqlite_a_unit_that_waits_for_anything_else_is_an_error(tmp_path: Any, run: Run, way: str) -> None:
    db = Database(f"sqlite://{tmp_path}/db.sqlite", run)

    async def unit(tx: Any) -> None:
        if way == "write":
            await adding(identity())(tx)
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waited for something other than its transaction"):
        getattr(db, way)(unit)
    assert everybody(db) == set()
    assert db.write(adding(identity()))
    db.close()


def test_who_gives_up_waiting_is_not_told_that_it_was_written(db: Database) -> None:
    async def give_up() -> None:
        writing = asyncio.ensure_future(db.store.write(adding(identity())))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    db.run(give_up())
    assert db.write(adding(identity()))


def test_closing_finishes_what_was_asked_before(db: Database) -> None:
    people = [identity() for _ in range(30)]

    async def write_and_close() -> list[Any]:
        writing = [asyncio.ensure_future(db.store.write(adding(person))) for person in people]
        await asyncio.sleep(0)
        done = await asyncio.gather(*writing, return_exceptions=True)
        await db.store.close()
        return done

    assert db.run(write_and_close()) == [person.id for person in people]
    db.open()
    assert len(everybody(db)) == 30


def test_a_store_that_cannot_be_opened_is_down(run: Run, tmp_path: Any) -> None:
    (tmp_path / "text").write_text("This is no database. " * 100)
    for dsn in (f"sqlite://{tmp_path}/none", f"sqlite://{tmp_path}/text", "postgres://u@127.0.0.1:9/none"):
        with pytest.raises(StoreDown):
            run(open_store(dsn))


def test_a_scan_without_end_is_ended_and_the_next_is_not(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightlatch.stores.sqlite._LONGEST_SCAN", 0.2)
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"

    async def unit(tx: Any) -> Any:
        connection: Connection = tx.sessions._connection
        await connection.rows(Statement("select 1", "set local statement_timeout = 200"))
        return await connection.rows(sql(endless))

    for _ in range(2):
        with pytest.raises(StoreDown, match="too long"):
            db.scan(unit)
    assert everybody(db) == set()
