"""What recovery and verification have in common: an address is asked for, and a secret goes there."""

from typing import Any

import msgspec

from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.asking import Asked, ask
from nightlatch.core.flows.model import SENT, Facts, Flow
from nightlatch.core.flows.model import Act as Kind
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import confirming, selfservice
from nightlatch.doors.kratos.browser import again, check_browser, from_page
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.submissions import Submitted, flow_id, request_device
from nightlatch.kernel.ids import id_text
from nightlatch.problems import FeatureDisabled, FlowExpired, FlowSpent

_PAGES = {
    Kind.RECOVERY: ("Recover your account", "This signs you in here, and signs all other devices out.", "Continue"),
    Kind.VERIFICATION: (
        "Confirm your address",
        "This confirms that the address, and the account that was made with it, are yours.",
        "Confirm",
    ),
}


async def asked(call: Call[Parts], kind: Kind, sent: Submitted) -> Answer:
    """The step at which a secret is asked for: the flow, which waits for it then, or says what is missing."""
    parts, flow, given = call.door, sent.flow, sent.given
    method, address = given.get("method") or flow.method, given.get("email")
    if method not in ("code", "link"):
        return await _again(call, flow, {"code": f"no_strategy_{kind}"})
    if method not in parts.flows.secrets:
        raise FeatureDisabled
    if not isinstance(address, str) or not address:
        field = "code" if flow.state == SENT and method == flow.method == "code" else "email"
        return await _again(call, flow, {"code": "property_missing", "field": field})
    who = Asked(address, method, request_device(call).ip, kind in parts.flows.tell_unknown)
    try:
        outcome = await ask(parts.means, call.act, kind, flow.id, who)
    except FlowExpired:
        return await expired(call, flow)
    return await again(call, outcome, 400 if outcome.facts.problems else 200)


async def refused(call: Call[Parts], flow: Flow) -> Answer:
    """The flow, for which the secret was wrong: shown to its own browser only. CsrfViolation."""
    if not from_page(call.request):
        check_browser(call, flow)
    return await again(call, flow, 200)


async def expired(call: Call[Parts], flow: Flow, over: FlowExpired | None = None) -> Answer:
    """The way to a new flow of the kind, which is of whoever asks, because that one is `over`."""
    if not from_page(call.request):
        old = flow if flow.facts.browser else msgspec.structs.replace(flow, type="api")
        return await selfservice.expired(call, old, method=call.door.flows.use[flow.act])
    why = "spent" if isinstance(over, FlowSpent) else "expired" if flow.expires_at <= call.act.now else "again"
    when = {"expired_at": flow.expires_at, "now": call.act.now}
    return await anew(call, flow, {"code": f"{flow.act}_{why}", **when})


async def anew(call: Call[Parts], flow: Flow, problem: dict[str, Any]) -> Answer:
    """The way to a new flow, with what was wrong, of the browser that asks, wherever `flow` began."""
    wanted = selfservice.Asked(flow.act, "browser", Facts(problems=(problem,)), flow.request_url, flow.return_to)
    return await selfservice.begin(call, wanted, method=call.door.flows.use[flow.act])


def link_page(call: Call[Parts], kind: Kind, token: str) -> Answer:
    """What is shown for a link."""
    action = f"{call.door.public_url}self-service/{kind}?flow={id_text(flow_id(call, 'flow'))}"
    return confirming.page(*_PAGES[kind], action, {"method": "link", "token": token})


async def _again(call: Call[Parts], flow: Flow, problem: dict[str, Any]) -> Answer:
    try:
        flows.check_open(flow, call.act.now)
    except FlowExpired:
        return await expired(call, flow)
    cleared = msgspec.structs.replace(flow, facts=msgspec.structs.replace(flow.facts, problems=()))
    return await again(call, cleared, 400, (problem,))
