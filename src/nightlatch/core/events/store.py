"""What the events need of a store."""

from collections.abc import Sequence
from typing import Protocol

from nightlatch.core.events.model import Event


class Events(Protocol):
    """The rows of what happened; only ever added to."""

    async def add(self, events: Sequence[Event]) -> None: ...


class Tx(Protocol):
    @property
    def events(self) -> Events: ...
