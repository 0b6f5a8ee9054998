"""What the leases need of a store."""

from collections.abc import Sequence
from typing import Protocol

from nightlatch.core.access.store import Tx as AccessTx
from nightlatch.core.leases.model import Lease


class Leases(Protocol):
    async def take(self, name: str, holder: bytes, now: int, until: int) -> bool:
        """Whether `holder` has the lease until then: it was free or over, or its own already."""


class Nodes(Protocol):
    async def list(self) -> Sequence[Lease]:
        """Of all nodes, by name; none on a database of one machine."""


class Tx(AccessTx, Protocol):
    @property
    def leases(self) -> Leases: ...

    @property
    def nodes(self) -> Nodes: ...
