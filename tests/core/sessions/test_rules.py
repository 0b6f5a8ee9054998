"""The life of a session: issued, checked, extended, renewed, and ended by the one rule that ends any."""

import itertools
import os
import re
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.world import DEVICE, LIFETIME, NOW, World, aged

from nightlatch.core.credentials.person import Person
from nightlatch.core.events.model import Act
from nightlatch.core.flows.model import Flow
from nightlatch.core.identities.model import State
from nightlatch.core.login.rules import SignedIn
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import (
    SEEN_FLUSH,
    Filter,
    How,
    Method,
    Policy,
    Revocation,
    Session,
    Standing,
    Where,
)
from nightlatch.core.sessions.policies import change
from nightlatch.core.sessions.rules import (
    PREFIX,
    Lifetime,
    assurance,
    check,
    end,
    extend,
    in_force,
    issue,
    renew,
    slides_to,
)
from nightlatch.kernel.clock import DAY, HOUR, MINUTE
from nightlatch.kernel.secrets import digest, new_token
from nightlatch.problems import AssuranceTooLow, SessionEnded, SessionNotFound, SessionRequired, SessionsFull

PASSWORD = Method("password", 1, NOW)
TOTP = Method("totp", 2, NOW)
IDLE = aged(idle=HOUR)


def issued(
    world: World, person: Person, *methods: Method, lifetime: Lifetime = LIFETIME, act: Act | None = None
) -> tuple[Session, str]:
    async def unit(tx: Any) -> tuple[Session, str]:
        epochs = await tx.sessions.epochs(DEFAULT, person.identity.id)
        return await issue(tx, act or world.act(), person.identity, methods or (PASSWORD,), DEVICE, lifetime, epochs)

    return world.write(unit)


def ending(world: World, how: How = How.DISABLE, reason: str = "test", **where: Any) -> Revocation:
    return world.write(lambda tx: end(tx, world.act(), Where(**where), how, reason))


def stored(world: World, session: Session) -> Standing | None:
    standing: Standing | None = world.read(lambda tx: tx.sessions.get(DEFAULT, session.id))
    return standing


def test_a_session_that_is_issued_is_accepted_with_its_identity(world: World) -> None:
    anna = world.anna()
    session, token = issued(world, anna, PASSWORD, TOTP)
    standing = world.standing(token)
    assert standing == Standing(session, ended=False, identity=anna.identity, second_factor=False)
    assert session.methods == (PASSWORD, TOTP)
    assert (session.aal, session.device, session.identity_id) == (2, DEVICE, anna.identity.id)
    assert {session.created_at, session.issued_at, session.authenticated_at, session.last_seen} == {NOW}
    assert session.expires_at == NOW + DAY
    assert len({session.id, session.device_id, anna.identity.id}) == 3
    assert ("session.issued", None, 1) in world.told()


def test_S1_S2_a_token_is_random_and_only_its_digest_is_kept(world: World) -> None:
    session, token = issued(world, world.anna())
    assert re.fullmatch(r"ory_st_[A-Za-z0-9]{32}", token)
    assert session.token_hash == digest(token)


def test_a_number_that_is_taken_is_drawn_again(world: World) -> None:
    anna = world.anna()
    first, _ = issued(world, anna)
    taken, other = (first.number << 3).to_bytes(7, "big"), b"\1" * 7
    numbers = iter([taken, taken, other])

    def entropy(length: int) -> bytes:
        return next(numbers) if length == 7 else world.entropy(length)

    second, token = issued(world, anna, act=Act(DEFAULT, "test", NOW, entropy))
    standing = world.standing(token)
    assert standing.session == second
    assert second.number == int.from_bytes(other, "big") >> 3


@pytest.mark.parametrize(
    ("levels", "expected"),
    [((), 0), ((1,), 1), ((1, 1), 1), ((2,), 1), ((2, 2), 1), ((1, 2), 2), ((2, 1), 2), ((1, 1, 2, 2), 2)],
)
def test_two_different_factors_make_the_higher_level(levels: tuple[int, ...], expected: int) -> None:
    assert assurance(tuple(Method("m", level, NOW) for level in levels)) == expected


@pytest.mark.parametrize("token", ["", "ory_st_", "ory_st_" + "A" * 32, "é", "\0", "x" * 10_000])
def test_a_token_of_nobody_is_refused(world: World, token: str) -> None:
    issued(world, world.anna())
    with pytest.raises(SessionRequired):
        world.standing(token)


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_S11_a_token_that_is_not_the_very_same_is_refused(world: World, data: st.DataObject) -> None:
    _, token = issued(world, _the_one(world))
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("aZ0 _=\0%\t\n\u00e9"))
    changed = data.draw(
        st.sampled_from(
            [
                token[:at],
                token[at + 1 :],
                token[:at] + letter + token[at + 1 :],
                token[:at] + letter + token[at:],
                token[:at] + token[at:].swapcase(),
                token + letter,
                letter + token,
                token.upper(),
                token[:at] + f"%{ord(token[at]):02X}" + token[at + 1 :],
            ]
        )
    )
    assert changed == token or not world.accepts(changed)
    assert world.accepts(token)


def _the_one(world: World) -> Person:
    """The only person there, whom the examples share."""
    rows = world.db.sql("select id from identities")
    return (world.find(bytes(rows[0][0])) if rows else None) or world.anna()


def test_S6_a_session_is_over_at_its_time_with_no_cleaner_running(world: World) -> None:
    _, token = issued(world, world.anna())
    world.clock.advance(DAY - 1)
    assert world.accepts(token)
    world.clock.advance(1)
    assert not world.accepts(token)


def test_S6_a_session_that_was_idle_too_long_is_over_but_for_what_may_not_be_written_yet(world: World) -> None:
    session, token = issued(world, world.anna())
    grace = 2 * SEEN_FLUSH
    world.clock.advance(HOUR + grace - 1)
    assert world.accepts(token, IDLE)
    world.clock.advance(1)
    assert not world.accepts(token, IDLE)
    assert world.accepts(token, LIFETIME)
    world.write(lambda tx: tx.sessions.seen({session.id: world.now}))
    world.clock.advance(HOUR + grace - 1)
    assert world.accepts(token, IDLE)


def test_S6_a_list_of_those_in_force_agrees_with_the_check(world: World) -> None:
    anna, tokens = world.anna(), []
    for wait in (0, 10 * MINUTE, 50 * MINUTE, 59 * MINUTE):
        world.clock.advance(wait)
        tokens.append(issued(world, anna)[1])
    for _ in range(200):
        world.clock.advance(9 * MINUTE)
        active = Filter(active=True, idle=IDLE.idle)
        listed = world.read(lambda tx, active=active: tx.sessions.list(DEFAULT, active, world.now, None, 0, 9))  # type: ignore[misc]
        assert len(listed) == sum(world.accepts(token, IDLE) for token in tokens)
        assert all(in_force(standing, IDLE, world.now) for standing in listed)


def test_S6_use_prolongs_a_session_up_to_a_bound_and_revives_none(world: World) -> None:
    session, token = issued(world, world.anna())
    sliding = aged(sliding=10 * DAY)

    def used() -> int | None:
        return slides_to(world.standing(token), sliding, world.now)

    def prolonged(to: int) -> bool:
        now = world.standing(token).session
        return world.write(lambda tx: tx.sessions.prolong(now, to))

    world.clock.advance(DAY // 10)
    assert used() is None, "a write for every check"
    assert slides_to(world.standing(token), LIFETIME, world.now) is None
    while world.now < session.authenticated_at + 9 * DAY:
        world.clock.advance(20 * HOUR)
        end = used()
        assert end is not None
        assert end == min(world.now + DAY, NOW + 10 * DAY)
        assert prolonged(end)
    world.clock.advance(HOUR)
    assert used() is None
    assert not world.write(lambda tx: tx.sessions.prolong(session, NOW + 99 * DAY)), "as it was read long ago"
    world.clock.advance(NOW + 10 * DAY - world.now)
    assert not world.accepts(token)


def test_S6_use_prolongs_none_whose_lifespan_is_their_own(world: World) -> None:
    anna = world.anna()
    own = Policy(lifespan=8 * HOUR)
    world.write(lambda tx: change(tx, world.act(), [anna.identity.id], lambda _: own, None))
    _, token = issued(world, world.stored(anna))
    world.clock.advance(7 * HOUR)
    assert slides_to(world.standing(token), aged(sliding=10 * DAY), world.now) is None


def test_a_session_of_an_inactive_identity_is_over(world: World) -> None:
    anna = world.anna()
    _, token = issued(world, anna)
    standing = world.standing(token)
    inactive = msgspec.structs.replace(anna.identity, state=State.INACTIVE)
    assert in_force(standing, LIFETIME, NOW)
    assert not in_force(msgspec.structs.replace(standing, identity=inactive), LIFETIME, NOW)
    assert not in_force(msgspec.structs.replace(standing, ended=True), LIFETIME, NOW)


def test_S9_the_level_that_is_asked_for_follows_from_the_credentials_of_now(world: World) -> None:
    anna = world.anna()
    _, weak = issued(world, anna, PASSWORD)
    _, strong = issued(world, anna, PASSWORD, TOTP)

    def highest(token: str) -> Standing:
        return world.read(lambda tx: check(tx, token, LIFETIME, world.now, highest=True))

    assert highest(weak).session.aal == 1
    world.update(anna, credentials={"totp": {"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"}})
    with pytest.raises(AssuranceTooLow):
        highest(weak)
    assert highest(strong).session.aal == 2
    assert world.accepts(weak)


def test_a_session_that_is_over_is_refused_before_its_level_is_looked_at(world: World) -> None:
    anna = world.anna(credentials={"totp": {"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"}})
    session, token = issued(world, anna)
    ending(world, session_id=session.id)
    with pytest.raises(SessionRequired):
        world.read(lambda tx: check(tx, token, LIFETIME, world.now, highest=True))


@pytest.mark.parametrize(("how", "name"), [(How.DISABLE, "session.ended"), (How.DELETE, "session.deleted")])
def test_S4_an_ending_is_one_event_with_reason_and_count(world: World, how: How, name: str) -> None:
    anna = world.anna()
    tokens = [issued(world, anna)[1] for _ in range(3)]
    one, other = (world.standing(token).session for token in tokens[:2])
    world.told()
    assert ending(world, how, "admin", session_id=one.id) == Revocation(1, known=True, identity_id=anna.identity.id)
    assert world.told() == [(name, "admin", 1)]
    assert [world.accepts(token) for token in tokens] == [False, True, True]
    assert ending(world, how, "own_others", identity_id=anna.identity.id, but=other.id).count == 1
    assert world.told() == [(name, "own_others", 1)]
    assert [world.accepts(token) for token in tokens] == [False, True, False]
    ending(world, how, "admin", identity_id=anna.identity.id)
    assert world.told() == [(name, "admin", 1)]
    assert not any(world.accepts(token) for token in tokens)


def test_ending_what_is_over_or_unknown_tells_of_nothing(world: World) -> None:
    anna = world.anna()
    session, _ = issued(world, anna)
    ending(world, session_id=session.id)
    world.told()
    assert ending(world, session_id=session.id) == Revocation(0, known=True, identity_id=anna.identity.id)
    assert not ending(world, session_id=anna.identity.id).known
    assert not ending(world, identity_id=session.id).known
    assert world.told() == []


def test_S4_an_ending_and_its_event_are_one_unit(world: World) -> None:
    anna = world.anna()
    _, token = issued(world, anna)
    world.told()

    async def failing(tx: Any) -> None:
        await end(tx, world.act(), Where(identity_id=anna.identity.id), How.DISABLE, "admin")
        raise SessionNotFound

    with pytest.raises(SessionNotFound):
        world.write(failing)
    assert world.accepts(token)
    assert world.told() == []


def test_extending_gives_a_lifespan_from_now_when_little_enough_is_left(world: World) -> None:
    session, token = issued(world, world.anna())
    late = aged(extend_within=HOUR)
    world.told()
    world.clock.advance(DAY - HOUR - 1)
    unchanged = world.write(lambda tx: extend(tx, world.act(), session.id, late))
    assert (unchanged.session, world.told()) == (session, [])
    world.clock.advance(1)
    extended = world.write(lambda tx: extend(tx, world.act(), session.id, late))
    assert extended.session == msgspec.structs.replace(session, expires_at=world.now + DAY)
    assert world.standing(token) == extended
    assert world.told() == [("session.extended", None, 1)]


def test_extending_never_shortens(world: World) -> None:
    session, _ = issued(world, world.anna())
    short = Lifetime(lifespan=HOUR, extend_within=30 * DAY)
    assert world.write(lambda tx: extend(tx, world.act(), session.id, short)).session == session


def test_S4_extending_revives_nothing(world: World) -> None:
    anna = world.anna()
    ended, _ = issued(world, anna)
    expired, _ = issued(world, anna, lifetime=aged(lifespan=1))
    idle, _ = issued(world, anna)
    world.clock.advance(2 * HOUR)
    ending(world, session_id=ended.id)
    world.told()
    for session in (ended, expired, idle):
        with pytest.raises(SessionEnded):
            world.write(lambda tx, session=session: extend(tx, world.act(), session.id, IDLE))  # type: ignore[misc]
    with pytest.raises(SessionNotFound):
        world.write(lambda tx: extend(tx, world.act(), anna.identity.id, IDLE))
    world.update(anna, state=State.INACTIVE)
    with pytest.raises(SessionEnded):
        world.write(lambda tx: extend(tx, world.act(), idle.id, LIFETIME))
    assert [s.session.expires_at for s in (stored(world, ended), stored(world, expired)) if s] == [
        ended.expires_at,
        expired.expires_at,
    ]


def test_S3_renewing_keeps_id_and_token_and_adds_the_method(world: World) -> None:
    session, token = issued(world, world.anna())
    world.clock.advance(HOUR)
    method = Method("totp", 2, world.now)
    renewed = world.write(lambda tx: renew(tx, world.act(), session.id, method, LIFETIME))
    assert renewed == msgspec.structs.replace(
        session,
        methods=(PASSWORD, method),
        aal=2,
        issued_at=world.now,
        authenticated_at=world.now,
        expires_at=world.now + DAY,
    )
    assert world.standing(token).session == renewed
    assert world.told()[-1] == ("session.renewed", None, 1)


def test_a_method_stands_in_a_session_once_with_its_last_time_however_often_it_is_used(world: World) -> None:
    session, _ = issued(world, world.anna(), PASSWORD, TOTP)
    for _ in range(3):
        for method in ("code", "password"):
            world.clock.advance(HOUR)
            proved = Method(method, 1, world.now)
            renewed = world.write(lambda tx: renew(tx, world.act(), session.id, proved, LIFETIME))  # noqa: B023
    assert renewed is not None
    assert renewed.methods == (TOTP, Method("code", 1, world.now - HOUR), Method("password", 1, world.now))
    assert renewed.aal == 2


def test_S3_renewing_with_a_token_kills_the_one_before_and_of_two_at_once_one_wins(world: World) -> None:
    session, token = issued(world, world.anna())
    fresh = new_token(PREFIX, os.urandom)
    renewed = world.write(lambda tx: renew(tx, world.act(), session.id, PASSWORD, LIFETIME, fresh))
    assert renewed is not None
    assert (renewed.id, renewed.token_hash) == (session.id, digest(fresh))
    assert [world.accepts(each) for each in (token, fresh)] == [False, True]
    assert world.write(lambda tx: tx.sessions.retoken(session, digest("late"))) is False
    ending(world, session_id=session.id)
    assert world.write(lambda tx: tx.sessions.retoken(renewed, digest("late"))) is False


def test_S4_renewing_revives_nothing(world: World) -> None:
    anna = world.anna()
    ended, _ = issued(world, anna)
    expired, _ = issued(world, anna, lifetime=aged(lifespan=1))
    ending(world, session_id=ended.id)
    world.clock.advance(1)
    world.told()
    for session_id in (ended.id, expired.id, anna.identity.id):
        renewing = world.write(lambda tx, s=session_id: renew(tx, world.act(), s, PASSWORD, LIFETIME))  # type: ignore[misc]
        assert renewing is None
    assert world.told() == []


def test_S13_beyond_the_most_the_oldest_gives_way(world: World) -> None:
    anna, other = world.anna(), world.create({"email": "other@example.org"})
    few = aged(most=3)
    theirs = issued(world, other)[1]
    tokens = []
    for _ in range(5):
        world.clock.advance(MINUTE)
        tokens.append(issued(world, anna, lifetime=few)[1])
    assert [world.accepts(token) for token in tokens] == [False, False, True, True, True]
    assert world.accepts(theirs)
    assert world.told().count(("session.ended", "limit", 1)) == 2


def test_S13_beyond_the_most_a_sign_in_is_refused_where_the_rules_say_so(world: World) -> None:
    anna, few = world.anna(), aged(most=2, refuse=True)
    tokens = [world.signed_in(lifetime=few) for _ in range(2)]
    refused = world.login(lifetime=few)
    assert isinstance(refused, Flow)
    assert refused.facts.problems == ({"code": "sessions_full"},)
    assert refused.used_at is None
    with pytest.raises(SessionsFull):
        issued(world, anna, lifetime=few)
    assert isinstance(world.login(lifetime=few, current=world.standing(tokens[0])), SignedIn)
    ending(world, session_id=world.standing(tokens[0]).session.id)
    world.signed_in(lifetime=few)


def test_S13_those_that_are_over_take_no_place(world: World) -> None:
    anna = world.anna()
    few = aged(most=2, idle=HOUR)
    ended, _ = issued(world, anna, lifetime=few)
    ending(world, session_id=ended.id)
    issued(world, anna, lifetime=aged(few, lifespan=1))
    world.clock.advance(MINUTE)
    kept = [issued(world, anna, lifetime=few)[1] for _ in range(2)]
    assert all(world.accepts(token) for token in kept)
    assert ("session.ended", "limit", 1) not in world.told()


def test_S13_a_limit_that_was_lowered_is_kept_at_the_next_sign_in(world: World) -> None:
    anna = world.anna()
    tokens = []
    for _ in range(6):
        world.clock.advance(MINUTE)
        tokens.append(issued(world, anna)[1])
    for _ in itertools.repeat(None, 2):
        world.clock.advance(MINUTE)
        tokens.append(issued(world, anna, lifetime=aged(most=4))[1])
    assert [world.accepts(token) for token in tokens] == [False] * 4 + [True] * 4
