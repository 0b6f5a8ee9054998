"""Who is asking on the public port, by a session token or cookie."""

from typing import NamedTuple

from nightlatch.core.events.model import Act
from nightlatch.core.sessions.model import Standing
from nightlatch.core.sessions.rules import check
from nightlatch.doors.http.routing import Call
from nightlatch.doors.kratos.cookies import Cookies
from nightlatch.doors.kratos.parts import Parts
from nightlatch.kernel.ids import id_text
from nightlatch.problems import SessionRequired


class Presented(NamedTuple):
    """A session token, and what its cookie knows of the session's end, and of its own, if it came in one."""

    token: str
    known_end: int | None = None
    lasts: bool = True


def presented(cookies: Cookies, headers: list[tuple[bytes, bytes]]) -> Presented:
    """The token of X-Session-Token, else of the session cookie, else of Authorization: Bearer. SessionRequired when
    there is none."""
    bearer, sent = b"", []
    for name, value in headers:
        if name == b"x-session-token" and value:
            return Presented(value.decode("latin-1"))
        if name == b"authorization" and not bearer:  # the first, as on the admin port
            bearer = value
        elif name == b"cookie":
            sent.append(value)
    if sent and (kept := cookies.kept(sent)):
        return Presented(kept.token, kept.expires_at, kept.lasts)
    scheme, _, token = bearer.partition(b" ")
    if scheme.lower() != b"bearer" or not token or b" " in token:
        raise SessionRequired
    return Presented(token.decode("latin-1"))


async def me(call: Call[Parts], *, highest: bool = False) -> tuple[Standing, Act]:
    """My session, and acts as me. SessionRequired; with `highest`, AssuranceTooLow for a second factor not used."""
    parts = call.door
    token = presented(parts.cookies, call.request.scope["headers"]).token
    standing = await parts.store.read(lambda tx: check(tx, token, parts.lifetime, call.act.now, highest=highest))
    identity = standing.identity
    return standing, Act(identity.organization, f"identity:{id_text(identity.id)}", call.act.now, parts.entropy)
