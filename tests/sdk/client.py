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
from tests.sdk.releases import NODE, Release


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


def installed(release: Release) -> Path:
    """The folder of a client, which make test made of its lock. A missing or stale one is a failure, never a skip."""
    stamp = release.folder / ".done"
    made_of = stamp.read_bytes() if stamp.exists() else None
    assert made_of == release.lock.read_bytes(), f"{release.name} is not installed in {release.folder}: run make test."
    return release.folder


def command(release: Release) -> tuple[list[str], dict[str, str]]:
    """What runs a client, and the only environment that it sees besides PATH."""
    folder, script = installed(release), str(Path(__file__).parent / release.script)
    if release.npm:
        return [str(NODE), f"{script}.cjs", release.package], {"NODE_PATH": str(folder / "node_modules")}
    return [sys._base_executable, "-S", "-B", f"{script}.py", release.package], {"PYTHONPATH": str(folder)}  # type: ignore[attr-defined]


class ClientProcess:
    """One release of a client, started once and used for any number of servers and keys."""

    def __init__(self, release: Release) -> None:
        self.release, self.name = release, release.name
        self._start(*command(release))

    def _start(self, line: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [*leash("KILL"), *line],
            env={"PATH": os.environ["PATH"], **environment},
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
        assert line, f"the process of {self.name} died; its last words are in the captured standard error"
        return Answer(**json.loads(line))


class Kratos:
    """A client that speaks to one server with one key. `api` is IdentityApi or FrontendApi."""

    def __init__(
        self, process: ClientProcess, host: str, key: str | None, api: str = "IdentityApi", prefix: str | None = None
    ) -> None:
        self.process, self._host, self._key, self._api, self._prefix = process, host, key, api, prefix
        self.release = process.release

    def __call__(self, operation: str, **arguments: Any) -> Answer:
        return self.process.call(
            host=self._host, key=self._key, prefix=self._prefix, api=self._api, call=operation, arguments=arguments
        )

    def with_key(self, key: str | None, prefix: str | None = None) -> "Kratos":
        return Kratos(self.process, self._host, key, self._api, prefix)
