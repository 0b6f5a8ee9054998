"""A writer that stops or dies inside the gate: dying.py DATABASE SESSION STEP die|stop."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress
from typing import Any

from nightlatch.core.events.model import Act
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import How, Where
from nightlatch.core.sessions.rules import end
from nightlatch.kernel.clock import SystemClock
from nightlatch.kernel.ids import parse_id
from nightlatch.problems import StoreDown
from nightlatch.stores.gate import Gate
from nightlatch.stores.opening import open_store


def dying(reached: Callable[[str], None]) -> None:
    """Has the gates of this process say where they are."""
    held, moved = Gate.held, Gate.moved

    @contextmanager
    def told_held(self: Gate, settle: Callable[[], None]) -> Any:
        with held(self, settle):
            reached("entered")
            yield
            reached("moved")
        reached("left")

    @contextmanager
    def told_moved(self: Gate, buckets: Any) -> Any:
        reached("before the mark")
        cells, first = self.cells, next(iter(buckets), 0)
        if STEP == "half marked":
            self.header[4] = 1
            cells[first] += 1
            reached("half marked")
            cells[first] -= 1
        with moved(self, buckets):
            reached("marked")
            yield
            reached("committed")

    Gate.held, Gate.moved = told_held, told_moved  # type: ignore[method-assign]


def here(step: str) -> None:
    if step == STEP:
        os.write(1, b"reached\n")
        # To this thread: sent to the process it would reach another first, and this one would be through by then.
        signal.pthread_kill(threading.get_ident(), signal.SIGKILL if HOW == "die" else signal.SIGSTOP)


async def work() -> None:
    store = await open_store(f"sqlite://{PATH}")
    act = Act(DEFAULT, "a test", SystemClock().now(), os.urandom, ("*",))
    where = Where(session_id=parse_id(SESSION))
    dying(here)
    with suppress(StoreDown):  # it was stopped for longer than a write may take
        await store.write(lambda tx: end(tx, act, where, How.DISABLE, "admin"))
    await store.close()


if __name__ == "__main__":
    PATH, SESSION, STEP, HOW = sys.argv[1:]
    asyncio.run(work())
