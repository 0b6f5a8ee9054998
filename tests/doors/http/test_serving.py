"""The server as a process: its ports, its workers, its signals and its exit codes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from nightlatch.doors.http.serving import HostPort, _listen

SCRIPT = Path(__file__).with_name("serving_script.py")


class Running:
    def __init__(self, folder: Path, mode: str, workers: int, public: int, admin: int) -> None:
        self.folder = folder
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, SCRIPT, mode, folder, str(workers), str(public), str(admin)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "WEB_CONCURRENCY": "7"},
            )
        self.said = self.process.stdout.readline().strip()
        self.ports = [int(word) for word in self.said.split() if word.isdigit()]

    def ask(self, path: str, port: int = 0) -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=10) as reply:
            return json.load(reply)

    def pids(self) -> set[int]:
        return {int(file.name.split("-")[1]) for file in self.folder.glob("started-*")}

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def end(self, number: signal.Signals | None = None) -> int:
        if number:
            self.process.send_signal(number)
        return self.process.wait(20)


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        time.sleep(0.01)
    raise TimeoutError


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    running = []

    def run(mode: str = "works", workers: int = 1, public: int = 0, admin: int = 0) -> Running:
        running.append(Running(tmp_path, mode, workers, public, admin))
        return running[-1]

    yield run
    for each in running:
        each.process.kill()
        each.process.wait()
        each.process.stdout.close()
        for pid in each.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_each_port_has_its_application_and_a_signal_ends_with_0_after_what_is_in_flight(start, workers) -> None:
    server = start(workers=workers)
    assert server.ask("/")["port"] == "public"
    assert server.ask("/", port=1)["port"] == "admin"
    until(lambda: len(server.pids()) == workers)
    replies = []
    slow = Thread(target=lambda: replies.append(server.ask("/slow")))
    slow.start()
    until((server.folder / "asked").exists)
    assert server.end(signal.SIGTERM if workers == 1 else signal.SIGINT) == 0
    slow.join()
    assert replies[0]["port"] == "public"
    assert len(list(server.folder.glob("stopped-*"))) == workers


def test_the_first_request_may_come_before_the_worker_is_up(start) -> None:
    server = start()
    assert server.ask("/")["pid"] == server.process.pid


def test_SIGINT_ends_one_worker_with_0_too(start) -> None:
    server = start()
    server.ask("/")
    assert server.end(signal.SIGINT) == 0


def test_SIGTERM_at_the_first_moment_ends_with_0(start) -> None:
    assert start().end(signal.SIGTERM) == 0


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("mode", ["build fails", "build fails by type", "lifespan fails"])
def test_a_worker_that_cannot_start_ends_the_server_with_an_error(start, mode, workers) -> None:
    server = start(mode, workers=workers)
    began = time.monotonic()
    assert server.end() == 3
    assert time.monotonic() - began < 10
    reason = "no database" if mode == "lifespan fails" else "no schema"
    assert 1 <= server.log().count(f"Error: {reason}") <= workers


def test_a_worker_that_is_killed_is_replaced(start) -> None:
    server = start(workers=2)
    until(lambda: len(server.pids()) == 2)
    killed = min(server.pids())
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(server.pids()) == 3)
    assert server.ask("/")["pid"] in server.pids() - {killed}
    assert server.end(signal.SIGTERM) == 0


def test_workers_whose_parent_is_killed_finish_and_stop(start) -> None:
    server = start(workers=2)
    until(lambda: len(server.pids()) == 2)
    server.end(signal.SIGKILL)
    until(lambda: not any(alive(pid) for pid in server.pids()))
    assert len(list(server.folder.glob("stopped-*"))) == 2


def test_SIGHUP_replaces_every_worker(start) -> None:
    server = start(workers=2)
    until(lambda: len(server.pids()) == 2)
    server.process.send_signal(signal.SIGHUP)
    until(lambda: len(server.pids()) == 4)
    server.ask("/")
    assert server.end(signal.SIGTERM) == 0


@pytest.mark.parametrize(("port", "setting"), [(0, "serve.public.port"), (1, "serve.admin.port")])
def test_a_port_that_is_taken_is_named_with_its_setting(start, port, setting) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        server = start(**{("public", "admin")[port]: number})
        assert server.said == f"Cannot listen on 127.0.0.1:{number}: Address already in use. Change {setting}."
        assert server.end() == 1


def test_one_port_for_both_is_refused(start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    assert start(public=number, admin=number).said.endswith("Change serve.admin.port.")


def test_a_host_that_is_not_here_is_named_with_its_setting(start) -> None:
    assert start("no host").said.endswith("Change serve.admin.host.")


def test_a_server_may_be_started_again_at_once_on_its_ports(start) -> None:
    first = start()
    with socket.create_connection(("127.0.0.1", first.ports[0])) as held:
        held.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        held.recv(1000)
        assert first.end(signal.SIGTERM) == 0
    again = start(public=first.ports[0], admin=first.ports[1])
    assert again.ports == first.ports


def test_W12_a_peer_that_acknowledges_nothing_is_given_up_after_30_seconds() -> None:
    listener = _listen(HostPort("127.0.0.1", 0), "serve.public")
    with listener, socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_the_wildcard_address_of_IPv6_takes_IPv4_too() -> None:
    with _listen(HostPort("::", 0), "serve.public") as listener:
        port = listener.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port)), listener.accept()[0]:
                pass


def test_the_server_may_open_as_many_files_as_the_system_lets_it(start) -> None:
    server = start()
    lines = Path(f"/proc/{server.process.pid}/limits").read_text().splitlines()
    soft, hard = next(line for line in lines if line.startswith("Max open files")).split()[3:5]
    assert soft == hard
