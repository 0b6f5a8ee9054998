"""Signing in and up, in an app and in a browser, and an app's signing out."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from nightlatch.core.attempts.rules import check_network
from nightlatch.core.credentials.policy import MAX_LENGTH
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts, Flow
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Identity
from nightlatch.core.login.rules import sign_in
from nightlatch.core.logout.rules import sign_out
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.registration.rules import give_profile, register, step_back
from nightlatch.core.sessions.model import Standing
from nightlatch.core.verification.rules import After
from nightlatch.doors.http.refusal import Headers
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import nodes, return_to
from nightlatch.doors.kratos.auth import me, presented
from nightlatch.doors.kratos.browser import (
    again,
    bound,
    browsers_secret,
    check_browser,
    cookies_for,
    csrf_token,
    forwarded,
    from_page,
    onward,
    show_verification,
    to,
    to_page,
)
from nightlatch.doors.kratos.errors import AddressUnverified, RegistrationOff, answer, body_of, error_of
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.shapes import SuccessfulLogin, SuccessfulRegistration, at, encode
from nightlatch.doors.kratos.submissions import begun, fields, request_device, submitted, traits_of
from nightlatch.kernel.ids import id_text, parse_id
from nightlatch.problems import (
    AssuranceTooLow,
    FeatureDisabled,
    FlowExpired,
    FlowNotFound,
    Forbidden,
    Invalid,
    OrganizationNotFound,
    SessionAvailable,
    SessionRequired,
)

First = Callable[[Call[Parts]], Awaitable[Facts]]
"""What a flow remembers from its beginning, or why it cannot begin."""


async def create_native_login_flow(call: Call[Parts]) -> Answer:
    return await in_app(call, Kind.LOGIN, _login_facts)


@forwarded
async def create_browser_login_flow(call: Call[Parts]) -> Answer:
    return await in_browser(call, Kind.LOGIN, _login_facts)


async def create_native_registration_flow(call: Call[Parts]) -> Answer:
    return await in_app(call, Kind.REGISTRATION, _registration_facts)


@forwarded
async def create_browser_registration_flow(call: Call[Parts]) -> Answer:
    return await in_browser(call, Kind.REGISTRATION, _registration_facts)


async def _login_facts(call: Call[Parts]) -> Facts:
    if call.query("aal") not in {None, "", "aal1"}:
        raise Invalid("The requested authenticator assurance level is not offered: no second factor can be used here.")
    standing = await standing_of(call)
    refresh = call.query("refresh") in {"true", "1"} and standing is not None
    if standing is not None and not refresh:
        raise SessionAvailable
    if standing is None:
        return Facts()
    call.act = msgspec.structs.replace(call.act, organization=standing.identity.organization)
    return Facts(refresh=refresh, identifier=_identifier(standing))


async def _registration_facts(call: Call[Parts]) -> Facts:
    return_to.checked(call, "after_verification_return_to")
    _check_registration(call)
    if await standing_of(call) is not None:
        raise SessionAvailable
    return Facts()


async def get_login_flow(call: Call[Parts]) -> Answer:
    return await get_flow(call, Kind.LOGIN)


async def get_registration_flow(call: Call[Parts]) -> Answer:
    _check_registration(call)
    return await get_flow(call, Kind.REGISTRATION)


@forwarded
async def update_login_flow(call: Call[Parts]) -> Answer:
    parts, sent = call.door, await submitted(call, Kind.LOGIN)
    flow, given = sent.flow, sent.given
    identifier = given.get("identifier") or given.get("password_identifier")
    if given.get("method") != "password":
        return await _again(call, flow, {"code": "no_strategy_login"})
    _check_password(parts)
    missing = [
        name for name, value in (("identifier", identifier), ("password", given.get("password"))) if not _text(value)
    ]
    if missing:
        return await _again(call, flow, *({"code": "property_missing", "field": name} for name in missing))
    if len(given["password"]) > MAX_LENGTH:
        return await _again(call, flow, {"code": "credentials_wrong"})
    standing = await standing_of(call)
    if sent.in_browser and standing is not None and not flow.facts.refresh:
        return await _signed_in_already(call, flow)
    ticked = _ticked(call, flow, given)
    if ticked:
        parts = replace(parts, lifetime=msgspec.structs.replace(parts.lifetime, lifespan=parts.flows.remember_me))
    try:
        outcome = await sign_in(
            parts.means, call.act, flow.id, str(identifier), given["password"], request_device(call), standing
        )
    except FlowExpired:
        return await expired(call, flow)
    if isinstance(outcome, Flow):
        if outcome.act is Kind.VERIFICATION:
            return _to_verify(call, outcome)
        return await again(call, await _still_ticked(parts, outcome) if ticked else outcome)
    identity = parts.render.identity(outcome.identity, admin=False)
    shown = SuccessfulLogin(parts.render.own_session(outcome.session, identity), None)
    if sent.in_browser and outcome.token:
        known = standing is not None and standing.session.id == outcome.session.id
        secret = None if known else parts.cookies.new_secret()
        lasts = presented(parts.cookies, call.request.scope["headers"]).lasts if known else ticked is not False
        headers = cookies_for(call, outcome.session, outcome.identity, outcome.token, secret, lasts=lasts)
        return onward(call, flow, shown, headers)
    shown.session_token = outcome.token or presented(parts.cookies, call.request.scope["headers"]).token
    return Answer(200, encode(shown))


def _to_verify(call: Call[Parts], flow: Flow) -> Answer:
    if from_page(call.request):
        return to_page(call, flow)
    raise AddressUnverified(show_verification(call, flow))


@forwarded
async def update_registration_flow(call: Call[Parts]) -> Answer:
    _check_registration(call)
    parts, sent = call.door, await submitted(call, Kind.REGISTRATION)
    flow, given = sent.flow, sent.given
    traits, method = traits_of(given), given.get("method")
    back = given.get("screen") == "previous" or method == "profile:back"
    if not back and method not in ("password", "profile"):  # a tuple: what was sent may be unhashable
        return await _again(call, flow, {"code": "no_strategy_registration"})
    _check_password(parts)
    if sent.in_browser and await standing_of(call) is not None:
        return await _signed_in_already(call, flow)
    secret, signs_in = parts.cookies.new_secret(), parts.flows.registration.session
    try:
        if back:
            return await again(call, await step_back(parts.store, call.act, flow.id))
        if method == "profile":
            return await again(call, await give_profile(parts.store, parts.schemas, call.act, flow.id, traits))
        if not _text(given.get("password")):
            return await _again(call, flow, {"code": "property_missing", "field": "password"})
        outcome = await register(
            parts.means,
            parts.schemas,
            call.act,
            flow.id,
            traits,
            given["password"],
            request_device(call),
            parts.flows.registration,
            After(
                bound(secret) if signs_in and sent.in_browser else flow.facts.browser, _after_verification(call, flow)
            ),
        )
    except FlowExpired:
        return await expired(call, flow)
    if isinstance(outcome, Flow):
        return await again(call, outcome)
    identity = parts.render.identity(outcome.identity, admin=False)
    shown = SuccessfulRegistration(identity, None)
    headers: Headers = ()
    verifications = outcome.verifications if Kind.REGISTRATION in parts.flows.shows_verification else ()
    then = [show_verification(call, each) for each in verifications]
    if outcome.session is not None and outcome.token is not None:
        shown.session = parts.render.own_session(outcome.session, identity)
        if sent.in_browser:
            headers = cookies_for(call, outcome.session, outcome.identity, outcome.token, secret)
        else:
            then.append({"action": "set_ory_session_token", "ory_session_token": outcome.token})
            shown.session_token = outcome.token
    if verifications and from_page(call.request):
        return to_page(call, verifications[0], *headers)
    shown.continue_with = then or None
    return onward(call, flow, shown, headers) if sent.in_browser else Answer(200, encode(shown))


def _after_verification(call: Call[Parts], flow: Flow) -> str | None:
    """Where the person goes on when the address of a registration is verified: it was named at the beginning."""
    wanted = parse_qs(urlsplit(flow.request_url).query).get("after_verification_return_to", [""])[0]
    return wanted if return_to.allowed(call.door, wanted) else None


async def perform_native_logout(call: Call[Parts]) -> Answer:
    token = (await fields(call)).get("session_token")
    if not _text(token):
        raise Forbidden("A session_token must be given.")
    await call.door.store.write(lambda tx: sign_out(tx, call.act, str(token)))
    return Answer(204)


def _ticked(call: Call[Parts], flow: Flow, given: dict[str, Any]) -> bool | None:
    """Whether this browser is to keep the person signed in; None where that was not asked."""
    return given.get("remember_me") in (True, "true", "on") if nodes.asks_to_remember(call.door, flow) else None


async def _still_ticked(parts: Parts, flow: Flow) -> Flow:
    facts = msgspec.structs.replace(flow.facts, remember=True)
    return await parts.store.write(lambda tx: flows.move(tx, flow, facts=facts))


def _check_password(parts: Parts) -> None:
    if not parts.flows.password_enabled:
        raise FeatureDisabled


def _check_registration(call: Call[Parts]) -> None:
    if not call.door.flows.registration_enabled:
        raise RegistrationOff


async def in_app(call: Call[Parts], kind: Kind, facts: First, **of: Any) -> Answer:
    await _enter(call)
    flow = await open_flow(call, asked_for(call, kind, "api", await facts(call)), **of)
    return Answer(200, encode(nodes.flow(call.door, flow)))


async def in_browser(call: Call[Parts], kind: Kind, facts: First, **of: Any) -> Answer:
    back, page = return_to.checked(call), from_page(call.request)
    await _enter(call)
    try:
        known = await facts(call)
    except SessionAvailable:
        if not page:
            raise
        onwards = to(return_to.after(call.door, kind, back))
        onwards.status = 302 if kind is Kind.RECOVERY else 303
        return onwards
    return await begin(call, asked_for(call, kind, "browser", known), **of)


async def begin(call: Call[Parts], asked: "Asked", identity: Identity | None = None, **of: Any) -> Answer:
    """A new flow of this browser: its JSON, or the way to its page. Settings are of an `identity`."""
    cookies, secret = call.door.cookies, browsers_secret(call)
    given = secret or cookies.new_secret()
    headers = () if secret else (cookies.mark(given),)
    facts = msgspec.structs.replace(asked.facts, browser=bound(given))
    flow = await open_flow(call, asked._replace(facts=facts), **of)
    if from_page(call.request):
        return to_page(call, flow, *headers)
    shown = nodes.flow(call.door, flow, csrf_token=cookies.masked(given), identity=identity)
    return Answer(200, encode(shown), headers)


async def _enter(call: Call[Parts]) -> None:
    """From here on the request acts in the organization that the query names. OrganizationNotFound."""
    named = call.query("organization")
    if not named:
        return
    wanted = parse_id(named)
    # What is no id is as unknown as one of nobody: there is one answer, which tells nothing.
    if wanted is None or await call.door.store.read(lambda tx: tx.organizations.get(wanted)) is None:
        raise OrganizationNotFound("There is no such organization.")
    call.act = msgspec.structs.replace(call.act, organization=wanted)


class Asked(NamedTuple):
    """A flow to be opened."""

    kind: Kind
    type: str
    facts: Facts
    request_url: str
    return_to: str | None


def asked_for(call: Call[Parts], kind: Kind, type_: str, facts: Facts) -> Asked:
    return Asked(kind, type_, facts, call.door.public_url.rstrip("/") + call.target, return_to.checked(call))


async def open_flow(call: Call[Parts], asked: Asked, **of: Any) -> Flow:
    """A new flow, `of` somebody or of nobody yet. Throttled."""
    kind, type_, facts, url, back = asked
    lifespan = call.door.flows.lifespans[kind]
    address, limit = request_device(call).ip, call.door.throttling.flows

    async def unit(tx: Tx) -> Flow:
        # Anybody can have a row written here.
        await check_network(tx, call.act, "flow", address, limit)
        return await flows.open_flow(tx, call.act, kind, lifespan, url, type_=type_, return_to=back, facts=facts, **of)

    return await call.door.store.write(unit)


async def get_flow(call: Call[Parts], kind: Kind, lent: str | None = None) -> Answer:
    """The flow, for the browser that began it or that a letter `lent` something for it: the code to fill in."""
    found = parse_id(call.query("id") or "")
    if found is None:
        raise FlowNotFound
    flow = await begun(call, kind, found)
    if lent is None:
        check_browser(call, flow)
    if flow.expires_at <= call.act.now:
        return over(call, flow)
    shown = nodes.flow(call.door, flow, csrf_token=csrf_token(call, flow))
    for node in shown["ui"]["nodes"] if lent else ():
        if node["attributes"].get("name") == "code":
            node["attributes"]["value"] = lent
    return Answer(200, encode(shown))


def over(call: Call[Parts], flow: Flow) -> Answer:
    """410, and where a new flow begins."""
    error = error_of(FlowExpired())
    url = f"{call.door.public_url}self-service/{flow.act}/{flow.type}"
    if flow.organization != DEFAULT and flow.act is not Kind.SETTINGS:
        url += f"?organization={id_text(flow.organization)}"
    error["details"] = {"api": url} if flow.type == "api" else {"redirect_to": return_to.carried(url, flow.return_to)}
    if flow.return_to:
        error["details"]["return_to"] = flow.return_to
    return answer(error, call.request.scope["request_id"])


async def _again(call: Call[Parts], flow: Flow, *problems: dict[str, Any]) -> Answer:
    if flow.used_at is not None or flow.expires_at <= call.act.now:
        return await expired(call, flow)
    cleared = msgspec.structs.replace(flow, facts=msgspec.structs.replace(flow.facts, problems=()))
    return await again(call, cleared, 400, problems)


async def _signed_in_already(call: Call[Parts], flow: Flow) -> Answer:
    if from_page(call.request):
        return to(return_to.after(call.door, flow.act, None))
    return await _again(call, flow, {"code": SessionAvailable.code, "reason": SessionAvailable.default_reason})


async def expired(call: Call[Parts], old: Flow, **of: Any) -> Answer:
    """The way to a new flow, `of` somebody or of nobody yet, that continues the act: its page, or 410 with its id."""
    facts, act = Facts(), call.act
    if old.type == "browser":
        why = "expired" if old.expires_at <= act.now else "again"
        problem = {"code": f"{old.act}_{why}", "expired_at": old.expires_at, "now": act.now}
        facts = msgspec.structs.replace(old.facts, problems=(problem,))
    new = await open_flow(call, Asked(old.act, old.type, facts, old.request_url, old.return_to), **of)
    if from_page(call.request):
        return to_page(call, new)
    error = body_of(
        410, "self-service flow expired", "The self-service flow has expired or was used.", "self_service_flow_expired"
    )
    if old.act is Kind.RECOVERY:
        error["details"] = {"continue_with": [{"action": "show_recovery_ui", "flow": {"id": id_text(new.id)}}]}
    return answer(
        error,
        call.request.scope["request_id"],
        use_flow_id=id_text(new.id),
        expired_at=at(old.expires_at),
        since=(act.now - old.expires_at) * 1000,
    )


async def standing_of(call: Call[Parts]) -> Standing | None:
    """The caller's session, where there is one."""
    try:
        return (await me(call))[0]
    except (SessionRequired, AssuranceTooLow):
        return None


def _identifier(standing: Standing) -> str | None:
    return next((a.value for a in standing.identity.addresses), None)


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
