"""Who is asking on the admin port, whatever the dialect: a door's auth only says where the key is in a request."""

import ipaddress
from contextlib import suppress

from starlette.requests import Request

from nightlatch.core.access import rules
from nightlatch.core.access.model import EVERYTHING, AccessKey
from nightlatch.core.events.model import Act
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.doors.http.parts import Access, Shared
from nightlatch.kernel.ids import id_text
from nightlatch.kernel.secrets import digest
from nightlatch.problems import KeyRequired


def authorization(request: Request) -> str:
    """The token of Authorization: `Bearer KEY`, or the bare `KEY` that old clients send."""
    header = request.headers.get("authorization", "")
    scheme, _, rest = header.partition(" ")
    return rest if scheme.lower() == "bearer" else header


async def administrator(parts: Shared, request: Request, scope: str) -> Act:
    """The act of whoever presents an access key with `scope` in Authorization. KeyRequired, ScopeMissing."""
    return await bearer(parts, request, authorization(request), scope)


async def bearer(parts: Shared, request: Request, token: str, scope: str) -> Act:
    """The act of whoever presents `token`, the token of a key with `scope`; a trusted network needs none, but for pages
    in its browsers. KeyRequired, ScopeMissing."""
    peer = request.client.host if request.client else ""
    if not token and _trusted(parts.access, peer) and not _from_page(request, peer):
        return Act(DEFAULT, f"network:{peer}", parts.clock.now(), parts.entropy, EVERYTHING)
    return of_key(parts, await _check(parts, token), scope)


def of_key(parts: Shared, key: AccessKey, scope: str) -> Act:
    """The act of whoever has proved to hold `key`. ScopeMissing."""
    rules.allow(key.scopes, scope)
    return Act(key.organization, f"key:{id_text(key.id)}", parts.clock.now(), parts.entropy, key.scopes)


def anonymous(parts: Shared) -> Act:
    """An act by somebody who has not proved who they are."""
    return Act(DEFAULT, "anonymous", parts.clock.now(), parts.entropy)


async def _check(parts: Shared, token: str) -> AccessKey:
    if not token:
        raise KeyRequired
    key = parts.access.keys.get(digest(token))
    if key is not None:
        return key
    now = parts.clock.now()
    return await parts.store.read(lambda tx: rules.check(tx, token, now))


def _trusted(access: Access, peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in access.trusted_networks)


def _from_page(request: Request, peer: str) -> bool:
    """Whether a page in a browser had it sent. On one's own machine it may have come by a name that the page's owner
    made to mean this machine: then the browser takes us for a part of that site."""
    if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") != "none":
        return True
    name = request.url.hostname or "localhost"
    return peer in {"127.0.0.1", "::1"} and name != "localhost" and not _is_address(name)


def _is_address(name: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(name))
    return False
