"""Kept answers: good while both generations are those that were loaded before the rows were, and for their time only."""

import contextlib
import tracemalloc
from array import array
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given
from tests.stores.rows import NOW, bits, identity, session

from nightlatch.core.identities.model import State
from nightlatch.core.sessions.cache import Checks, Entry, Stamp
from nightlatch.core.sessions.generations import BUCKETS, bucket
from nightlatch.core.sessions.model import Policy, Standing
from nightlatch.core.sessions.rules import Lifetime, check, holds_until, slides_to
from nightlatch.core.sessions.seen import LastSeen
from nightlatch.kernel.clock import SECOND, SetClock
from nightlatch.problems import SessionRequired

MIB = 1024 * 1024


class Table:
    """Generations of this process alone; `doubts` counts who met an odd one."""

    def __init__(self) -> None:
        self.cells = memoryview(array("Q", bytes(8 * BUCKETS)))
        self.doubts = 0
        self.leased = True

    def trusted(self) -> bool:
        return self.leased

    def doubt(self) -> None:
        self.doubts += 1

    def lost(self) -> bool:
        return False


class Kept:
    """One answer that is kept, and all that it rests on."""

    def __init__(self) -> None:
        self.table, self.clock, self.seen = Table(), SetClock(NOW), LastSeen()
        self.checks = Checks[str](self.table, self.seen, self.clock.now, MIB)
        person = identity()
        self.standing = Standing(session(person), False, person, False)
        self.hash = self.standing.session.token_hash
        self.checks.meet(self.hash, self.standing)
        self.entry = self.keep("yes")

    def keep(self, answer: str) -> Entry[str]:
        known = self.checks.find(self.hash)
        assert known is not None
        stamp = known.stamp()
        assert stamp is not None
        return self.checks.keep(self.hash, self.standing, stamp, answer, len(answer), NOW, NOW + SECOND)

    def move(self, id_: bytes, by: int = 2) -> None:
        self.table.cells[bucket(id_)] += by


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_S4_an_answer_is_good_until_its_identity_or_its_organization_moves(kept: Kept) -> None:
    for whose in (kept.standing.identity.id, kept.standing.identity.organization):
        entry = kept.keep("yes")
        assert entry.use()
        kept.move(whose)
        assert not entry.use()
        assert kept.keep("again").use()


def test_S4_no_answer_is_good_or_kept_while_its_bucket_is_in_doubt(kept: Kept) -> None:
    kept.move(kept.standing.identity.id, by=1)
    assert not kept.entry.use()
    assert kept.entry.stamp() is None
    assert kept.table.doubts == 1
    kept.move(kept.standing.identity.id, by=1)
    assert not kept.entry.use()
    assert kept.entry.stamp() is not None


def test_an_answer_whose_rows_were_read_while_they_changed_is_never_given(kept: Kept) -> None:
    stamp = kept.entry.stamp()
    assert stamp is not None
    kept.move(kept.standing.identity.id)
    assert not kept.checks.keep(kept.hash, kept.standing, stamp, "old", 3, NOW, NOW + SECOND).use()


def test_an_answer_is_for_its_time_only_whichever_way_the_clock_goes(kept: Kept) -> None:
    for now, good in ((NOW - 1, False), (NOW, True), (NOW + SECOND - 1, True), (NOW + SECOND, False)):
        kept.clock.time = now
        assert kept.entry.use() is good


def test_whoever_is_answered_was_seen(kept: Kept) -> None:
    kept.clock.advance(5)
    assert kept.entry.use()
    kept.clock.advance(SECOND)
    assert not kept.entry.use()
    assert kept.seen._times == {kept.standing.session.id: NOW + 5}


def test_an_answer_that_was_handed_out_does_not_become_another(kept: Kept) -> None:
    kept.move(kept.standing.identity.id)
    other = kept.keep("no")
    assert other.use()
    assert not kept.entry.use()
    assert kept.entry.answer == "yes"


def test_of_whom_nothing_is_known_yet_nothing_is_answered(kept: Kept) -> None:
    assert kept.checks.find(bits()) is None
    kept.checks.meet(kept.hash, kept.standing)
    found = kept.checks.find(kept.hash)
    assert found is not None
    assert found.answer is None
    assert not found.use()


@pytest.mark.parametrize("size", [200, 1_300, 10_000])
def test_the_bytes_that_are_taken_are_those_that_were_allowed(size: int) -> None:
    table, person = Table(), identity()
    checks = Checks[Any](table, LastSeen(), lambda: NOW, 4 * MIB)
    one = session(person)
    tracemalloc.start()
    try:
        for n in range(12 * MIB // size):
            token_hash = n.to_bytes(32, "big")
            standing = Standing(msgspec.structs.replace(one, id=n.to_bytes(16, "big")), False, person, False)
            checks.meet(token_hash, standing)
            answer = (b"x" * size, (("x-kratos-authenticated-identity-id", str(n) * 9),), NOW + n)
            checks.keep(token_hash, standing, Stamp(2 * n, 4 * n), answer, size, NOW + n, NOW + 2 * n)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert taken < 4.2 * MIB


LENGTHS = st.integers(1, 300) | st.none()


@given(
    begun=st.integers(0, 300),
    expires=st.integers(1, 600),
    seen=st.integers(0, 300),
    lifespan=st.integers(1, 300),
    idle=LENGTHS,
    sliding=LENGTHS,
    own=st.booleans(),
    own_idle=LENGTHS,
    now=st.integers(0, 600),
    later=st.integers(0, 600),
)
def test_S6_nothing_that_time_alone_decides_changes_before_an_answer_is_too_old(
    begun: int, expires: int, seen: int, lifespan: int, idle: int | None, sliding: int | None, own: bool, own_idle: int | None,
    now: int, later: int
) -> None:  # fmt: skip
    lifetime = Lifetime(lifespan, 1, idle, sliding=sliding)
    person, policy = identity(), Policy(lifespan=lifespan if own else None, idle=own_idle)
    one = session(person, authenticated_at=begun, expires_at=expires, last_seen=seen - 20 * SECOND, policy=policy)
    standing = Standing(one, False, person, False)
    first = decided(standing, lifetime, now)
    if first is None:
        return
    until = holds_until(standing, lifetime)
    if first is True:
        assert until <= now  # it is prolonged at once, and not kept
    elif now <= later < until:
        assert decided(standing, lifetime, later) is False
    if until > now:
        assert decided(standing, lifetime, until) is not False


def decided(standing: Standing, lifetime: Lifetime, now: int) -> bool | None:
    """None: refused; else whether it is prolonged."""

    class Rows:
        sessions: Any

        async def by_token(self, _: bytes) -> Standing:
            return standing

    rows = Rows()
    rows.sessions = rows
    with contextlib.suppress(SessionRequired):
        checking = check(rows, "a token", lifetime, now)  # type: ignore[arg-type]
        try:
            checking.send(None)
        except StopIteration:
            assert standing.identity.state is State.ACTIVE
            return slides_to(standing, lifetime, now) is not None
    return None
