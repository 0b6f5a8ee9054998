"""What the tests that start programs need of the machine: a free port, and programs that never outlive the tests."""

import os
import pty
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def leash(signal: str) -> list[str]:
    """The front of a command line which has the kernel send `signal` to the program when its parent dies (Linux)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", signal, "--"] if setpriv else []


def until(ready: Callable[[], bool], story: Callable[[], str], seconds: float = 30) -> None:
    """Asks `ready` every 10 ms; after `seconds` fails with what `story` tells."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, story()
        time.sleep(0.01)


def on_terminal(command: Sequence[str], environment: Mapping[str, str], *, output: int | None = None) -> bytes:
    """What a program that ends with 0 shows on a terminal, which is where its complaints go, and its `output` unless
    that is given."""
    mine, theirs = pty.openpty()
    with subprocess.Popen(
        command, stderr=theirs, stdout=theirs if output is None else output, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while more := os.read(mine, 65536):
                shown += more
        except OSError:
            os.close(mine)
    assert process.returncode == 0
    return shown
