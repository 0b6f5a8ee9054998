"""Processes on the machine: which of its processors they use, how much of it, and which one listens on a port."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

CORES = sorted(os.sched_getaffinity(0))
SERVER = {CORES[0]}
GENERATOR = {CORES[-1]}
DATABASE = set(CORES[1:-1]) or GENERATOR

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_LISTENS = "0A"
_LARGE = 1 << 20


class _Process(NamedTuple):
    parent: int
    seconds: float


@contextlib.contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """What is started within runs on `cores` and on no other."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu(roots: Iterable[int]) -> float:
    """Seconds that the processes `roots` and those below them have computed so far."""
    processes = _processes()
    return sum(processes[pid].seconds for pid in _family(processes, roots))


def warm(roots: Iterable[int]) -> None:
    """Reads the large files that these processes and those below them have open, so that all are in memory: a virtual
    machine may have given their pages back meanwhile, and the disk is not what is measured."""
    found = set()
    for pid in _family(_processes(), roots):
        with contextlib.suppress(OSError):
            found |= {path.resolve() for path in Path(f"/proc/{pid}/fd").iterdir()}
    for file in found:
        if file.is_file() and file.stat().st_size >= _LARGE:
            with file.open("rb", buffering=0) as opened:
                while opened.read(_LARGE):
                    pass


def resident(pid: int) -> float:
    """MiB of memory that the process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def listener(port: int) -> int:
    """The process that listens on the port."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if str(descriptor.readlink()) in sockets:
                return int(descriptor.parts[2])
    raise SystemExit(f"nothing that can be seen listens on port {port}")


def _processes() -> dict[int, _Process]:
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            found[int(stat.parent.name)] = _Process(int(fields[1]), (int(fields[11]) + int(fields[12])) * _TICK)
    return found


def _family(processes: dict[int, _Process], roots: Iterable[int]) -> set[int]:
    family = processes.keys() & set(roots)
    while more := {pid for pid, process in processes.items() if process.parent in family} - family:
        family |= more
    return family


def _inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]
