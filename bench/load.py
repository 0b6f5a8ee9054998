"""One window of load on one server, and what it cost there."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import msgspec
from bench import client
from bench.processes import GENERATOR, cpu, on, warm

_SCRIPT = Path(__file__).with_name("wrk.lua")


class Window(NamedTuple):
    """Latencies in milliseconds. `core` is requests for a second of the server's computing; `database` is how many
    seconds its database's processes computed meanwhile, in each second."""

    rate: float
    core: float
    p50: float
    p99: float
    wrong: int
    database: float = 0


class _Load(NamedTuple):
    requests: int
    seconds: float
    p50: float
    p99: float
    wrong: int


def window(
    address: client.Address,
    requests: list[bytes],
    seconds: float,
    connections: int,
    *,
    once: bool,
    pids: Sequence[int],
    database: Sequence[int] = (),
) -> Window:
    """Load for so long, or until requests that may be sent `once` only are used up."""
    make = _wrk if shutil.which("wrk") else _own
    warm([*pids, *database])
    before, before_database, began = cpu(pids), cpu(database), time.monotonic()
    with on(GENERATOR):
        load = make(address, requests, seconds, connections, once)
    spent, in_database = cpu(pids) - before, (cpu(database) - before_database) / (time.monotonic() - began)
    core = load.requests / spent if spent else 0
    return Window(load.requests / load.seconds, core, load.p50, load.p99, load.wrong, in_database)


def _wrk(address: client.Address, requests: list[bytes], seconds: float, connections: int, once: bool) -> _Load:
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0".join(requests))
        file.flush()
        length = max(1, round(seconds))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{length}", "--timeout", "30", "-s", str(_SCRIPT)]
        url = f"http://{address[0]}:{address[1]}"
        done = subprocess.run(
            [*command, url, "--", file.name, "once" if once else "again"], capture_output=True, text=True
        )
    assert "FIGURES" in done.stdout, done.stdout + done.stderr
    return _Load(*msgspec.json.decode(done.stdout.rpartition("FIGURES")[2]))


def _own(address: client.Address, requests: list[bytes], seconds: float, connections: int, once: bool) -> _Load:
    answers, took = client.fire(address, requests, seconds, connections, once=once)
    times = [1000 * each for _, each in answers]
    p99 = quantiles(times, n=100)[98] if len(times) > 1 else times[0]
    return _Load(len(answers), took, median(times), p99, sum(status >= 400 for status, _ in answers))
