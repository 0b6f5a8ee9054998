"""Slow threads for dear work: as many at once as there are slots, and work may need several of them."""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


_PATIENCE = 1.0  # seconds
_CROWDED = 30.0  # seconds


class Slots:
    """Slots are given first come, first served, so what needs many is not overtaken for ever.

    Work begins on threads that run when nothing else would, so that a loop that wakes is let in at once. Where all
    processors are busy those starve: what is not done after a second is done again at nice 10, and so is all that comes
    in the next half minute.
    """

    def __init__(self, threads: int) -> None:
        self._threads, self._free = threads, threads
        self._waiting: deque[tuple[int, Future[None]]] = deque()
        self._lock = threading.Lock()
        self._spare = ThreadPoolExecutor(threads, "hash", _run_when_idle)
        self._sure = ThreadPoolExecutor(threads, "hash-again", _step_aside)
        self._crowded_until = 0.0

    async def submit(self, slots: int, work: Callable[..., T], *arguments: object) -> "Future[T]":
        """Begins the work, which may be done twice, when it has its slots (all of them at most). They are given back
        when it has ended, however long ago its waiter left."""
        wanted = min(max(slots, 1), self._threads)
        await self._take(wanted)
        loop, result = asyncio.get_running_loop(), _Result[T]()
        result.add_done_callback(lambda _: self._give(wanted))
        if loop.time() < self._crowded_until:
            self._sure.submit(result.settle, work, arguments)
        else:
            first = self._spare.submit(result.settle, work, arguments)
            loop.call_later(_PATIENCE, self._hurry, first, result, work, arguments)
        return result

    def _hurry(self, first: Future[None], result: "_Result[T]", work: Callable[..., T], arguments: Any) -> None:
        if result.done():
            return
        self._crowded_until = asyncio.get_running_loop().time() + _CROWDED
        first.cancel()  # where it has not even begun
        with suppress(RuntimeError):  # closed meanwhile
            self._sure.submit(result.settle, work, arguments)

    def close(self) -> None:
        """Drops what waits; what runs ends by itself."""
        self._spare.shutdown(wait=False, cancel_futures=True)
        self._sure.shutdown(wait=False, cancel_futures=True)

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


class _Result(Future[T]):
    """What came of the work. Who waits for it cannot cancel it. Of several who settle it the first counts."""

    def __init__(self) -> None:
        super().__init__()
        self.set_running_or_notify_cancel()

    def settle(self, work: Callable[..., T], arguments: tuple[object, ...]) -> None:
        if self.done():
            return
        with suppress(InvalidStateError):
            try:
                self.set_result(work(*arguments))
            except Exception as error:  # noqa: BLE001 - it is for whoever waits
                self.set_exception(error)


def _run_when_idle() -> None:
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(threading.get_native_id(), os.SCHED_IDLE, os.sched_param(0))


def _step_aside() -> None:
    with suppress(OSError):  # where a thread has no priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
