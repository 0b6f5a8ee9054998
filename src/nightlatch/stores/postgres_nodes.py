"""This process as a node: its generations, which it moves as it follows the feed, and the lease under which it keeps
answers. docs/security/never-stale.md says what each step is for; their order is the argument.
"""

import asyncio
import contextlib
import time
from array import array
from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from nightlatch.core.leases.model import Joining
from nightlatch.core.sessions.generations import BUCKETS, bucket
from nightlatch.kernel.ids import Entropy
from nightlatch.stores.postgres_pool import Connection, Pool, confirmed
from nightlatch.stores.sql import feed
from nightlatch.stores.sql.statement import Row

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps
_REAPS = 1_000_000  # microseconds between two looks for the dead
_LEFT = 50_000  # microseconds after which who should have settled a row is not waited for
_AGAIN = 0.1  # seconds between two tries to have a lease
_PAGE = 1000
_FIRST = 10  # seconds to join in
_PATIENCE = 2  # seconds to leave in


def steady() -> int:
    """Microseconds of a clock that nobody sets, and that stops for nothing."""
    return time.clock_gettime_ns(_CLOCK) // 1000


class Node:
    """One process, from `start` to `stop`. `opened` makes a connection of its own for the lease."""

    def __init__(
        self, joining: Joining, opened: Callable[[], Awaitable[Connection]], pool: Pool, entropy: Entropy
    ) -> None:
        self.cells = memoryview(array("Q", bytes(8 * BUCKETS)))
        self.joining = joining
        self.id = b""
        self.applied = -1
        self.timeline: str | None = None
        self._until = 0
        self._opened, self._pool, self._entropy = opened, pool, entropy
        self._wake, self._came = asyncio.Event(), asyncio.Event()
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._reaper = Reaper()
        self._stopping = False

    def trusted(self) -> bool:
        """Whether what is kept may be used now. To be asked after the request has come."""
        return steady() < self._until

    def doubt(self) -> None:
        """No cell is ever odd here."""

    def lost(self) -> bool:
        return False

    def holds(self, lease: bytes) -> bool:
        return self.id == lease and self.trusted()

    async def start(self) -> None:
        """Returns once it has a lease. TimeoutError, or what the server refused."""
        self._task = asyncio.create_task(self._run())
        await self.joined(_FIRST)

    async def stop(self) -> None:
        """Leaves, so that nobody waits for it."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=_PATIENCE)
            self._task.cancel()

    async def joined(self, seconds: float) -> None:
        """Returns once there is a lease. TimeoutError."""
        async with asyncio.timeout(seconds):
            while not self.trusted():
                await self._next()

    async def reach(self, position: int, seconds: float) -> None:
        """Returns once that much of the feed is applied, or the time is over."""
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.applied < position:
                    await self._next()

    def elsewhere(self) -> None:
        """A connection led to another server than that of the lease."""
        self._until = 0
        if self._connection is not None:
            self._connection.terminate()
        self._wake.set()

    async def _next(self) -> None:
        self._came.clear()
        await self._came.wait()

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._live()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError):
                await asyncio.sleep(_AGAIN)
            finally:
                self._until = 0

    async def _live(self) -> None:
        """From a connection to its end."""
        connection = self._connection = await self._opened()
        try:
            await connection.add_listener(feed.CHANNEL, self._heard)
            self.timeline = await connection.fetchval(feed.TIMELINE)
            # Those there are may lead to the server of before.
            self._pool.renew()
            while not self._stopping:
                await self._join(connection)
                while await self._round(connection) and not self._stopping:
                    await self._pause()
            await self._disown(connection)
        finally:
            connection.terminate()

    def _heard(self, *_: object) -> None:
        self._wake.set()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.joining.renew / 1e6):
                await self._wake.wait()
        self._wake.clear()

    async def _disown(self, connection: Connection) -> None:
        """Nothing that was kept or is being loaded is used again; then nobody need wait for that lease."""
        self._until = 0
        self._move_all()
        if self.id:
            await connection.execute(feed.LEAVE, self.id)
        self.id = b""

    async def _join(self, connection: Connection) -> None:
        await self._disown(connection)
        lease, began = self._entropy(16), steady()
        with confirmed(connection):
            applied = await connection.fetchval(feed.JOIN, lease, self.joining.name, self.joining.wait)
        # After the reply: a row that was read before it may be older than the position that the lease claims.
        self._move_all()
        self.id, self.applied, self._until = lease, applied, began + self.joining.trust
        self._came.set()

    async def _round(self, connection: Connection) -> bool:
        """Applies what is new, and renews; whether the lease is still there."""
        while True:
            rows: Sequence[Row] = await connection.fetch(feed.FEED, self.applied)
            self._apply(rows)
            if len(rows) < _PAGE:
                break
        began, applied = steady(), self.applied
        with confirmed(connection):
            renewed = await connection.fetchval(feed.RENEW, self.id, applied)
        self._until = 0 if renewed is None else began + self.joining.trust
        self._came.set()
        await self._reaper.look(connection)
        return renewed is not None

    def _apply(self, rows: Sequence[Row]) -> None:
        if any(row[1] is None for row in rows):
            self._move_all()
        else:
            for row in rows:
                self.cells[bucket(row[1])] += 2
        if rows:  # only now: others rely on it
            self.applied = rows[-1][0]
            self._came.set()

    def _move_all(self) -> None:
        self.cells[:] = memoryview(array("Q", [each + 2 for each in self.cells]))


class Reaper:
    """Clears up after others: rows of the feed that their writers did not settle, leases of the dead, and what of the
    feed everybody has applied."""

    def __init__(self) -> None:
        self._at, self._looked = 0, 0
        self._lying: dict[bytes, int] = {}
        self._leases: dict[bytes, tuple[int, int]] = {}

    async def look(self, connection: Connection) -> None:
        if steady() - self._looked < _LEFT:
            return
        lying = {row[0] for row in await connection.fetch(feed.LYING)}
        now = self._looked = steady()
        self._lying = {each: self._lying.get(each, now) for each in lying}
        if any(now - since >= _LEFT for since in self._lying.values()):
            await connection.fetchval(feed.SETTLE)
        if now - self._at >= _REAPS:
            self._at = now
            await self._reap(connection)
            await connection.execute(feed.TRIM)

    async def _reap(self, connection: Connection) -> None:
        rows = await connection.fetch(feed.SEEN)
        now = steady()  # after the reply
        found: dict[bytes, tuple[int, int]] = {}
        for lease, renewed, wait in rows:
            known = self._leases.get(lease)
            found[lease] = known if known and known[0] == renewed else (renewed, now)
            if now - found[lease][1] >= wait:
                await connection.execute(feed.REAP, lease, renewed)
        self._leases = found
