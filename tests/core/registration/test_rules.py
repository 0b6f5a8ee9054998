"""Signing up with a password, in one step and in two."""

import asyncio
from typing import Any

import pytest
from tests.core.world import PASSWORD, World

from nightlatch.core.authentication.authenticator import Attempt
from nightlatch.core.authentication.password import Password
from nightlatch.core.credentials.policy import Policy
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.login.rules import SignedIn
from nightlatch.core.registration.rules import Registered, give_profile, register
from nightlatch.kernel.clock import HOUR
from nightlatch.problems import FlowExpired, FlowNotFound

TRAITS = {"email": "Anna@Example.org", "handle": "anna"}


async def registering(
    world: World, flow: Flow, traits: Any = None, password: str = PASSWORD, policy: Policy | None = None, **more: bool
) -> Registered | Flow:
    given = TRAITS if traits is None else traits
    attempt = Attempt(flow.id, password, world.elsewhere(), traits=given)
    by = Password(policy or Policy())
    return await register(world.means(), world.schemas, world.act(), by, attempt, **more)


def registered(world: World, traits: Any = None, password: str = PASSWORD, **more: Any) -> Registered | Flow:
    flow = more.pop("flow", None) or world.flow(Kind.REGISTRATION)
    return world.run(registering(world, flow, traits, password, **more))


def codes(outcome: Registered | Flow) -> list[str]:
    assert isinstance(outcome, Flow)
    return [str(problem["code"]) for problem in outcome.facts.problems]


def test_who_registers_is_stored_and_signed_in(world: World) -> None:
    flow = world.flow(Kind.REGISTRATION)
    outcome = registered(world, flow=flow)
    assert isinstance(outcome, Registered)
    assert outcome.token is not None
    assert outcome.session == world.standing(outcome.token).session
    assert [method.method for method in outcome.session.methods] == ["password"]
    assert outcome.identity == world.standing(outcome.token).identity
    assert outcome.identity.schema_id == "default"
    assert isinstance(world.login("anna"), SignedIn)
    assert isinstance(world.login(" ANNA@example.org"), SignedIn)
    used = world.stored_flow(flow.id)
    assert used is not None
    assert (used.used_at, used.identity_id) == (world.now, outcome.identity.id)
    names = [name for name, _, _ in world.told()]
    assert names[:3] == ["identity.created", "identity.registered", "session.issued"]


def test_without_the_hook_who_registers_is_not_signed_in(world: World) -> None:
    outcome = registered(world, session=False)
    assert isinstance(outcome, Registered)
    assert (outcome.session, outcome.token) == (None, None)
    assert world.db.sql("select id from sessions") == []
    assert isinstance(world.login(), SignedIn)


def test_a_name_that_is_taken_is_a_conflict_that_stores_nobody(world: World) -> None:
    world.anna()
    flow = world.flow(Kind.REGISTRATION)
    outcome = registered(world, {"email": "anna@EXAMPLE.org"}, "quite another password", flow=flow)
    assert codes(outcome) == ["conflict"]
    assert isinstance(outcome, Flow)
    assert outcome.facts.traits == {"email": "anna@EXAMPLE.org"}
    assert world.stored_flow(flow.id) == outcome
    assert len(world.db.sql("select id from identities")) == 1
    assert not isinstance(world.login(password="quite another password"), SignedIn)
    assert isinstance(registered(world, {"email": "new@example.org"}, flow=flow), Registered)


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("shorty", "too_short"),
        ("anna@example.org", "similar"),
        ("Anna@Example.org!", "similar"),
        ("x" * 1025, "too_long"),
        ("\ud800 and more text", "not_text"),
    ],
)
def test_P3_a_password_that_the_rules_refuse_is_refused_and_never_kept(world: World, password: str, rule: str) -> None:
    outcome = registered(world, password=password)
    assert codes(outcome) == ["password_refused"]
    assert isinstance(outcome, Flow)
    assert outcome.facts.problems[0]["rule"] == rule
    assert outcome.facts.step == "credential"
    assert password not in repr(world.db.sql("select facts from flows"))
    assert world.db.sql("select id from identities") == []


def test_the_rules_of_passwords_are_those_that_are_given(world: World) -> None:
    assert isinstance(registered(world, password="anna@example.org", policy=Policy(similarity=False)), Registered)
    assert codes(registered(world, {"email": "b@b.de"}, "fourteen chars", policy=Policy(min_length=15))) == [
        "password_refused"
    ]


@pytest.mark.parametrize("traits", [{"email": "nonsense"}, {"age": "text"}, {"unknown": 1}, []])
def test_traits_that_do_not_fit_are_named_and_nobody_is_stored(world: World, traits: Any) -> None:
    outcome = registered(world, traits)
    assert set(codes(outcome)) == {"traits_invalid"}
    assert isinstance(outcome, Flow)
    assert outcome.facts.traits == traits
    assert world.db.sql("select id from identities") == []


def test_traits_are_given_first_and_the_password_then(world: World) -> None:
    flow = world.flow(Kind.REGISTRATION)

    def give(traits: Any) -> Flow:
        return world.run(give_profile(world.db.store, world.schemas, world.act(), flow.id, traits))

    wrong = give({"email": "nonsense"})
    assert codes(wrong) == ["traits_invalid"]
    assert wrong.facts.step == "start"
    asked = give(TRAITS)
    assert (asked.facts.step, asked.facts.traits, asked.facts.problems) == ("credential", TRAITS, ())
    assert codes(registered(world, password="short", flow=flow)) == ["password_refused"]
    assert isinstance(registered(world, flow=flow), Registered)


def test_a_flow_registers_once_and_in_its_time(world: World) -> None:
    flow, late = world.flow(Kind.REGISTRATION), world.flow(Kind.REGISTRATION)
    assert isinstance(registered(world, flow=flow), Registered)
    with pytest.raises(FlowExpired):
        registered(world, {"email": "second@example.org"}, flow=flow)
    with pytest.raises(FlowNotFound):
        registered(world, flow=world.flow(Kind.LOGIN))
    world.clock.advance(HOUR)
    with pytest.raises(FlowExpired):
        registered(world, {"email": "second@example.org"}, flow=late)
    with pytest.raises(FlowExpired):
        world.run(give_profile(world.db.store, world.schemas, world.act(), late.id, TRAITS))
    assert len(world.db.sql("select id from identities")) == 1


def test_of_many_who_want_one_name_at_once_one_gets_it(world: World) -> None:
    flows = [world.flow(Kind.REGISTRATION) for _ in range(6)]

    async def together() -> list[Registered | Flow]:
        return await asyncio.gather(*(registering(world, flow) for flow in flows))

    outcomes = world.run(together())
    assert sum(isinstance(outcome, Registered) for outcome in outcomes) == 1
    assert [codes(outcome) for outcome in outcomes if isinstance(outcome, Flow)] == [["conflict"]] * 5
    assert len(world.db.sql("select id from identities")) == 1


def test_one_flow_that_is_submitted_many_times_at_once_registers_one(world: World) -> None:
    flow = world.flow(Kind.REGISTRATION)

    async def together() -> list[Any]:
        work = [registering(world, flow, {"email": f"p{n}@example.org"}) for n in range(6)]
        return await asyncio.gather(*work, return_exceptions=True)

    outcomes = world.run(together())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["FlowExpired"] * 5 + ["Registered"]
    assert len(world.db.sql("select id from identities")) == 1
