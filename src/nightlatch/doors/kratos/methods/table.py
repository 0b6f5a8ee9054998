"""The table of methods. Another one is its file and its line here; forms show them in this order."""

from nightlatch.core.credentials.methods import METHODS as CREDENTIALS
from nightlatch.core.flows.model import SENT, Flow
from nightlatch.doors.kratos.methods.code import Code
from nightlatch.doors.kratos.methods.method import Given, Method
from nightlatch.doors.kratos.methods.password import Password
from nightlatch.doors.kratos.parts import Flows
from nightlatch.problems import FeatureDisabled

METHODS: dict[str, Method] = {method.type: method for method in (Code(), Password())}
UNUSABLE = CREDENTIALS.keys() - METHODS.keys()  # kept and shown, and nobody proves themselves by them here


def offered(flows: Flows, flow: Flow) -> list[Method]:
    """Those that the form of `flow` shows: the one that it waits for, those of who signs in again, or all."""
    on = [method for method in METHODS.values() if method.is_on(flows)]
    if flow.state == SENT:
        return [method for method in on if method.type == flow.method]
    return [method for method in on if method.type in flow.facts.methods] or on


def chosen(flows: Flows, flow: Flow, given: Given) -> Method | None:
    """The method that was submitted, or else the one that the flow waits for; None for one that there is not.
    FeatureDisabled."""
    # A browser sends the name of the one button that was pressed, which may be that of `resend`.
    named = given.get("method") or (flow.method if flow.state == SENT else None)
    name = named if isinstance(named, str) else ""
    method = METHODS.get(name)
    if name in UNUSABLE if method is None else not method.is_on(flows):
        raise FeatureDisabled
    return method
