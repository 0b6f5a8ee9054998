"""A published client, unmodified, as the tests hold it: calls go to its process, answers come back as plain values."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.processes import leash

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    """`error` is the class of the exception that the client raised; without a `status` the client itself refused."""

    status: int | None
    body: Any
    headers: dict[str, str]
    error: str | None

    def ok(self, status: int) -> Any:
        """The body of an answer that must have this status and must please the client."""
        assert (self.status, self.error) == (status, None), self
        return self.body

    def refused(self, status: int) -> dict[str, Any]:
        """The error object of a refusal in the envelope of Kratos."""
        assert self.status == status, self
        error = self.body["error"]
        assert error["code"] == status, self
        assert error["message"], self
        return dict(error)


def installed(release: str) -> Path:
    """The folder of a client, which make test made of its lock. A missing or stale one is a failure, never a skip."""
    folder, lock = ROOT / ".build" / "sdk" / release, ROOT / "requirements" / f"sdk-{release}.txt"
    made_of = (folder / ".done").read_bytes() if (folder / ".done").exists() else None
    assert made_of == lock.read_bytes(), f"The client {release} is not installed in {folder}: run make test."
    return folder


class ClientProcess:
    """One release of a client, started once and used for any number of servers and keys."""

    def __init__(self, release: str, script: str) -> None:
        self.release = release
        folder = installed(release)
        self._process = subprocess.Popen(
            [*leash("KILL"), sys._base_executable, "-S", "-B", str(Path(__file__).parent / script)],  # type: ignore[attr-defined]
            env={"PYTHONPATH": str(folder), "PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def call(self, **call: Any) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process of {self.release} died; its last words are in the captured standard error"
        return Answer(**json.loads(line))


class Kratos:
    """A release of ory-kratos-client that speaks to one server with one key. `api` is IdentityApi or FrontendApi."""

    def __init__(
        self, process: ClientProcess, host: str, key: str | None, api: str = "IdentityApi", prefix: str | None = None
    ) -> None:
        self._process, self._host, self._key, self._api, self._prefix = process, host, key, api, prefix
        self.old = process.release == "kratos-0.13.1"

    def __call__(self, operation: str, **arguments: Any) -> Answer:
        return self._process.call(
            host=self._host, key=self._key, prefix=self._prefix, api=self._api, call=operation, arguments=arguments
        )

    def with_key(self, key: str | None, prefix: str | None = None) -> "Kratos":
        return Kratos(self._process, self._host, key, self._api, prefix)
