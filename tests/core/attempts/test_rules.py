"""What counts as an attempt, how long the next has to wait, and when it is forgiven."""

import asyncio
from typing import Any

import pytest
from tests.core.world import NOW, PASSWORD, THROTTLING, Watched, World

from nightlatch.core.administration import identities as administration
from nightlatch.core.attempts.model import Limit
from nightlatch.core.attempts.rules import check_network, forgive, network_of, reserve
from nightlatch.core.flows.model import Flow
from nightlatch.core.login.rules import SignedIn
from nightlatch.kernel.clock import DAY, HOUR, MINUTE, SECOND
from nightlatch.kernel.ids import new_id
from nightlatch.problems import Busy, Throttled

LIMIT = THROTTLING.passwords
SOMEBODY, NOBODY = new_id(NOW, bytes), bytes(32)


def tried(world: World, limit: Limit = LIMIT, subject: bytes = SOMEBODY, kind: str = "password") -> int:
    return world.write(lambda tx: reserve(tx, world.act(), kind, subject, limit))


@pytest.mark.parametrize("subject", [SOMEBODY, NOBODY])
def test_P7_five_are_free_then_each_waits_twice_as_long_and_ten_lock(world: World, subject: bytes) -> None:
    assert [tried(world, subject=subject) for _ in range(5)] == [0] * 5
    for seconds in (1, 2, 4, 8, 16):
        assert tried(world, subject=subject) == seconds * SECOND
        world.clock.advance(seconds * SECOND)
        assert tried(world, subject=subject) == 0
    assert tried(world, subject=subject) == 15 * MINUTE
    world.clock.advance(15 * MINUTE - 1)
    assert tried(world, subject=subject) == 1
    world.clock.advance(1)
    assert [tried(world, subject=subject) for _ in range(5)] == [0] * 5


def test_P7_what_is_refused_is_not_counted_so_that_a_lock_ends(world: World) -> None:
    limit = Limit(3, HOUR, MINUTE)
    assert [tried(world, limit) for _ in range(9)] == [0, 0, 0, *[MINUTE] * 6]
    world.clock.advance(MINUTE)
    assert tried(world, limit) == 0


def test_P7_a_hundred_in_a_row_lock_until_they_are_forgiven(world: World) -> None:
    limit = Limit(1000, HOUR, HOUR, None, 100)
    assert [tried(world, limit) for _ in range(100)] == [0] * 100
    for _ in range(3):
        assert tried(world, limit) > 0
        world.clock.advance(300 * DAY)
    world.write(lambda tx: tx.attempts.purge(world.now, 10))
    assert tried(world, limit) > 0
    assert world.write(lambda tx: forgive(tx, SOMEBODY))
    assert not world.write(lambda tx: forgive(tx, SOMEBODY))
    assert tried(world, limit) == 0


def test_a_window_that_is_over_counts_anew(world: World) -> None:
    limit = Limit(3, MINUTE)
    assert [tried(world, limit) for _ in range(4)] == [0, 0, 0, MINUTE]
    world.clock.advance(20 * SECOND)
    assert tried(world, limit) == 40 * SECOND
    world.clock.advance(40 * SECOND)
    assert [tried(world, limit) for _ in range(4)] == [0, 0, 0, MINUTE]


def test_P7_around_the_end_of_a_window_are_no_more_than_in_it(world: World) -> None:
    limit = Limit(10, HOUR, quiet=True)
    assert tried(world, limit) == 0
    world.clock.advance(59 * MINUTE)
    assert [tried(world, limit) for _ in range(9)] == [0] * 9
    world.clock.advance(2 * MINUTE)
    assert tried(world, limit) == 58 * MINUTE
    world.clock.advance(58 * MINUTE)
    assert tried(world, limit) == 0


def test_F17_no_lock_sticks_when_the_clock_is_set_back(world: World) -> None:
    world.clock.advance(400 * DAY)
    assert [tried(world, Limit(2, HOUR, HOUR)) for _ in range(3)] == [0, 0, HOUR]
    world.clock.advance(-400 * DAY)
    assert tried(world, Limit(2, HOUR, HOUR)) == 0


def test_P8_who_comes_late_with_an_earlier_time_is_counted_like_the_others(world: World) -> None:
    limit = Limit(4, MINUTE, MINUTE)
    made = []
    for back in (0, 1, 5 * SECOND, SECOND, 9 * SECOND, 0, 30 * SECOND):
        world.clock.advance(-back)
        made.append(tried(world, limit) == 0)
        world.clock.advance(back)
    assert made == [True] * 4 + [False] * 3


def test_kinds_and_subjects_are_counted_each_by_itself(world: World) -> None:
    limit = Limit(1, HOUR)
    for subject in (SOMEBODY, NOBODY, b""):
        for kind in ("password", "code"):
            assert [tried(world, limit, subject, kind) > 0 for _ in range(2)] == [False, True]


def test_a_lock_of_somebody_who_exists_is_told_once(world: World) -> None:
    world.told()
    limit = Limit(2, HOUR, HOUR)
    for subject in (SOMEBODY, NOBODY):
        for _ in range(5):
            tried(world, limit, subject)
    assert world.told() == [("identity.locked", "password", 1)]


def test_P9_one_network_in_all_its_spellings_is_one(world: World) -> None:
    one = ["203.0.113.7", "::ffff:203.0.113.7", "::FFFF:cb00:7107", "0:0:0:0:0:ffff:203.0.113.7"]
    assert {network_of(address) for address in one} == {network_of("203.0.113.7")}
    assert network_of("203.0.113.8") != network_of("203.0.113.7")
    subnet = {network_of(f"2001:db8:0:1::{number:x}") for number in range(1 << 12)}
    assert subnet == {network_of("2001:DB8:0:1:ffff:ffff:ffff:ffff")}
    assert network_of("2001:db8:0:2::1") not in subnet
    assert network_of(None) == b""


def test_what_comes_from_one_network_is_told_when_to_come_back(world: World) -> None:
    limit = Limit(2, MINUTE)

    def count(address: str) -> None:
        world.write(lambda tx: check_network(tx, world.act(), "flow", address, limit))

    count("203.0.113.7")
    count("203.0.113.7")
    world.clock.advance(1)
    with pytest.raises(Throttled) as caught:
        count("203.0.113.7")
    assert caught.value.retry_after == 60
    count("203.0.113.8")
    count("2001:db8::1")
    count("2001:db8::2")
    with pytest.raises(Throttled):
        count("2001:db8::3")


def test_P8_of_many_at_once_only_as_many_as_may(world: World) -> None:
    limit = Limit(7, HOUR, HOUR)

    async def together() -> list[int]:
        one = lambda tx: reserve(tx, world.act(), "password", SOMEBODY, limit)  # noqa: E731
        return await asyncio.gather(*(world.db.store.write(one) for _ in range(40)))

    assert world.run(together()).count(0) == 7


# In the acts that are counted


def test_P7_an_account_that_is_guessed_at_is_locked_and_its_lock_looks_like_a_wrong_password(world: World) -> None:
    anna = world.anna()
    token = world.signed_in()
    wrong = world.login(password="wrong")
    while world.told()[-1][:2] != ("login.refused", "locked"):
        world.clock.advance(MINUTE)
        last = world.login(password="wrong")
    locked = world.login()
    for flow in (wrong, last, locked):
        assert isinstance(flow, Flow)
        assert flow.facts.problems == ({"code": "credentials_wrong"},)
    assert world.accepts(token), "nobody is locked out of a running session"
    world.clock.advance(15 * MINUTE)
    assert isinstance(world.login(), SignedIn)
    assert isinstance(world.login(), SignedIn)
    assert world.stored(anna)


def test_P7_the_right_password_forgets_the_wrong_ones(world: World) -> None:
    world.anna()
    for _ in range(8):
        for _ in range(4):
            assert isinstance(world.login(password="wrong"), Flow)
        assert isinstance(world.login(), SignedIn)


def test_P9_all_names_of_an_account_in_all_spellings_are_one_account(world: World) -> None:
    world.create({"email": "anna@example.org", "handle": "anna"}, PASSWORD)
    world.told()
    for name in ("anna", "ANNA", " anna", "anna@example.org", "Anna@Example.ORG"):
        world.login(name, "wrong")
    world.login("anna", "wrong")
    assert [reason for _, reason, _ in world.told()] == ["credentials_wrong"] * 5 + ["locked"]


def test_P9_a_name_that_nobody_has_is_one_in_all_spellings_and_is_not_kept_as_it_is(world: World) -> None:
    for name in (
        "nobody@example.org",
        "NOBODY@example.org",
        "nobody@EXAMPLE.org ",
        "nobody@example.org",
        "\uff4eobody@example.org",
        "nobody@example.org",
    ):
        world.login(name, "wrong")
    assert [reason for _, reason, _ in world.told()] == ["credentials_wrong"] * 5 + ["locked"]
    assert b"nobody" not in repr(world.db.sql("select key from attempts")).encode()


def test_P7_one_network_signs_in_thirty_times_a_minute(world: World) -> None:
    world.anna()
    device = world.elsewhere()
    for _ in range(30):
        assert isinstance(world.login(device=device), SignedIn)
    with pytest.raises(Throttled):
        world.login(device=device)
    assert isinstance(world.login(), SignedIn)


@pytest.mark.parametrize("way", ["an administrator", "a new password", "recovery"])
def test_P7_a_lock_is_opened_by_an_administrator_a_new_password_or_recovery(world: World, way: str) -> None:
    opened: dict[str, Any] = {
        "an administrator": world.unlock,
        "a new password": lambda person: world.update(person, password=PASSWORD),
        "recovery": world.recover,
    }
    anna = world.anna()
    for _ in range(5):
        world.login(password="wrong")
    assert isinstance(world.login(), Flow)
    opened[way](anna)
    assert isinstance(world.login(), SignedIn)


def test_a_lock_goes_with_its_identity(world: World) -> None:
    anna = world.anna()
    for _ in range(5):
        world.login(password="wrong")
    world.write(lambda tx: administration.delete(tx, world.act(), anna.identity.id))
    assert not world.write(lambda tx: forgive(tx, anna.identity.id))


def test_P6_a_locked_account_waits_for_its_turn_and_hashes_nothing(world: World) -> None:
    world.anna()
    for _ in range(5):
        world.login(password="wrong")
    hasher = Watched(world.hasher)
    assert isinstance(world.login(hasher=hasher), Flow)
    assert hasher.asked == ["idle"]


def test_P8_a_place_in_the_queue_comes_before_the_count(world: World) -> None:
    """Who finds no room has not tried anything."""
    world.anna()

    class Full:
        weaker = world.hasher.weaker

        def turn(self) -> Any:
            raise Busy

    for _ in range(20):
        with pytest.raises(Busy):
            world.login(hasher=Full())
    assert world.db.sql("select key from attempts") == []
    assert isinstance(world.login(), SignedIn)
