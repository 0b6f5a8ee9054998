"""Recovery: codes and links made by an administrator, and codes redeemed by who was given one."""

from typing import Any

from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.recovery import rules
from nightlatch.doors.http.routing import MIB, Answer, Call
from nightlatch.doors.kratos import nodes, return_to
from nightlatch.doors.kratos.bodies import RecoveryBody, posted
from nightlatch.doors.kratos.browser import again, bound, cookies_for, forwarded, from_page, to, with_query
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.selfservice import standing_of
from nightlatch.doors.kratos.shapes import RecoveryCode, RecoveryLink, at, encode
from nightlatch.doors.kratos.submissions import Submitted, begun, flow_id, request_device, submitted
from nightlatch.kernel.durations import duration_text, parse_duration
from nightlatch.kernel.ids import id_text, parse_id
from nightlatch.problems import FeatureDisabled, FieldInvalid, Invalid


async def create_recovery_code_for_identity(call: Call[Parts]) -> Answer:
    parts = call.door
    body = await _body(call)
    lifespan = _lifespan(body.expires_in, parts.flows.code_lifespan)
    flow_type = body.flow_type or "browser"
    if flow_type not in {"browser", "api"}:
        raise FieldInvalid("flow_type", f'Value from "flow_type" is not valid: "{flow_type}"')
    identity_id = _identity(body)
    back = return_to.checked(call)
    made = await parts.store.write(
        lambda tx: rules.make_code(
            tx, call.act, parts.code_keys, identity_id, lifespan, _url(call), flow_type=flow_type, return_to=back
        )
    )
    link = with_query(parts.flows.ui_urls["recovery"], "flow", id_text(made.flow.id))
    return Answer(201, encode(RecoveryCode(link, made.secret, at(made.expires_at))))


async def create_recovery_link_for_identity(call: Call[Parts]) -> Answer:
    parts = call.door
    body = await _body(call)
    lifespan = _lifespan(body.expires_in, parts.flows.link_lifespan)
    identity_id = _identity(body)
    back = return_to.checked(call)
    made = await parts.store.write(
        lambda tx: rules.make_code(
            tx, call.act, parts.code_keys, identity_id, lifespan, _url(call), purpose="link", return_to=back
        )
    )
    link = f"{parts.public_url}self-service/recovery?flow={id_text(made.flow.id)}&token={made.secret}"
    return Answer(200, encode(RecoveryLink(link, at(made.expires_at))))


async def get_recovery_flow(call: Call[Parts]) -> Answer:
    flow = await begun(call, Kind.RECOVERY, flow_id(call, "id"))
    flows.check_open(flow, call.act.now)
    return Answer(200, encode(nodes.flow(call.door, flow)))


@forwarded
async def update_recovery_flow(call: Call[Parts]) -> Answer:
    """The right code gives a session and a settings flow; any other gives the flow again, as the peer does with 200."""
    parts = call.door
    if not parts.flows.recovery_enabled:
        raise Invalid("Recovery is not allowed because it was disabled by the administrator.")
    sent = await submitted(call, Kind.RECOVERY)
    flow, given = sent.flow, sent.given
    if given.get("method", "code") != "code" or not isinstance(given.get("code"), str):
        flows.check_open(flow, call.act.now)
        return await again(call, flow, 400, ({"code": "property_missing", "field": "code"},))
    secret = parts.cookies.new_secret()
    place = rules.At(bound(secret), await standing_of(call)) if sent.in_browser else None
    device = request_device(call)
    outcome = await rules.redeem(
        parts.means, call.act, parts.code_keys, flow.id, given["code"], device, parts.flows.redeeming, place
    )
    if isinstance(outcome, Flow):
        return await again(call, outcome, 200)
    return _recovered(call, sent, outcome, secret)


def _recovered(call: Call[Parts], sent: Submitted, outcome: rules.Recovered, secret: bytes) -> Answer:
    parts, settings_id = call.door, id_text(outcome.settings.id)
    url = with_query(parts.flows.ui_urls["settings"], "flow", settings_id)
    shown = nodes.flow(parts, outcome.flow)
    then: dict[str, Any] = {"action": "show_settings_ui", "flow": {"id": settings_id, "url": url}}
    if not sent.in_browser:
        shown["continue_with"] = [{"action": "set_ory_session_token", "ory_session_token": outcome.token}, then]
        return Answer(200, encode(shown))
    headers = cookies_for(call, outcome.session, outcome.identity, outcome.token, secret)
    if from_page(call.request):
        return to(url, *headers)
    shown["continue_with"] = [then]
    return Answer(200, encode(shown), headers)


async def _body(call: Call[Parts]) -> RecoveryBody:
    if not call.door.flows.recovery_enabled:
        raise FeatureDisabled
    body = await posted(call, MIB, RecoveryBody)
    if body.identity_id and parse_id(body.identity_id) is None:
        raise Invalid(f'Unable to decode JSON payload: uuid: incorrect UUID format in string "{body.identity_id}"')
    return body


def _url(call: Call[Parts]) -> str:
    return (call.door.admin_url or call.door.public_url).rstrip("/") + call.target


def _lifespan(text: str | None, default: int) -> int:
    if not text:
        return default
    duration = parse_duration(text)
    if duration is None:
        raise FieldInvalid(
            "expires_in", f'Unable to parse "expires_in" as a duration string (e.g. "1h", "1m30s", "500ms"): {text}'
        )
    if duration <= 0:
        raise FieldInvalid(
            "expires_in", f'Value from "expires_in" must result to a future time: {duration_text(duration)}'
        )
    return duration


def _identity(body: RecoveryBody) -> bytes:
    """None given is one that does not exist: other faults of the request are told first."""
    return parse_id(body.identity_id or "") or bytes(16)
