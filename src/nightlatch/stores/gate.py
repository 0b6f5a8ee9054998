"""The gate that every write of every process passes, and the generations that it moves: two files beside the database.

    <db>-gate   empty. A POSIX lock on it is the gate: the kernel's queue is fair, and a dead holder lets go
    <db>-gens   a page of header, then 65,536 cells of 8 bytes, mapped by all processes. Even: a settled generation.
                Odd: in doubt, because somebody commits a change of what is in that bucket, or died while doing so.
                A cell only grows, and only who is inside the gate writes one.

Nobody answers from what was read under a generation that has moved: docs/security/never-stale.md has the argument.
"""

import fcntl
import mmap
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from nightlatch.core.sessions.generations import BUCKETS
from nightlatch.problems import StoreDown

HEAD = 4096
SIZE = HEAD + 8 * BUCKETS
MAGIC = b"NLGENS01"
# Of the header, in words of 8 bytes: whether somebody is inside, who (for people), how often a dead one was cleared up.
OPEN, PID, MENDS = 4, 5, 6
LOST = "A file beside the database was taken away while it was in use (-gate or -gens)."


class Gate:
    """One a process and database, by `gate_of`."""

    def __init__(self, path: str) -> None:
        self._files = Path(f"{path}-gate"), Path(f"{path}-gens")
        # Never closed while it is in use: a process that closes any descriptor of a file loses its locks on it.
        self._lock = os.open(self._files[0], os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._turn = threading.Lock()  # the lock of the file is the process's: it does not keep two threads apart
        self.users = 0
        with self._locked():
            words = memoryview(_table(self._files[1])).cast("Q")
            self._known = self._seen()
        # One native store or load of 8 aligned bytes each, which no other process sees half done.
        self.header, self.cells = words[: HEAD // 8], words[HEAD // 8 :]

    @contextmanager
    def held(self, settle: Callable[[], None]) -> Iterator[None]:
        """Inside the gate. What a dead one left in doubt is cleared up first, after `settle` has committed something:
        frames of a commit that was cut short may lie in the log, and a recovery would take them for whole. StoreDown
        when a file is not there any more."""
        with self._locked():
            if self.lost():
                raise StoreDown(LOST)
            if self.header[OPEN]:
                settle()
                self._mend()
            yield

    @contextmanager
    def moved(self, buckets: Collection[int]) -> Iterator[None]:
        """For the commit, inside the gate. The buckets are in doubt meanwhile, and of a new generation afterwards,
        whatever came of it: a commit that failed may have been made."""
        cells, buckets = self.cells, tuple(buckets)
        self.header[PID], self.header[OPEN] = os.getpid(), 1
        for bucket in buckets:
            cells[bucket] += 1
        try:
            yield
        finally:
            for bucket in buckets:
                cells[bucket] += 1
            self.header[OPEN] = 0

    def lost(self) -> bool:
        """Whether a file is not the one any more that was opened: other processes may have new ones by now."""
        try:
            return self._seen() != self._known
        except OSError:
            return True

    def close(self) -> None:
        os.close(self._lock)

    def _mend(self) -> None:
        cells = self.cells
        for bucket, generation in enumerate(cells.tolist()):
            if generation & 1:
                cells[bucket] = generation + 1
        self.header[MENDS] += 1
        self.header[OPEN] = 0

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._turn:
            fcntl.lockf(self._lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._lock, fcntl.LOCK_UN)

    def _seen(self) -> list[tuple[int, int, int]]:
        return [(found.st_dev, found.st_ino, found.st_size) for found in map(os.stat, self._files)]


def _table(file: Path) -> mmap.mmap:
    """The table of generations; a new one where there is none, or none of ours. Inside the gate."""
    if not _is_table(file):
        new = file.with_name(file.name + ".new")
        made = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.posix_fallocate(made, 0, SIZE)  # a hole that a full disk cannot fill would kill whoever writes to it
            os.pwrite(made, MAGIC + (1).to_bytes(4, "little") + BUCKETS.to_bytes(4, "little"), 0)
        finally:
            os.close(made)
        new.rename(file)
    opened = os.open(file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        return mmap.mmap(opened, SIZE)
    finally:
        os.close(opened)


def _is_table(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(MAGIC)) == MAGIC and os.fstat(opened.fileno()).st_size == SIZE
    except FileNotFoundError:
        return False


_gates: dict[tuple[int, str], Gate] = {}
_opening = threading.Lock()


def gate_of(path: str) -> Gate:
    """The gate of a database in this process, until `leave`. OSError."""
    with _opening:
        key = os.getpid(), path
        gate = _gates.get(key)
        if gate is None:
            gate = _gates[key] = Gate(path)
        gate.users += 1
        return gate


def leave(path: str) -> None:
    """Gives back what `gate_of` gave."""
    with _opening:
        key = os.getpid(), path
        gate = _gates[key]
        gate.users -= 1
        if not gate.users:
            _gates.pop(key).close()


def tears(seconds: float = 0.05) -> bool:
    """Whether a process of this machine can see half of what another one stores in a cell. To be asked before there are
    threads."""
    cells = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("Q")
    patterns = 0, 2**64 - 1
    until = time.monotonic() + seconds
    child = os.fork()
    if not child:
        while time.monotonic() < until:
            for _ in range(1000):
                cells[0], cells[0] = patterns
        os._exit(0)
    torn = False
    while time.monotonic() < until:
        torn = torn or not {cells[0] for _ in range(1000)} <= {*patterns}
    os.waitpid(child, 0)
    return torn
