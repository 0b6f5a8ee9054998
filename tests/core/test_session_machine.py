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
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.core.world import DEVICE, PASSWORD, World
from tests.database import Database, Run

from nightlatch.core.administration import identities as administration
from nightlatch.core.credentials.person import Person
from nightlatch.core.identities.model import State
from nightlatch.core.login.rules import SignedIn
from nightlatch.core.logout.rules import end_mine, end_others, sign_out
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.recovery.rules import Recovered, Redeeming, make_code, redeem
from nightlatch.core.sessions.model import Filter, How, Position, Where
from nightlatch.core.sessions.rules import SEEN_FLUSH, Lifetime, end, extend, idle_since
from nightlatch.kernel.clock import DAY, HOUR, MINUTE, SECOND
from nightlatch.problems import Conflict, FieldInvalid, SessionEnded, SessionNotFound, SessionRequired

LIFETIME = Lifetime(lifespan=DAY, extend_within=12 * HOUR, idle=5 * HOUR, most=4)
PAGE = 3


@dataclass
class Owner:
    """What the model knows of a person."""

    person: Person
    email: str
    password: str = PASSWORD
    active: bool = True
    exists: bool = True


@dataclass
class Kept:
    """What the model knows of a session."""

    id: bytes
    token: str
    owner: Owner
    created: int
    expires: int
    seen: int
    ended: bool = False
    gone: bool = False

    def in_force(self, now: int) -> bool:
        idle = self.seen + 5 * HOUR + 2 * SEEN_FLUSH
        return not (self.ended or self.gone) and self.owner.active and now < self.expires and now < idle


class Sessions(RuleBasedStateMachine):
    """One run: a database of its own, and the model beside it."""

    make: ClassVar[Callable[[], Database]]
    people: Bundle[Owner] = Bundle("people")
    sessions: Bundle[Kept] = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(type(self).make())
        self.kept: list[Kept] = []
        self.emails = itertools.count()

    def teardown(self) -> None:
        self.world.close()
        self.world.db.close()

    @property
    def now(self) -> int:
        return self.world.now

    def of(self, owner: Owner) -> list[Kept]:
        return [kept for kept in self.kept if kept.owner is owner and not kept.gone]

    def end_model(self, some: list[Kept], how: How = How.DISABLE) -> int:
        """How many end that had not."""
        ending = [kept for kept in some if not kept.gone and (how is How.DELETE or not kept.ended)]
        for kept in ending:
            kept.ended, kept.gone = True, kept.gone or how is How.DELETE
        return len(ending)

    def issued(self, owner: Owner, session: Any, token: str) -> Kept:
        mine = sorted((k for k in self.of(owner) if k.in_force(self.now)), key=lambda k: (-k.created, k.id))
        self.end_model(mine[LIFETIME.most - 1 :])
        kept = Kept(session.id, token, owner, self.now, self.now + DAY, self.now)
        self.kept.append(kept)
        return kept

    @rule(target=people)
    def create(self) -> Owner:
        email = f"p{next(self.emails)}@example.org"
        return Owner(self.world.create({"email": email}, PASSWORD), email)

    @rule(owner=people)
    def create_again(self, owner: Owner) -> None:
        if owner.exists:
            with pytest.raises(Conflict):
                self.world.create({"email": owner.email}, PASSWORD)

    @rule(target=sessions, owner=people)
    def sign_in(self, owner: Owner) -> Kept:
        outcome = self.world.login(owner.email, owner.password, lifetime=LIFETIME)
        assert isinstance(outcome, SignedIn) is (owner.exists and owner.active)
        if not isinstance(outcome, SignedIn):
            return Kept(bytes(16), "refused", owner, 0, 0, 0, gone=True)
        assert outcome.token is not None
        return self.issued(owner, outcome.session, outcome.token)

    @rule(owner=people)
    def sign_in_wrongly(self, owner: Owner) -> None:
        assert not isinstance(self.world.login(owner.email, "wrong", lifetime=LIFETIME), SignedIn)

    @rule(kept=sessions)
    def prove_again(self, kept: Kept) -> None:
        if not kept.in_force(self.now):
            return
        current = self.world.standing(kept.token, LIFETIME)
        outcome = self.world.login(kept.owner.email, kept.owner.password, current=current, lifetime=LIFETIME)
        assert isinstance(outcome, SignedIn)
        assert outcome.token is None
        kept.expires = max(kept.expires, self.now + DAY)

    @rule(kept=sessions)
    def extend(self, kept: Kept) -> None:
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

    @rule(kept=sessions, how=st.sampled_from(How))
    def end_one(self, kept: Kept, how: How) -> None:
        done = self.world.write(lambda tx: end(tx, self.world.act(), Where(session_id=kept.id), how, "test"))
        assert done.known is not kept.gone
        assert done.count == self.end_model([kept], how)

    @rule(owner=people, how=st.sampled_from(How))
    def end_all(self, owner: Owner, how: How) -> None:
        where = Where(identity_id=owner.person.identity.id)
        done = self.world.write(lambda tx: end(tx, self.world.act(), where, how, "test"))
        assert done.known is owner.exists
        assert done.count == self.end_model(self.of(owner), how)

    @rule(kept=sessions)
    def end_others(self, kept: Kept) -> None:
        if kept.in_force(self.now):
            mine = self.world.standing(kept.token, LIFETIME)
            done = self.world.write(lambda tx: end_others(tx, self.world.act(), mine))
            assert done.count == self.end_model([other for other in self.of(kept.owner) if other is not kept])

    @rule(kept=sessions, other=sessions)
    def end_mine(self, kept: Kept, other: Kept) -> None:
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

    @rule(kept=sessions)
    def sign_out(self, kept: Kept) -> None:
        if not kept.gone:
            self.world.write(lambda tx: sign_out(tx, self.world.act(), kept.token))
            self.end_model([kept])

    @rule(owner=people, active=st.booleans())
    def change_state(self, owner: Owner, active: bool) -> None:
        if owner.exists:
            self.world.update(owner.person, state=State.ACTIVE if active else State.INACTIVE)
            if owner.active and not active:
                self.end_model(self.of(owner))
            owner.active = active

    @rule(owner=people, password=st.sampled_from(["another long password", "a third long password", PASSWORD]))
    def change_password(self, owner: Owner, password: str) -> None:
        if owner.exists:
            self.world.update(owner.person, password=password)
            # A new hash of the same password is another value, too: nobody can tell that it is the same.
            owner.password = password
            self.end_model(self.of(owner))

    @rule(owner=people)
    def delete(self, owner: Owner) -> None:
        identity_id = owner.person.identity.id
        done = self.world.write(lambda tx: administration.delete(tx, self.world.act(), identity_id))
        assert done is owner.exists
        self.end_model(self.of(owner), How.DELETE)
        owner.exists = False

    @rule(target=sessions, owner=people)
    def recover(self, owner: Owner) -> Kept:
        if not owner.exists or not owner.active:
            return Kept(bytes(16), "refused", owner, 0, 0, 0, gone=True)
        world, identity_id = self.world, owner.person.identity.id
        code = world.write(
            lambda tx: make_code(tx, world.act(), world.code_keys, identity_id, HOUR, "api", "http://x/")
        )
        outcome = world.write(
            lambda tx: redeem(
                tx, world.act(), world.code_keys, code.flow.id, code.secret, DEVICE, LIFETIME, Redeeming(5, HOUR)
            )
        )
        assert isinstance(outcome, Recovered)
        self.end_model(self.of(owner))
        return self.issued(owner, outcome.session, outcome.token)

    @rule(kept=sessions)
    def see(self, kept: Kept) -> None:
        if kept.in_force(self.now):
            self.world.write(lambda tx: tx.sessions.seen({kept.id: self.now}))
            kept.seen = self.now

    @rule(time=st.sampled_from([1, SECOND, MINUTE, HOUR, 5 * HOUR, 12 * HOUR, DAY]))
    def wait(self, time: int) -> None:
        self.world.clock.advance(time)

    @rule(kept=sessions, limit=st.sampled_from(["expires", "idle"]), early=st.booleans())
    def wait_for_the_end_of(self, kept: Kept, limit: str, early: bool) -> None:
        end_of = kept.expires if limit == "expires" else kept.seen + 5 * HOUR + 2 * SEEN_FLUSH
        self.world.clock.advance(max(0, end_of - self.now - early))

    @rule()
    def restart(self) -> None:
        self.world.db.close()
        self.world.db.open()

    @invariant()
    def every_token_is_accepted_or_refused_as_the_model_says(self) -> None:
        for kept in self.kept:
            try:
                found = self.world.standing(kept.token, LIFETIME).session
            except SessionRequired:
                assert not kept.in_force(self.now)
            else:
                assert kept.in_force(self.now)
                assert (found.id, found.expires_at) == (kept.id, kept.expires)

    @invariant()
    def every_list_is_the_models(self) -> None:
        owners = list({id(kept.owner): kept.owner for kept in self.kept}.values())
        for owner in (None, *owners[-2:]):
            for active in (None, True, False):
                wanted = [
                    (-kept.created, kept.id)
                    for kept in self.kept
                    if not kept.gone and owner in (None, kept.owner) and active in (None, kept.in_force(self.now))
                ]
                identity_id = owner.person.identity.id if owner else None
                where = Filter(identity_id, active, idle_since=idle_since(LIFETIME, self.now))
                assert self._listed(where) == [session_id for _, session_id in sorted(wanted)]

    def _listed(self, where: Filter) -> list[bytes]:
        now = self.now

        async def pages(tx: Any) -> list[bytes]:
            found: list[bytes] = []
            after: Position | None = None
            while True:
                rows = await tx.sessions.list(DEFAULT, where, now, after, 0, PAGE)
                found += [row.session.id for row in rows]
                if len(rows) < PAGE:
                    assert await tx.sessions.count(DEFAULT, where, now) == len(found)
                    return found
                after = Position(rows[-1].session.created_at, rows[-1].session.id)

        return self.world.db.scan(pages)


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


@pytest.mark.parametrize(("examples", "steps"), [(40, 30), pytest.param(1500, 60, marks=pytest.mark.long)])
def test_S4_sessions_on_sqlite_are_what_the_model_says(tmp_path: Path, run: Run, examples: int, steps: int) -> None:
    numbers = itertools.count()
    play(lambda: Database(f"sqlite://{tmp_path}/{next(numbers)}.sqlite", run), examples, steps)


@pytest.mark.parametrize(("examples", "steps"), [(12, 25), pytest.param(150, 50, marks=pytest.mark.long)])
def test_S4_sessions_on_postgres_are_what_the_model_says(
    shared_postgres: str, run: Run, examples: int, steps: int
) -> None:
    def emptied() -> Database:
        db = Database(shared_postgres, run)
        db.empty()
        return db

    play(emptied, examples, steps)
