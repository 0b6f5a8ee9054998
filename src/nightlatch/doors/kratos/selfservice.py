"""Signing in, up and out as an app does it: JSON flows without a browser."""

from typing import Any

import msgspec

from nightlatch.core.attempts.rules import check_network
from nightlatch.core.credentials.policy import MAX_LENGTH
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts, Flow
from nightlatch.core.flows.store import Tx
from nightlatch.core.login.rules import sign_in
from nightlatch.core.logout.rules import sign_out
from nightlatch.core.registration.rules import give_profile, register
from nightlatch.core.sessions.device import kind_of
from nightlatch.core.sessions.model import Device, Standing
from nightlatch.doors.http.refusal import Refusal
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import nodes, return_to
from nightlatch.doors.kratos.auth import me, session_token
from nightlatch.doors.kratos.bodies import decode
from nightlatch.doors.kratos.errors import RegistrationOff, answer, body_of, error_of
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.shapes import SuccessfulLogin, SuccessfulRegistration, at, encode
from nightlatch.kernel.ids import id_text, parse_id
from nightlatch.problems import (
    AssuranceTooLow,
    FeatureDisabled,
    FlowExpired,
    FlowNotFound,
    Forbidden,
    Invalid,
    SessionAvailable,
    SessionRequired,
)

_DEEPEST = 30  # under `traits`, what the JSON gate allows
_COOKIES_OF_PROXIES = ("__cf", "_cf", "cf_")


async def create_native_login_flow(call: Call[Parts]) -> Answer:
    if call.query("aal") not in {None, "", "aal1"}:
        raise Invalid("The requested authenticator assurance level is not offered: no second factor can be used here.")
    standing = await _standing(call)
    refresh = call.query("refresh") in {"true", "1"} and standing is not None
    if standing is not None and not refresh:
        raise SessionAvailable
    facts = Facts(refresh=refresh, identifier=_identifier(standing) if standing else None)
    return await _init(call, Kind.LOGIN, facts)


async def create_native_registration_flow(call: Call[Parts]) -> Answer:
    _check_registration(call)
    if await _standing(call) is not None:
        raise SessionAvailable
    return await _init(call, Kind.REGISTRATION, Facts())


async def get_login_flow(call: Call[Parts]) -> Answer:
    return await _get(call, Kind.LOGIN)


async def get_registration_flow(call: Call[Parts]) -> Answer:
    _check_registration(call)
    return await _get(call, Kind.REGISTRATION)


async def update_login_flow(call: Call[Parts]) -> Answer:
    parts, found = call.door, flow_id(call, "flow")
    given = await fields(call)
    identifier = given.get("identifier") or given.get("password_identifier")
    if given.get("method") != "password":
        return await _again(call, Kind.LOGIN, found, {"code": "no_strategy_login"})
    _check_password(parts)
    missing = [
        name for name, value in (("identifier", identifier), ("password", given.get("password"))) if not _text(value)
    ]
    if missing:
        return await _again(call, Kind.LOGIN, found, *({"code": "property_missing", "field": name} for name in missing))
    if len(given["password"]) > MAX_LENGTH:
        return await _again(call, Kind.LOGIN, found, {"code": "credentials_wrong"})
    standing = await _standing(call)
    try:
        outcome = await sign_in(
            parts.means, call.act, found, str(identifier), given["password"], request_device(call), standing
        )
    except FlowExpired:
        return await expired(call, Kind.LOGIN, found)
    if isinstance(outcome, Flow):
        return Answer(400, encode(nodes.flow(parts, outcome)))
    identity = parts.render.identity(outcome.identity, admin=False)
    session = parts.render.own_session(outcome.session, identity)
    return Answer(
        200, encode(SuccessfulLogin(session, None, outcome.token or session_token(call.request.scope["headers"])))
    )


async def update_registration_flow(call: Call[Parts]) -> Answer:
    _check_registration(call)
    parts, found = call.door, flow_id(call, "flow")
    given = await fields(call)
    traits, method = traits_of(given), given.get("method")
    if method not in ("password", "profile"):  # a tuple: what was sent may be unhashable
        return await _again(call, Kind.REGISTRATION, found, {"code": "no_strategy_registration"})
    _check_password(parts)
    try:
        if method == "profile":
            return Answer(
                400, encode(nodes.flow(parts, await give_profile(parts.store, parts.schemas, call.act, found, traits)))
            )
        if not _text(given.get("password")):
            return await _again(call, Kind.REGISTRATION, found, {"code": "property_missing", "field": "password"})
        outcome = await register(
            parts.means,
            parts.schemas,
            call.act,
            found,
            traits,
            given["password"],
            request_device(call),
            parts.flows.registration,
        )
    except FlowExpired:
        return await expired(call, Kind.REGISTRATION, found)
    if isinstance(outcome, Flow):
        return Answer(400, encode(nodes.flow(parts, outcome)))
    identity = parts.render.identity(outcome.identity, admin=False)
    if outcome.session is None or outcome.token is None:
        return Answer(200, encode(SuccessfulRegistration(identity, None)))
    session = parts.render.own_session(outcome.session, identity)
    then = [{"action": "set_ory_session_token", "ory_session_token": outcome.token}]
    return Answer(200, encode(SuccessfulRegistration(identity, then, session, outcome.token)))


async def perform_native_logout(call: Call[Parts]) -> Answer:
    token = (await fields(call)).get("session_token")
    if not _text(token):
        raise Forbidden("A session_token must be given.")
    await call.door.store.write(lambda tx: sign_out(tx, call.act, str(token)))
    return Answer(204)


def flow_id(call: Call[Parts], name: str) -> bytes:
    """The id of the flow that the query names. Invalid for none or a malformed one."""
    found = parse_id(call.query(name) or "")
    if found is None:
        raise Invalid("The flow query parameter is missing or malformed.")
    return found


async def fields(call: Call[Parts]) -> dict[str, Any]:
    """The JSON body of a submitted API flow. Refusal 415 for another type; Invalid for none, or with what only
    a browser would send."""
    headers = call.request.headers
    foreign = [name for name in call.request.cookies if not name.startswith(_COOKIES_OF_PROXIES)]
    if "origin" in headers or foreign:
        # A page of another site could make a browser post this with the person's cookies.
        raise Invalid('The HTTP Request Header included the "Cookie" or "Origin" key, which an API flow must not send.')
    if not headers.get("content-type", "application/json").lower().startswith("application/json"):
        raise Refusal(415, "API flows are submitted with Content-Type application/json.")
    return decode(await call.body(), dict[str, Any])


def traits_of(given: dict[str, Any]) -> Any:
    """The traits: nested under `traits`, or as dotted keys `traits.name.first`."""
    traits = given.get("traits", {})
    for key, value in given.items():
        if key.startswith("traits.") and isinstance(traits, dict):
            *parents, last = key.split(".")[1:]
            if len(parents) > _DEEPEST:
                raise Invalid(f"Traits are nested {_DEEPEST} levels deep at most.")
            target = traits
            for parent in parents:
                inner = target.setdefault(parent, {})
                target = inner if isinstance(inner, dict) else {}
            target[last] = value
    return traits


def request_device(call: Call[Parts]) -> Device:
    """The device behind a request. Its address is the peer's, or what a trusted proxy says."""
    request = call.request
    agent = request.headers.get("user-agent", "")[:1024] or None
    peer = request.client.host if request.client else ""
    address = call.door.client_address(peer, request.scope["headers"])
    return Device(address or None, agent, None, kind_of(agent) if agent else "other")


def _check_password(parts: Parts) -> None:
    if not parts.flows.password_enabled:
        raise FeatureDisabled


def _check_registration(call: Call[Parts]) -> None:
    if not call.door.flows.registration_enabled:
        raise RegistrationOff


async def _init(call: Call[Parts], kind: Kind, facts: Facts) -> Answer:
    back = return_to.checked(call)
    lifespan = call.door.flows.lifespans[kind]
    url = call.door.public_url.rstrip("/") + call.target
    address, limit = request_device(call).ip, call.door.throttling.flows

    async def unit(tx: Tx) -> Flow:
        # Anybody can have a row written here.
        await check_network(tx, call.act, "flow", address, limit)
        return await flows.open_flow(tx, call.act, kind, lifespan, url, return_to=back, facts=facts)

    return Answer(200, encode(nodes.flow(call.door, await call.door.store.write(unit))))


async def _get(call: Call[Parts], kind: Kind) -> Answer:
    found = parse_id(call.query("id") or "")
    if found is None:
        raise FlowNotFound
    flow = await call.door.store.read(lambda tx: flows.find(tx, call.act, kind, found))
    if flow.expires_at <= call.act.now:
        return _over(call, flow)
    return Answer(200, encode(nodes.flow(call.door, flow)))


def _over(call: Call[Parts], flow: Flow) -> Answer:
    """410, and where a new flow begins."""
    error = error_of(FlowExpired())
    error["details"] = {"api": f"{call.door.public_url}self-service/{flow.act}/api"}
    if flow.return_to:
        error["details"]["return_to"] = flow.return_to
    return answer(error, call.request.scope["request_id"])


async def _again(call: Call[Parts], kind: Kind, found: bytes, *problems: dict[str, Any]) -> Answer:
    flow = await call.door.store.read(lambda tx: flows.find(tx, call.act, kind, found))
    if flow.used_at is not None or flow.expires_at <= call.act.now:
        return await expired(call, kind, found)
    cleared = msgspec.structs.replace(flow, facts=msgspec.structs.replace(flow.facts, problems=()))
    return Answer(400, encode(nodes.flow(call.door, cleared, problems)))


async def expired(call: Call[Parts], kind: Kind, found: bytes, **of: Any) -> Answer:
    """410 with the id of a new flow, `of` somebody or of nobody yet, that continues the act."""

    address, limit = request_device(call).ip, call.door.throttling.flows

    async def replace(tx: Tx) -> tuple[Flow, Flow]:
        await check_network(tx, call.act, "flow", address, limit)
        old = await flows.find(tx, call.act, kind, found)
        lifespan = call.door.flows.lifespans[kind]
        return old, await flows.open_flow(tx, call.act, kind, lifespan, old.request_url, return_to=old.return_to, **of)

    old, new = await call.door.store.write(replace)
    error = body_of(
        410, "self-service flow expired", "The self-service flow has expired or was used.", "self_service_flow_expired"
    )
    since = (call.act.now - old.expires_at) * 1000
    return answer(
        error,
        call.request.scope["request_id"],
        use_flow_id=id_text(new.id),
        expired_at=at(old.expires_at),
        since=since,
    )


async def _standing(call: Call[Parts]) -> Standing | None:
    """The caller's session, where there is one."""
    try:
        return (await me(call))[0]
    except (SessionRequired, AssuranceTooLow):
        return None


def _identifier(standing: Standing) -> str | None:
    return next((a.value for a in standing.identity.addresses), None)


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
