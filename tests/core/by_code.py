"""Signing in and up by a one-time code, as the doors ask the core, and what was sent meanwhile."""

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from tests.core.world import World

from nightlatch.core.authentication.authenticator import Attempt
from nightlatch.core.authentication.code import Code
from nightlatch.core.courier.model import Filter
from nightlatch.core.courier.rules import opened
from nightlatch.core.flows.model import Flow
from nightlatch.core.login.rules import SignedIn, sign_in
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.registration.rules import Registered, register
from nightlatch.core.sessions.model import Device

BY_CODE = Code(5)
ANNA = "anna@example.org"


class Sent(NamedTuple):
    template: str
    recipient: str
    code: str


_SENT: WeakKeyDictionary[World, dict[bytes, Sent]] = WeakKeyDictionary()


def sent(world: World) -> list[Sent]:
    """What was, in the order in which this was asked: ids of one moment have none."""
    known = _SENT.setdefault(world, {})
    for row in world.read(lambda tx: tx.messages.page(DEFAULT, Filter(), None, 100)):
        data = opened(world.vault.keys, row)
        if data is not None:
            known.setdefault(row.id, Sent(row.template, row.recipient, data.get("code", "")))
    return list(known.values())


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def ask(world: World, flow: Flow, identifier: str = ANNA, by: Code = BY_CODE, device: Device | None = None) -> Flow:
    attempt = Attempt(flow.id, "", device or world.elsewhere(), identifier)
    flow = world.run(by.send_to_sign_in(world.means(), world.act(), attempt))
    sent(world)
    return flow


def login(world: World, flow: Flow, code: str, **more: Any) -> SignedIn | Flow:
    attempt = Attempt(flow.id, code, world.elsewhere(), ANNA, **more)
    return world.run(sign_in(world.means(), world.act(), BY_CODE, attempt))


def ask_to_register(world: World, flow: Flow, traits: Any) -> Flow:
    attempt = Attempt(flow.id, "", world.elsewhere(), traits=traits)
    flow = world.run(BY_CODE.send_to_sign_up(world.means(), world.act(), attempt, world.schemas))
    sent(world)
    return flow


def registered(world: World, flow: Flow, code: str, traits: Any, **more: Any) -> Registered | Flow:
    attempt = Attempt(flow.id, code, world.elsewhere(), traits=traits)
    return world.run(register(world.means(), world.schemas, world.act(), BY_CODE, attempt, **more))


def problems(outcome: object) -> list[str]:
    assert isinstance(outcome, Flow)
    return [str(problem["code"]) for problem in outcome.facts.problems]
