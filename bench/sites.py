"""A server under measurement: where it answers, how it is asked, which processes it is."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Literal
from urllib.parse import urlsplit

from bench.client import Address, Answer, ask

Port = Literal["public", "admin"]
_NETWORKS = itertools.cycle(ip_network("10.0.0.0/8").hosts())


class Refused(Exception):
    """A server does not do what the measurement needs."""


@dataclass(frozen=True, slots=True)
class Site:
    """`database` are the processes of the database that is not within the server."""

    name: str
    public_url: str
    admin_url: str
    key: str | None
    pids: Sequence[int]
    database: Sequence[int] = ()

    def address(self, port: Port) -> Address:
        parts = urlsplit(self.admin_url if port == "admin" else self.public_url)
        assert parts.hostname is not None
        return parts.hostname, parts.port or 80

    def admin(self, method: str, path: str, body: str = "") -> bytes:
        """A request to the admin port, with the key."""
        headers = f"Authorization: Bearer {self.key}\r\n" if self.key else ""
        return self._request("admin", method, path, headers, body)

    def public(
        self, method: str, path: str, body: str = "", token: str = "", scheme: str = "X-Session-Token:"
    ) -> bytes:
        """A request to the public port, with a session token if there is one."""
        return self._request("public", method, path, f"{scheme} {token}\r\n" if token else "", body)

    def ask(self, port: Port, requests: Iterable[bytes], connections: int = 8) -> list[Answer]:
        """The answers, in the order of the requests. Refused when one of them is an error."""
        answers = ask(self.address(port), requests, connections)
        for answer in answers:
            if answer.status >= 400:
                raise Refused(f"{self.name}: {answer.status} {answer.body.decode(errors='replace')[:500]}")
        return answers

    def _request(self, port: Port, method: str, path: str, headers: str, body: str) -> bytes:
        host, number = self.address(port)
        if path.startswith("/self-service"):
            # As if through a proxy, each from a network of its own: what one may do in a minute is not measured.
            headers += f"X-Forwarded-For: {next(_NETWORKS)}\r\n"
        if body:
            headers += f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n"
        line = f"{method} {path} HTTP/1.1\r\nHost: {host}:{number}\r\nAccept: application/json\r\n"
        return f"{line}{headers}\r\n{body}".encode()
