"""The store as the acts and the doors see it: units of work, and nothing of its database."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from nightlatch.core.events.model import Event
from nightlatch.core.flows.store import Tx
from nightlatch.core.sessions.generations import Generations

T = TypeVar("T")
Unit = Callable[[Tx], Awaitable[T]]
Committed = Callable[[Sequence[Event]], None]
"""Told on the loop what happened, once it is durable."""


class Store(Protocol):
    """A unit is run whole: its transaction is committed durably before the value comes back, and a Problem that it
    raises leaves nothing behind. It may run again after a collision, so it does nothing but ask its transaction.
    StoreDown when the database does not answer. `remote`: the database computes in a process of its own, so something
    can be done meanwhile. `generations` is None where nothing that was read may be kept. `scatters`: of very many rows,
    neighbours are best changed in different units."""

    @property
    def remote(self) -> bool: ...

    @property
    def generations(self) -> Generations | None: ...

    @property
    def scatters(self) -> bool: ...

    async def write(self, unit: Unit[T]) -> T: ...

    async def read(self, unit: Unit[T]) -> T:
        """For reads by key: cheap, and answered where they are asked."""

    async def scan(self, unit: Unit[T]) -> T:
        """For reads of many rows: one snapshot, out of the way of everything else."""

    async def close(self) -> None: ...
