"""What the access keys need of a store."""

from collections.abc import Sequence
from typing import Protocol

from nightlatch.core.access.model import AccessKey
from nightlatch.core.sessions.store import Tx as SessionsTx


class AccessKeys(Protocol):
    async def add(self, key: AccessKey) -> None: ...

    async def by_token(self, token_hash: bytes) -> AccessKey | None:
        """The key of a token, revoked or expired ones too."""

    async def by_pair(self, pair_id: str) -> AccessKey | None:
        """The key whose pair has this id, revoked or expired ones too."""

    async def list(self, organization: bytes, after: bytes | None, limit: int) -> Sequence[AccessKey]:
        """Those after the id `after`, oldest first."""

    async def any_good(self, organization: bytes, now: int) -> bool:
        """Whether any is neither revoked nor expired."""

    async def revoke(self, organization: bytes, key_id: bytes, now: int) -> bool:
        """False when there is no such key, or it was revoked before."""


class Tx(SessionsTx, Protocol):
    @property
    def access_keys(self) -> AccessKeys: ...
