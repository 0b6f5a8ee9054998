"""What the credentials need of a store."""

from collections.abc import Collection, Sequence
from typing import Protocol

from nightlatch.core.credentials.model import Credential
from nightlatch.core.identities.store import Tx as IdentitiesTx


class Credentials(Protocol):
    async def of(self, identity_ids: Collection[bytes]) -> dict[bytes, list[Credential]]:
        """All credentials of these identities, by identity, by type upwards."""

    async def add(self, credentials: Sequence[Credential]) -> None:
        """Adds those of identities that have none."""

    async def put(self, credentials: Sequence[Credential]) -> None:
        """Adds each, or replaces the one of the same identity and type."""

    async def remove(self, identity_id: bytes, types: Collection[str]) -> None: ...


class Tx(IdentitiesTx, Protocol):
    @property
    def credentials(self) -> Credentials: ...
