"""Signing up by a one-time code: the address is proved before there is an account."""

from typing import Any

import pytest
from tests.core.by_code import another, ask, ask_to_register, problems, registered, sent
from tests.core.by_code import login as sign_in
from tests.core.world import World

from nightlatch.core.flows.model import SENT, Flow
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.identities.model import Kind as Use
from nightlatch.core.login.rules import SignedIn
from nightlatch.core.registration.rules import Registered, step_back
from nightlatch.kernel.clock import HOUR, MINUTE
from nightlatch.problems import FlowExpired, FlowNotFound

TRAITS = {"email": "Anna@Example.org", "handle": "anna"}


def asked(world: World, traits: Any = None) -> tuple[Flow, str]:
    flow = ask_to_register(world, world.flow(Kind.REGISTRATION), traits or TRAITS)
    return flow, sent(world)[-1].code


def test_who_proves_the_address_is_stored_verified_and_signed_in(world: World) -> None:
    flow, code = asked(world)
    assert (flow.state, flow.method, flow.facts.traits) == (SENT, "code", TRAITS)
    assert sent(world) == [("registration_code", "anna@example.org", code)]
    assert world.db.sql("select id from identities") == []
    outcome = registered(world, flow, code, TRAITS)
    assert isinstance(outcome, Registered)
    assert outcome.session is not None
    assert outcome.token is not None
    assert [(m.method, m.aal) for m in outcome.session.methods] == [("code", 1)]
    [address] = outcome.identity.of_kind(Use.VERIFIABLE)
    assert (address.value, address.verified, address.verified_at) == ("anna@example.org", True, world.now)
    assert world.standing(outcome.token).identity == outcome.identity
    assert [n for n, _, _ in world.told()] == ["identity.created", "identity.registered", "session.issued"]
    with pytest.raises(FlowExpired):
        registered(world, flow, code, TRAITS)


def test_without_the_hook_who_registers_by_code_is_not_signed_in(world: World) -> None:
    outcome = registered(world, *asked(world), TRAITS, session=False)
    assert isinstance(outcome, Registered)
    assert (outcome.session, outcome.token) == (None, None)


def test_only_the_address_that_the_code_went_to_is_verified(world: World) -> None:
    traits = TRAITS | {"phone": "+4915123456789"}
    outcome = registered(world, *asked(world, traits), traits)
    assert isinstance(outcome, Registered)
    assert {a.via: a.verified for a in outcome.identity.of_kind(Use.VERIFIABLE)} == {"email": True, "sms": False}


def test_traits_that_changed_since_the_code_was_sent_are_refused(world: World) -> None:
    flow, code = asked(world)
    other = TRAITS | {"email": "mallory@example.org"}
    outcome = registered(world, flow, code, other)
    assert problems(outcome) == ["traits_changed"]
    assert isinstance(outcome, Flow)
    assert (outcome.state, outcome.facts.traits) == (SENT, TRAITS)
    assert isinstance(registered(world, flow, code, TRAITS), Registered)
    assert len(world.db.sql("select id from identities")) == 1


@pytest.mark.parametrize("later", [{"email": "anna@example.org"}, {"handle": "root"}])
def test_P18_a_code_registers_only_with_the_address_that_it_went_to(world: World, later: Any) -> None:
    flow, code = asked(world, {"email": "mallory@example.org"})
    for _ in range(6):
        ask_to_register(world, world.flow(Kind.REGISTRATION), TRAITS)
    assert problems(ask_to_register(world, flow, later)) in (["messages_exhausted"], ["no_identifier"])
    assert problems(registered(world, flow, code, later)) == ["traits_changed"]
    assert world.db.sql("select id from identities") == []


def test_P13_a_wrong_code_a_spent_one_and_a_late_one_register_nobody(world: World) -> None:
    flow, code = asked(world)
    for _ in range(5):
        assert problems(registered(world, flow, another(code), TRAITS)) == ["registration_code_wrong"]
    assert problems(registered(world, flow, code, TRAITS)) == ["registration_code_spent"]
    flow, code = asked(world)
    world.clock.advance(10 * MINUTE)
    assert problems(registered(world, flow, code, TRAITS)) == ["registration_code_spent"]
    with pytest.raises(FlowNotFound):
        registered(world, world.flow(Kind.LOGIN), code, TRAITS)
    with pytest.raises(FlowNotFound):
        ask_to_register(world, world.flow(Kind.LOGIN), TRAITS)
    world.clock.advance(HOUR)
    with pytest.raises(FlowExpired):
        ask_to_register(world, flow, TRAITS)
    assert world.db.sql("select id from identities") == []


def test_P6_only_who_proves_the_address_is_told_that_it_is_taken(world: World) -> None:
    world.anna()
    taken, code = asked(world)
    free = ask_to_register(world, world.flow(Kind.REGISTRATION), {"email": "new@example.org", "handle": "new"})
    assert (taken.state, taken.facts.problems) == (free.state, free.facts.problems)
    assert problems(registered(world, taken, another(code), TRAITS)) == ["registration_code_wrong"]
    outcome = registered(world, taken, code, TRAITS)
    assert problems(outcome) == ["conflict"]
    assert isinstance(outcome, Flow)
    assert outcome.state == "choose_method"
    assert len(world.db.sql("select id from identities")) == 1


@pytest.mark.parametrize(
    ("traits", "expected"),
    [({"email": "nonsense"}, "traits_invalid"), ({"handle": "anna"}, "no_identifier"), ({}, "no_identifier")],
)
def test_traits_that_no_code_can_be_sent_for_are_named(world: World, traits: Any, expected: str) -> None:
    flow = ask_to_register(world, world.flow(Kind.REGISTRATION), traits)
    assert (problems(flow), flow.state, flow.facts.traits) == ([expected], "choose_method", traits)
    assert sent(world) == []


def test_an_address_is_sent_six_codes_an_hour_to_sign_up_too(world: World) -> None:
    flow = world.flow(Kind.REGISTRATION)
    for _ in range(6):
        assert problems(ask_to_register(world, flow, TRAITS)) == []
    assert problems(ask_to_register(world, flow, TRAITS)) == ["messages_exhausted"]
    assert len(sent(world)) == 6


def test_who_steps_back_may_begin_again_with_other_traits(world: World) -> None:
    flow, _ = asked(world)
    back = world.run(step_back(world.db.store, world.act(), flow.id))
    assert (back.state, back.facts.step, back.facts.traits) == ("choose_method", "start", TRAITS)
    other = {"email": "bert@example.org"}
    flow = ask_to_register(world, flow, other)
    assert isinstance(registered(world, flow, sent(world)[-1].code, other), Registered)


def test_who_registered_by_code_signs_in_by_code(world: World) -> None:
    assert isinstance(registered(world, *asked(world), TRAITS), Registered)
    flow = ask(world, world.flow(Kind.LOGIN))
    assert isinstance(sign_in(world, flow, sent(world)[-1].code), SignedIn)
