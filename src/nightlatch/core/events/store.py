"""What the events need of a store."""

from collections.abc import Sequence
from typing import Protocol

from nightlatch.core.events.model import Event


class Events(Protocol):
    """The rows of what happened; only ever added to, but for counts that take time."""

    async def add(self, events: Sequence[Event]) -> None: ...

    async def add_amount(self, event_id: bytes, more: int) -> None:
        """It happened to so many more."""


class Tx(Protocol):
    @property
    def events(self) -> Events: ...
