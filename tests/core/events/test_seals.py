"""Events sealed in batches, and what is found of those that were changed afterwards."""

from collections.abc import Iterator

import pytest
from tests.core.world import World

from nightlatch.core import housekeeping
from nightlatch.core.events.model import Act, Seal, event
from nightlatch.core.events.seals import START, Checked, check, seal
from nightlatch.core.housekeeping import seal_events
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions import marking
from nightlatch.core.sessions.model import How, Where
from nightlatch.core.sessions.rules import end
from nightlatch.kernel.secrets import Keys
from nightlatch.problems import Conflict

KEYS = Keys([b"a secret of the tests"], "seals")


def happen(world: World, count: int) -> None:
    world.write(
        lambda tx: tx.events.add([event(world.act(), f"test.{n}", reason="é", data={"n": n}) for n in range(count)])
    )


def sealed(world: World, most: int = 100) -> int:
    count: int = world.write(lambda tx: seal(tx, world.act(), KEYS, most))
    return count


def checked(world: World, keys: Keys = KEYS) -> list[Checked]:
    return list(_checked(world, keys))


def _checked(world: World, keys: Keys) -> Iterator[Checked]:
    last = START
    while (step := world.db.scan(lambda tx, last=last: check(tx, keys, last))) is not None:  # type: ignore[misc]
        yield step
        last = step.seal


def wrong(world: World) -> list[int]:
    return [position for step in checked(world) for position in step.wrong]


def test_W21_every_event_is_sealed_once_and_all_is_as_it_was(world: World) -> None:
    happen(world, 5)
    assert [sealed(world, 2) for _ in range(4)] == [2, 2, 1, 0]
    happen(world, 1)
    assert world.db.scan(lambda tx: tx.events.count_unsealed()) == 1
    assert sealed(world) == 1
    assert [(step.seal.position, step.genuine, step.wrong) for step in checked(world)] == [
        (2, True, ()), (4, True, ()), (5, True, ()), (6, True, ())
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        "update events set reason = 'x' where position = 3",
        "update events set actor = 'x' where position = 3",
        "update events set data = null where position = 3",
        "update events set amount = amount + 1 where position = 3",
        "update events set at = at + 1 where position = 3",
        "update events set session_id = id where position = 3",
        "update events set position = null where position = 3",
        "delete from events where position = 3",
    ],
)
def test_W21_a_changed_or_missing_event_is_named(world: World, change: str) -> None:
    happen(world, 5)
    while sealed(world, 2):
        pass
    world.db.sql(change)
    assert wrong(world) == [3]
    assert all(step.genuine for step in checked(world))


def forge(world: World, position: int) -> None:
    """Adds a row to the log, as whoever can write to the database might."""
    columns = "id, organization_id, at, name, actor, amount, position"
    made = (world.act().new_id(), DEFAULT, position)
    world.db.sql(f"insert into events ({columns}) values ($1, $2, 1, 'test.0', 'x', 1, $3)", *made)


def test_W21_an_event_that_is_pushed_in_between_two_seals_is_found(world: World) -> None:
    happen(world, 6)
    while sealed(world, 2):
        pass
    for table in ("events", "seals"):
        world.db.sql(f"update {table} set position = -position - 1 where position > {4 if table == 'events' else 3}")
        world.db.sql(f"update {table} set position = -position where position < 0")
    forge(world, 5)
    assert [(step.seal.position, step.genuine, step.wrong) for step in checked(world)] == [
        (2, True, ()), (5, False, (5,)), (7, False, ()),
    ]  # fmt: skip


def test_W21_a_seal_that_says_another_time_or_reaches_further_is_not_genuine(world: World) -> None:
    happen(world, 2)
    sealed(world)
    world.db.sql("update seals set sealed_at = sealed_at - 1")
    assert [step.genuine for step in checked(world)] == [False]
    world.db.sql("update seals set sealed_at = sealed_at + 1, position = 9223372036854775807")
    assert [(step.genuine, step.wrong) for step in checked(world)] == [(False, ())]


@pytest.mark.parametrize("position", [0, -7, -(2**63), 3, 2**63 - 1])
def test_W21_a_position_that_no_seal_covers_is_named(world: World, position: int) -> None:
    happen(world, 2)
    sealed(world)
    forge(world, position)
    last = checked(world)[-1].seal
    assert world.db.scan(lambda tx: tx.events.stray(last.position)) == [position]


def test_W21_a_position_that_is_taken_stops_the_sealing_with_a_problem_and_is_named(world: World) -> None:
    happen(world, 2)
    sealed(world)
    forge(world, 3)
    happen(world, 1)
    with pytest.raises(Conflict):
        sealed(world)
    assert world.db.scan(lambda tx: tx.events.stray(2)) == [3]
    assert world.db.scan(lambda tx: tx.events.count_unsealed()) == 1


def test_W21_two_events_of_one_position_are_named_though_one_is_as_it_was(world: World) -> None:
    happen(world, 3)
    sealed(world)
    world.db.sql("drop index events_position")
    try:
        forge(world, 2)
        assert wrong(world) == [2]
    finally:
        world.db.sql("delete from events")
        world.db.sql("create unique index events_position on events (position) where position is not null")


def test_W21_a_change_with_its_hashes_made_to_fit_breaks_the_seal_and_all_after_it(world: World) -> None:
    happen(world, 6)
    while sealed(world, 2):
        pass
    world.db.sql("update events set reason = 'x' where position = 1")
    forger = Keys([b"another secret"], "seals")
    seals = [step.seal for step in checked(world)]
    rows = world.db.scan(lambda tx: tx.events.positioned(0, 2))
    world.db.sql("delete from seals")
    world.db.sql("update events set position = null where position < 3")
    world.write(lambda tx: seal(tx, world.act(), forger, 2))
    again: list[Seal] = [step.seal for step in checked(world)]
    assert len(rows) == 2
    assert [step.genuine for step in checked(world)] == [False]
    world.db.sql("delete from seals")
    for each in (again[0], *seals[1:]):
        world.write(lambda tx, each=each: tx.events.add_seal(each, []))
    assert [(step.genuine, step.wrong) for step in checked(world)] == [(False, ()), (False, ()), (True, ())]


def test_W21_seals_of_a_former_secret_hold(world: World) -> None:
    happen(world, 2)
    sealed(world)
    both = Keys([b"a newer secret", b"a secret of the tests"], "seals")
    happen(world, 1)
    world.write(lambda tx: seal(tx, world.act(), both, 9))
    assert [step.genuine for step in checked(world, both)] == [True, True]
    assert [step.genuine for step in checked(world)] == [True, False]


def test_W21_an_event_whose_count_grows_is_sealed_when_it_is_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = world.anna()
    for _ in range(4):
        world.signed_in()
    monkeypatch.setattr(marking, "AT_ONCE", 2)
    world.write(lambda tx: end(tx, world.act(), Where(identity_id=anna.identity.id), How.DISABLE, "test"))
    while sealed(world):
        pass
    assert world.db.scan(lambda tx: tx.events.count_unsealed()) == 1
    while world.write(lambda tx: marking.mark(tx, 2)):
        pass
    assert sealed(world) == 1
    assert wrong(world) == []
    assert world.db.sql("select amount from events where position = (select max(position) from events)") == [(4,)]


def test_W21_one_of_many_seals_and_seals_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "MOST", 3)
    happen(world, 8)
    act = Act(DEFAULT, "housekeeping", world.now, world.entropy)
    world.run(seal_events(world.db.store, act, b"one", KEYS))
    happen(world, 1)
    world.run(seal_events(world.db.store, act, b"two", KEYS))
    assert [step.seal.position for step in checked(world)] == [3, 6, 8]
    assert world.db.scan(lambda tx: tx.events.count_unsealed()) == 1
