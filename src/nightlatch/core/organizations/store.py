"""What the organizations need of a store."""

from collections.abc import Sequence
from typing import Protocol

from nightlatch.core.courier.store import Tx as CourierTx
from nightlatch.core.organizations.model import Alias, Organization


class Organizations(Protocol):
    async def add(self, organization: Organization) -> None:
        """Adds it without its aliases. Conflict when the name is taken."""

    async def get(self, organization_id: bytes) -> Organization | None: ...

    async def lock(self, organization_id: bytes) -> Organization | None:
        """As `get`; nobody else changes the row until the transaction ends."""

    async def by_name(self, name: str) -> Organization | None: ...

    async def holder(self, alias: Alias) -> bytes | None:
        """The id of the organization that has this alias."""

    async def list(self, after: bytes | None, limit: int) -> Sequence[Organization]:
        """Those after the id `after`, oldest first."""

    async def rename(self, organization_id: bytes, name: str) -> bool:
        """False when there is none. Conflict when the name is another's."""

    async def add_alias(self, organization_id: bytes, alias: Alias) -> None:
        """Conflict when an organization has it."""

    async def remove_alias(self, organization_id: bytes, alias: Alias) -> bool:
        """False when this organization does not have it."""


class Tx(CourierTx, Protocol):
    @property
    def organizations(self) -> Organizations: ...
