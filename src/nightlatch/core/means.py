"""What an act works with that proves something: a password, a code."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

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
    async def unhurried(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Gives what a refusal awaits: it takes the same time from here, whatever it was refused for."""
        over = asyncio.ensure_future(asyncio.sleep(self.throttling.floor / SECOND))
        try:
            yield lambda: over
        finally:
            over.cancel()
