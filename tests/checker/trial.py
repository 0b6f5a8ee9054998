"""One trial: a cluster, its clients, faults by a seed, and the verdict over what the clients were told."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import uvloop
from tests.checker.clients import TRIES, Clients
from tests.checker.cluster import Cluster
from tests.checker.faults import Faults
from tests.checker.history import Check, Wrong

# For how long, in nanoseconds, workers may differ about an ending of which nobody was told. On PostgreSQL each is a node,
# which trusts its lease for a second; the database may be down meanwhile.
SETTLES = {"sqlite": 0, "postgres": 5_000_000_000}


@dataclass(frozen=True)
class Plan:
    store: str
    seconds: float
    seed: int
    servers: int = 1
    workers: int = 2
    people: int = 12
    watchers: int = 6
    faults: Sequence[str] | None = None  # all
    apart: float = 1.5  # seconds between two faults, at most
    planted: Sequence[str] = ()
    finds: str = ""  # what is planted shows as this, and then the trial is over


@dataclass(frozen=True)
class Verdict:
    plan: Plan
    seconds: float
    wrong: Sequence[Wrong]
    counts: Counter[str]
    faults: Counter[str]

    def kinds(self) -> set[str]:
        return {each.what for each in self.wrong}

    def __str__(self) -> str:
        found = Counter(each.what for each in self.wrong)
        lines = [f"seed {self.plan.seed}, {self.plan.store}, {self.seconds:.0f} s: {dict(found) or 'nothing wrong'}"]
        lines += [f"  {name}: {count:,}" for name, count in sorted(self.counts.items())]
        lines += [f"  fault, {name}: {count}" for name, count in sorted(self.faults.items())]
        return "\n".join(lines + [f"  {each}" for each in self.wrong[:10]])


def run(plan: Plan, folder: Path) -> Verdict:
    """For so long; or until what it is to find is found."""
    print(f"seed {plan.seed}, {plan.store}", flush=True)
    with Cluster(folder, plan.store, plan.servers, plan.workers, plan.planted) as cluster:
        return uvloop.run(_run(plan, cluster))


async def _run(plan: Plan, cluster: Cluster) -> Verdict:
    random, began = Random(plan.seed), time.monotonic()
    clients = Clients(cluster, Random(random.random()), plan.people, plan.watchers)
    faults = Faults(cluster, clients, random)
    running = asyncio.create_task(clients.run())
    names = [*faults.all()] if plan.faults is None else [*plan.faults]
    befalling = asyncio.create_task(faults.run(names, plan.apart))
    while time.monotonic() < began + plan.seconds and not running.done():
        await asyncio.wait([running], timeout=0.5)
        if befalling.done():
            befalling.result()
        if plan.finds and any(each.what == plan.finds for each in _check(plan, clients).wrong()):
            break
    faults.over = True
    await befalling
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await asyncio.to_thread(cluster.start)
    await clients.look_at_ended(None if plan.seconds > 60 else 300)
    await clients.close()
    check = _check(plan, clients)
    wrong = [*check.wrong()]
    return Verdict(plan, time.monotonic() - began, wrong, check.counts, Counter(faults.done))


def _check(plan: Plan, clients: Clients) -> Check:
    return Check(clients.history, TRIES, SETTLES[plan.store])
