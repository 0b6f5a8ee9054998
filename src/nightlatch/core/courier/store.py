"""What the courier needs of a store."""

from typing import Protocol

from nightlatch.core.courier.model import Filter, Message
from nightlatch.core.events.store import Tx as EventsTx


class Messages(Protocol):
    async def add(self, message: Message) -> None: ...

    async def get(self, organization: bytes, message_id: bytes) -> Message | None: ...

    async def page(self, organization: bytes, where: Filter, before: bytes | None, limit: int) -> list[Message]:
        """Those before the id `before`, newest first."""

    async def any_due(self, now: int) -> bool: ...

    async def claim(self, now: int, until: int, most: int) -> list[Message]:
        """At most `most` of those that are due, of every organization, counted as one more try of each; they are due
        again at `until`. Nobody else is given them before."""

    async def settle(self, message: Message) -> bool:
        """Writes what came of a try; false when another was begun meanwhile."""

    async def purge(self, before: int, most: int) -> int:
        """Removes at most `most` of those with which nothing more was to be done before then; how many."""


class Tx(EventsTx, Protocol):
    @property
    def messages(self) -> Messages: ...
