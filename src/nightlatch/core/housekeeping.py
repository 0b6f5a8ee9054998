"""What ended with many others is marked and what is over leaves: in small units, by one process, while all serve.

Nothing depends on it: what has expired is refused when it is asked for, whether or not its row is still there.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from nightlatch.core.events.model import Act
from nightlatch.core.events.seals import seal
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.filling import fill
from nightlatch.core.identities.schemas import Schemas
from nightlatch.core.sessions.marking import mark
from nightlatch.core.store import Store
from nightlatch.kernel.clock import DAY, HOUR, MINUTE, SECOND
from nightlatch.kernel.secrets import Keys

MOST = 500  # rows a unit: a few milliseconds that others wait
_LEASE = "housekeeping"
_LEASED = 2 * MINUTE
_DRIFT = 5 * MINUTE
_JOBS = 30 * DAY  # what they did stays in the log
_PAUSES = 4  # times as long as the unit took: a fifth of the time is taken from who writes

Remove = Callable[[Tx, int], Awaitable[int]]


class Retention(msgspec.Struct, frozen=True):
    """How long rows are kept after they are over, in microseconds."""

    sessions: int
    flows: int
    messages: int


async def sweep(
    store: Store,
    act: Act,
    holder: bytes,
    retention: Retention,
    schemas: Schemas,
    removed: Callable[[str, int], None],
) -> None:
    """Removes all that is over at `act.now`, and has identities found by their traits, if `holder` gets the lease;
    `removed` is told of each unit: what, how many."""
    now = act.now
    removals: dict[str, Remove] = {
        "endings": mark,
        "flows": lambda tx, most: tx.flows.purge(now - retention.flows, most),
        "messages": lambda tx, most: tx.messages.purge(now - retention.messages, most),
        "idempotency_keys": lambda tx, most: tx.idempotency_keys.purge(now, most),
        "attempts": lambda tx, most: tx.attempts.purge(now, most),
        "sessions": lambda tx, most: tx.sessions.purge(now - retention.sessions, most),
        "traits": lambda tx, most: fill(tx, schemas, most),
        "jobs": lambda tx, most: tx.jobs.purge(now - _JOBS, most),
    }
    loop = asyncio.get_running_loop()
    began = loop.time()
    for what, remove in removals.items():
        count: int | None = MOST
        while count:
            unit_began = loop.time()
            at = now + int((unit_began - began) * SECOND)
            count = await store.write(lambda tx, remove=remove, at=at: _unit(tx, holder, at, remove))  # type: ignore[misc]
            if count is None:
                return
            removed(what, count)
            await asyncio.sleep(_PAUSES * (loop.time() - unit_began))


async def seal_events(store: Store, act: Act, holder: bytes, keys: Keys) -> None:
    """Seals all events that have happened, if `holder` gets the lease."""
    while await store.write(lambda tx: _unit(tx, holder, act.now, lambda tx, most: seal(tx, act, keys, most))):
        pass


async def _unit(tx: Tx, holder: bytes, now: int, remove: Remove) -> int | None:
    """How many rows left; None when another process has the lease."""
    if not await tx.leases.take(_LEASE, holder, now, now + _LEASED):
        return None
    return await remove(tx, MOST)


class SteadyClock:
    """Tells whether the wall clock runs like the machine's own: one that jumped ahead makes everything look over."""

    def __init__(self, wall: int, steady: float) -> None:
        self._wall, self._steady = wall, steady
        self._since = steady

    def trusted(self, wall: int, steady: float) -> bool:
        """False for an hour after the two drifted apart by more than five minutes."""
        drift = (wall - self._wall) - (steady - self._steady) * SECOND
        if abs(drift) > _DRIFT:
            self._wall, self._steady, self._since = wall, steady, steady + HOUR / SECOND
        return steady >= self._since
