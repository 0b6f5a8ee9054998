"""Any number of servers over one database, on SQLite or PostgreSQL, and what befalls them."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.checker import power
from tests.postgres import Postgres
from tests.processes import free_port, leash, until
from tests.serving import ROOT, Server
from tests.test_workers import children, command_line

SITE = Path(__file__).parent / "site"


class Cluster:
    """`planted` names what of planted.py its servers have. With `plain` they have nothing but what an operator's have, and
    are on the database itself: for measuring."""

    def __init__(
        self, folder: Path, store: str, servers: int, workers: int, planted: Sequence[str] = (), *, plain: bool = False
    ) -> None:
        self.store = store
        self._stack = contextlib.ExitStack()
        self._folder = folder
        self._count, self._workers, self._planted = servers, workers, [*planted]
        self._plain = plain
        self.servers: list[Server] = []

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            dsn = self._database(stack)
            names = " ".join(self._planted)
            path = f"{SITE}:{ROOT / 'src'}:{ROOT}"
            for number in range(self._count):
                server = Server(self._folder / f"server-{number}", dsn, workers=self._workers)
                server.environment = {"TRIAL_PLANTED": names, "PYTHONPATH": path}
                self.servers.append(stack.enter_context(server))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _database(self, stack: contextlib.ExitStack) -> str:
        if self.store == "sqlite":
            self.file = self._folder / "nightlatch.sqlite"
            self._planted += [] if self._plain else ["power"]
            return f"sqlite://{self.file}"
        self.postgres = stack.enter_context(Postgres(durable=self._plain))
        if self._plain:
            return self.postgres.dsn()
        port = free_port()
        command = [sys.executable, "-m", "tests.checker.proxy", str(port), str(self.postgres.port)]
        self.network = subprocess.Popen([*leash("KILL"), *command], cwd=ROOT)
        stack.callback(self.network.wait)
        stack.callback(self.network.kill)
        until(lambda: _listens(port), lambda: "the network does not come up")
        return self.postgres.dsn().replace(f":{self.postgres.port}/", f":{port}/")

    def workers(self, server: Server) -> list[int]:
        if self._workers == 1:
            return [server.process.pid]
        return [pid for pid in children(server.process.pid) if b"spawn_main" in command_line(pid)]

    def kill(self) -> None:
        """All servers, with all their workers."""
        for server in self.servers:
            server.kill()

    def stop(self) -> None:
        """As an operator does. On SQLite all is in the database file, then, and synced."""
        for server in self.servers:
            server.stop()

    def cut_power(self) -> None:
        """Whatever SQLite has not synced is gone."""
        self.kill()
        power.cut(self.file)

    def start(self) -> None:
        for server in self.servers:
            if server.process.poll() is not None:
                server.start()

    def command(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """The command line, as an operator starts it beside the servers."""
        server = self.servers[0]
        return subprocess.Popen(
            [*leash("KILL"), sys.executable, "-m", "nightlatch", *arguments, "--config", str(server.folder / "nightlatch.yaml")],
            cwd=server.folder,
            env={"PATH": os.environ["PATH"], **server.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def log(self) -> str:
        return "\n".join(server.log()[-5000:] for server in self.servers)


def send(pid: int, what: signal.Signals) -> None:
    """To a process that may have ended meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)


def _listens(port: int) -> bool:
    line = f"0100007F:{port:04X} 00000000:0000 0A"
    return line in Path("/proc/net/tcp").read_text()
