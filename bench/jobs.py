"""Ending very many sessions by a job, in this process, with a million in the database (bench/seed.py).

The newest 100,000 end by a filter, while sessions are checked: how fast, and what a check waits meanwhile. Prints a
Markdown table.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

from bench import people, seed  # noqa: E402
from bench.endings import NOW, checks  # noqa: E402

from nightlatch.core.administration.jobs import advance  # noqa: E402
from nightlatch.core.administration.sessions import end_matching  # noqa: E402
from nightlatch.core.events.model import Act  # noqa: E402
from nightlatch.core.jobs.model import Job, Which  # noqa: E402
from nightlatch.core.organizations.model import DEFAULT  # noqa: E402
from nightlatch.core.sessions.model import How  # noqa: E402
from nightlatch.core.store import Store  # noqa: E402
from nightlatch.kernel.clock import moment  # noqa: E402
from nightlatch.stores.opening import open_store  # noqa: E402

MANY = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    store = parser.parse_args().store
    print(f"| {store} | rows/s | a check alone, p50, p99, ms | meanwhile |\n|---|---:|---:|---:|")
    for how in How:
        with seed.opened(store) as dsn:
            print(f"| {MANY:,} ended by a job, {how} | {asyncio.run(_measure(dsn, how))} |")


async def _measure(dsn: str, how: How) -> str:
    store = await open_store(dsn, lambda _: None)
    try:
        quiet = await checks(store, asyncio.sleep(5))
        began, doing = time.perf_counter(), asyncio.create_task(_end(store, how))
        busy = await checks(store, doing)
        rate = doing.result() / (time.perf_counter() - began)
        return f"{rate:,.0f} | {_shown(quiet)} | {_shown(busy)}"
    finally:
        await store.close()


async def _end(store: Store, how: How) -> int:
    since = moment(people.session(people.SESSIONS - MANY).created_at).isoformat()
    act = lambda: Act(DEFAULT, "bench", NOW + time.perf_counter_ns() // 1000, os.urandom)  # noqa: E731
    which = Which(NOW, f'created_at ge "{since}"', how=how, allow_scan=True)
    job = await end_matching(store, act(), which, {}, "bench")
    assert isinstance(job, Job)
    done = job
    while moved := await advance(store, act, b"bench", {}):
        done = moved
    assert done.done == job.total, done
    return done.done


def _shown(waits: list[float]) -> str:
    return f"{statistics.median(waits):.2f}, {statistics.quantiles(waits, n=100)[98]:.2f}"


if __name__ == "__main__":
    main()
