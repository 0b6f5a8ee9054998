"""Recovery: codes and links made by an administrator or sent by mail, and redeemed by who was given one."""

from typing import Any

from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts
from nightlatch.core.recovery import rules
from nightlatch.doors.http.routing import MIB, Answer, Call
from nightlatch.doors.kratos import nodes, return_to
from nightlatch.doors.kratos.addressed import anew, asked, expired, link_page, refused
from nightlatch.doors.kratos.bodies import RecoveryBody, posted
from nightlatch.doors.kratos.browser import bound, cookies_for, forwarded, from_page, to, to_page, with_query
from nightlatch.doors.kratos.forms import TRUE
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.selfservice import get_flow, in_app, in_browser, standing_of
from nightlatch.doors.kratos.shapes import RecoveryCode, RecoveryLink, at, encode
from nightlatch.doors.kratos.submissions import (
    Submitted,
    begun,
    begun_with,
    flow_id,
    link_token,
    request_device,
    submitted,
)
from nightlatch.kernel.durations import duration_text, parse_duration
from nightlatch.kernel.ids import id_text, parse_id
from nightlatch.problems import FeatureDisabled, FieldInvalid, FlowExpired, Invalid, SessionAvailable


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
    lifespan = _lifespan(body.expires_in, parts.post.lifespans["link"])
    identity_id = _identity(body)
    back = return_to.checked(call)
    made = await parts.store.write(
        lambda tx: rules.make_code(
            tx, call.act, parts.code_keys, identity_id, lifespan, _url(call), purpose="link", return_to=back
        )
    )
    link = parts.post.url("recovery", {"flow": id_text(made.flow.id), "token": made.secret})
    return Answer(200, encode(RecoveryLink(link, at(made.expires_at))))


async def create_native_recovery_flow(call: Call[Parts]) -> Answer:
    return await in_app(call, Kind.RECOVERY, _facts, method=call.door.flows.use[Kind.RECOVERY])


@forwarded
async def create_browser_recovery_flow(call: Call[Parts]) -> Answer:
    return await in_browser(call, Kind.RECOVERY, _facts, method=call.door.flows.use[Kind.RECOVERY])


async def get_recovery_flow(call: Call[Parts]) -> Answer:
    _check_enabled(call)
    return await get_flow(call, Kind.RECOVERY)


@forwarded
async def follow_recovery_link(call: Call[Parts]) -> Answer:
    """A link of a letter shows a page whose button redeems it, unless it is configured to redeem at once."""
    _check_enabled(call)
    found, token = flow_id(call, "flow"), call.query("token")
    if token and (call.door.flows.link_confirmation or call.request.method != "GET"):
        return link_page(call, Kind.RECOVERY, token)
    flow = await begun(call, Kind.RECOVERY, found)
    if not token:
        return to_page(call, flow)
    return await _redeemed(call, Submitted(flow, {"token": token}, True))


@forwarded
async def update_recovery_flow(call: Call[Parts]) -> Answer:
    """An address has a secret sent there. The right one gives a session and a settings flow; any other gives the flow
    again, as the peer does with 200."""
    _check_enabled(call)
    sent = await submitted(call, Kind.RECOVERY)
    given = sent.given
    code = given.get("method", "code") == "code" and isinstance(given.get("code"), str) and not given.get("email")
    if code or link_token(call, given):
        return await _redeemed(call, sent)
    if await standing_of(call) is None:
        return await asked(call, Kind.RECOVERY, sent)
    if from_page(call.request):
        return to(return_to.after(call.door, Kind.RECOVERY, None))
    raise SessionAvailable


async def _redeemed(call: Call[Parts], sent: Submitted) -> Answer:
    parts, flow, token = call.door, sent.flow, link_token(call, sent.given)
    secret = parts.cookies.new_secret()
    place = rules.At(bound(secret), await standing_of(call)) if sent.in_browser else None
    try:
        outcome = await rules.redeem(
            parts.means,
            call.act,
            flow.id,
            token or sent.given["code"],
            request_device(call),
            parts.flows.redeeming,
            place,
            purpose="link" if token else "code",
        )
    except FlowExpired as over:
        return await expired(call, flow, over)
    if isinstance(outcome, rules.Recovered):
        return _recovered(call, sent, outcome, secret)
    if token and from_page(call.request):
        return await anew(call, flow, {"code": "link_wrong"})
    return await refused(call, outcome)


async def _facts(call: Call[Parts]) -> Facts:
    _check_enabled(call)
    if await standing_of(call) is not None:
        raise SessionAvailable
    return Facts()


def _check_enabled(call: Call[Parts]) -> None:
    if not call.door.flows.recovery_enabled:
        raise Invalid("Recovery is not allowed because it was disabled by the administrator.")


def _recovered(call: Call[Parts], sent: Submitted, outcome: rules.Recovered, secret: bytes) -> Answer:
    parts, settings_id = call.door, id_text(outcome.settings.id)
    url = with_query(parts.flows.ui_urls["settings"], "flow", settings_id)
    shown = nodes.flow(parts, outcome.flow)
    then: list[dict[str, Any]] = [{"action": "show_settings_ui", "flow": {"id": settings_id, "url": url}}]
    if begun_with(sent.flow, "skip_settings") in TRUE:
        url = return_to.after(parts, Kind.RECOVERY, sent.flow.return_to)
        then = [{"action": "redirect_browser_to", "redirect_browser_to": url}] if sent.in_browser else []
    if not sent.in_browser:
        shown["continue_with"] = [{"action": "set_ory_session_token", "ory_session_token": outcome.token}, *then]
        return Answer(200, encode(shown))
    headers = cookies_for(call, outcome.session, outcome.token, secret)
    if from_page(call.request):
        return to(url, *headers)
    shown["continue_with"] = then
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
