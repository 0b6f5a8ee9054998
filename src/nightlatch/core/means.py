"""What an act works with that proves something: a password, a code."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from unicodedata import is_normalized

from nightlatch.core.attempts.model import Throttling
from nightlatch.core.credentials.hashing import Hasher
from nightlatch.core.credentials.person import Vault
from nightlatch.core.sessions.rules import Lifetime
from nightlatch.core.store import Store
from nightlatch.kernel.clock import SECOND
from nightlatch.kernel.secrets import Keys


@dataclass(frozen=True, slots=True)
class Verifying:
    """By `code` or `link`, in a flow of that lifespan. Who has no verified address does not sign in by the methods that
    it is `required` for; who signs in by those that it is `offered` after is sent a secret for one that is not."""

    method: str
    lifespan: int
    required: frozenset[str] = frozenset()
    offered: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Post:
    """For how long, in microseconds, a `code` and a `link` are good that are sent to somebody; where a link leads: to
    a place (an act, or `device`), with a query; what links that end a session are sealed with; and how new addresses
    are verified, if they are."""

    lifespans: Mapping[str, int]
    url: Callable[[str, Mapping[str, str]], str]
    endings: Keys
    verifying: Verifying | None = None


@dataclass(frozen=True, slots=True)
class Means:
    store: Store
    hasher: Hasher
    vault: Vault
    lifetime: Lifetime
    throttling: Throttling
    code_keys: Keys
    post: Post

    def floor(self, secret: str) -> "Floor":
        """What a refusal awaits, so that it takes the same time whatever it was refused for."""
        # A password that is not in normal form is checked in two: who sends one waits for two, whoever was asked for.
        checks = 1 if is_normalized("NFC", secret) else 2
        return Floor(checks * self.throttling.floor / SECOND)


class Floor:
    """The least time that a refusal takes from here on, in seconds, besides the wait for a thread."""

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + seconds

    def later(self, seconds: float) -> None:
        """The wait for a thread is the same for all, and no part of it."""
        self._end += seconds

    async def reached(self) -> None:
        await asyncio.sleep(self._end - self._loop.time())
