"""Settings as an app does them: what a signed-in person changes of themselves."""

from typing import Any

import msgspec

from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts, Flow
from nightlatch.core.sessions.model import Standing
from nightlatch.core.settings.rules import SAVED, SHOW, change_password, change_traits, find_mine
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import nodes
from nightlatch.doors.kratos.auth import me
from nightlatch.doors.kratos.errors import NotSignedIn
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.selfservice import asked_for, expired, open_flow
from nightlatch.doors.kratos.shapes import encode
from nightlatch.doors.kratos.submissions import fields, flow_id, request_device, traits_of
from nightlatch.problems import AssuranceTooLow, FeatureDisabled, FlowExpired, SessionRequired


async def create_native_settings_flow(call: Call[Parts]) -> Answer:
    try:
        mine = await _mine(call)
    except SessionRequired:
        raise NotSignedIn from None
    flow = await open_flow(call, asked_for(call, Kind.SETTINGS, "api", Facts()), **_of(mine))
    return Answer(200, encode(nodes.flow(call.door, flow, identity=mine.identity)))


async def get_settings_flow(call: Call[Parts]) -> Answer:
    mine, found = await _mine(call), flow_id(call, "id")
    return Answer(200, encode(nodes.flow(call.door, await _open(call, mine, found), identity=mine.identity)))


async def update_settings_flow(call: Call[Parts]) -> Answer:
    mine, found = await _mine(call), flow_id(call, "flow")
    parts, device, given = call.door, request_device(call), await fields(call)
    method, password = given.get("method"), given.get("password")
    means, schemas, rules = parts.means, parts.schemas, parts.flows.settings
    try:
        if method == "profile":
            settled = await change_traits(means, schemas, call.act, mine, found, traits_of(given), device, rules)
        elif method == "password":
            if not parts.flows.password_enabled:
                raise FeatureDisabled
            if not isinstance(password, str) or not password:
                return await _again(call, mine, found, {"code": "property_missing", "field": "password"})
            settled = await change_password(means, schemas, call.act, mine, found, password, device, rules)
        else:
            return await _again(call, mine, found, {"code": "no_strategy_settings"})
    except FlowExpired:
        over = await parts.store.read(lambda tx: find_mine(tx, call.act, mine, found))
        # Whoever asks here is an app, though the flow may be one that a recovery opened in a browser.
        return await expired(call, msgspec.structs.replace(over, type="api"), **_of(mine))
    status = 200 if settled.flow.state == SAVED else 400
    return Answer(status, encode(nodes.flow(parts, settled.flow, identity=settled.identity)))


async def _mine(call: Call[Parts]) -> Standing:
    """My session; from here on the request acts as me. SessionRequired, AssuranceTooLow."""
    mine, call.act = await me(call)
    if call.door.flows.settings_highest_aal and mine.second_factor and mine.session.aal < 2:
        raise AssuranceTooLow
    return mine


async def _open(call: Call[Parts], mine: Standing, found: bytes) -> Flow:
    flow = await call.door.store.read(lambda tx: find_mine(tx, call.act, mine, found))
    flows.check_open(flow, call.act.now)
    return flow


async def _again(call: Call[Parts], mine: Standing, found: bytes, problem: dict[str, Any]) -> Answer:
    flow = await _open(call, mine, found)
    again = msgspec.structs.replace(flow, state=SHOW, facts=Facts(flow.facts.step))
    return Answer(400, encode(nodes.flow(call.door, again, (problem,), identity=mine.identity)))


def _of(mine: Standing) -> dict[str, Any]:
    return {"state": SHOW, "identity_id": mine.identity.id}
