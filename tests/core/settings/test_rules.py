"""Changing oneself: what needs a fresh proof, what ends with it, and what is refused."""

from typing import Any

import msgspec
import pytest
from tests.core.world import DEVICE, PASSWORD, Watched, World

from nightlatch.core.credentials.person import Person
from nightlatch.core.credentials.policy import Policy
from nightlatch.core.flows.model import RECOVERED, Flow
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.identities.model import Address
from nightlatch.core.identities.model import Kind as AddressKind
from nightlatch.core.login.rules import SignedIn
from nightlatch.core.recovery.rules import Recovered, Redeeming, make_code, redeem
from nightlatch.core.sessions.model import How, Standing, Where
from nightlatch.core.sessions.model import Policy as Keeps
from nightlatch.core.sessions.policies import change, change_organization
from nightlatch.core.sessions.rules import end
from nightlatch.core.settings.rules import SAVED, SHOW, Rules, Settled, change_password, change_traits
from nightlatch.kernel.clock import DAY, MINUTE
from nightlatch.problems import (
    FlowExpired,
    FlowForeign,
    FlowNotFound,
    ReauthenticationRequired,
    SessionRequired,
    Throttled,
)

NEW = "quite another password"
MAIL = {"email": "anna@example.org"}
OTHER_MAIL = {"email": "anna@example.com"}
RULES = Rules(Policy(), 15 * MINUTE)


@pytest.fixture
def anna(world: World) -> Person:
    return world.anna()


@pytest.fixture
def mine(world: World, anna: Person) -> Standing:
    return world.standing(world.signed_in())


def begun(world: World, mine: Standing) -> bytes:
    return world.flow(Kind.SETTINGS, state=SHOW, identity_id=mine.identity.id).id


def password(
    world: World, mine: Standing, new: str = NEW, flow: bytes | None = None, hasher: Any = None, rules: Rules = RULES
) -> Settled:
    means, found = world.means(hasher=hasher or world.hasher), flow or begun(world, mine)
    return world.run(change_password(means, world.schemas, world.act(), mine, found, new, world.elsewhere(), rules))


def traits(
    world: World, mine: Standing, given: Any, flow: bytes | None = None, rules: Rules = RULES, device: Any = None
) -> Settled:
    found, at = flow or begun(world, mine), device or world.elsewhere()
    return world.run(change_traits(world.means(), world.schemas, world.act(), mine, found, given, at, rules))


def refusal(settled: Settled) -> list[str]:
    assert settled.flow.state == SHOW
    return [problem.get("rule") or problem["code"] for problem in settled.flow.facts.problems]


def test_a_new_password_takes_the_place_of_the_old(world: World, mine: Standing) -> None:
    world.told()
    settled = password(world, mine)
    assert (settled.flow.state, settled.flow.method, settled.flow.used_at) == (SAVED, "password", None)
    assert {"identity.changed", "session.ended"} == {name for name, _, _ in world.told()}
    assert settled.identity.version == mine.identity.version + 1
    assert isinstance(world.login(), Flow)
    assert isinstance(world.login(password=NEW), SignedIn)


def test_who_has_no_password_gets_a_first_one(world: World) -> None:
    world.create(MAIL)
    bare = world.create(OTHER_MAIL)
    recovered = world.recover(bare)
    assert isinstance(recovered, Recovered)
    assert password(world, world.standing(recovered.token)).flow.state == SAVED
    assert isinstance(world.login("anna@example.com", NEW), SignedIn)


def test_S5_a_new_password_leaves_the_session_that_set_it_and_nothing_else(world: World, anna: Person) -> None:
    tokens = [world.signed_in() for _ in range(5)]
    mine = world.standing(tokens[2])
    flow, others = begun(world, mine), [begun(world, mine) for _ in range(2)]
    code = world.write(
        lambda tx: make_code(tx, world.act(), world.code_keys, anna.identity.id, DAY, "http://x/", flow_type="api")
    )
    assert password(world, mine, flow=flow).flow.id == flow
    assert [world.accepts(token) for token in tokens] == [False, False, True, False, False]
    for other in others:
        with pytest.raises(FlowExpired):
            password(world, mine, "and one more password", flow=other)
    with pytest.raises(FlowExpired):
        world.run(redeem(world.means(), world.act(), code.flow.id, code.secret, DEVICE, Redeeming(5, DAY)))
    assert ("session.ended", "credential_changed", 4) in world.told()


def test_S5_another_address_ends_the_other_sessions_and_a_plain_trait_does_not(
    world: World, anna: Person, mine: Standing
) -> None:
    other = world.signed_in()
    assert traits(world, mine, MAIL | {"age": 40}).flow.state == SAVED
    assert world.accepts(other)
    assert traits(world, mine, OTHER_MAIL).flow.state == SAVED
    assert not world.accepts(other)
    assert ("session.ended", "profile_changed", 1) in world.told()
    assert isinstance(world.recover(anna), Recovered)


def test_a_change_of_any_kind_ends_the_others_where_the_rules_say_so(world: World, mine: Standing) -> None:
    other = world.signed_in()
    traits(world, mine, MAIL | {"age": 40}, rules=msgspec.structs.replace(RULES, always_end_others=True))
    assert not world.accepts(other)


def test_S5_a_policy_may_keep_the_others_when_a_person_changes_a_credential(
    world: World, anna: Person, mine: Standing
) -> None:
    keeps, ends = Keeps(end_others=False), Keeps(end_others=True)
    other = world.signed_in()
    world.write(lambda tx: change_organization(tx, world.act(), lambda _: keeps, None))
    assert password(world, mine).flow.state == SAVED
    assert world.accepts(other)
    world.write(lambda tx: change(tx, world.act(), [anna.identity.id], lambda _: ends, None))
    assert traits(world, mine, OTHER_MAIL).flow.state == SAVED
    assert not world.accepts(other)
    world.write(lambda tx: change(tx, world.act(), [anna.identity.id], lambda _: keeps, None))
    third = world.signed_in("anna@example.com", NEW)
    traits(world, mine, OTHER_MAIL | {"age": 40}, rules=msgspec.structs.replace(RULES, always_end_others=True))
    assert not world.accepts(third)
    fourth = world.signed_in("anna@example.com", NEW)
    world.update(anna, password="an administrator chose it")
    assert not world.accepts(fourth)


def test_P15_whose_password_or_address_is_changed_is_told_where_they_were_known(world: World) -> None:
    claim = Address(b"", AddressKind.VERIFIABLE, "email", MAIL["email"], 0, 0, verified=True)
    world.anna(addresses=(claim,))
    mine = world.standing(world.signed_in())
    traits(world, mine, MAIL | {"age": 40})
    assert world.letters() == []
    password(world, mine)
    traits(world, mine, OTHER_MAIL)
    assert world.letters() == [("credential_changed", MAIL["email"], {})] * 2
    traits(world, mine, MAIL)
    assert len(world.letters()) == 2, "the address of now was not proved"


def test_new_traits_bring_their_addresses_and_names(world: World, mine: Standing) -> None:
    settled = traits(world, mine, OTHER_MAIL | {"handle": "anna"})
    assert [a.value for a in settled.identity.of_kind(AddressKind.VERIFIABLE)] == ["anna@example.com"]
    assert all(not a.verified and a.status == "pending" for a in settled.identity.addresses)
    assert isinstance(world.login("anna"), SignedIn)
    assert isinstance(world.login("anna@example.org"), Flow)
    assert isinstance(world.login("anna@example.com"), SignedIn)


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"email": "no address"}, ["format"]), ({"age": "x"}, ["type"]), (7, ["type"])],
)
def test_traits_that_do_not_fit_change_nothing_and_are_shown_again(
    world: World, anna: Person, mine: Standing, given: Any, expected: list[str]
) -> None:
    settled = traits(world, mine, given)
    assert refusal(settled) == expected
    assert settled.flow.facts.traits == given
    assert world.stored(anna).identity == anna.identity


def test_a_name_of_somebody_else_is_refused(world: World, anna: Person, mine: Standing) -> None:
    world.create(OTHER_MAIL)
    assert refusal(traits(world, mine, OTHER_MAIL)) == ["conflict"]
    assert world.stored(anna).identity == anna.identity


@pytest.mark.parametrize(
    ("new", "rule"),
    [("short", "too_short"), ("x" * 1025, "too_long"), ("anna@example.org", "similar"), (PASSWORD, "unchanged")],
)
def test_a_password_that_may_not_be_chosen_is_refused_and_nothing_ends(
    world: World, mine: Standing, new: str, rule: str
) -> None:
    other = world.signed_in()
    assert refusal(password(world, mine, new)) == [rule]
    assert world.accepts(other)
    assert isinstance(world.login(), SignedIn)


def test_what_was_refused_can_be_mended_in_the_same_flow_and_what_was_saved_saved_again(
    world: World, mine: Standing
) -> None:
    flow = begun(world, mine)
    refusal(password(world, mine, "short", flow=flow))
    assert password(world, mine, flow=flow).flow.facts.problems == ()
    assert traits(world, mine, MAIL | {"age": 1}, flow=flow).flow.state == SAVED


def test_S8_what_could_lock_the_owner_out_needs_a_proof_of_the_last_minutes(
    world: World, anna: Person, mine: Standing
) -> None:
    world.clock.advance(15 * MINUTE - 1)
    assert traits(world, mine, MAIL | {"handle": "anna"}).flow.state == SAVED
    before = world.stored(anna)
    world.clock.advance(1)
    hasher = Watched(world.hasher)
    with pytest.raises(ReauthenticationRequired):
        password(world, mine, hasher=hasher)
    with pytest.raises(ReauthenticationRequired):
        traits(world, mine, OTHER_MAIL)
    assert hasher.asked == []
    assert world.stored(anna) == before
    assert traits(world, mine, MAIL | {"handle": "anna", "age": 41}).flow.state == SAVED
    renewed = world.login("anna", current=mine)
    assert isinstance(renewed, SignedIn)
    assert password(world, msgspec.structs.replace(mine, session=renewed.session)).flow.state == SAVED


def test_a_session_that_ends_while_the_password_is_hashed_sets_none(world: World, mine: Standing) -> None:
    async def ended() -> None:
        where = Where(session_id=mine.session.id)
        await world.db.store.write(lambda tx: end(tx, world.act(), where, How.DISABLE, "test"))

    with pytest.raises(SessionRequired):
        password(world, mine, hasher=Watched(world.hasher, ended))
    assert isinstance(world.login(), SignedIn)


def test_a_new_password_opens_the_lock_of_the_old(world: World, mine: Standing) -> None:
    for _ in range(10):
        world.login(password="a wrong password")
    assert isinstance(world.login(), Flow)
    password(world, mine)
    assert isinstance(world.login(password=NEW), SignedIn)


def test_P14_a_flow_is_of_who_began_it_and_of_settings(world: World, mine: Standing) -> None:
    world.create({"email": "bert@example.org"}, PASSWORD)
    bert = world.standing(world.signed_in("bert@example.org"))
    flow, login = begun(world, mine), world.flow(Kind.LOGIN, identity_id=mine.identity.id).id
    for found, problem in ((flow, FlowForeign), (login, FlowNotFound), (bytes(16), FlowNotFound)):
        with pytest.raises(problem):
            password(world, bert, flow=found)
        with pytest.raises(problem):
            traits(world, bert, MAIL, flow=found)
    world.clock.advance(60 * MINUTE)
    with pytest.raises(FlowExpired):
        traits(world, mine, MAIL, flow=flow)


def test_one_network_changes_so_much_in_a_minute(world: World, mine: Standing) -> None:
    device = world.elsewhere()
    for _ in range(30):
        traits(world, mine, MAIL, device=device)
    with pytest.raises(Throttled):
        traits(world, mine, MAIL, device=device)


def test_S5_the_flow_of_a_recovery_takes_a_new_password_and_the_earlier_sessions_are_over(
    world: World, anna: Person
) -> None:
    old = world.signed_in()
    recovered = world.recover(anna)
    assert isinstance(recovered, Recovered)
    assert recovered.settings.facts.step == RECOVERED
    mine = world.standing(recovered.token)
    assert refusal(password(world, mine, "short", flow=recovered.settings.id)) == ["too_short"]
    settled = password(world, mine, flow=recovered.settings.id)
    assert settled.flow.facts.step != RECOVERED
    assert not world.accepts(old)
    assert world.accepts(recovered.token)
    assert isinstance(world.login(password=NEW), SignedIn)
