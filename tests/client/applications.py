"""An application of examples/ in a process of its own, and people who use it."""

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from tests.processes import free_port, leash, until

ROOT = Path(__file__).parents[2]


class Application:
    """Running until the end of the `with`. `environment` is all that it is told, besides where it is to listen."""

    def __init__(self, example: str, folder: Path, **environment: str) -> None:
        port = str(free_port())
        self.url = f"http://127.0.0.1:{port}"
        self.folder = folder
        self._log = folder / f"{example}.log"
        known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src"), "PORT": port, "PYTHONUNBUFFERED": "1"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*leash("KILL"), sys.executable, "-B", str(ROOT / "examples" / example)],
                cwd=folder,
                env=known | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Self:
        try:
            until(self._is_ready, self._log.read_text)
        except AssertionError:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, headers=headers, trust_env=False, timeout=10)

    def mine(self, **headers: str) -> tuple[int, Any]:
        answer = self.get("/mine", **headers)
        return answer.status_code, answer.json() if answer.status_code == 200 else None

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return self.get("/").status_code == 200
        except httpx.TransportError:
            return False
