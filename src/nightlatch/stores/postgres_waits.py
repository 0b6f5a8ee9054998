"""What a write waits for that may have ended a session, before it is answered: until no node accepts the session any
more. Every process that writes does, be it a node itself or a command. docs/security/never-stale.md.
"""

import asyncio
from typing import Any

from nightlatch.kernel.unit import Waited, waited
from nightlatch.stores.postgres_nodes import Node, steady
from nightlatch.stores.postgres_pool import Pool, confirmed
from nightlatch.stores.sql import feed

_FIRST, _LONGEST = 0.001, 0.02  # seconds between two looks at the leases of others
_GONE = 0.05  # seconds between two looks whether closed leases were left


class Waits:
    """`grace` is how long others have to catch up, in microseconds."""

    def __init__(self, pool: Pool, grace: int, node: Node | None = None) -> None:
        self._pool, self._grace, self._node = pool, grace, node
        self._running: asyncio.Task[int] | None = None
        self._following: asyncio.Task[int] | None = None

    async def out(self) -> None:
        """Returns when nobody accepts what was committed before as ended. What it raises leaves that unknown."""
        began = steady()
        position = await self._settled()
        if self._node:
            await self._node.reach(position, self._grace / 1e6)
        pause = _FIRST
        while (found := await self._late(position))[0] and steady() - began < self._grace:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST)
        late, nodes = found
        closed = await self._wait_out(position) if late else 0
        notes = waited.get()
        if notes is not None:
            notes.append(Waited(nodes, closed, steady() - began))

    async def _settled(self) -> int:
        """The position of all that was committed before. One settling does for all who wait for it to begin."""
        if self._following is None:
            self._following = asyncio.create_task(self._settle_after(self._running))
        return await asyncio.shield(self._following)

    async def _settle_after(self, running: "asyncio.Task[int] | None") -> int:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._following = self._following, None
        position: int = await self._run("fetchval", feed.SETTLE)
        return position

    async def _late(self, position: int) -> tuple[set[bytes], int]:
        """The leases under which something older than that may be shown, and how many there are of all."""
        rows = await self._run("fetch", feed.LEASES, position)
        return {lease for lease, late in rows if late} - self._own(position), len(rows)

    def _own(self, position: int) -> set[bytes]:
        """The lease of this process, where it has applied that much: that need not be told to the database."""
        return {self._node.id} if self._node and self._node.applied >= position else set()

    async def _wait_out(self, position: int) -> int:
        """Closes the leases of those who did not catch up, and waits until no closed one is trusted any more."""
        await self._run("execute", feed.CLOSE, position)
        rows = await self._run("fetch", feed.CLOSED)
        since = steady()  # after the reply
        closed = {row[0]: row[1] for row in rows if row[0] not in self._own(position)}
        if not closed:
            return 0
        until = since + max(closed.values())
        while (left := until - steady()) > 0:
            await asyncio.sleep(min(_GONE, left / 1e6))
            if not closed.keys() & {row[0] for row in await self._run("fetch", feed.CLOSED)}:
                break  # they left, or another has waited
        await self._run("execute", feed.REMOVE, list(closed))
        return len(closed)

    async def _run(self, method: str, *arguments: object) -> Any:
        async with self._pool.lease() as connection:
            with confirmed(connection):
                return await getattr(connection, method)(*arguments)
