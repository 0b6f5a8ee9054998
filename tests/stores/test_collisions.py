"""Units that collide on PostgreSQL: each is repeated whole, and sees then what came first."""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.database import Database, Run
from tests.postgres import Postgres
from tests.stores.rows import add_people, identity

from nightlatch.core.identities.model import Identity, Name
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.problems import Conflict, StoreDown


@pytest.fixture
def db(postgres: Postgres, run: Run) -> Iterator[Database]:
    """On PostgreSQL, which finds deadlocks at once."""
    dsn = postgres.create_database()
    postgres.run(f"alter database \"{dsn.rpartition('/')[2]}\" set deadlock_timeout = '10ms'")
    opened = Database(dsn, run)
    yield opened
    opened.close()
    postgres.drop_database(dsn)


def make_serializable(db: Database, postgres: Postgres) -> None:
    postgres.run(f"alter database \"{db.dsn.rpartition('/')[2]}\" set default_transaction_isolation = 'serializable'")
    db.close()
    db.open()


class Meeting:
    """Lets the first two that come go on together, and all that come later at once."""

    def __init__(self) -> None:
        self._come = 0
        self._both = asyncio.Event()

    async def reach(self) -> None:
        self._come += 1
        if self._come == 2:
            self._both.set()
        await self._both.wait()


def test_units_that_cannot_be_put_in_an_order_are_repeated(db: Database, postgres: Postgres) -> None:
    people, meeting, runs = add_people(db, 2, version=1), Meeting(), itertools.count()
    make_serializable(db, postgres)

    async def overtake(tx: Any) -> int:
        """Gives the lower of two versions one more than the higher: two that see the same cannot both be right."""
        next(runs)
        low, high = sorted([await tx.identities.get(DEFAULT, p.id) for p in people], key=lambda p: (p.version, p.id))
        await meeting.reach()
        changed: Identity = msgspec.structs.replace(low, version=high.version + 1)
        await tx.identities.change(changed, ())
        return changed.version

    assert sorted(db.together(overtake, overtake)) == [2, 3]
    assert next(runs) > 2


def test_units_that_lock_in_opposite_order_are_repeated(db: Database) -> None:
    one, other = add_people(db, 2)
    meeting, runs = Meeting(), itertools.count()

    def locking(first: Identity, second: Identity) -> Any:
        async def unit(tx: Any) -> str:
            next(runs)
            await tx.identities.lock(DEFAULT, first.id)
            await meeting.reach()
            await tx.identities.lock(DEFAULT, second.id)
            return "done"

        return unit

    assert db.together(locking(one, other), locking(other, one)) == ["done", "done"]
    assert next(runs) == 3


def test_a_name_that_came_first_is_seen_when_the_unit_is_repeated(db: Database) -> None:
    name, meeting, runs = Name("password", "a@b"), Meeting(), itertools.count()

    async def unit(tx: Any) -> str:
        next(runs)
        if await tx.identities.holders(DEFAULT, [name]):
            return "taken"
        await meeting.reach()
        await tx.identities.add([(identity(), [name])])
        return "got it"

    assert sorted(db.together(unit, unit)) == ["got it", "taken"]
    assert next(runs) == 3


@pytest.mark.parametrize(
    ("refusal", "problem"),
    [("unique_violation", Conflict), ("serialization_failure", StoreDown), ("deadlock_detected", StoreDown)],
)
def test_what_collides_each_time_is_given_up(db: Database, refusal: str, problem: type[Exception]) -> None:
    runs = itertools.count()
    raising = f"do $$ begin raise exception using errcode = '{refusal}'; end $$"

    async def unit(tx: Any) -> None:
        next(runs)
        await tx.sessions._connection._connection.execute(raising)

    with pytest.raises(problem):
        db.write(unit)
    assert next(runs) == 4


@pytest.mark.parametrize("refusal", ["query_canceled", "lock_not_available", "disk_full", "admin_shutdown"])
def test_what_the_server_cannot_do_now_is_not_repeated(db: Database, refusal: str) -> None:
    runs = itertools.count()
    raising = f"do $$ begin raise exception using errcode = '{refusal}'; end $$"

    async def unit(tx: Any) -> None:
        next(runs)
        await tx.sessions._connection._connection.execute(raising)

    for way in (db.write, db.read, db.scan):
        with pytest.raises(StoreDown):
            way(unit)
    assert next(runs) == 3
