"""Signing up, in an app and in a browser, by whichever method."""

from nightlatch.core.authentication.authenticator import Attempt
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts, Flow
from nightlatch.core.registration.rules import Registered, give_profile, step_back
from nightlatch.core.verification.rules import After
from nightlatch.doors.http.refusal import Headers
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import return_to
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
from nightlatch.doors.kratos.errors import RegistrationOff
from nightlatch.doors.kratos.methods.table import chosen
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
from nightlatch.doors.kratos.shapes import SuccessfulRegistration, encode
from nightlatch.doors.kratos.submissions import Submitted, begun_with, request_device, submitted, traits_of
from nightlatch.problems import (
    FlowExpired,
    SessionAvailable,
)

_CHOICE = "credential-selection"  # the screen at which a code can be given up for another method


async def create_native_registration_flow(call: Call[Parts]) -> Answer:
    return await in_app(call, Kind.REGISTRATION, _facts)


@forwarded
async def create_browser_registration_flow(call: Call[Parts]) -> Answer:
    return await in_browser(call, Kind.REGISTRATION, _facts)


async def get_registration_flow(call: Call[Parts]) -> Answer:
    _check_open(call)
    return await get_flow(call, Kind.REGISTRATION)


@forwarded
async def update_registration_flow(call: Call[Parts]) -> Answer:
    _check_open(call)
    parts, sent = call.door, await submitted(call, Kind.REGISTRATION)
    flow, given = sent.flow, sent.given
    back = given.get("screen") == "previous" or given.get("method") == "profile:back"
    profile = given.get("method") == "profile" or given.get("screen") == _CHOICE
    method = None if back or profile else chosen(parts.flows, flow, given)
    if not back and not profile and method is None:
        return await complain(call, flow, {"code": "no_strategy_registration"})
    if await standing_of(call) is not None:
        return await signed_in_already(call, flow)
    if method is not None and (missing := method.missing(flow, given)):
        return await complain(call, flow, *({"code": "property_missing", "field": name} for name in missing))
    secret = parts.cookies.new_secret()
    signs_in = sent.in_browser and method is not None and method.type in parts.flows.signing_in
    after = After(bound(secret) if signs_in else flow.facts.browser, _after_verification(call, flow))
    attempt = Attempt(flow.id, "", request_device(call), traits=traits_of(given), after=after)
    outcome: Registered | Flow
    try:
        if back:
            outcome = await step_back(parts.store, call.act, flow.id)
        elif method is None:
            traits = attempt.traits or (flow.facts.traits if given.get("screen") == _CHOICE else {})
            outcome = await give_profile(parts.store, parts.schemas, call.act, flow.id, traits)
        else:
            outcome = await method.sign_up(parts, call.act, flow, given, attempt)
    except FlowExpired:
        return await expired(call, flow)
    if isinstance(outcome, Flow):
        return await again(call, outcome)
    assert method is not None
    return _registered(call, sent, method.type, outcome, secret)


def _registered(call: Call[Parts], sent: Submitted, by: str, outcome: Registered, secret: bytes) -> Answer:
    parts, flow = call.door, sent.flow
    identity = parts.render.identity(outcome.identity, admin=False)
    shown = SuccessfulRegistration(identity, None)
    headers: Headers = ()
    verifications = outcome.verifications if Kind.REGISTRATION in parts.flows.shows_verification else ()
    then = [show_verification(call, each) for each in verifications]
    if outcome.session is not None and outcome.token is not None:
        shown.session = parts.render.own_session(outcome.session, identity)
        if sent.in_browser:
            headers = cookies_for(call, outcome.session, outcome.token, secret)
        else:
            then.append({"action": "set_ory_session_token", "ory_session_token": outcome.token})
            shown.session_token = outcome.token
    if verifications and from_page(call.request):
        return to_page(call, verifications[0], *headers)
    shown.continue_with = then or None
    return onward(call, flow, by, shown, headers) if sent.in_browser else Answer(200, encode(shown))


async def _facts(call: Call[Parts]) -> Facts:
    return_to.checked(call, "after_verification_return_to")
    _check_open(call)
    if await standing_of(call) is not None:
        raise SessionAvailable
    return Facts()


def _after_verification(call: Call[Parts], flow: Flow) -> str | None:
    """Where the person goes on when the address of a registration is verified: it was named at the beginning."""
    wanted = begun_with(flow, "after_verification_return_to")
    return wanted if return_to.allowed(call.door, wanted) else None


def _check_open(call: Call[Parts]) -> None:
    if not call.door.flows.registration_enabled:
        raise RegistrationOff
