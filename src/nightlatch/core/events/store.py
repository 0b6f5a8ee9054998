"""What the events need of a store."""

from collections.abc import Sequence
from typing import Protocol

from nightlatch.core.events.model import Event, Logged, Seal
from nightlatch.core.events.question import Question
from nightlatch.core.questions import Place

Row = tuple[object, ...]
"""An event as it is stored, its id first."""


class Events(Protocol):
    """The rows of what happened; only ever added to, but for counts that take time, and their seals."""

    async def add(self, events: Sequence[Event]) -> None: ...

    async def add_amount(self, event_id: bytes, more: int) -> None:
        """It happened to so many more."""

    async def unsealed(self, most: int) -> list[Row]:
        """The first of those that have no position, but for those whose count is still growing."""
        ...

    async def count_unsealed(self) -> int: ...

    async def positioned(self, after: int, to: int) -> list[tuple[int, Row]]:
        """Those of these positions."""
        ...

    async def stray(self, last: int) -> list[int]:
        """The positions that no seal can cover, `last` being the newest's."""
        ...

    async def add_seal(self, seal: Seal, positions: Sequence[tuple[object, int]]) -> None:
        """Adds it, and gives events their positions."""
        ...

    async def seal_after(self, position: int | None) -> Seal | None:
        """The first one after that position; for None, the newest."""
        ...


class Log(Protocol):
    """Any question over the events of an organization; each reads as many rows as it takes."""

    async def horizon(self, question: Question, after: Place | None, most: int) -> int | None:
        """The time of the event to which `most` of the stretch that the question spans are read, in its order past
        `after`; None when there are no more than that."""

    async def list(self, question: Question, after: Place | None, horizon: int | None, limit: int) -> Sequence[Logged]:
        """The first that fit, past `after` and before the horizon."""
        ...


class Tx(Protocol):
    @property
    def events(self) -> Events: ...

    @property
    def log(self) -> Log: ...
