"""Signing in, in an app and in a browser, by whichever method."""

from dataclasses import replace
from typing import Any

import msgspec

from nightlatch.core.authentication.authenticator import Attempt
from nightlatch.core.credentials.person import find
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts, Flow
from nightlatch.core.login.identifying import ways_in
from nightlatch.core.sessions.model import Standing
from nightlatch.core.verification.rules import After
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import nodes
from nightlatch.doors.kratos.auth import presented
from nightlatch.doors.kratos.browser import (
    again,
    bound,
    cookies_for,
    forwarded,
    from_page,
    onward,
    show_verification,
    to_page,
)
from nightlatch.doors.kratos.errors import AddressUnverified
from nightlatch.doors.kratos.forms import TRUE
from nightlatch.doors.kratos.methods.identifier_first import chosen_to_sign_in
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.selfservice import (
    complain,
    expired,
    get_flow,
    in_app,
    in_browser,
    signed_in_already,
    standing_of,
)
from nightlatch.doors.kratos.shapes import SuccessfulLogin, encode
from nightlatch.doors.kratos.submissions import request_device, submitted
from nightlatch.problems import (
    FlowExpired,
    Invalid,
    SessionAvailable,
)


async def create_native_login_flow(call: Call[Parts]) -> Answer:
    return await in_app(call, Kind.LOGIN, _facts)


@forwarded
async def create_browser_login_flow(call: Call[Parts]) -> Answer:
    return await in_browser(call, Kind.LOGIN, _facts)


async def get_login_flow(call: Call[Parts]) -> Answer:
    return await get_flow(call, Kind.LOGIN)


@forwarded
async def update_login_flow(call: Call[Parts]) -> Answer:
    parts, sent = call.door, await submitted(call, Kind.LOGIN)
    flow, given = sent.flow, sent.given
    method = chosen_to_sign_in(parts.flows, flow, given)
    if method is None:
        return await complain(call, flow, {"code": "no_strategy_login"})
    if missing := method.missing(flow, given):
        return await complain(call, flow, *({"code": "property_missing", "field": name} for name in missing))
    standing = await standing_of(call)
    if standing is not None and not flow.facts.refresh:
        return await signed_in_already(call, flow)
    identifier = str(given.get("identifier") or given.get("password_identifier") or "")
    fresh = parts.cookies.new_secret()
    after = After(bound(fresh) if sent.in_browser else None, flow.return_to)
    attempt = Attempt(flow.id, "", request_device(call), identifier, standing, after=after)
    ticked, lifetime = _ticked(call, flow, given), parts.lifetime
    if ticked and parts.flows.remember_me is not None:
        lifetime = msgspec.structs.replace(lifetime, lifespan=parts.flows.remember_me)
    if method.type in parts.flows.alone:
        lifetime = msgspec.structs.replace(lifetime, alone=True)
    parts = replace(parts, lifetime=lifetime)
    try:
        outcome = await method.sign_in(parts, call.act, flow, given, attempt)
    except FlowExpired:
        return await expired(call, flow)
    if isinstance(outcome, Flow):
        if outcome.act is Kind.VERIFICATION:
            return _to_verify(call, outcome)
        return await again(call, await _still_ticked(parts, outcome) if ticked else outcome)
    identity = parts.render.identity(outcome.identity, admin=False)
    shown = SuccessfulLogin(parts.render.own_session(outcome.session, identity), None)
    then = [show_verification(call, each) for each in outcome.verifications]
    shown.continue_with = then or None
    if sent.in_browser and outcome.token:
        known = standing is not None and standing.session.id == outcome.session.id
        secret = None if known else fresh
        lasts = presented(parts.cookies, call.request.scope["headers"]).lasts if known else ticked is not False
        headers = cookies_for(call, outcome.session, outcome.token, secret, lasts=lasts)
        if then and from_page(call.request):
            return to_page(call, outcome.verifications[0], *headers)
        return onward(call, flow, method.type, shown, headers)
    shown.session_token = outcome.token or presented(parts.cookies, call.request.scope["headers"]).token
    return Answer(200, encode(shown))


async def _facts(call: Call[Parts]) -> Facts:
    if call.query("aal") not in {None, "", "aal1"}:
        raise Invalid("The requested authenticator assurance level is not offered: no second factor can be used here.")
    standing = await standing_of(call)
    refresh = call.query("refresh") in TRUE and standing is not None
    if standing is not None and not refresh:
        raise SessionAvailable
    if standing is None:
        return Facts()
    call.act = msgspec.structs.replace(call.act, organization=standing.identity.organization)
    person = await call.door.store.read(lambda tx: find(tx, call.act.organization, standing.identity.id))
    mine = ways_in(person) if person else ()
    return Facts(refresh=refresh, identifier=_identifier(standing), methods=mine)


def _to_verify(call: Call[Parts], flow: Flow) -> Answer:
    if from_page(call.request):
        return to_page(call, flow)
    raise AddressUnverified(show_verification(call, flow))


def _ticked(call: Call[Parts], flow: Flow, given: dict[str, Any]) -> bool | None:
    """Whether this browser is to keep the person signed in; None where that was not asked."""
    return given.get("remember_me") in (True, "true", "on") if nodes.asks_to_remember(call.door, flow) else None


async def _still_ticked(parts: Parts, flow: Flow) -> Flow:
    facts = msgspec.structs.replace(flow.facts, remember=True)
    return await parts.store.write(lambda tx: flows.move(tx, flow, facts=facts))


def _identifier(standing: Standing) -> str | None:
    return next((a.value for a in standing.identity.addresses), None)
