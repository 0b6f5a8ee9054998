"""The kinds of value that a setting may have: how each is read from YAML and from an environment variable."""

import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from nightlatch.config.errors import Refused, refuse
from nightlatch.kernel.durations import duration_text, parse_duration

T = TypeVar("T")
Network = IPv4Network | IPv6Network

_BOOLEANS: dict[str, Any] = dict.fromkeys(["1", "t", "T", "TRUE", "true", "True"], True)
_BOOLEANS |= dict.fromkeys(["0", "f", "F", "FALSE", "false", "False"], False)
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9.-]{1,253}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """`read` takes what YAML gave and raises Refused; `from_text` makes that of an environment variable's text.
    `entries` is None for a single value, and for a list the keys of its entries (none when they are plain)."""

    name: str
    read: Callable[[Any], T]
    examples: tuple[Any, Any]
    from_text: Callable[[str], Any] = str
    entries: tuple[str, ...] | None = None


def read_text(value: Any) -> str:
    """Text that is not empty, without line breaks and other controls."""
    if not isinstance(value, str):
        refuse("must be text", "Put it in quotes.")
    if not value.strip():
        refuse("is empty", "Remove it or give it a value.")
    if not value.isprintable():
        refuse("holds a character that cannot be printed", "Remove line breaks and control characters.")
    return value


def _read_host(value: Any) -> str:
    host = read_text(value)
    try:
        ip_address(host)
    except ValueError:
        if not _HOST_NAME.fullmatch(host):
            refuse("must be an address or a host name alone", "Write it like 127.0.0.1; the port has a key of its own.")
    return host


def _read_base_url(value: Any) -> str:
    url = _read_reference(value)
    try:
        parts = urlsplit(url)
        absolute = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port or an address in brackets that is none
        absolute = None
    if not absolute:
        refuse("must be an absolute http or https URL", "Write it like https://id.example.com/.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        refuse("must hold no user, query or fragment", "Write it like https://id.example.com/.")
    return url if url.endswith("/") else url + "/"


def _read_reference(value: Any) -> str:
    url = read_text(value)
    if " " in url or "\\" in url:
        refuse("must be a URL", "Write spaces as %20 and no backslash.")
    return url


def _read_network(value: Any) -> Network:
    try:
        network = ip_network(read_text(value))
    except ValueError:
        refuse("must be a network in CIDR form", "Write it like 10.0.0.0/8 or fd00::/8, with no bits after the prefix.")
    if not network.prefixlen:
        refuse("names every address there is", "Name the networks that are yours.")
    return network


def _read_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        refuse("must be true or false", "Write true or false, without quotes.")
    return value


def list_from_text(text: str) -> Any:
    """A JSON list, or the parts between commas."""
    if not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",")]
    try:
        return json.loads(text)
    except ValueError:
        return text


def matching(pattern: str, problem: str, cure: str) -> Callable[[Any], str]:
    """Reads text of that pattern, in which a letter is either case of it."""
    pattern_of_all = re.compile(pattern, re.ASCII | re.IGNORECASE)

    def read(value: Any) -> str:
        if not pattern_of_all.fullmatch(read_text(value)):
            refuse(problem, cure)
        return str(value)

    return read


_read_token = matching(
    r"[a-z0-9!#$%&'*+.^_`|~-]+", "must be a name of letters, digits and dashes", "Remove spaces and special characters."
)
_read_origin = matching(
    r"\*|[a-z][a-z0-9+.-]*://(\*\.)?[a-z0-9.-]+(:[0-9]{1,5})?",
    "must be an origin",
    "Write it like https://app.example.com, https://*.example.com or http://localhost:3000.",
)


def _read_file(value: Any) -> Path:
    file = Path(read_text(value)).absolute()
    if not os.access(file, os.R_OK) or not file.is_file():
        refuse("is no file that can be read", "Give its path; a relative one begins at the working directory.")
    return file


TEXT = Kind("text", read_text, ("customer", "employee"))
TOKEN = Kind("name", _read_token, ("X-Real-IP", "my_session"))
HOST = Kind("host", _read_host, ("0.0.0.0", "::1"))  # noqa: S104 - an example
BASE_URL = Kind("absolute URL", _read_base_url, ("https://id.example.com/", "https://example.com/auth/"))
REFERENCE = Kind("URL", _read_reference, ("https://app.example.com/sign-in", "/dashboard"))
ORIGIN = Kind("origin", _read_origin, ("https://app.example.com", "https://*.example.com"))
NETWORK = Kind("network", _read_network, ("10.0.0.0/8", "fd00::/8"))
FILE = Kind("file", _read_file, ("/etc/passwd", "/etc/hosts"))
BOOLEAN = Kind("boolean", _read_boolean, (True, False), lambda text: _BOOLEANS.get(text, text))


def integer(least: int, most: int) -> Kind[int]:
    """A whole number from `least` to `most`."""

    def read(value: Any) -> int:
        # YAML's true is an integer to Python.
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            refuse(f"must be a whole number from {least} to {most}", "Write digits, without quotes.")
        return value

    return Kind(f"{least} to {most}", read, (least, most), lambda text: int(text) if _WHOLE.fullmatch(text) else text)


def duration(least: int = 1_000) -> Kind[int]:
    """Microseconds, from a duration of at least `least` of them."""

    def read(value: Any) -> int:
        length = parse_duration(value) if isinstance(value, str) else None
        if length is None or length < least:
            refuse(f"must be a duration of {duration_text(least)} or more", "Write it like 30s, 15m or 24h.")
        return length

    return Kind("duration", read, ("90s", "36h"))


def choice(*names: str) -> Kind[str]:
    """One of `names`, of which there are two at least."""

    def read(value: Any) -> str:
        if value not in names:
            refuse(f"must be one of {', '.join(names)}", f"Write it like {names[0]}.")
        return str(value)

    return Kind(" \\| ".join(names), read, (names[0], names[1]))


def each_read(named: Iterable[tuple[str, Callable[[Any], T], Any]]) -> tuple[T, ...]:
    """What each value's reader, before it, makes of it. Refused with the faults of all, each after its value's name."""
    taken: list[T] = []
    faults: list[tuple[str, str]] = []
    for name, read, value in named:
        try:
            taken.append(read(value))
        except Refused as refused:
            faults += [(f"{name} {problem}", cure) for problem, cure in refused.faults]
    if faults:
        raise Refused(*faults)
    return tuple(taken)


def many(kind: Kind[T], *entry_keys: str, least: int = 0) -> Kind[tuple[T, ...]]:
    """A list of `least` values of `kind` or more; entries that are mappings have `entry_keys`."""

    def read(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            refuse("must be a list", "Begin each entry with a dash; in the environment write a,b or a JSON list.")
        if len(value) < least:
            refuse("has no entry", "Give it one or more.")
        return each_read((f"entry {number}", kind.read, entry) for number, entry in enumerate(value, 1))

    return Kind(f"list of {kind.name}", read, ([kind.examples[0]], list(kind.examples)), list_from_text, entry_keys)
