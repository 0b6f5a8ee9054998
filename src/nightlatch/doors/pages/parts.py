"""What the pages work with besides what every door has, handed in by app.py."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request

from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer
from nightlatch.kernel.secrets import Keys

Ask = Callable[[Request, str, str], Awaitable[Answer]]


class Brand(NamedTuple):
    """Whose pages these are: a name, a picture, and a stylesheet that goes after ours."""

    name: str
    logo: Path | None = None
    stylesheet: Path | None = None


class Site(NamedTuple):
    """`public_url` ends in a slash; `keys` seal what a form of ours carries; `acts` are those that can be
    switched off and are not; a new password has `least` characters."""

    public_url: str
    keys: Keys
    acts: frozenset[str]
    brand: Brand
    least: int


@dataclass(frozen=True, slots=True)
class Parts(Shared):
    """`ask` has the API answer (method, target) as it would answer the browser behind the request."""

    site: Site
    ask: Ask
