"""How long after an ending is sent every worker refuses: servers over one database, each with workers, and a connection
to every worker that asks without a pause. Prints a Markdown table (README.md).
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
# Not this file's own folder, where Python would take http.py for the standard library's.
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

import uvloop  # noqa: E402
from tests.checker.clients import Clients, Made  # noqa: E402
from tests.checker.cluster import Cluster  # noqa: E402
from tests.checker.line import Line  # noqa: E402

STORES = ("sqlite", "postgres")


class Ended(NamedTuple):
    """Milliseconds from sending the ending until it was answered, and until the last worker had begun to refuse; how
    many checks were accepted that began after the answer."""

    answered: float
    refused: float
    stale: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=[*STORES, "both"], default="both")
    parser.add_argument("--servers", type=int, help="over one database; 2 on PostgreSQL and 1 on SQLite unless given")
    parser.add_argument("--workers", type=int, default=4, help="of each server")
    parser.add_argument("--rounds", type=int, default=500)
    options = parser.parse_args()
    heads = ("servers", "workers", "rounds", "answered: p50, p99, max ms", "refused by all: p50, p99, max ms", "stale")
    print("| store | " + " | ".join(heads) + " |")
    print("|---|" + "---:|" * len(heads))
    for store in STORES if options.store == "both" else (options.store,):
        servers = options.servers or (1 if store == "sqlite" else 2)
        found = measure(store, servers, options.workers, options.rounds)
        answered, refused = (_spread([each[at] for each in found]) for at in (0, 1))
        stale = sum(each.stale for each in found)
        cells = (servers, servers * options.workers, len(found), answered, refused, stale)
        print(f"| {store} | " + " | ".join(map(str, cells)) + " |")


def measure(store: str, servers: int, workers: int, rounds: int) -> list[Ended]:
    with tempfile.TemporaryDirectory() as folder, Cluster(Path(folder), store, servers, workers, plain=True) as cluster:
        return uvloop.run(_rounds(cluster, rounds))


async def _rounds(cluster: Cluster, rounds: int) -> list[Ended]:
    clients = Clients(cluster, Random(17), 0, 0)
    lines = await _one_each(cluster, clients)
    admin = clients.line(admin=True)
    found = []
    for _ in range(rounds):
        made = await clients.signed_in(admin, lines[0])
        for _ in range(4):
            await asyncio.gather(*(clients.check(line, made) for line in lines))
        found.append(await _end(clients, lines, admin, made))
    await clients.close()
    return found


async def _one_each(cluster: Cluster, clients: Clients) -> list[Line]:
    """A kept connection to every worker, which takes it because the others are stopped."""
    lines = []
    for port, server in enumerate(cluster.servers):
        for worker in cluster.workers(server):
            with _stopped([other for other in cluster.workers(server) if other != worker]):
                line = clients.line(of=port)
                await clients.check(line, Made("nobody", ""))
                lines.append(line)
    return lines


@contextmanager
def _stopped(workers: Sequence[int]) -> Iterator[None]:
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)


async def _end(clients: Clients, lines: Sequence[Line], admin: Line, made: Made) -> Ended:
    sent, answered = time.monotonic_ns(), asyncio.Event()

    async def until_refused(line: Line) -> tuple[int, int]:
        stale = 0
        while True:
            after, began = answered.is_set(), time.monotonic_ns()
            if not await clients.check(line, made):
                return began, stale
            stale += after

    watching = [asyncio.create_task(until_refused(line)) for line in lines]
    assert await clients.end_one(lines[0], admin, made)
    told = time.monotonic_ns()
    answered.set()
    each = [await task for task in watching]
    return Ended((told - sent) / 1e6, (max(began for began, _ in each) - sent) / 1e6, sum(stale for _, stale in each))


def _spread(values: Sequence[float]) -> str:
    cuts = quantiles(values, n=100, method="inclusive")
    return f"{cuts[49]:.1f}, {cuts[98]:.1f}, {max(values):.1f}"


if __name__ == "__main__":
    main()
