"""Programs that share a database with the tests, each in a process of its own: a worker that is killed, or held up.

write   writes without end, 16 units at a time; one line for each that was answered: the id of the identity
check   checks a token without end; one line for each check: when it began, and 1 where it was accepted
work    does the jobs that there are, 20 rows at a time; one line for each unit: how many are done
hold    takes the gate of a SQLite file, says so in a line, and keeps it
"""

import asyncio
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from tests.processes import leash
from tests.stores.rows import NOW, identity

from nightlatch.core.administration import jobs
from nightlatch.core.events.model import Act, Event
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.rules import Lifetime, check
from nightlatch.core.store import Store
from nightlatch.kernel.clock import DAY
from nightlatch.kernel.ids import new_id
from nightlatch.problems import Problem
from nightlatch.stores.opening import open_store

ROOT = Path(__file__).parents[2]
LIFETIME = Lifetime(DAY, DAY)


class Program:
    """One of the above, from its start until it is killed."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [*leash("KILL"), sys.executable, "-m", "tests.stores.programs", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def lines(self, count: int) -> list[str]:
        """The next lines, as soon as they are there."""
        assert self._process.stdout is not None
        lines = [self._process.stdout.readline() for _ in range(count)]
        assert all(line.endswith("\n") for line in lines), "the program ended"
        return [line.rstrip() for line in lines]

    def kill(self) -> list[str]:
        """The lines that it had written before it died; a half one is none. No-op when it is dead."""
        assert self._process.stdout is not None
        if self._process.stdout.closed:
            return []
        self._process.kill()
        rest, _ = self._process.communicate()
        return rest.split("\n")[:-1]


async def write_person(store: Store) -> str:
    """Writes two rows in one unit."""
    person = identity(id=new_id(NOW, os.urandom), external_id=None, addresses=())

    async def unit(tx: Any) -> None:
        await tx.identities.add([(person, ())])
        await tx.events.add([Event(person.id, DEFAULT, NOW, "identity.created", "test", person.id)])

    await store.write(unit)
    return person.id.hex()


async def write(dsn: str) -> None:
    store = await open_store(dsn)

    async def one_after_another() -> None:
        while True:
            os.write(1, (await write_person(store) + "\n").encode())

    await asyncio.gather(*(one_after_another() for _ in range(16)))


async def check_token(dsn: str, token: str) -> None:
    store = await open_store(dsn)
    while True:
        began = time.monotonic_ns()
        try:
            await store.read(lambda tx: check(tx, token, LIFETIME, NOW))
            accepted = 1
        except Problem:
            accepted = 0
        os.write(1, f"{began} {accepted}\n".encode())
        await asyncio.sleep(0)


async def work(dsn: str) -> None:
    store = await open_store(dsn)
    jobs._WORK = {kind: each._replace(size=20) for kind, each in jobs._WORK.items()}
    act = Act(DEFAULT, "a worker", NOW, os.urandom)
    while True:
        await jobs.advance(store, lambda: act, b"this", {}, lambda job: print(job.done, flush=True))
        await asyncio.sleep(0.01)


def hold(gate: str) -> None:
    with Path(gate).open("r+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        print("held", flush=True)
        time.sleep(60)


if __name__ == "__main__":
    name, *rest = sys.argv[1:]
    match name:
        case "write":
            asyncio.run(write(*rest))
        case "check":
            asyncio.run(check_token(*rest))
        case "work":
            asyncio.run(work(*rest))
        case "hold":
            hold(*rest)
