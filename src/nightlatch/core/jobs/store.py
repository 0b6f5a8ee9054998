"""What the jobs need of a store."""

from collections.abc import Sequence
from typing import Protocol

from nightlatch.core.jobs.model import Job
from nightlatch.core.leases.store import Tx as LeasesTx


class Jobs(Protocol):
    async def add(self, job: Job) -> None: ...

    async def get(self, organization: bytes, job_id: bytes) -> Job | None: ...

    async def hold(self, job_id: bytes) -> Job | None:
        """As `get`, of any organization; nobody else changes the row until the transaction ends."""

    async def list(self, organization: bytes, before: bytes | None, limit: int) -> Sequence[Job]:
        """A page, the newest first."""

    async def oldest(self) -> Job | None:
        """The one that is running, of any organization, since before all others."""

    async def save(self, job: Job) -> None:
        """Writes how far it is."""

    async def purge(self, before: int, most: int) -> int:
        """Removes at most `most` of those that ended before then; how many."""


class Tx(LeasesTx, Protocol):
    @property
    def jobs(self) -> Jobs: ...
