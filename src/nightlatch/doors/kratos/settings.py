"""Settings: what a signed-in person changes of themselves, in an app and in a browser."""

from typing import Any

import msgspec

from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts, Flow
from nightlatch.core.sessions.model import Standing
from nightlatch.core.settings.rules import SAVED, SHOW, Settled, change_password, change_traits, find_mine
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import nodes, return_to
from nightlatch.doors.kratos.auth import me, presented
from nightlatch.doors.kratos.browser import (
    again,
    bound,
    browsers_secret,
    csrf_token,
    forwarded,
    from_page,
    page_of,
    show_verification,
    to,
)
from nightlatch.doors.kratos.errors import NotSignedIn
from nightlatch.doors.kratos.methods.table import UNUSABLE
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.selfservice import asked_for, begin, expired, open_flow, over
from nightlatch.doors.kratos.shapes import encode
from nightlatch.doors.kratos.submissions import Submitted, filled_in, flow_id, request_device, submitted_to, traits_of
from nightlatch.problems import FeatureDisabled, FlowExpired, SessionRequired


async def create_native_settings_flow(call: Call[Parts]) -> Answer:
    mine = await _beginner(call)
    flow = await open_flow(call, asked_for(call, Kind.SETTINGS, "api", Facts()), **_of(mine))
    return Answer(200, encode(nodes.flow(call.door, flow, identity=mine.identity)))


@forwarded
async def create_browser_settings_flow(call: Call[Parts]) -> Answer:
    asked, mine = asked_for(call, Kind.SETTINGS, "browser", Facts()), await _beginner(call)
    return await begin(call, asked, mine.identity, **_of(mine))


async def get_settings_flow(call: Call[Parts]) -> Answer:
    mine = await _signed_in(call)
    flow = await _my_flow(call, mine, "id")
    if not _is_open(call, flow):
        return over(call, flow)
    return Answer(200, encode(nodes.flow(call.door, flow, csrf_token=csrf_token(call, flow), identity=mine.identity)))


@forwarded
async def return_to_settings_flow(call: Call[Parts]) -> Answer:
    """Who comes back from signing in again finds the flow, or a new one: the browser may have a new secret."""
    mine = await _signed_in(call)
    flow = await _my_flow(call, mine, "flow")
    secret = browsers_secret(call)
    if _is_open(call, flow) and secret and flow.facts.browser == bound(secret):
        return await again(call, flow, 200, identity=mine.identity)
    asked = asked_for(call, Kind.SETTINGS, "browser", Facts())
    return await begin(call, asked._replace(return_to=flow.return_to), mine.identity, **_of(mine))


@forwarded
async def update_settings_flow(call: Call[Parts]) -> Answer:
    mine = await _signed_in(call)
    given = await filled_in(call, mine.identity.schema_id)
    flow = await _my_flow(call, mine, "flow")
    sent = submitted_to(call, flow, given)
    try:
        flows.check_open(flow, call.act.now)
        settled = await _change(call, mine, sent)
    except FlowExpired:
        facts = msgspec.structs.replace(flow.facts, step="start")  # the time after a recovery is over too
        return await expired(call, msgspec.structs.replace(flow, facts=facts), **_of(mine))
    if isinstance(settled, dict):
        facts = Facts(flow.facts.step, browser=flow.facts.browser)
        shown = msgspec.structs.replace(flow, state=SHOW, facts=facts)
        return await again(call, shown, 400, (settled,), mine.identity)
    if settled.flow.state != SAVED:
        return await again(call, settled.flow, 400, identity=settled.identity)
    return _saved(call, mine, sent, settled)


async def get_settings_page(call: Call[Parts]) -> Answer:
    """What password managers look for (W3C, a well-known URL for changing passwords), and who opens the site by its
    name."""
    return to(call.door.flows.ui_urls[Kind.SETTINGS])


async def _change(call: Call[Parts], mine: Standing, sent: Submitted) -> Settled | dict[str, Any]:
    """What came of it, or what is missing in the request."""
    parts, device, flow, given = call.door, request_device(call), sent.flow, sent.given
    means, schemas, rules = parts.means, parts.schemas, parts.flows.settings
    method, password = given.get("method"), given.get("password")
    if method == "profile":
        return await change_traits(means, schemas, call.act, mine, flow.id, traits_of(given), device, rules)
    if (method == "password" and not parts.flows.password_enabled) or method in [*UNUSABLE]:
        raise FeatureDisabled
    if method != "password":
        return {"code": "no_strategy_settings"}
    if not isinstance(password, str) or not password:
        return {"code": "property_missing", "field": "password"}
    return await change_password(means, schemas, call.act, mine, flow.id, password, device, rules)


def _saved(call: Call[Parts], mine: Standing, sent: Submitted, settled: Settled) -> Answer:
    parts, flow = call.door, settled.flow
    shown = nodes.flow(parts, flow, csrf_token=csrf_token(call, flow), identity=settled.identity)
    verifications = settled.verifications if Kind.SETTINGS in parts.flows.shows_verification else ()
    if then := [show_verification(call, each) for each in verifications]:
        shown["continue_with"] = then
    if not sent.in_browser:
        return Answer(200, encode(shown))
    url = return_to.after(parts, f"settings.{flow.method}", flow.return_to) or page_of(call, flow)
    known = presented(parts.cookies, call.request.scope["headers"])
    kept = parts.cookies.keep(known.token, mine.session, call.act.now, lasts=known.lasts)
    headers = () if known.known_end is None else (kept,)
    if from_page(call.request):
        return to(page_of(call, verifications[0]) if verifications else url, *headers)
    shown["continue_with"] = [*then, {"action": "redirect_browser_to", "redirect_browser_to": url}]
    return Answer(200, encode(shown), headers)


async def _beginner(call: Call[Parts]) -> Standing:
    try:
        return await _signed_in(call)
    except SessionRequired:
        raise NotSignedIn from None


async def _signed_in(call: Call[Parts]) -> Standing:
    """My session; from here on the request acts as me. SessionRequired, AssuranceTooLow."""
    mine, call.act = await me(call, highest=call.door.flows.settings_highest_aal)
    return mine


async def _my_flow(call: Call[Parts], mine: Standing, name: str) -> Flow:
    """The flow that the query names. FlowNotFound, FlowForeign."""
    found = flow_id(call, name)
    return await call.door.store.read(lambda tx: find_mine(tx, call.act, mine, found))


def _is_open(call: Call[Parts], flow: Flow) -> bool:
    return flow.used_at is None and flow.expires_at > call.act.now


def _of(mine: Standing) -> dict[str, Any]:
    return {"state": SHOW, "identity_id": mine.identity.id}
