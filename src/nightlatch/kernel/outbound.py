"""The one client for calls to addresses that a configuration or a person names (row W13 of docs/security.md).

A name is resolved once and every address that it has is checked; the connection goes to a checked address and nowhere
else, whatever the name resolves to later. Only public addresses, unless a network is allowed by configuration.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import ModuleType
from typing import Any

from nightlatch.kernel.unit import outside

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_BYTES = 1 << 20
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
_PORTS = {"http": 80, "https": 443}

# Spelled out rather than ip_address(…).is_global, whose answer differs between patch releases of Python.
# IANA special-purpose registries; of IPv6 only global unicast is public, so mapped, NAT64, ULA and the rest are not.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_CLOSED = [
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
]  # fmt: skip


class OutboundRefused(Exception):
    """A call that was not made, or whose answer is not used. `reason` holds nothing of the answer's body."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of `host`, by the machine's own resolver. OSError or ValueError when it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


class Outbound:
    """Answers of other servers, guarded. `allowed` networks may be called on any port though they are not public."""

    def __init__(
        self, allowed: Sequence[Network] = (), resolver: Resolver = resolve, seconds: float = TOTAL_SECONDS
    ) -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._seconds = seconds

    async def get(self, url: str) -> bytes:
        """The body of a 200, at most 1 MiB, in at most ten seconds; redirects are not followed. OutboundRefused."""
        return await self._ask("GET", url)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """The same with a body to send; any 2xx will do."""
        await self._ask("POST", url, body, headers)

    async def _ask(self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] = {}) -> bytes:
        outside("an outbound call")
        http = _http()
        try:
            async with asyncio.timeout(self._seconds):
                return await self._answer(http, method, url, body, headers)
        except TimeoutError:
            raise OutboundRefused(f"no answer within {self._seconds:g} seconds") from None
        except (http.InvalidURL, UnicodeError):
            raise OutboundRefused("the URL is malformed") from None
        except http.HTTPError as error:
            raise OutboundRefused(f"the call failed ({type(error).__name__})") from None

    async def _answer(self, http: ModuleType, method: str, url: str, sent: bytes, headers: Mapping[str, str]) -> bytes:
        target = http.URL(url)
        if target.scheme not in _PORTS or not target.host:
            raise OutboundRefused("only http:// and https:// URLs with a host are called")
        if target.userinfo:
            raise OutboundRefused("a URL must not hold a user name or password")
        port = target.port if target.port is not None else _PORTS[target.scheme]
        addresses = await self._addresses(target.raw_host.decode("ascii"), port)
        # No proxy of the environment: it would look the name up again, by itself.
        transport = http.AsyncHTTPTransport(verify=_tls(), trust_env=False)
        limits = http.Timeout(self._seconds, connect=min(self._seconds, CONNECT_SECONDS))
        failure = "no connection"
        async with http.AsyncClient(transport=transport, timeout=limits, trust_env=False) as client:
            for address in addresses:
                try:
                    return await _read(client, method, target, address, sent, headers)
                except (http.ConnectError, http.ConnectTimeout) as error:
                    failure = f"no connection: {error}"
        raise OutboundRefused(failure)

    async def _addresses(self, host: str, port: int) -> list[Address]:
        if not 0 < port < 1 << 16:
            raise OutboundRefused("the URL is malformed")
        try:
            addresses = [ip_address(text) for text in await self._resolver(host, port)]
        except (OSError, ValueError):
            addresses = []
        if not addresses:
            raise OutboundRefused("the host has no address")
        for address in addresses:
            if any(address in network for network in self._allowed):
                continue
            if not _is_public(address):
                raise OutboundRefused("the host has an address that is not public")
            if port not in _PORTS.values():
                raise OutboundRefused("only the ports 80 and 443 are called")
        return addresses


async def _read(client: Any, method: str, target: Any, address: Address, sent: bytes, more: Mapping[str, str]) -> bytes:
    """Asks `address` for `target`. The name goes into the Host field and into the check of the certificate only."""
    headers = {**more, "Host": target.netloc.decode("ascii"), "Accept-Encoding": "identity"}
    names = {"sni_hostname": target.raw_host.decode("ascii")}
    # Not compressed, for a small answer can unpack to a very large one; not redirected, past the check of the address.
    pinned = target.copy_with(host=str(address))
    async with client.stream(
        method, pinned, content=sent or None, headers=headers, extensions=names, follow_redirects=False
    ) as answer:
        if sent and answer.is_success:
            return b""  # it is taken: nothing that follows is a reason to send it again
        if answer.status_code != 200:
            raise OutboundRefused(f"the answer has the status {answer.status_code}")
        if "content-encoding" in answer.headers:
            raise OutboundRefused("the answer is compressed")
        body = bytearray()
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > MAX_BYTES:
                raise OutboundRefused(f"the answer is larger than {MAX_BYTES} bytes")
        return bytes(body)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _CLOSED)


@cache
def _http() -> ModuleType:
    # Here and not above: it costs a quarter of a second at start, and many installations never call out.
    import httpx

    return httpx


@cache
def _tls() -> ssl.SSLContext:
    context: ssl.SSLContext = _http().create_ssl_context(trust_env=False)
    return context
