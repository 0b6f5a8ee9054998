"""Counters for Prometheus that add up over worker processes.

Each worker keeps its counts in files of its own, memory-mapped, in the format of prometheus_client's multi-process
mode; whichever worker is asked adds up all files. A count is in the file at once, so a worker that dies loses none;
the one that takes its place takes its files too (by a lock that the kernel frees), so no counter ever goes back.
"""

# mypy: disable-error-code="no-untyped-call"
# prometheus_client leaves the calls of these modules without types.

import fcntl
import os
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.utils import floatToGoString

MEDIA_TYPE = CONTENT_TYPE_LATEST

REQUESTS = "nightlatch_http_requests_total"
SECONDS = "nightlatch_http_request_seconds"
_SECONDS_HELP = "Time from the head of a request to the end of its answer."
COUNTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    REQUESTS: ("HTTP requests answered.", ("port", "route", "method", "status")),
    "nightlatch_sessions_issued_total": ("Sessions issued.", ()),
    "nightlatch_sessions_ended_total": ("Sessions ended.", ("reason",)),
    "nightlatch_sign_ins_refused_total": ("Sign-ins refused.", ("reason",)),
    "nightlatch_locks_total": ("Accounts locked after too many attempts.", ("kind",)),
    "nightlatch_messages_total": ("Tries to send a message, by what became of it.", ("template", "status")),
    "nightlatch_housekeeping_removed_total": ("Rows that were over and left.", ("what",)),
    "nightlatch_refused_total": ("Requests and connections refused before any application saw them.", ("limit",)),
}
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, float("inf"))


def clear(directory: Path) -> None:
    """Makes `directory`, and removes the counts of an earlier run. Before the workers start, by their parent."""
    directory.mkdir(parents=True, exist_ok=True)
    for file in directory.glob("*.db"):
        file.unlink()


class Metrics:
    """The counts of this process. All but `render` is for one thread: the event loop's."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock, number = _take_number(directory)
        self._counters = _file(directory / f"counter_{number}.db")
        self._histograms = _file(directory / f"histogram_{number}.db")
        self._values: dict[tuple[str, ...], _Value] = {}
        self._times: dict[tuple[str, str], _Times] = {}
        for name, (_, labels) in COUNTERS.items():
            if not labels:
                self.count(name, times=0)

    def request(self, port: str, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one answered request. `route` is the pattern of the route, never the path."""
        self._value(REQUESTS, ("port", "route", "method", "status"), (port, route, method, str(status))).add(1)
        times = self._times.get((port, route))
        if times is None:
            times = self._times[port, route] = _Times(self._histograms, port, route)
        times.add(seconds)

    def requests(self, port: str, route: str, method: str, status: int) -> Callable[[float], None]:
        """Counts requests that are all like this one, for which nothing has to be looked up: given their seconds."""
        value = self._value(REQUESTS, ("port", "route", "method", "status"), (port, route, method, str(status)))
        times = self._times.setdefault((port, route), _Times(self._histograms, port, route))

        def count(seconds: float) -> None:
            value.add(1)
            times.add(seconds)

        return count

    def count(self, name: str, times: int = 1, **labels: str) -> None:
        """Adds to a counter of COUNTERS; its labels are given in their order there, with values from a short list."""
        self._value(name, tuple(labels), tuple(labels.values())).add(times)

    def render(self) -> bytes:
        """The sums over all workers, as MEDIA_TYPE. Takes milliseconds and may run in a thread."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._directory))
        return generate_latest(registry)

    def close(self) -> None:
        """Gives the files to the next process."""
        self._counters.close()
        self._histograms.close()
        os.close(self._lock)

    def _value(self, name: str, labels: tuple[str, ...], values: tuple[str, ...]) -> "_Value":
        value = self._values.get((name, *values))
        if value is None:
            text, declared = COUNTERS[name]
            if labels != declared:
                raise ValueError(f"{name} has the labels {declared}")
            key = mmap_key(name.removesuffix("_total"), name, list(labels), list(values), text)
            value = self._values[name, *values] = _Value(self._counters, key)
        return value


class _Value:
    """One number in a file."""

    __slots__ = ("_file", "_key", "_total")

    def __init__(self, file: MmapedDict, key: str) -> None:
        self._file = file
        self._key = key
        self._total: float = file.read_value(key)[0]

    def add(self, amount: float) -> None:
        self._total += amount
        self._file.write_value(self._key, self._total, 0.0)


class _Times:
    """The histogram of one route: a number for each bucket, and the sum."""

    __slots__ = ("_buckets", "_sum")

    def __init__(self, file: MmapedDict, port: str, route: str) -> None:
        def number(suffix: str, **more: str) -> _Value:
            labels = {"port": port, "route": route, **more}
            return _Value(file, mmap_key(SECONDS, SECONDS + suffix, list(labels), list(labels.values()), _SECONDS_HELP))

        self._sum = number("_sum")
        self._buckets = [number("_bucket", le=floatToGoString(bound)) for bound in BUCKETS]

    def add(self, seconds: float) -> None:
        self._sum.add(seconds)
        self._buckets[bisect_left(BUCKETS, seconds)].add(1)


def _take_number(directory: Path, number: int = 0) -> tuple[int, int]:
    """The descriptor of the lock on the first number that no living process has, and the number."""
    lock = os.open(directory / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return _take_number(directory, number + 1)
    return lock, number


def _file(path: Path) -> MmapedDict:
    """The file of counts at `path`, which another process never sees half made."""
    if not path.exists():
        new = path.with_suffix(".new")
        MmapedDict(str(new)).close()
        new.rename(path)
    return MmapedDict(str(path))
