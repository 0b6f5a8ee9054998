"""What is done to the servers meanwhile, by a seed."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from random import Random

from tests.checker.clients import Clients
from tests.checker.cluster import Cluster, send


class Faults:
    """Those that make sense on the store; each comes back when what it did is mended."""

    def __init__(self, cluster: Cluster, clients: Clients, random: Random) -> None:
        self._cluster, self._clients, self._random = cluster, clients, random
        self.done: list[str] = []
        self.over = False

    def all(self) -> dict[str, Callable[[], Awaitable[None]]]:
        anywhere: dict[str, Callable[[], Awaitable[None]]] = {
            "kill a worker": self._kill_worker,
            "stop a worker": self._stop_worker,
            "cut clients": self._cut_clients,
            "stop the command line": self._stop_command,
            "kill the command line": self._kill_command,
            "kill the servers": self._kill_servers,
            "stop the servers": self._stop_servers,
        }
        if self._cluster.store == "sqlite":
            return anywhere | {"cut the power": self._cut_power}
        return anywhere | {
            "restart PostgreSQL": self._restart_postgres,
            "abort PostgreSQL": self._abort_postgres,
            "cut the network": self._cut_network,
            "silence the network": self._silence_network,
        }

    async def run(self, names: list[str], apart: float) -> None:
        """One after another until they are `over`; never cut short, or something would stay stopped."""
        every = self.all()
        while names and not self.over:
            await self._wait(apart)
            name = self._random.choice(names)
            self.done.append(name)
            await every[name]()

    def _worker(self) -> int | None:
        workers = self._cluster.workers(self._random.choice(self._cluster.servers))
        return self._random.choice(workers) if workers else None

    async def _kill_worker(self) -> None:
        if worker := self._worker():
            send(worker, signal.SIGKILL)
        await asyncio.to_thread(self._cluster.start)  # with one worker, that was the server

    async def _stop_worker(self) -> None:
        if worker := self._worker():
            send(worker, signal.SIGSTOP)
            try:
                await self._wait(1.5)
            finally:
                send(worker, signal.SIGCONT)

    async def _cut_clients(self) -> None:
        for line in self._random.sample(self._clients.lines, len(self._clients.lines) // 2):
            line.cut()

    async def _stop_command(self) -> None:
        await self._clients.end_by_command(self._random, signal.SIGSTOP)

    async def _kill_command(self) -> None:
        await self._clients.end_by_command(self._random, signal.SIGKILL)

    async def _kill_servers(self) -> None:
        await self._again(self._cluster.kill)

    async def _stop_servers(self) -> None:
        await self._again(self._cluster.stop)

    async def _cut_power(self) -> None:
        await self._again(self._cluster.cut_power)

    async def _again(self, down: Callable[[], None]) -> None:
        await asyncio.to_thread(down)
        await asyncio.to_thread(self._cluster.start)
        await self._clients.look_at_ended(100)

    async def _restart_postgres(self) -> None:
        await self._postgres_again(self._cluster.postgres.stop)

    async def _abort_postgres(self) -> None:
        await self._postgres_again(self._cluster.postgres.abort)

    async def _postgres_again(self, down: Callable[[], None]) -> None:
        await asyncio.to_thread(down)
        await self._wait(0.3)
        await asyncio.to_thread(self._cluster.postgres.start)
        await self._clients.look_at_ended(100)

    async def _cut_network(self) -> None:
        self._cluster.network.send_signal(signal.SIGUSR1)
        await self._wait(1)
        self._cluster.network.send_signal(signal.SIGUSR2)

    async def _silence_network(self) -> None:
        """Nothing gets through for a while; then it does, or all is cut."""
        self._cluster.network.send_signal(signal.SIGSTOP)
        await self._wait(1.5)
        self._cluster.network.send_signal(signal.SIGCONT)
        if self._random.random() < 0.5:
            await self._cut_network()

    async def _wait(self, most: float) -> None:
        await asyncio.sleep(self._random.uniform(0.1, 1) * most)
