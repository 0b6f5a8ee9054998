"""Flows: opened, found under their own kind only, over at their time, and good once."""

import msgspec
import pytest
from tests.core.world import World

from nightlatch.core.events.model import Act
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts, Flow
from nightlatch.core.flows.rules import check_open, find, move, problems_of
from nightlatch.kernel.clock import HOUR
from nightlatch.problems import Conflict, Fault, FlowExpired, FlowNotFound, PasswordRefused, Problem, TraitsInvalid


def test_a_flow_is_kept_as_it_was_opened(world: World) -> None:
    flow = world.flow(Kind.LOGIN, return_to="https://app.example.org/", facts=Facts(identifier="anna"))
    assert (flow.act, flow.type, flow.state, flow.used_at) == (Kind.LOGIN, "api", "choose_method", None)
    assert flow.expires_at == world.now + HOUR
    assert world.stored_flow(flow.id) == flow


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.LOGIN])
def test_a_flow_of_another_kind_or_organization_is_not_found(world: World, kind: Kind) -> None:
    flow = world.flow(Kind.LOGIN)
    elsewhere = Act(bytes(16), "test", world.now, world.entropy)
    assert world.read(lambda tx: find(tx, world.act(), Kind.LOGIN, flow.id)) == flow
    for act, asked, flow_id in ((world.act(), kind, flow.id), (elsewhere, Kind.LOGIN, flow.id)):
        with pytest.raises(FlowNotFound):
            world.read(lambda tx, a=act, k=asked, f=flow_id: find(tx, a, k, f))  # type: ignore[misc]
    with pytest.raises(FlowNotFound):
        world.read(lambda tx: find(tx, world.act(), Kind.LOGIN, bytes(16)))


def test_a_flow_is_over_at_its_time_or_once_it_was_used(world: World) -> None:
    flow = world.flow(Kind.LOGIN)
    check_open(flow, flow.expires_at - 1)
    with pytest.raises(FlowExpired):
        check_open(flow, flow.expires_at)
    with pytest.raises(FlowExpired):
        check_open(msgspec.structs.replace(flow, used_at=world.now), world.now)


def test_a_flow_moves_until_it_was_used(world: World) -> None:
    flow = world.flow(Kind.LOGIN)

    def moved(**changes: object) -> Flow:
        return world.write(lambda tx: move(tx, flow, **changes))

    assert world.stored_flow(flow.id) == flow
    assert moved(method="password") == world.stored_flow(flow.id)
    used = moved(used_at=world.now)
    with pytest.raises(FlowExpired):
        moved(method="code")
    assert world.stored_flow(flow.id) == used


@pytest.mark.parametrize(
    ("problem", "remembered"),
    [
        (Conflict(), [{"code": "conflict", "reason": ""}]),
        (
            PasswordRefused("too_short", "The password must be longer.", {"min_length": 8}),
            [
                {
                    "code": "password_refused",
                    "reason": "The password must be longer.",
                    "rule": "too_short",
                    "facts": {"min_length": 8},
                    "field": "password",
                }
            ],
        ),
        (
            TraitsInvalid("wrong", [Fault("/email", "is not valid", "format", "email")]),
            [
                {
                    "code": "traits_invalid",
                    "pointer": "/email",
                    "reason": "is not valid",
                    "rule": "format",
                    "limit": "email",
                    "found": None,
                }
            ],
        ),
    ],
)
def test_a_flow_remembers_what_was_wrong(problem: Problem, remembered: list[dict[str, object]]) -> None:
    assert list(problems_of(problem)) == remembered


def test_a_flow_remembers_the_field_that_was_wrong() -> None:
    assert problems_of(Conflict("taken"), "email") == ({"code": "conflict", "reason": "taken", "field": "email"},)
