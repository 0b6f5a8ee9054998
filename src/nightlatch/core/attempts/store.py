"""What the attempts need of a store."""

from collections.abc import Collection
from typing import Protocol

from nightlatch.core.attempts.model import Attempts
from nightlatch.core.jobs.store import Tx as JobsTx


class AttemptRows(Protocol):
    async def hold(self, key: bytes, now: int) -> Attempts:
        """Those of the key, none yet for a new one; nobody else counts them until the transaction ends."""

    async def save(self, attempts: Attempts, expires_at: int) -> None: ...

    async def remove(self, keys: Collection[bytes]) -> int:
        """How many rows there were."""

    async def purge(self, before: int, most: int) -> int:
        """Removes at most `most` of those that expired before then; how many."""


class Tx(JobsTx, Protocol):
    @property
    def attempts(self) -> AttemptRows: ...
