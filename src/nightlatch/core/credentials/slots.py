"""Slow threads for dear work: as many at once as there are slots, and work may need several of them."""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class Slots:
    """Slots are given first come, first served, so what needs many is not overtaken for ever.

    Threads run at nice 10: the loop stays quiet, and the work does not starve on a busy host.
    """

    def __init__(self, threads: int) -> None:
        self._threads, self._free = threads, threads
        self._waiting: deque[tuple[int, Future[None]]] = deque()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="hash", initializer=_yield_to_the_loop)

    async def submit(self, slots: int, work: Callable[..., T], *arguments: object) -> "Future[T]":
        """Begins the work when it has its slots (all of them at most). They are given back when it has ended, however
        long ago its waiter left."""
        wanted = min(max(slots, 1), self._threads)
        await self._take(wanted)
        future = self._pool.submit(work, *arguments)
        future.add_done_callback(lambda _: self._give(wanted))
        return future

    def close(self) -> None:
        """Drops what waits; what runs ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _take(self, wanted: int) -> None:
        given: Future[None] = Future()
        with self._lock:
            self._waiting.append((wanted, given))
        self._give(0)
        try:
            await asyncio.wrap_future(given)
        except asyncio.CancelledError:
            # Given already, to one who is no longer there; or else nobody's, and those behind it may be next.
            self._give(0 if given.cancel() else wanted)
            raise

    def _give(self, slots: int) -> None:
        with self._lock:
            self._free += slots
            while self._waiting:
                wanted, given = self._waiting[0]
                if not given.cancelled() and wanted > self._free:
                    return
                self._waiting.popleft()
                if given.set_running_or_notify_cancel():
                    self._free -= wanted
                    given.set_result(None)


def _yield_to_the_loop() -> None:
    with suppress(OSError):  # where a thread has no priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
