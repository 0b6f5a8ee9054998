"""Connections to PostgreSQL, kept open. The driver's own pool takes three times as long as the query of a session check
does (46 us to 16): it wraps each connection, and takes each back in a task of its own.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

import asyncpg

from nightlatch.kernel.unit import inside_unit

if TYPE_CHECKING:
    _Base = asyncpg.Connection[Any]
else:
    _Base = asyncpg.Connection


class Connection(_Base):
    """One that knows which pool of which time it is of, and what it was last warned of."""

    __slots__ = ("time", "warning")

    time: int
    warning: str

    def listen(self) -> None:
        self.time, self.warning = 0, ""
        self.add_log_listener(_heard)


def _heard(connection: Any, message: Any) -> None:
    if message.severity_en == "WARNING":
        connection.warning = str(message)


@contextlib.contextmanager
def confirmed(connection: Connection) -> Iterator[None]:
    """Around a commit. OSError when it came with a warning: a standby may not have it, though it is said to be made."""
    connection.warning = ""
    yield
    if connection.warning:
        connection.terminate()
        raise OSError(connection.warning)


_PATIENCE = 5  # seconds
# A connection is of no use after these: the next to have it would wait for a cancel, or be amid another statement.
_BROKEN = (TimeoutError, OSError, asyncio.CancelledError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Pool:
    """At most `most` connections, opened by `connect` when they are needed; the one that came back last goes first."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], most: int) -> None:
        self._connect = connect
        self._room = asyncio.Semaphore(most)
        self._free: list[Connection] = []
        self._time = 0
        self._closed = False

    def lease(self) -> "_Lease":
        """A context with a connection, for one unit. TimeoutError; whatever `connect` raises."""
        return _Lease(self)

    def renew(self) -> None:
        """Uses none of those again that there are."""
        self._time += 1
        for connection in self._free:
            connection.terminate()
        self._free.clear()

    async def close(self) -> None:
        """Closes them; those in use, when they come back."""
        self._closed = True
        for connection in self._free:
            await connection.close()

    async def take(self) -> Connection:
        if self._room.locked():
            async with asyncio.timeout(_PATIENCE):
                await self._room.acquire()
        else:
            await self._room.acquire()
        try:
            while self._free:
                if not (connection := self._free.pop()).is_closed():
                    return connection
            time = self._time
            connection = await self._connect()
            connection.time = time
            return connection
        except BaseException:
            self._room.release()
            raise

    def give_back(self, connection: Connection, error: BaseException | None) -> None:
        if self._closed or connection.time != self._time or isinstance(error, _BROKEN):
            connection.terminate()
        elif not connection.is_closed():
            self._free.append(connection)
        self._room.release()


class _Lease:
    """A class, and no generator: every session check that no cache answers goes through it."""

    __slots__ = ("_connection", "_outside", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Connection:
        self._connection = await self._pool.take()
        self._outside = inside_unit.set(True)
        return self._connection

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        inside_unit.reset(self._outside)
        self._pool.give_back(self._connection, error)
