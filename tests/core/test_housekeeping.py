"""What is over leaves, in small units, by one process; what is not stays."""

import asyncio
from collections import Counter

import pytest
from tests.core.world import LIFETIME, World
from tests.stores.rows import add_person, add_session

from nightlatch.core import housekeeping
from nightlatch.core.courier.model import Template
from nightlatch.core.courier.rules import claim, send, settle
from nightlatch.core.events.model import Act
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.housekeeping import Retention, SteadyClock, sweep
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.kernel.clock import DAY, HOUR, MINUTE, SECOND

RETENTION = Retention(sessions=30 * DAY, flows=DAY, messages=7 * DAY)


def swept(world: World, holder: bytes = b"one") -> Counter[str]:
    removed: Counter[str] = Counter()
    act = Act(DEFAULT, "housekeeping", world.now, world.entropy)
    world.run(
        sweep(world.db.store, act, holder, RETENTION, world.schemas, lambda what, count: removed.update({what: count}))
    )
    return +removed


def rows(world: World) -> dict[str, int]:
    counts = {t: len(world.db.sql(f"select * from {t}")) for t in ("flows", "codes", "attempts", "sessions")}
    return {table: count for table, count in counts.items() if count}


def test_what_is_over_leaves_at_its_time_and_not_before(world: World) -> None:
    anna = world.anna()
    token = world.signed_in()
    world.login(password="wrong")
    world.recover(anna)
    everything = rows(world)
    assert swept(world) == {}
    assert rows(world) == everything
    world.clock.advance(HOUR + DAY)
    assert swept(world) == {"attempts": everything.pop("attempts")}
    assert rows(world) == everything
    world.clock.advance(1)
    assert swept(world)["flows"] == everything["flows"]
    assert "codes" not in rows(world)
    world.clock.advance(LIFETIME.lifespan + 30 * DAY)
    assert swept(world)["sessions"] == everything["sessions"]
    assert rows(world) == {}
    assert not world.accepts(token)


def test_a_message_leaves_a_while_after_it_was_sent_and_never_before(world: World) -> None:
    keys = world.vault.keys
    for _ in range(2):
        world.write(lambda tx: send(tx, world.act(), keys, Template.RECOVERED, "email", "a@example.org", ip=""))
    [message] = world.write(lambda tx: claim(tx, world.act(), 1))
    world.write(lambda tx: settle(tx, world.act(), message, None))
    world.clock.advance(7 * DAY)
    assert swept(world) == {}
    world.clock.advance(1)
    assert swept(world) == {"messages": 1}
    [(status,)] = world.db.sql("select status from messages")
    assert status == "queued"


def test_S6_a_session_that_is_over_is_refused_long_before_it_leaves(world: World) -> None:
    world.anna()
    token = world.signed_in()
    world.clock.advance(LIFETIME.lifespan - 1)
    assert world.accepts(token)
    world.clock.advance(1)
    assert not world.accepts(token)
    swept(world)
    assert rows(world)["sessions"] == 1


def test_F23_many_leave_in_units_and_those_in_force_stay(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "MOST", 3)
    person = add_person(world.db)
    over = [add_session(world.db, person, expires_at=world.now - 31 * DAY - n) for n in range(10)]
    kept = [add_session(world.db, person, expires_at=world.now - 29 * DAY), add_session(world.db, person)]
    units: list[int] = []
    act = Act(DEFAULT, "housekeeping", world.now, world.entropy)
    world.run(
        sweep(
            world.db.store,
            act,
            b"one",
            RETENTION,
            world.schemas,
            lambda what, n: units.append(n) if what == "sessions" else None,
        )
    )
    assert units == [3, 3, 3, 1, 0]
    assert {row[0] for row in world.db.sql("select id from sessions")} == {session.id for session in kept}
    assert len(over) == 10


def test_one_process_cleans_and_another_takes_over_when_it_is_gone(world: World) -> None:
    flow = world.flow(Kind.LOGIN)
    world.clock.advance(3 * DAY)
    assert swept(world, b"one") == {"flows": 1}
    world.flow(Kind.LOGIN)
    world.db.sql("update flows set expires_at = 0")
    assert swept(world, b"two") == {}
    assert swept(world, b"one") == {"flows": 1}
    world.flow(Kind.LOGIN)
    world.db.sql("update flows set expires_at = 0")
    world.clock.advance(2 * MINUTE + 10 * SECOND)
    assert swept(world, b"two") == {"flows": 1}
    assert swept(world, b"one") == {}
    assert flow.id


def test_of_many_processes_at_once_one_cleans(world: World) -> None:
    for _ in range(20):
        world.flow(Kind.LOGIN)
    world.clock.advance(3 * DAY)
    removed: Counter[bytes] = Counter()

    async def together() -> None:
        act = Act(DEFAULT, "housekeeping", world.now, world.entropy)
        await asyncio.gather(
            *(
                sweep(
                    world.db.store,
                    act,
                    holder,
                    RETENTION,
                    world.schemas,
                    lambda _, n, holder=holder: removed.update({holder: n}),
                )  # type: ignore[misc]
                for holder in (b"1", b"2", b"3")
            )
        )

    world.run(together())
    assert sorted((+removed).values()) == [20]


def test_F17_nothing_is_cleaned_for_an_hour_after_the_clock_jumped() -> None:
    clock = SteadyClock(1_000 * SECOND, 50.0)
    assert clock.trusted(1_300 * SECOND, 349.0)
    assert not clock.trusted(1_400 * SECOND + 400 * DAY, 450.0)
    assert not clock.trusted(2_400 * SECOND + 400 * DAY, 1_450.0)
    assert clock.trusted(5_001 * SECOND + 400 * DAY, 4_051.0)
    assert not clock.trusted(5_100 * SECOND, 4_150.0)
