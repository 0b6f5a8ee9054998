"""What the identities need of a store."""

from collections.abc import Collection, Sequence
from typing import Protocol

from nightlatch.core.identities.model import Filter, Identity, Name
from nightlatch.core.organizations.store import Tx as OrganizationsTx


class Identities(Protocol):
    """Identities with their unique names. Everything is within one organization, named first."""

    async def get(self, organization: bytes, identity_id: bytes) -> Identity | None: ...

    async def lock(self, organization: bytes, identity_id: bytes) -> Identity | None:
        """As `get`; nobody else changes the row until the transaction ends."""

    async def holder(self, organization: bytes, name: Name) -> bytes | None:
        """The id of the identity that holds `name`."""

    async def list(
        self, organization: bytes, where: Filter, after: bytes | None, skip: int, limit: int
    ) -> list[Identity]:
        """A page by id upwards: those after `after` (all, when None), past the first `skip` of them."""

    async def count(self, organization: bytes, where: Filter) -> int: ...

    async def holders(self, organization: bytes, names: Collection[Name]) -> dict[Name, bytes]:
        """Those of `names` that somebody holds, each with the id of that identity."""

    async def add(self, new: Sequence[tuple[Identity, Collection[Name]]]) -> None:
        """Conflict when a name is taken."""

    async def change(self, identity: Identity, names: Collection[Name]) -> None:
        """Writes the row (not its epochs) and makes `names` all that it holds. Conflict when one is taken."""

    async def remove(self, organization: bytes, identity_id: bytes) -> bool:
        """Removes it and all that hangs on it; false when there is none."""


class Tx(OrganizationsTx, Protocol):
    @property
    def identities(self) -> Identities: ...
