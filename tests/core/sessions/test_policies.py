"""Policies of organizations and of identities: each member at each level, for sessions that are there and those to come."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.world import LIFETIME, NOW, World, aged

from nightlatch.core.credentials.person import Person
from nightlatch.core.flows.model import Flow
from nightlatch.core.login.rules import SignedIn
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import IDLE_GRACE, NO_POLICY, AtLimit, Filter, Governed, Policy, Session
from nightlatch.core.sessions.policies import change, change_organization, check, of_identity, of_organization
from nightlatch.core.sessions.question import Question, State, filter_of, state_of
from nightlatch.core.sessions.rules import Lifetime, extend
from nightlatch.kernel.clock import DAY, HOUR, MINUTE
from nightlatch.kernel.ids import id_text
from nightlatch.problems import FieldInvalid, IdentityNotFound, OrganizationNotFound, SessionEnded

ORGANIZATION, IDENTITY = "the organization", "the identity"
IDLE = aged(idle=HOUR)
EVERYTHING = Policy(8 * HOUR, HOUR, 5, AtLimit.REFUSE, end_others=False, ends_with_browser=True)


@pytest.fixture
def anna(world: World) -> Person:
    return world.anna()


def put(world: World, whose: Person | None, lifetime: Lifetime = LIFETIME, **members: Any) -> None:
    """A policy in place of the one before: of a person, or of the organization."""
    policy = Policy(**members)
    if whose is None:
        world.write(lambda tx: change_organization(tx, world.act(), lambda _: policy, lifetime.idle))
    else:
        world.write(lambda tx: change(tx, world.act(), [whose.identity.id], lambda _: policy, lifetime.idle))


def at(level: str, anna: Person) -> Person | None:
    return anna if level == IDENTITY else None


def session(world: World, token: str) -> Session:
    return world.standing(token).session


def told_alike(world: World, token_of: Session, lifetime: Lifetime = LIFETIME) -> bool:
    """Whether it is in force, as lists, counts, states and filters say too."""
    standing = world.read(lambda tx: tx.sessions.get(DEFAULT, token_of.id))
    said = {state_of(standing, lifetime.idle, world.now) is State.ACTIVE}
    for active in (True, False):
        where = Filter(token_of.identity_id, active, idle=lifetime.idle)
        rows = world.read(lambda tx, where=where: tx.sessions.list(DEFAULT, where, world.now, None, 0, 99))
        count = world.read(lambda tx, where=where: tx.sessions.count(DEFAULT, where, world.now))
        assert count == len(rows)
        said.add((token_of.id in {row.session.id for row in rows}) is active)
    for state in ('eq "active"', 'ne "expired"'):
        hers = f'identity.id eq "{id_text(token_of.identity_id)}" and state {state}'
        asked = Question(DEFAULT, world.now, lifetime.idle, filter_of(hers))
        places = world.db.scan(lambda tx, asked=asked: tx.questions.places(asked, None, None, 99))
        said.add(token_of.id in {key for _, key in places})
    by_id = filter_of(f'id eq "{id_text(token_of.id)}"')
    [shown] = world.db.scan(lambda tx: tx.questions.list(Question(DEFAULT, world.now, None, by_id), None, None, 9))
    assert shown.session.expires_at == standing.session.expires_at
    (answer,) = said
    return answer


def test_without_a_policy_sessions_live_as_configured(world: World, anna: Person) -> None:
    assert world.read(lambda tx: tx.policies.of(DEFAULT, [anna.identity.id, bytes(16)])) == {
        anna.identity.id: Governed(NO_POLICY, NO_POLICY)
    }
    assert world.read(lambda tx: of_organization(tx, DEFAULT)) == NO_POLICY
    assert session(world, world.signed_in()).expires_at == NOW + DAY


@pytest.mark.parametrize("member", Policy.__struct_fields__)
def test_each_member_of_an_identitys_policy_goes_before_its_organizations(
    world: World, anna: Person, member: str
) -> None:
    other = {"lifespan": DAY, "idle": DAY, "max_per_identity": 9, "at_limit": AtLimit.OLDEST_ENDS, "end_others": True, "ends_with_browser": False}  # fmt: skip
    mine, theirs = getattr(EVERYTHING, member), other[member]

    def effective() -> Any:
        token = world.signed_in()
        policy = session(world, token).policy
        assert policy == world.read(lambda tx: tx.policies.of(DEFAULT, [anna.identity.id]))[anna.identity.id].effective
        assert msgspec.structs.replace(policy, **{member: None}) == NO_POLICY
        return getattr(policy, member)

    put(world, None, **{member: theirs})
    assert effective() == theirs
    put(world, anna, **{member: mine})
    assert effective() == mine
    assert world.read(lambda tx: of_identity(tx, world.act(), anna.identity.id)) == Policy(**{member: mine})
    put(world, anna)
    assert effective() == theirs
    put(world, None)
    assert effective() is None


@pytest.mark.parametrize("level", [ORGANIZATION, IDENTITY])
@pytest.mark.parametrize("lifespan", [HOUR, 3650 * DAY])
def test_S6_a_lifespan_takes_the_place_of_the_configured_one(
    world: World, anna: Person, level: str, lifespan: int
) -> None:
    put(world, at(level, anna), lifespan=lifespan)
    token = world.signed_in(lifetime=aged(lifespan=30 * DAY, sliding=90 * DAY))
    made = session(world, token)
    assert made.expires_at == NOW + lifespan
    world.clock.advance(lifespan - 1)
    assert world.accepts(token)
    assert told_alike(world, made)
    world.clock.advance(1)
    assert not world.accepts(token)
    assert not told_alike(world, made)


@pytest.mark.parametrize("level", [ORGANIZATION, IDENTITY])
def test_S6_a_shorter_lifespan_governs_the_sessions_that_are_there_at_their_next_check(
    world: World, anna: Person, level: str
) -> None:
    world.create({"email": "other@example.org"}, "a long enough password")
    old, theirs = world.signed_in(), world.signed_in("other@example.org", "a long enough password")
    short = world.signed_in(lifetime=aged(lifespan=HOUR))
    world.clock.advance(2 * MINUTE)
    new = world.signed_in()
    put(world, at(level, anna), lifespan=2 * HOUR)
    ends = [session(world, token).expires_at - NOW for token in (old, short, new, theirs)]
    assert ends == [2 * HOUR, HOUR, 2 * HOUR + 2 * MINUTE, DAY if level == IDENTITY else 2 * HOUR]
    made = session(world, old)
    put(world, at(level, anna), lifespan=MINUTE)
    assert [world.accepts(token) for token in (old, short, new)] == [False, False, True]
    assert not told_alike(world, made)
    assert session(world, new).expires_at == world.now + MINUTE


@pytest.mark.parametrize("level", [ORGANIZATION, IDENTITY])
def test_S6_a_shorter_idle_time_governs_the_sessions_that_are_there_at_their_next_check(
    world: World, anna: Person, level: str
) -> None:
    unused, used = world.signed_in(), world.signed_in()
    made = session(world, unused)
    world.clock.advance(HOUR)
    seen = session(world, used)
    world.write(lambda tx: tx.sessions.seen({seen.id: world.now}))
    put(world, at(level, anna), idle=10 * MINUTE)
    for lifetime in (LIFETIME, IDLE):
        assert [world.accepts(token, lifetime) for token in (unused, used)] == [False, True]
        assert [told_alike(world, each, lifetime) for each in (made, seen)] == [False, True]
    world.clock.advance(10 * MINUTE + IDLE_GRACE - 1)
    assert world.accepts(used)
    world.clock.advance(1)
    assert not world.accepts(used)
    assert not told_alike(world, seen)


def test_S6_an_idle_time_may_be_longer_than_the_configured_one(world: World, anna: Person) -> None:
    put(world, None, IDLE, idle=3 * HOUR)
    token = world.signed_in()
    world.clock.advance(2 * HOUR)
    assert world.accepts(token, IDLE)
    assert told_alike(world, session(world, token), IDLE)
    put(world, anna, IDLE, idle=90 * MINUTE)
    assert not world.accepts(token, IDLE)


LOOSER = {
    "longer": [(level, level, {member: HOUR}, {member: 9 * DAY}) for level in (ORGANIZATION, IDENTITY) for member in ("lifespan", "idle")],
    "cleared": [(level, level, {member: HOUR}, {}) for level in (ORGANIZATION, IDENTITY) for member in ("lifespan", "idle")],
    "of one's own": [(ORGANIZATION, IDENTITY, {member: HOUR}, {member: 9 * DAY}) for member in ("lifespan", "idle")],
}  # fmt: skip


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{how}: {case}") for how, some in LOOSER.items() for case in some]
)
def test_S6_a_policy_that_grows_longer_revives_nothing_and_spares_what_lives(
    world: World, anna: Person, case: tuple[str, str, dict[str, int], dict[str, int]]
) -> None:
    first, then, short, long = case
    put(world, at(first, anna), **short)
    old = world.signed_in(lifetime=aged(lifespan=30 * DAY))
    world.db.sql(f"update sessions set expires_at = {NOW + 30 * DAY}")  # as it would have lived under no policy
    world.clock.advance(2 * HOUR)
    new = world.signed_in()
    assert [world.accepts(token) for token in (old, new)] == [False, True]
    for _ in range(2):
        put(world, at(then, anna), **long)
        assert [world.accepts(token) for token in (old, new)] == [False, True]
        world.clock.advance(MINUTE)
    put(world, None)
    put(world, anna)
    assert [world.accepts(token) for token in (old, new)] == [False, True]
    [gone] = world.read(lambda tx: tx.sessions.list(DEFAULT, Filter(active=False), world.now, None, 0, 9))
    assert gone.session.expires_at == gone.session.last_seen
    assert not told_alike(world, gone.session)
    with pytest.raises(SessionEnded):
        world.write(lambda tx: extend(tx, world.act(), gone.session.id, LIFETIME))


def test_S6_an_idle_time_longer_than_the_configured_one_revives_nothing(world: World, anna: Person) -> None:
    tokens = [world.signed_in(), world.signed_in()]
    world.clock.advance(HOUR)
    seen = session(world, tokens[1])
    world.write(lambda tx: tx.sessions.seen({seen.id: world.now}))
    world.clock.advance(IDLE_GRACE)
    for whose in (None, anna):
        assert [world.accepts(token, IDLE) for token in tokens] == [False, True]
        put(world, whose, IDLE, idle=DAY)
        assert [world.accepts(token, IDLE) for token in tokens] == [False, True]


def test_a_lifespan_of_ones_own_is_not_bounded_by_what_the_organizations_ended(world: World, anna: Person) -> None:
    world.create({"email": "other@example.org"}, "a long enough password")
    put(world, anna, lifespan=9 * DAY, idle=9 * DAY)
    mine = world.signed_in()
    theirs = world.signed_in("other@example.org", "a long enough password")
    put(world, None, lifespan=HOUR, idle=HOUR)
    world.clock.advance(2 * HOUR)
    put(world, None)
    assert [world.accepts(token) for token in (mine, theirs)] == [True, False]


def test_a_policy_that_grows_longer_gives_a_living_session_its_own_end_and_no_more(world: World, anna: Person) -> None:
    there = world.signed_in()
    put(world, anna, lifespan=2 * HOUR)
    issued_under_it = world.signed_in()
    put(world, anna, lifespan=9 * DAY)
    assert [session(world, token).expires_at for token in (there, issued_under_it)] == [NOW + DAY, NOW + 2 * HOUR]


def test_extending_goes_as_far_as_the_policy_and_no_further(world: World, anna: Person) -> None:
    token = world.signed_in()
    session_id = session(world, token).id

    def extended() -> int:
        longer = world.write(lambda tx: extend(tx, world.act(), session_id, LIFETIME))
        assert longer.session == session(world, token)
        return longer.session.expires_at - NOW

    put(world, anna, lifespan=6 * HOUR)
    world.clock.advance(HOUR)
    assert extended() == 6 * HOUR
    put(world, anna, lifespan=3 * DAY)
    assert extended() == 3 * DAY
    put(world, anna)
    assert extended() == 3 * DAY


def test_proving_oneself_again_begins_a_lifespan_anew(world: World, anna: Person) -> None:
    token = world.signed_in()
    put(world, None, lifespan=6 * HOUR)
    world.clock.advance(HOUR)
    assert isinstance(world.login(current=world.standing(token)), SignedIn)
    assert session(world, token).expires_at == world.now + 6 * HOUR


@pytest.mark.parametrize("level", [ORGANIZATION, IDENTITY])
def test_S13_a_most_that_was_lowered_is_kept_at_the_next_sign_in(world: World, anna: Person, level: str) -> None:
    tokens = [world.signed_in() for _ in range(3)]
    put(world, at(level, anna), max_per_identity=2)
    assert all(world.accepts(token) for token in tokens)
    world.clock.advance(MINUTE)
    tokens.append(world.signed_in(lifetime=aged(most=9)))
    assert sum(world.accepts(token) for token in tokens) == 2
    put(world, at(level, anna), max_per_identity=2, at_limit=AtLimit.REFUSE)
    refused = world.login()
    assert isinstance(refused, Flow)
    assert refused.facts.problems == ({"code": "sessions_full"},)
    put(world, at(level, anna), at_limit=AtLimit.OLDEST_ENDS)
    world.signed_in(lifetime=aged(most=2, refuse=True))
    # What a sign-in does to all others is the configuration's to say, whoever may have how many.
    put(world, at(level, anna), max_per_identity=5, at_limit=AtLimit.REFUSE)
    alone = world.signed_in(lifetime=aged(alone=True))
    assert [world.accepts(token) for token in (*tokens, alone)] == [False] * 4 + [True]


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"lifespan": MINUTE - 1}, "lifespan"), ({"lifespan": 3653 * DAY}, "lifespan"), ({"idle": 0}, "idle"),
        ({"idle": -HOUR}, "idle"), ({"max_per_identity": 0}, "max_per_identity"),
        ({"max_per_identity": 100_001}, "max_per_identity"), ({"lifespan": 2**70}, "lifespan"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_is_refused_and_changes_nothing(
    world: World, anna: Person, members: dict[str, int], field: str
) -> None:
    world.told()
    for whose in (None, anna):
        with pytest.raises(FieldInvalid) as refused:
            put(world, whose, **members)
        assert refused.value.field == field
    assert world.read(lambda tx: tx.policies.of(DEFAULT, [anna.identity.id]))[anna.identity.id].effective == NO_POLICY
    assert world.told() == []
    assert check(EVERYTHING) is EVERYTHING


def test_a_change_is_told_once_of_those_whose_policy_it_is(world: World, anna: Person) -> None:
    other = world.create({"email": "other@example.org"})
    ids = [anna.identity.id, other.identity.id]

    def changed(**members: Any) -> list[bytes]:
        some = [*ids, bytes(16)]
        return list(world.write(lambda tx: change(tx, world.act(), some, lambda p: msgspec.structs.replace(p, **members), None)))  # fmt: skip

    world.db.happened.clear()
    put(world, anna, lifespan=HOUR)
    assert set(changed(lifespan=HOUR, at_limit=AtLimit.REFUSE)) == set(ids)
    assert set(changed(lifespan=HOUR)) == set(ids)
    put(world, None, idle=HOUR, ends_with_browser=False)
    put(world, None)
    put(world, other)
    told = [(event.name, event.identity_id, event.amount, event.data) for event in world.db.happened]
    of_all = id_text(DEFAULT)
    names = {"identities": [id_text(each) for each in sorted(ids)]}
    assert told == [
        ("policy.changed", anna.identity.id, 1, {"lifespan": HOUR}),
        ("policy.changed", None, 2, {"lifespan": HOUR, "at_limit": "refuse", **names}),
        ("policy.changed", None, 1, {"organization": of_all, "idle": HOUR, "ends_with_browser": False}),
        ("policy.cleared", None, 1, {"organization": of_all}),
        ("policy.cleared", other.identity.id, 1, None),
    ]


def test_nobodys_policy_is_neither_read_nor_put(world: World) -> None:
    unknown = bytes(16)
    assert world.write(lambda tx: change(tx, world.act(), [unknown], lambda _: EVERYTHING, None)) == []
    with pytest.raises(IdentityNotFound):
        world.read(lambda tx: of_identity(tx, world.act(), unknown))
    with pytest.raises(OrganizationNotFound):
        world.read(lambda tx: of_organization(tx, unknown))
    elsewhere = msgspec.structs.replace(world.act(), organization=unknown)
    with pytest.raises(OrganizationNotFound):
        world.write(lambda tx: change_organization(tx, elsewhere, lambda _: EVERYTHING, None))


LIMITS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from([MINUTE, HOUR, 5 * HOUR, 9 * DAY]) for name in ("lifespan", "idle")}
)
STEPS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, MINUTE, 31 * MINUTE, HOUR, 4 * HOUR])),
    st.tuples(st.just("sign in"), st.none()),
    st.tuples(st.just("use"), st.integers(0, 9)),
    st.tuples(st.sampled_from([ORGANIZATION, IDENTITY]), LIMITS),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(STEPS, max_size=25), st.sampled_from([LIFETIME, IDLE]))
def test_S4_S6_whatever_policies_come_and_go_what_is_over_stays_so_and_every_answer_is_the_same(
    world: World, steps: list[tuple[str, Any]], lifetime: Lifetime
) -> None:
    anna = world.create({"handle": id_text(world.act().new_id())}, "a long enough password")
    put(world, None)
    handle = msgspec.json.decode(anna.identity.traits)["handle"]
    tokens: list[tuple[str, Session]] = []
    over: set[str] = set()
    lost = False  # a limit of her own, so that what the organization's ended meanwhile may be over for her, too
    own: dict[str, int] = {}
    common: dict[str, int] = {}
    for what, value in [*steps, ("wait", 0)]:
        if what == "wait":
            world.clock.advance(value)
        elif what == "sign in":
            token = world.signed_in(handle, "a long enough password")
            tokens.append((token, session(world, token)))
        elif what == "use":
            for token, made in tokens[value : value + 1]:
                if world.accepts(token, lifetime):
                    world.write(lambda tx, made=made: tx.sessions.seen({made.id: world.now}))  # type: ignore[misc]
        elif what == IDENTITY:
            lost = lost or not own.keys() <= value.keys()
            own = value
            put(world, anna, lifetime, **value)
        else:
            common = value
            put(world, None, lifetime, **value)
        for token, made in tokens:
            row = world.read(lambda tx, made=made: tx.sessions.get(DEFAULT, made.id))  # type: ignore[misc]
            limits = common | own
            end = min(made.expires_at, made.authenticated_at + limits.get("lifespan", 9**20))
            idle = limits.get("idle", lifetime.idle or 9**20)
            in_time = world.now < end and world.now < row.session.last_seen + idle + IDLE_GRACE
            accepted = world.accepts(token, lifetime)
            assert accepted == told_alike(world, made, lifetime)
            assert not (accepted and token in over)
            assert accepted <= in_time
            assert accepted or lost or not in_time or token in over
            over |= set() if accepted else {token}
