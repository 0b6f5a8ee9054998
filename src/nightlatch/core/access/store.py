"""What the access keys need of a store."""

from collections.abc import Sequence
from typing import Protocol

from nightlatch.core.access.model import AccessKey, Entry
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


class IdempotencyKeys(Protocol):
    async def get(self, id_: bytes) -> Entry | None: ...

    async def take(self, entry: Entry, now: int) -> bool:
        """Adds it, or puts it in the place of one that is over or that nobody holds; false when there is another."""

    async def mark(self, id_: bytes, holder: bytes) -> bool:
        """Says that its act is done; false when it is not this holder's."""

    async def keep(self, id_: bytes, holder: bytes, answer: bytes) -> None: ...

    async def release(self, id_: bytes, holder: bytes) -> None:
        """Removes it, unless it is marked."""

    async def nth_expiry(self, actor: str, now: int, n: int) -> int | None:
        """When the newest but `n` - 1 of those that are not over will be; None when there are fewer."""

    async def purge(self, before: int, most: int) -> int:
        """Removes up to `most` of those that were over by then: how many."""


class Tx(SessionsTx, Protocol):
    @property
    def idempotency_keys(self) -> IdempotencyKeys: ...

    @property
    def access_keys(self) -> AccessKeys: ...
