"""What one connection may ask for, what may be wrong with it, and whom it is counted for."""

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from nightlatch.doors.http.repeats import Repeats
from nightlatch.doors.http.routing import Answer

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may ask for; `connections_per_address` holds in each worker process by itself."""

    header_bytes: int = 16 * 1024
    header_count: int = 100
    url_bytes: int = 8 * 1024
    header_seconds: float = 10
    body_seconds: float = 30
    body_rate: int = 1024
    body_rate_after: float = 5
    connections_per_address: int = 200


class Fault(Enum):
    """Why the protocol refuses: named as the limit in `Limits`, with the status and the sentence of the answer."""

    header_bytes = 431, "The head of the request is too large."
    header_count = 431, "The request has too many header fields."
    url_bytes = 414, "The URL of the request is too long."
    header_seconds = 408, "The head of the request did not arrive in time."
    body_seconds = 408, "The body of the request did not arrive in time."
    connections_per_address = 429, "Too many connections are open from this address."
    malformed = 400, "The request is not well-formed HTTP/1.1."
    target = 400, "The target of the request must be a path, without a scheme, a host or a fragment."
    host = 400, "The request must have exactly one Host header field."

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message


class Application(Protocol):
    """What the protocol asks of `config.loaded_app`, which as an ASGI application answers lifespan only."""

    limits: Limits
    peers: dict[Address, int]
    """Open connections by address; starts empty, kept by the protocol."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def of_port(self, port: int) -> ASGIApp:
        """The application of a listening port."""

    def at_once(self, port: int) -> frozenset[bytes]:
        """The targets there whose GET `begin` answers, mostly without waiting for anything."""

    def begin(self, scope: Scope) -> Answer | ASGIApp:
        """The answer to a GET without a body, or, where it has to be waited for, the application that gives it."""

    def repeats(self, port: int) -> Repeats | None:
        """The answers there that may be given again."""

    def trusts(self, address: Address) -> bool:
        """Whether a proxy of ours is there: all its clients come from one address, so it may open any number."""

    def request_id(self, given: bytes | None) -> bytes:
        """The X-Request-Id to answer with, for the one that the request carries."""

    def refused(self, why: Fault, client: str) -> None:
        """Counts and logs a request or connection that no application sees."""


def address_of(host: str) -> Address:
    """The address that a socket names; an IPv4 address in IPv6 spelling as IPv4."""
    address = ip_address(host)
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def network_of(address: Address) -> Address:
    """What counts as one client: an IPv4 address, or (its first address) the /64 of an IPv6 address."""
    return IPv6Address(int(address) >> 64 << 64) if isinstance(address, IPv6Address) else address
