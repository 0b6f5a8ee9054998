"""What the sessions need of a store.

Every read compares epochs: a session that was ended or deleted with many is over, or gone, before its row is marked.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from nightlatch.core.credentials.store import Tx as CredentialsTx
from nightlatch.core.sessions.model import Filter, How, Position, Revocation, Session, Standing, Where


class Sessions(Protocol):
    async def by_token(self, token_hash: bytes) -> Standing | None:
        """The session of a token, over or not; None when there is none."""
        ...

    async def get(self, organization: bytes, session_id: bytes) -> Standing | None: ...

    async def list(
        self, organization: bytes, where: Filter, now: int, after: Position | None, skip: int, limit: int
    ) -> Sequence[Standing]:
        """A page by creation downwards, then id upwards: those after `after`, past the first `skip` of them."""
        ...

    async def count(self, organization: bytes, where: Filter, now: int) -> int: ...

    async def epochs(self, organization: bytes, identity_id: bytes) -> tuple[int, int, int, int] | None:
        """Those that a session issued now carries; None when there is no such identity."""
        ...

    async def add(self, session: Session) -> bool:
        """False when its number is taken; Conflict when its id or token is."""
        ...

    async def renew(self, session: Session) -> None:
        """Writes what proving oneself again, or an extension, changes: methods, level and times."""
        ...

    async def end(self, organization: bytes, where: Where, how: How, now: int) -> Revocation:
        """Ends them and, where all of an identity end, those that are being issued meanwhile."""
        ...

    async def purge(self, before: int, most: int) -> int:
        """Removes at most `most` of those whose time was over before then, ended or not; how many."""
        ...

    async def seen(self, times: Mapping[bytes, int]) -> None:
        """Moves last_seen of these sessions forward; never back."""
        ...


class Tx(CredentialsTx, Protocol):
    @property
    def sessions(self) -> Sessions: ...
