"""Who is asking: an access key on the admin port, a session token on the public one."""

import ipaddress

from starlette.requests import Request

from nightlatch.core.access import rules
from nightlatch.core.access.model import AccessKey
from nightlatch.core.events.model import Act
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import Standing
from nightlatch.core.sessions.rules import check
from nightlatch.doors.http.routing import Call
from nightlatch.doors.kratos.parts import Access, Parts
from nightlatch.kernel.ids import id_text
from nightlatch.kernel.secrets import digest
from nightlatch.problems import KeyRequired, SessionRequired


async def administrator(parts: Parts, request: Request, scope: str) -> Act:
    """The act of whoever presents an access key with `scope`. KeyRequired, ScopeMissing."""
    now = parts.clock.now()
    peer = request.client.host if request.client else ""
    token = _key_of(request.headers.get("authorization", ""))
    if not token and _trusted(parts.access, peer):
        return Act(DEFAULT, f"network:{peer}", now, parts.entropy)
    key = await _check(parts, token, now)
    rules.allow(key, scope)
    return Act(key.organization, f"key:{id_text(key.id)}", now, parts.entropy)


def anonymous(parts: Parts) -> Act:
    """An act of self-service by somebody who has not proved who they are."""
    return Act(DEFAULT, "anonymous", parts.clock.now(), parts.entropy)


def session_token(headers: "list[tuple[bytes, bytes]]") -> str:
    """The token of X-Session-Token, else of Authorization: Bearer. SessionRequired when there is none."""
    bearer = b""
    for name, value in headers:
        if name == b"x-session-token" and value:
            return value.decode("latin-1")
        if name == b"authorization" and not bearer:  # the first, as on the admin port
            bearer = value
    scheme, _, token = bearer.partition(b" ")
    if scheme.lower() != b"bearer" or not token or b" " in token:
        raise SessionRequired
    return token.decode("latin-1")


async def me(call: Call[Parts], *, highest: bool = False) -> tuple[Standing, Act]:
    """My session, and acts as me. SessionRequired, AssuranceTooLow."""
    parts = call.door
    token = session_token(call.request.scope["headers"])
    standing = await parts.store.read(
        lambda tx: check(tx, token, parts.lifetime, call.act.now, highest=highest and parts.highest_aal)
    )
    identity = standing.identity
    return standing, Act(identity.organization, f"identity:{id_text(identity.id)}", call.act.now, parts.entropy)


async def _check(parts: Parts, token: str, now: int) -> AccessKey:
    if not token:
        raise KeyRequired
    key = parts.access.keys.get(digest(token))
    if key is not None:
        return key
    return await parts.store.read(lambda tx: rules.check(tx, token, now))


def _key_of(authorization: str) -> str:
    """The key of `Bearer KEY`, or of the bare `KEY` that old clients send."""
    scheme, _, rest = authorization.partition(" ")
    return rest if scheme.lower() == "bearer" else authorization


def _trusted(access: Access, peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in access.trusted_networks)
