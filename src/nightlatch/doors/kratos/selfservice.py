"""Flows as every act has them: begun in an app or a browser, shown, gone on with, and replaced when they are over."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec

from nightlatch.core.attempts.rules import check_network
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts, Flow
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Identity
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import Standing
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import nodes, return_to
from nightlatch.doors.kratos.auth import me
from nightlatch.doors.kratos.browser import (
    again,
    bound,
    browsers_secret,
    check_browser,
    csrf_token,
    from_page,
    is_of,
    to,
    to_page,
)
from nightlatch.doors.kratos.errors import answer, body_of, error_of
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.shapes import at, encode
from nightlatch.doors.kratos.submissions import begun, request_device
from nightlatch.kernel.ids import id_text, parse_id
from nightlatch.problems import (
    AssuranceTooLow,
    FlowExpired,
    FlowNotFound,
    OrganizationNotFound,
    SessionAvailable,
    SessionRequired,
)

First = Callable[[Call[Parts]], Awaitable[Facts]]
"""What a flow remembers from its beginning, or why it cannot begin."""


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
    """The flow, for the browser that began it or that a letter `lent` something for it: the code to fill in. Who has
    that alone may have guessed it, and is shown no address."""
    found = parse_id(call.query("id") or "")
    if found is None:
        raise FlowNotFound
    flow = await begun(call, kind, found)
    own = is_of(call, flow)
    if lent is None:
        check_browser(call, flow)
    if flow.expires_at <= call.act.now:
        return over(call, flow)
    shown = nodes.flow(call.door, flow, csrf_token=csrf_token(call, flow))
    shown["ui"]["nodes"] = [n for n in shown["ui"]["nodes"] if own or n["attributes"].get("name") != "email"]
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


async def complain(call: Call[Parts], flow: Flow, *problems: dict[str, Any]) -> Answer:
    if flow.used_at is not None or flow.expires_at <= call.act.now:
        return await expired(call, flow)
    cleared = msgspec.structs.replace(flow, facts=msgspec.structs.replace(flow.facts, problems=()))
    return await again(call, cleared, 400, problems)


async def signed_in_already(call: Call[Parts], flow: Flow) -> Answer:
    if from_page(call.request):
        return to(return_to.after(call.door, flow.act, None))
    return await complain(call, flow, {"code": SessionAvailable.code, "reason": SessionAvailable.default_reason})


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
    if old.act is Kind.VERIFICATION and old.expires_at > act.now:
        error = body_of(
            410, "self-service flow replaced", "The self-service flow is over.", "self_service_flow_replaced"
        )
        return answer(error, call.request.scope["request_id"], use_flow_id=id_text(new.id))
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
