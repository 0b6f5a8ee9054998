"""Slots for dear work: as much of it at once as there are places, and a piece of it may need several slots."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from nightlatch.core.credentials.places import Place

T = TypeVar("T")


class Slots:
    """Slots are given first come, first served, so what needs many is not overtaken for ever."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places, self._free = places, len(places)
        self._waiting: deque[tuple[int, Future[None]]] = deque()
        self._lock = threading.Lock()
        self._unused = SimpleQueue[Place]()
        for place in places:
            self._unused.put(place)
        self._threads = ThreadPoolExecutor(len(places), "hash")  # each waits for the place that it gave work to

    async def submit(self, slots: int, work: Callable[..., T], *arguments: object) -> "Future[T]":
        """Begins the work, such as a Place does, when it has its slots (all of them at most). They are given back when
        it has ended, however long ago its waiter left."""
        wanted = min(max(slots, 1), len(self._places))
        await self._take(wanted)
        result = self._threads.submit(self._work, work, *arguments)
        result.add_done_callback(lambda _: self._give(wanted))
        return result

    def close(self) -> None:
        """Drops what waits and what runs."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for place in self._places:
            place.close()

    def _work(self, work: Callable[..., T], *arguments: object) -> T:
        place = self._unused.get()
        try:
            return place(work, *arguments)
        finally:
            self._unused.put(place)

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
