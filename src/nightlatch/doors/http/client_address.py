"""Where a request comes from: the peer's address, unless a trusted proxy says whom it speaks for, and their place."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from nightlatch.doors.http.limits import address_of

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


_CITY, _COUNTRY = b"cf-ipcity", b"cf-ipcountry"
_LONGEST = 100  # characters of a city


class ClientAddress:
    """`header` is believed from peers in `proxies` only: anybody can write it."""

    def __init__(self, proxies: Sequence[Network], header: str) -> None:
        self._proxies = tuple(proxies)
        self._header = header.lower().encode("latin-1")

    def trusts(self, address: Address) -> bool:
        return any(address in network for network in self._proxies)

    def place(self, peer: str, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
        """`City, CC`, or `CC`, if a trusted proxy says so; what it does not know it leaves out, or calls XX."""
        try:
            if not self.trusts(address_of(peer)):
                return None
        except ValueError:
            return None
        said = {name: value.decode("utf-8", "replace").strip() for name, value in headers if name in {_CITY, _COUNTRY}}
        country, city = said.get(_COUNTRY, ""), said.get(_CITY, "")[:_LONGEST]
        if not re.fullmatch("[A-Z]{2}", country) or country == "XX":
            return None
        return f"{city}, {country}" if city.isprintable() and city else country

    def of(self, peer: str, headers: Sequence[tuple[bytes, bytes]]) -> str:
        """The client's address. Behind several proxies: the last one in the header that is not a proxy of ours. A value
        that is no address is not believed, nor is anything before it."""
        try:
            client = address_of(peer)
        except ValueError:
            return peer
        if not self._proxies or not self.trusts(client):
            return str(client)
        said = b",".join(value for name, value in headers if name == self._header)
        # From the end: what stands before was sent by the client itself, maybe.
        for text in reversed(said.decode("latin-1").split(",")):
            try:
                address = address_of(text.strip())
            except ValueError:
                break
            client = address
            if not self.trusts(client):
                break
        return str(client)
