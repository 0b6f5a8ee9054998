"""Asking who signs in before how. It is no method of proof; forms send it as one."""

from collections.abc import Iterator

from nightlatch.core.authentication.authenticator import Attempt
from nightlatch.core.events.model import Act
from nightlatch.core.flows.model import Flow
from nightlatch.core.login.identifying import STEP, identify
from nightlatch.core.login.rules import SignedIn
from nightlatch.doors.kratos import texts
from nightlatch.doors.kratos.inputs import Node, input_
from nightlatch.doors.kratos.methods.code import Code
from nightlatch.doors.kratos.methods.method import Given, SignIn, is_text
from nightlatch.doors.kratos.methods.table import METHODS, chosen, offered
from nightlatch.doors.kratos.parts import Flows, Parts
from nightlatch.problems import FeatureDisabled


class IdentifierFirst:
    type = STEP

    def is_on(self, flows: Flows) -> bool:
        return flows.identifier_first

    def to_sign_in(self, flow: Flow) -> Iterator[Node]:
        yield input_(STEP, "method", "submit", texts.CONTINUE, value=STEP)

    def missing(self, flow: Flow, given: Given) -> list[str]:
        return [] if is_text(given.get("identifier")) else ["identifier"]

    async def sign_in(self, parts: Parts, act: Act, flow: Flow, given: Given, attempt: Attempt) -> SignedIn | Flow:
        hidden = parts.flows.code.hide_unknown
        telling = [] if hidden else [method.type for method in METHODS.values() if method.is_on(parts.flows)]
        flow = await identify(parts.means, act, flow.id, attempt.identifier, attempt.device.ip, telling)
        match offered(parts.flows, flow):
            case [Code() as only] if flow.method == STEP:
                # There is nothing to choose.
                return await only.sign_in(parts, act, flow, given, attempt)
        return flow


_FIRST = IdentifierFirst()


def in_two_steps(flows: Flows, flow: Flow) -> bool:
    """Whether the form asks for the identifier by itself. Who signs in again is known."""
    return _FIRST.is_on(flows) and not flow.facts.refresh


def offered_to_sign_in(flows: Flows, flow: Flow) -> list[SignIn]:
    """What the form of a login shows: the first step, until anything was submitted, or methods."""
    return [_FIRST] if in_two_steps(flows, flow) and flow.method is None else [*offered(flows, flow)]


def chosen_to_sign_in(flows: Flows, flow: Flow, given: Given) -> SignIn | None:
    """What was submitted to a login; None for a method that there is not. FeatureDisabled."""
    if given.get("method") != STEP:
        return chosen(flows, flow, given)
    if not in_two_steps(flows, flow):
        raise FeatureDisabled
    return _FIRST
