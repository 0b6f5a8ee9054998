"""Where dear work is done: processes of their own, which share neither lock nor memory with the event loop."""

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

T = TypeVar("T")

_NICE = 10
# Memory of a hash is kept for the next one. Given back and fetched again page by page, it costs as much as the hash.
_ENVIRONMENT = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


class Place(Protocol):
    """Does one piece of work at a time, while the thread that asked for it waits."""

    def __call__(self, work: Callable[..., T], *arguments: object) -> T:
        """What `work` returns, a function of a module that raises nothing."""
        ...

    def close(self) -> None:
        """Nothing may be asked after."""
        ...


class Apart:
    """A process that steps aside for all others. It begins with the first work, and again when it was killed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()
        self._closed = False

    def __call__(self, work: Callable[..., T], *arguments: object) -> T:
        """As a Place. RuntimeError when the process died over it twice."""
        for _ in range(2):
            process = self._running()
            with suppress(EOFError, OSError):
                assert process.stdin
                pickle.dump((work, arguments), process.stdin)
                process.stdin.flush()
                assert process.stdout
                answer: T = pickle.load(process.stdout)  # noqa: S301 - from a program of ours, which nobody else reaches
                return answer
            self._end()
        raise RuntimeError("A process that hashes passwords died twice over one.")

    def close(self) -> None:
        """Work under way is lost."""
        self._closed = True
        self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        with self._changing:
            if self._closed:
                raise RuntimeError("No more passwords are hashed.")
            if self._process is None:
                self._process = subprocess.Popen(  # noqa: S603 - this file
                    [sys.executable, "-m", __name__],
                    env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(sys.path)},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            return self._process

    def _end(self) -> None:
        with self._changing:
            process, self._process = self._process, None
        if process is not None:
            with suppress(BrokenPipeError), process:
                process.kill()


def _serve() -> None:
    """Works until the process that asks is gone, however it went. It is that one which signals are for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(_NICE)
    answers = sys.stdout.buffer
    with suppress(EOFError, BrokenPipeError):
        while True:
            work, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 - of who began it
            pickle.dump(work(*arguments), answers)
            answers.flush()


if __name__ == "__main__":
    _serve()
