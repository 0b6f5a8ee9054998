"""The table of methods. Another one is its file and its line here; forms show them in this order."""

from nightlatch.core.flows.model import SENT, Flow
from nightlatch.doors.kratos.methods.code import Code
from nightlatch.doors.kratos.methods.method import Method
from nightlatch.doors.kratos.methods.password import Password
from nightlatch.doors.kratos.parts import Flows

METHODS: dict[str, Method] = {method.type: method for method in (Code(), Password())}


def offered(flows: Flows, flow: Flow) -> list[Method]:
    """Those that the form of `flow` shows: all that are on, or the one that it waits for."""
    on = [method for method in METHODS.values() if method.is_on(flows)]
    return [method for method in on if flow.state != SENT or method.type == flow.method]
