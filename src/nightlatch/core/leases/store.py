"""What the leases need of a store."""

from typing import Protocol

from nightlatch.core.access.store import Tx as AccessTx


class Leases(Protocol):
    async def take(self, name: str, holder: bytes, now: int, until: int) -> bool:
        """Whether `holder` has the lease until then: it was free or over, or its own already."""


class Tx(AccessTx, Protocol):
    @property
    def leases(self) -> Leases: ...
