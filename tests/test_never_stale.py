"""Kept answers of several workers, the command line, and writers that die or stop at the worst moment: what has ended is
refused by everybody at once."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx
import pytest
from tests.processes import leash, until
from tests.serving import ROOT
from tests.test_workers import PASSWORD, Workers

STEPS = ("entered", "before the mark", "half marked", "marked", "committed", "moved", "left")


class Line:
    """A kept connection, which stays with the worker that took it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port or 0), 10)
        self._read = self._socket.makefile("rb")

    def status(self, token: str) -> int:
        """What a session check is answered with."""
        self._socket.sendall(
            b"GET /sessions/whoami HTTP/1.1\r\nHost: a\r\nX-Session-Token: %b\r\n\r\n" % token.encode()
        )
        first = self._read.readline()
        length = 0
        while (line := self._read.readline().strip().lower()) != b"":
            length = int(line.partition(b":")[2]) if line.startswith(b"content-length:") else length
        self._read.read(length)
        return int(first.split()[1])

    def close(self) -> None:
        self._read.close()
        self._socket.close()


class Watched(Workers):
    """Two workers, with a line to each."""

    def start(self) -> None:
        super().start()
        self.lines: list[Line] = []
        for number in (0, 1):
            with self.only(number):
                self.lines.append(Line(self.public))
                self.lines[-1].status("nobody")

    def stop(self) -> int:
        for line in self.lines:
            line.close()
        return super().stop()

    def statuses(self, token: str) -> list[int]:
        return [line.status(token) for line in self.lines]

    def signed_in(self) -> tuple[str, str]:
        """The id and the token of a session whose answer both workers keep."""
        _, email = self.person()
        made = self.sign_in(email, PASSWORD)
        for _ in range(4):
            assert self.statuses(made["session_token"]) == [200, 200]
        return made["session"]["id"], made["session_token"]

    def end(self, session: str) -> int:
        return self.ask_admin("DELETE", f"/admin/sessions/{session}").status_code

    def nightlatch(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The command line, in a process of its own."""
        command = [sys.executable, "-m", "nightlatch", *arguments, "--config", str(self.folder / "nightlatch.yaml")]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60)


class Writer:
    """A process that ends a session over the same database, and stops or dies at a step."""

    def __init__(self, workers: Watched, session: str, step: str, how: str) -> None:
        path = str(workers.folder / "nightlatch.sqlite")
        self.process = subprocess.Popen(
            [*leash("KILL"), sys.executable, "-m", "tests.stores.dying", path, session, step, how],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def reached(self) -> None:
        """Comes back when it is there: dead, or stopped."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "reached\n"
        stat = Path(f"/proc/{self.process.pid}/stat")
        until(lambda: stat.read_text().rpartition(")")[2].split()[0] in "TZ", lambda: "it goes on")


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with Watched(tmp_path_factory.mktemp("never-stale") / "server") as running:
        yield running


def test_S4_an_ending_by_one_worker_or_the_command_line_is_known_to_all_at_once(workers: Watched) -> None:
    for _ in range(10):
        session, token = workers.signed_in()
        assert workers.end(session) == 204
        assert workers.statuses(token) == [401, 401]
    session, token = workers.signed_in()
    done = workers.nightlatch("sessions", "end", session, "--reason", "a test")
    assert done.returncode == 0, done.stderr
    assert workers.statuses(token) == [401, 401]


def test_S4_an_ending_of_everything_reaches_every_kept_answer(workers: Watched) -> None:
    kept = [workers.signed_in()[1] for _ in range(5)]
    body = {"action": "disable", "identities": ["*"]}
    assert workers.ask_admin("POST", "/admin/sessions", json=body).status_code == 200
    assert {status for token in kept for status in workers.statuses(token)} == {401}


@pytest.mark.parametrize("step", STEPS)
def test_S4_a_writer_that_is_killed_inside_the_gate_revives_nothing_and_blocks_nobody(
    workers: Watched, step: str
) -> None:
    session, token = workers.signed_in()
    other, others = workers.signed_in()
    with Writer(workers, session, step, "die") as writer:
        writer.reached()
    first = workers.statuses(token)
    # It did or did not end; what one worker says all say, and it stays so.
    assert first in ([200, 200], [401, 401])
    if step in {"committed", "moved", "left"}:
        assert first == [401, 401]
    assert workers.statuses(others) == [200, 200]
    until(lambda: not open_in(workers), workers.log)
    assert workers.statuses(token) == first
    for each, its in ((session, token), (other, others)):
        assert workers.end(each) == 204
        assert workers.statuses(its) == [401, 401]


def test_S4_a_writer_that_is_stopped_inside_the_gate_holds_up_writes_but_no_check_and_no_truth(
    workers: Watched,
) -> None:
    session, token = workers.signed_in()
    other, others = workers.signed_in()
    with Writer(workers, session, "committed", "stop") as writer:
        writer.reached()
        assert workers.statuses(token) == [401, 401]
        assert workers.statuses(others) == [200, 200]
        assert workers.end(other) == 503  # it waits as long as a write may
        assert workers.statuses(others) == [200, 200]
        os.kill(writer.process.pid, signal.SIGCONT)
        assert writer.process.wait(30) == 0
    assert workers.statuses(token) == [401, 401]
    assert workers.end(other) == 204
    assert workers.statuses(others) == [401, 401]


def test_workers_that_are_killed_and_replaced_keep_nothing_of_the_old(workers: Watched) -> None:
    session, token = workers.signed_in()
    killed = workers.pids()[0]
    os.kill(killed, signal.SIGKILL)
    until(lambda: len({*workers.pids()} - {killed}) == 2, workers.log)
    assert workers.end(session) == 204
    for _ in range(5):
        assert workers.whoami(token).status_code == 401


def test_a_table_that_is_taken_away_ends_the_workers_and_new_ones_agree_on_a_new_one(tmp_path: Path) -> None:
    with Watched(tmp_path / "server") as workers:
        session, token = workers.signed_in()
        before = {*workers.pids()}
        (workers.folder / "nightlatch.sqlite-gens").unlink()
        until(lambda: not before & {*workers.pids()} and len(workers.pids()) == 2, workers.log)
        assert workers.log().count("was taken away while it was in use") >= 2
        until(lambda: ends(workers, session), workers.log)
        for _ in range(10):
            assert workers.whoami(token).status_code == 401


def test_without_a_cache_the_answers_are_the_same(tmp_path: Path) -> None:
    with Watched(tmp_path / "server", nightlatch={"session": {"cache": 0}}) as workers:
        session, token = workers.signed_in()
        assert workers.end(session) == 204
        assert workers.statuses(token) == [401, 401]


def ends(workers: Watched, session: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return workers.end(session) == 204
    return False


def open_in(workers: Watched) -> bool:
    """Whether the table says that somebody is inside the gate, or died there."""
    with (workers.folder / "nightlatch.sqlite-gens").open("rb") as table:
        return table.read(40)[32:] != bytes(8)
