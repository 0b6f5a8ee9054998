"""What an act works with that proves something: a password, a code."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from unicodedata import is_normalized

from nightlatch.core.attempts.model import Throttling
from nightlatch.core.credentials.hashing import Hasher
from nightlatch.core.credentials.person import Vault
from nightlatch.core.sessions.rules import Lifetime
from nightlatch.core.store import Store
from nightlatch.kernel.clock import SECOND


@dataclass(frozen=True, slots=True)
class Means:
    store: Store
    hasher: Hasher
    vault: Vault
    lifetime: Lifetime
    throttling: Throttling

    @asynccontextmanager
    async def unhurried(self, password: str) -> AsyncIterator["Floor"]:
        """What a refusal awaits, so that it takes the same time whatever it was refused for."""
        # A password that is not in normal form is checked in two: who sends one waits for two, whoever was asked for.
        checks = 1 if is_normalized("NFC", password) else 2
        floor = Floor(checks * self.throttling.floor / SECOND)
        try:
            yield floor
        finally:
            floor.over.cancel()


class Floor:
    """The least time that a refusal takes, from its begin or since it was begun again."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.over = self._sleeping()

    def begin(self) -> None:
        """Counts from now: the wait for a place among those who hash is the same for all, and no part of it."""
        self.over.cancel()
        self.over = self._sleeping()

    def _sleeping(self) -> "asyncio.Future[None]":
        return asyncio.ensure_future(asyncio.sleep(self._seconds))
