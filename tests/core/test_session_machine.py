"""Sessions in any order of acts, on a real store, against a model that is a plain list: whatever was ended stays ended.

After each act every token is checked, and every list is paged through, counted and compared.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.core.world import PASSWORD, World
from tests.database import Database, Run

from nightlatch.core.administration import identities as administration
from nightlatch.core.credentials.person import Person
from nightlatch.core.identities.model import State
from nightlatch.core.login.rules import SignedIn
from nightlatch.core.logout.rules import end_mine, end_others, sign_out
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.recovery.rules import Recovered, Redeeming, make_code, redeem
from nightlatch.core.sessions import marking
from nightlatch.core.sessions.model import SEEN_FLUSH, Device, Filter, How, Position, Revocation, Where
from nightlatch.core.sessions.rules import Lifetime, check, end, extend
from nightlatch.kernel.clock import DAY, HOUR, MINUTE, SECOND
from nightlatch.problems import FieldInvalid, SessionEnded, SessionNotFound, SessionRequired

IDLE = 15 * HOUR
LIFETIME = Lifetime(lifespan=DAY, extend_within=12 * HOUR, idle=IDLE, most=3)
PAGE = 3
# Few, so that a short run has endings that wait to be marked.
AT_ONCE = 2
NUMBERS = st.integers(0, 99)
KINDS = ("web", "mobile", "desktop", "other")


@dataclass
class Owner:
    """What the model knows of a person."""

    person: Person
    email: str
    password: str = PASSWORD
    active: bool = True
    exists: bool = True

    @property
    def id(self) -> bytes:
        return self.person.identity.id


@dataclass
class Kept:
    """What the model knows of a session."""

    id: bytes
    token: str
    owner: Owner
    kind: str
    created: int
    expires: int
    seen: int
    ended: bool = False
    gone: bool = False

    def in_force(self, now: int) -> bool:
        idle = self.seen + IDLE + 2 * SEEN_FLUSH
        return not (self.ended or self.gone) and self.owner.active and now < self.expires and now < idle


class Sessions(RuleBasedStateMachine):
    """One run: a database of its own, and the model beside it."""

    make: ClassVar[Callable[[], Database]]

    def __init__(self) -> None:
        super().__init__()
        self.world = World(type(self).make())
        self.owners: list[Owner] = []
        self.kept: list[Kept] = []
        self.networks = 0
        self.at_once, marking.AT_ONCE = marking.AT_ONCE, AT_ONCE

    def teardown(self) -> None:
        marking.AT_ONCE = self.at_once
        self.world.close()
        self.world.db.close()

    @property
    def now(self) -> int:
        return self.world.now

    def of(self, owner: Owner) -> list[Kept]:
        return [kept for kept in self.kept if kept.owner is owner and not kept.gone]

    def owner(self, n: int) -> Owner:
        """One who is there, mostly."""
        there = [owner for owner in self.owners if owner.exists] if n % 5 else self.owners
        return (there or self.owners)[n // 5 % len(there or self.owners)]

    def session(self, n: int) -> Kept:
        """One that is in force, mostly."""
        good = [kept for kept in self.kept if kept.in_force(self.now)] if n % 5 else self.kept
        return (good or self.kept)[n // 5 % len(good or self.kept)]

    def end_model(self, some: list[Kept], how: How = How.DISABLE) -> int:
        """How many end that had not."""
        ending = [kept for kept in some if not kept.gone and (how is How.DELETE or not kept.ended)]
        for kept in ending:
            kept.ended, kept.gone = True, kept.gone or how is How.DELETE
        return len(ending)

    def end(self, where: Where, how: How, some: list[Kept]) -> Revocation:
        """Ends them in both; the count is that of the model unless more are counted later."""
        done = self.world.write(lambda tx: end(tx, self.world.act(), where, how, "test"))
        count = self.end_model(some, how)
        assert done.count <= count if done.more else done.count == count
        return done

    def issued(self, owner: Owner, session: Any, token: str) -> None:
        mine = sorted((k for k in self.of(owner) if k.in_force(self.now)), key=lambda k: (-k.created, k.id))
        self.end_model(mine[LIFETIME.most - 1 :])
        kind = session.device.kind
        self.kept.append(Kept(session.id, token, owner, kind, self.now, self.now + DAY, self.now))

    @initialize()
    def begin(self) -> None:
        for n in range(2):
            self.create()
            self.sign_in(5 * n + 5)

    @precondition(lambda self: len(self.owners) < 4)
    @rule()
    def create(self) -> None:
        email = f"p{len(self.owners)}@example.org"
        self.owners.append(Owner(self.world.create({"email": email}, PASSWORD), email))

    @rule(n=NUMBERS, kind=st.sampled_from(KINDS))
    def sign_in(self, n: int, kind: str = "other") -> None:
        # From a network of its own: one may sign in thirty times a minute.
        self.networks += 1
        owner, device = self.owner(n), Device(f"2001:db8:0:{self.networks:x}::1", "a test", None, kind)
        outcome = self.world.login(owner.email, owner.password, lifetime=LIFETIME, device=device)
        assert isinstance(outcome, SignedIn) is (owner.exists and owner.active)
        if isinstance(outcome, SignedIn):
            assert outcome.token is not None
            self.issued(owner, outcome.session, outcome.token)

    @rule(n=NUMBERS)
    def sign_in_wrongly(self, n: int) -> None:
        assert not isinstance(self.world.login(self.owner(n).email, "wrong", lifetime=LIFETIME), SignedIn)

    @rule(n=NUMBERS)
    def prove_again(self, n: int) -> None:
        kept = self.session(n)
        if not kept.in_force(self.now):
            return
        current = self.world.standing(kept.token, LIFETIME)
        outcome = self.world.login(kept.owner.email, kept.owner.password, current=current, lifetime=LIFETIME)
        assert isinstance(outcome, SignedIn)
        assert outcome.token is None
        kept.expires = max(kept.expires, self.now + DAY)

    @rule(n=NUMBERS)
    def extend(self, n: int) -> None:
        kept = self.session(n)

        def work() -> Any:
            return self.world.write(lambda tx: extend(tx, self.world.act(), kept.id, LIFETIME))

        if kept.gone:
            with pytest.raises(SessionNotFound):
                work()
        elif not kept.in_force(self.now):
            with pytest.raises(SessionEnded):
                work()
        else:
            if kept.expires - self.now <= 12 * HOUR:
                kept.expires = self.now + DAY
            assert work().session.expires_at == kept.expires

    @rule(n=NUMBERS, how=st.sampled_from(How))
    def end_one(self, n: int, how: How) -> None:
        kept = self.session(n)
        gone = kept.gone
        assert self.end(Where(session_id=kept.id), how, [kept]).known is not gone

    @rule(some=st.lists(NUMBERS, min_size=1, max_size=4), n=NUMBERS, how=st.sampled_from(How))
    def end_some_of_an_identity(self, some: list[int], n: int, how: How) -> None:
        chosen, owner = [self.session(each) for each in some], self.owner(n)
        where = Where(session_ids=tuple(kept.id for kept in chosen), identity_id=owner.id)
        mine = {kept.id: kept for kept in chosen if kept.owner is owner}
        self.end(where, how, list(mine.values()))

    @rule(n=NUMBERS, how=st.sampled_from(How))
    def end_all(self, n: int, how: How) -> None:
        owner = self.owner(n)
        assert self.end(Where(identity_id=owner.id), how, self.of(owner)).known is owner.exists

    @rule(some=st.lists(NUMBERS, min_size=1, max_size=3), how=st.sampled_from(How))
    def end_all_of_several(self, some: list[int], how: How) -> None:
        owners = {owner.id: owner for owner in map(self.owner, some)}
        ending = [kept for owner in owners.values() for kept in self.of(owner)]
        done = self.end(Where(identity_ids=tuple(owners)), how, ending)
        assert set(done.missing) == {owner.id for owner in owners.values() if not owner.exists}

    @rule(n=NUMBERS, how=st.sampled_from(How), kinds=st.lists(st.sampled_from(KINDS), min_size=1, unique=True))
    def end_kinds(self, n: int, how: How, kinds: list[str]) -> None:
        owner = self.owner(n)
        ending = [kept for kept in self.of(owner) if kept.kind in kinds]
        assert self.end(Where(identity_id=owner.id, kinds=tuple(kinds)), how, ending).known is owner.exists

    @rule(how=st.sampled_from(How))
    def end_everybody(self, how: How) -> None:
        self.end(Where(everybody=True), how, list(self.kept))

    @rule(most=st.integers(1, 3), steps=st.integers(1, 9))
    def mark(self, most: int, steps: int) -> None:
        for _ in range(steps):
            self.world.write(lambda tx: marking.mark(tx, most))

    @rule(n=NUMBERS)
    def end_others(self, n: int) -> None:
        kept = self.session(n)
        if kept.in_force(self.now):
            mine = self.world.standing(kept.token, LIFETIME)
            done = self.world.write(lambda tx: end_others(tx, self.world.act(), mine))
            count = self.end_model([other for other in self.of(kept.owner) if other is not kept])
            assert done.count <= count if done.more else done.count == count

    @rule(n=NUMBERS, m=NUMBERS)
    def end_mine(self, n: int, m: int) -> None:
        kept, other = self.session(n), self.session(m)
        if not kept.in_force(self.now):
            return
        mine = self.world.standing(kept.token, LIFETIME)
        if other is kept:
            with pytest.raises(FieldInvalid):
                self.world.write(lambda tx: end_mine(tx, self.world.act(), mine, other.id))
            return
        self.world.write(lambda tx: end_mine(tx, self.world.act(), mine, other.id))
        if other.owner is kept.owner:
            self.end_model([other])

    @rule(n=NUMBERS)
    def sign_out(self, n: int) -> None:
        kept = self.session(n)
        if not kept.gone:
            self.world.write(lambda tx: sign_out(tx, self.world.act(), kept.token))
            self.end_model([kept])

    @rule(n=NUMBERS, back=st.booleans())
    def change_state(self, n: int, back: bool) -> None:
        owner = self.owner(n)
        for _ in range(1 + back) if owner.exists else ():
            self.world.update(owner.person, state=State.INACTIVE if owner.active else State.ACTIVE)
            if owner.active:
                self.end_model(self.of(owner))
            owner.active = not owner.active

    @rule(n=NUMBERS, password=st.sampled_from(["another long password", PASSWORD]))
    def change_password(self, n: int, password: str) -> None:
        owner = self.owner(n)
        if owner.exists:
            self.world.update(owner.person, password=password)
            # A new hash of the same password is another value, too: nobody can tell that it is the same.
            owner.password = password
            self.end_model(self.of(owner))

    @rule(n=NUMBERS)
    def delete(self, n: int) -> None:
        owner = self.owner(n)
        identity_id = owner.id
        done = self.world.write(lambda tx: administration.delete(tx, self.world.act(), identity_id))
        assert done is owner.exists
        self.end_model(self.of(owner), How.DELETE)
        owner.exists = False

    @rule(n=NUMBERS)
    def recover(self, n: int) -> None:
        owner, world = self.owner(n), self.world
        if not owner.exists or not owner.active:
            return
        identity_id = owner.id
        code = world.write(
            lambda tx: make_code(tx, world.act(), world.code_keys, identity_id, HOUR, "http://x/", flow_type="api")
        )
        device = world.elsewhere()
        outcome = world.run(redeem(world.means(), world.act(), code.flow.id, code.secret, device, Redeeming(5, HOUR)))
        assert isinstance(outcome, Recovered)
        self.end_model(self.of(owner))
        self.issued(owner, outcome.session, outcome.token)

    @rule(n=NUMBERS)
    def see(self, n: int) -> None:
        kept = self.session(n)
        if kept.in_force(self.now):
            self.world.write(lambda tx: tx.sessions.seen({kept.id: self.now}))
            kept.seen = self.now

    @rule(time=st.sampled_from([1, SECOND, MINUTE, HOUR, 4 * HOUR]))
    def wait(self, time: int) -> None:
        self.world.clock.advance(time)

    @rule(n=NUMBERS, early=st.booleans())
    def wait_until_it_expires(self, n: int, early: bool) -> None:
        kept = self.session(n)
        self.world.clock.advance(max(0, (kept.expires - self.now) // 2))
        if kept.in_force(self.now):
            self.world.write(lambda tx: tx.sessions.seen({kept.id: self.now}))
            kept.seen = self.now
        self.world.clock.advance(max(0, kept.expires - self.now - early))

    @rule(n=NUMBERS, early=st.booleans())
    def wait_until_it_was_idle_too_long(self, n: int, early: bool) -> None:
        self.world.clock.advance(max(0, self.session(n).seen + IDLE + 2 * SEEN_FLUSH - self.now - early))

    @rule()
    def restart(self) -> None:
        self.world.db.close()
        self.world.db.open()

    @invariant()
    def every_token_is_accepted_or_refused_as_the_model_says(self) -> None:
        async def checked(tx: Any) -> list[tuple[bytes, int] | None]:
            return [await _checked(tx, kept.token, self.now) for kept in self.kept]

        wanted = [(kept.id, kept.expires) if kept.in_force(self.now) else None for kept in self.kept]
        assert self.world.read(checked) == wanted

    @invariant()
    def every_list_is_the_models(self) -> None:
        chosen = [(owner, active) for owner in (None, *self.owners) for active in (None, True, False)]

        async def listed(tx: Any) -> list[list[bytes]]:
            of = [(owner.id if owner else None, active) for owner, active in chosen]
            return [await _listed(tx, Filter(who, active, idle=LIFETIME.idle), self.now) for who, active in of]

        assert self.world.db.scan(listed) == [self.wanted(owner, active) for owner, active in chosen]

    def wanted(self, owner: Owner | None, active: bool | None) -> list[bytes]:
        fitting = [
            (-kept.created, kept.id)
            for kept in self.kept
            if not kept.gone and owner in (None, kept.owner) and active in (None, kept.in_force(self.now))
        ]
        return [session_id for _, session_id in sorted(fitting)]


async def _checked(tx: Any, token: str, now: int) -> tuple[bytes, int] | None:
    try:
        session = (await check(tx, token, LIFETIME, now)).session
    except SessionRequired:
        return None
    return session.id, session.expires_at


async def _listed(tx: Any, where: Filter, now: int) -> list[bytes]:
    """All pages, of which none skips a row or shows one twice."""
    found: list[bytes] = []
    after: Position | None = None
    while True:
        rows = await tx.sessions.list(DEFAULT, where, now, after, 0, PAGE)
        found += [row.session.id for row in rows]
        if len(rows) < PAGE:
            assert await tx.sessions.count(DEFAULT, where, now) == len(found)
            return found
        after = Position(rows[-1].session.created_at, rows[-1].session.id)


def play(make: Callable[[], Database], examples: int, steps: int) -> None:
    machine = type("Sessions", (Sessions,), {"make": staticmethod(make)})
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[phase for phase in Phase if phase is not Phase.explain],
    )
    run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.parametrize(("examples", "steps"), [(60, 40), pytest.param(400, 60, marks=pytest.mark.long)])
def test_S4_sessions_on_sqlite_are_what_the_model_says(tmp_path: Path, run: Run, examples: int, steps: int) -> None:
    numbers = itertools.count()
    play(lambda: Database(f"sqlite://{tmp_path}/{next(numbers)}.sqlite", run), examples, steps)


@pytest.mark.parametrize(("examples", "steps"), [(15, 30), pytest.param(60, 50, marks=pytest.mark.long)])
def test_S4_sessions_on_postgres_are_what_the_model_says(
    shared_postgres: str, run: Run, examples: int, steps: int
) -> None:
    def emptied() -> Database:
        db = Database(shared_postgres, run)
        db.empty()
        return db

    play(emptied, examples, steps)
