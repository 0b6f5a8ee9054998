"""What is submitted to a flow: by an app as JSON, by a browser as JSON or as a form, and who may."""

from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.sessions.device import kind_of
from nightlatch.core.sessions.model import Device
from nightlatch.doors.http.refusal import Refusal
from nightlatch.doors.http.routing import Call
from nightlatch.doors.kratos import browser, cookies, forms
from nightlatch.doors.kratos.bodies import decode
from nightlatch.doors.kratos.parts import Parts
from nightlatch.kernel.ids import parse_id
from nightlatch.problems import Invalid

_DEEPEST = 30  # under `traits`, what the JSON gate allows
_COOKIES_OF_PROXIES = ("__cf", "_cf", "cf_")
_NO_JSON = "API flows are submitted with Content-Type application/json."


class Submitted(NamedTuple):
    """`given` are the fields; `in_browser` says that cookies are the answer, and no token."""

    flow: Flow
    given: dict[str, Any]
    in_browser: bool


async def submitted(call: Call[Parts], kind: Kind) -> Submitted:
    """What was submitted to the flow that the query names, by whom it may be. FlowNotFound, CsrfViolation, Invalid;
    Refusal 415."""
    found, given = flow_id(call, "flow"), await filled_in(call, call.door.schemas.default_id)
    return submitted_to(call, await begun(call, kind, found), given)


async def begun(call: Call[Parts], kind: Kind, found: bytes) -> Flow:
    """The flow of that id. From here on the request acts in its organization. FlowNotFound."""
    flow = await call.door.store.read(lambda tx: flows.begun(tx, kind, found))
    call.act = msgspec.structs.replace(call.act, organization=flow.organization)
    return flow


def begun_with(flow: Flow, name: str) -> str:
    """What the query with which the flow began says; empty for nothing."""
    return parse_qs(urlsplit(flow.request_url).query).get(name, [""])[0]


def submitted_to(call: Call[Parts], flow: Flow, given: dict[str, Any]) -> Submitted:
    """What was submitted to `flow`, by whom it may be. CsrfViolation, Invalid; Refusal 415."""
    form = browser.is_form(call.request)
    in_browser = flow.facts.browser is not None or (flow.type == "browser" and (form or _is_browser(call)))
    if _proves(call, flow.act, given):
        browser.check_origin(call)
        in_browser = in_browser or form
    elif in_browser:
        browser.check_form(call, flow, given)
    else:
        _check_app(call)
        if form:
            raise Refusal(415, _NO_JSON)
    return Submitted(flow, given, in_browser)


def link_token(call: Call[Parts], given: dict[str, Any]) -> str | None:
    """The token of a link, in the query or in the form of its page."""
    token = given.get("token") or call.query("token")
    return token if isinstance(token, str) else None


def _proves(call: Call[Parts], kind: Kind, given: dict[str, Any]) -> bool:
    """Whether this comes from a letter, which may be read in another browser than the flow began in."""
    if link_token(call, given):
        return kind in {Kind.RECOVERY, Kind.VERIFICATION}
    return kind is Kind.VERIFICATION and isinstance(given.get("code"), str) and not given.get("email")


async def filled_in(call: Call[Parts], schema_id: str) -> dict[str, Any]:
    """The fields of a JSON body or a form, whose traits are read by that schema. Invalid; Refusal 415."""
    if not browser.is_form(call.request):
        return await _json(call)
    sent = forms.decode(await call.plain_body())
    traits = forms.typed(call.door.schemas.chosen(schema_id).content["properties"]["traits"], traits_of(sent))
    return {name: value for name, value in sent.items() if not name.startswith("traits.")} | {"traits": traits}


async def fields(call: Call[Parts]) -> dict[str, Any]:
    """The JSON body of an app. Refusal 415 for another type; Invalid for none, or with what only a browser would
    send."""
    _check_app(call)
    return await _json(call)


def flow_id(call: Call[Parts], name: str) -> bytes:
    """The id of the flow that the query names. Invalid for none or a malformed one."""
    found = parse_id(call.query(name) or "")
    if found is None:
        raise Invalid("The flow query parameter is missing or malformed.")
    return found


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
    """The device behind a request. Its address is the peer's, or what a trusted proxy says, as its place is."""
    request = call.request
    agent = request.headers.get("user-agent", "")[:1024] or None
    peer = request.client.host if request.client else ""
    from_where, headers = call.door.client_address, request.scope["headers"]
    kind = kind_of(agent) if agent else "other"
    return Device(from_where.of(peer, headers) or None, agent, from_where.place(peer, headers), kind)


async def _json(call: Call[Parts]) -> dict[str, Any]:
    if not call.request.headers.get("content-type", "application/json").lower().startswith("application/json"):
        raise Refusal(415, _NO_JSON)
    return decode(await call.body(), dict[str, Any])


def _is_browser(call: Call[Parts]) -> bool:
    return "sec-fetch-site" in call.request.headers or "origin" in call.request.headers or bool(_foreign(call))


def _foreign(call: Call[Parts]) -> list[str]:
    return [name for name in cookies.names(browser.sent_cookies(call)) if not name.startswith(_COOKIES_OF_PROXIES)]


def _check_app(call: Call[Parts]) -> None:
    if "origin" in call.request.headers or _foreign(call):
        # A page of another site could make a browser post this with the person's cookies.
        raise Invalid('The HTTP Request Header included the "Cookie" or "Origin" key, which an API flow must not send.')
