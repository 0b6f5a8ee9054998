"""The real server as somebody tries it out: `nightlatch serve --dev`, and nothing configured but the ports."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
from tests.processes import free_port, leash, until

ROOT = Path(__file__).parents[1]


class Development:
    """`nightlatch serve --dev`, with more `arguments`, in an empty folder."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.arguments = arguments
        self.key_file = folder / "var/dev-key"
        self.ports = {"SERVE_PUBLIC_PORT": str(free_port()), "SERVE_ADMIN_PORT": str(free_port())}
        self.public, self.admin = (f"http://127.0.0.1:{port}" for port in self.ports.values())

    @contextlib.contextmanager
    def running(self, **environment: str) -> Iterator["subprocess.Popen[str]"]:
        """Running, and its ports open; it is stopped in the end."""
        known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(self.folder), **self.ports}
        with (self.folder / "log").open("a") as log:
            command = [*leash("TERM"), sys.executable, "-m", "nightlatch", "serve", "--dev", *self.arguments]
            process = subprocess.Popen(command, cwd=self.folder, env=known | environment, stdout=log, stderr=log)
        try:
            until(lambda: self.is_ready() or process.poll() is not None, (self.folder / "log").read_text)
            assert process.poll() is None, (self.folder / "log").read_text()
            yield process
        finally:
            process.terminate()
            process.wait(30)

    def is_ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(self.admin + "/health/ready", trust_env=False).status_code == 200
        return False

    def ask(self, key: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.get(self.admin + "/admin/sessions", headers=headers, trust_env=False).status_code
