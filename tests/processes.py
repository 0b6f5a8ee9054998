"""What the tests that start programs need of the machine: a free port, and programs that never outlive the tests."""

import shutil
import socket
import time
from collections.abc import Callable


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
