"""Flows in a browser: where it is sent next and with which cookies, and that only the browser that began a flow, from a
page that may, goes on with it.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any

import msgspec
from starlette.requests import Request

from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act, Flow
from nightlatch.core.identities.model import Identity
from nightlatch.core.sessions.model import Session
from nightlatch.doors.http.cors import fits
from nightlatch.doors.http.refusal import Headers
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import forms, nodes, return_to
from nightlatch.doors.kratos.cookies import unmasked
from nightlatch.doors.kratos.errors import CsrfViolation, error_of, way_in
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.shapes import ErrorShown, SuccessfulLogin, SuccessfulRegistration, encode
from nightlatch.kernel.ids import id_text
from nightlatch.kernel.secrets import digest, same
from nightlatch.problems import Problem, SessionRequired, Unavailable

Endpoint = Callable[[Call[Parts]], Awaitable[Answer]]
_QUALITY = re.compile(r"q=(0(?:\.[0-9]{1,3})?|1(?:\.0{1,3})?)", re.ASCII)
_LONGEST = 500
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,100}", re.ASCII)


class Told(msgspec.Struct, frozen=True):
    """An error that a page will show, and when it was."""

    error: ErrorShown
    at: int


def from_page(request: Request) -> bool:
    """Whether a page sent it, whose browser is answered with the way to the next one. Scripts and apps get JSON."""
    accept = request.headers.get("accept", "").lower()
    if _quality(accept, "application/json") > _quality(accept, "text/html"):
        return False
    return request.method in {"GET", "HEAD"} or is_form(request)


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == forms.TYPE


def forwarded(endpoint: Endpoint) -> Endpoint:
    """`endpoint`, whose refusals are shown by the error page, or by that of login where it is the cure. What may be
    over soon is 503."""

    @wraps(endpoint)
    async def answered(call: Call[Parts]) -> Answer:
        try:
            return await endpoint(call)
        except Problem as problem:
            if isinstance(problem, Unavailable) or not from_page(call.request):
                raise
            if place := way_in(call.door.public_url, problem, call.request.scope):
                return Answer(302 if type(problem) is SessionRequired else 303, headers=(("location", place),))
            error = error_of(problem)
            error["reason"] = error.get("reason", "")[:_LONGEST]
            told = call.door.error_keys.seal(Told(error, call.act.now))
            return to(with_query(call.door.flows.ui_urls["error"], "id", told))

    return answered


def to(url: str, *headers: tuple[str, str]) -> Answer:
    return Answer(303, headers=(("location", url), *headers))


def with_query(url: str, name: str, value: str) -> str:
    base, mark, fragment = url.partition("#")
    return f"{base}{'&' if '?' in base else '?'}{name}={value}{mark}{fragment}"


def to_page(call: Call[Parts], flow: Flow, *headers: tuple[str, str]) -> Answer:
    """The way to the page that shows `flow`."""
    answer = to(page_of(call, flow), *headers)
    if call.request.method == "POST" and flow.act is Act.REGISTRATION:
        answer.status = 302
    return answer


def page_of(call: Call[Parts], flow: Flow) -> str:
    return with_query(call.door.flows.ui_urls[flow.act], "flow", id_text(flow.id))


def show_verification(call: Call[Parts], flow: Flow) -> dict[str, Any]:
    """What tells a client of a flow that waits for the secret of an address."""
    shown = {"id": id_text(flow.id), "verifiable_address": flow.facts.identifier}
    return {
        "action": "show_verification_ui",
        "flow": shown | ({"url": page_of(call, flow)} if flow.type == "browser" else {}),
    }


async def again(
    call: Call[Parts],
    flow: Flow,
    status: int = 400,
    more: Sequence[dict[str, Any]] = (),
    identity: Identity | None = None,
) -> Answer:
    """The flow once more, with `more` problems: its JSON, or the way to its page, for which they are stored."""
    if not from_page(call.request):
        return Answer(status, encode(nodes.flow(call.door, flow, more, csrf_token(call, flow), identity)))
    if more:
        facts = msgspec.structs.replace(flow.facts, problems=tuple(more))
        flow = await call.door.store.write(lambda tx: flows.move(tx, flow, facts=facts))
    return to_page(call, flow)


def onward(
    call: Call[Parts], flow: Flow, by: str, shown: SuccessfulLogin | SuccessfulRegistration, headers: Headers = ()
) -> Answer:
    """From the end of a flow, which that method brought, to where it was meant to lead."""
    url = return_to.after(call.door, f"{flow.act}.{by}", flow.return_to)
    if from_page(call.request):
        return to(url, *headers)
    shown.continue_with = [
        *(shown.continue_with or ()),
        {"action": "redirect_browser_to", "redirect_browser_to": url},
    ]
    return Answer(200, encode(shown), headers)


def cookies_for(
    call: Call[Parts], session: Session, token: str, secret: bytes | None, *, lasts: bool = True
) -> Headers:
    """The session's cookie, and the browser's `secret`, if it is a new one: where somebody came in it must be."""
    cookies = call.door.cookies
    kept = cookies.keep(token, session, call.act.now, lasts=lasts)
    return (kept, cookies.mark(secret)) if secret else (kept,)


def browsers_secret(call: Call[Parts]) -> bytes | None:
    return call.door.cookies.secret(sent_cookies(call))


def sent_cookies(call: Call[Parts]) -> list[bytes]:
    return [value for name, value in call.request.scope["headers"] if name == b"cookie"]


def csrf_token(call: Call[Parts], flow: Flow) -> str:
    """What the form of a browser's flow must repeat."""
    secret = browsers_secret(call) if flow.facts.browser else None
    return call.door.cookies.masked(secret) if secret else ""


def bound(secret: bytes) -> bytes:
    """What a flow remembers of the browser that has `secret`."""
    return digest(secret.hex())


def is_of(call: Call[Parts], flow: Flow) -> bool:
    """Whether `flow` began in this browser. Those of apps, and those that an administrator made, began in none."""
    secret = browsers_secret(call)
    return flow.facts.browser is None or (secret is not None and same(bound(secret), flow.facts.browser))


def check_browser(call: Call[Parts], flow: Flow) -> None:
    """CsrfViolation when `flow` began in another browser."""
    if not is_of(call, flow):
        raise CsrfViolation("The request does not have the cookie of the browser in which the flow began.")


def check_form(call: Call[Parts], flow: Flow, given: dict[str, Any]) -> None:
    """CsrfViolation unless this was sent from a page of a known origin, by the browser of the flow, with its token."""
    check_origin(call)
    check_browser(call, flow)
    if flow.facts.browser is None:
        return
    token = given.get("csrf_token") or call.request.headers.get("x-csrf-token")
    if not isinstance(token, str) or not same(bound(unmasked(token) or b""), flow.facts.browser):
        raise CsrfViolation("The csrf_token of the form is missing or is not that of this browser.")


def check_origin(call: Call[Parts]) -> None:
    """CsrfViolation when a page sent this that is of no known origin."""
    # A neighbouring subdomain can plant cookies, and a form to go with them: only the browser knows whose page it is.
    headers = call.request.headers
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site in {"same-origin", "none"} or (origin is None and site is None):
        return
    if origin is None or not any(fits(origin, each) for each in call.door.origins):
        # The page of errors repeats it, to whomever the link is given: nobody writes sentences there.
        named = origin if origin and _ORIGIN.fullmatch(origin) else "a page"
        raise CsrfViolation(
            f"The form was sent from {named} that is neither the origin of a ui_url nor one of "
            "serve.public.cors.allowed_origins. (A Referrer-Policy of no-referrer hides the origin of a page.)"
        )


def _quality(accept: str, offer: str) -> tuple[float, int]:
    """How much `offer` is wanted, then how exactly it is named."""
    best = (0.0, 0)
    closeness = {offer: 2, offer.partition("/")[0] + "/*": 1, "*/*": 0}
    for part in accept.split(","):
        name, *parameters = (each.strip() for each in part.split(";"))
        if name in closeness:
            quality = min((float(m[1]) for each in parameters if (m := _QUALITY.fullmatch(each))), default=1.0)
            best = max(best, (quality, closeness[name] if quality else 0))
    return best
