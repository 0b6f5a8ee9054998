"""Several workers on one database file: what one of them answered holds for all, whoever dies."""

import concurrent.futures
import contextlib
import os
import re
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.processes import until
from tests.serving import Server

PASSWORD = "Tr0ut-lamp*ferry 91"
CHEAP = "$2b$04$XaQzJdsnBmTKOl15CaG36OpVWSJ0qvZl7P.bwMQdXnY6Xna1/TXfC"  # of PASSWORD, with bcrypt's least cost


class Workers(Server):
    """A server of two workers. Each request makes its own connection, which any worker that runs may take."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder, f"sqlite://{folder}/nightlatch.sqlite", workers=2, settings=settings)
        self._http = httpx.Client(timeout=30, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    def start(self) -> None:
        super().start()
        until(lambda: len(self.pids()) == 2 and all(map(serves, self.pids())), self.log)

    def pids(self) -> list[int]:
        return [pid for pid in children(self.process.pid) if b"spawn_main" in command_line(pid)]

    @contextlib.contextmanager
    def only(self, number: int) -> Iterator[None]:
        """Every request goes to one worker, because the other is stopped."""
        other = self.pids()[1 - number]
        os.kill(other, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(other, signal.SIGCONT)

    def create(self) -> httpx.Response:
        body = {"schema_id": "default", "traits": {"email": f"{uuid.uuid4()}@example.com"}}
        return self.ask_admin("POST", "/admin/identities", json=body)

    def person(self) -> tuple[str, str]:
        """The id and the name of somebody who can sign in."""
        email = f"{uuid.uuid4()}@example.com"
        credentials = {"password": {"config": {"hashed_password": CHEAP}}}
        body = {"schema_id": "default", "traits": {"email": email}, "credentials": credentials}
        answer = self.ask_admin("POST", "/admin/identities", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"], email

    def counted(self, name: str) -> float:
        """The sum of a counter over its labels, as any worker tells it."""
        text = self.ask_admin("GET", "/metrics").text
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


def children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, ppid = stat.read_text().rpartition(")")[2].split()[:2]
            if int(ppid) == parent and state != "Z":
                found.append(int(stat.parent.name))
    return sorted(found)


def command_line(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def serves(pid: int) -> bool:
    """Whether it has its database open, which it opens before it takes a request."""
    with contextlib.suppress(OSError):
        return any(file.readlink().suffix == ".sqlite" for file in Path(f"/proc/{pid}/fd").iterdir())
    return False


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    with Workers(tmp_path / "server") as running:
        yield running


def test_S4_what_one_worker_wrote_or_ended_holds_in_the_other_at_once(workers: Workers) -> None:
    _, email = workers.person()
    with workers.only(0):
        first = workers.sign_in(email, PASSWORD)
    with workers.only(1):
        assert workers.whoami(first["session_token"]).status_code == 200
        second = workers.sign_in(email, PASSWORD)
        assert workers.ask_admin("DELETE", f"/admin/sessions/{first['session']['id']}").status_code == 204
    with workers.only(0):
        assert workers.whoami(first["session_token"]).status_code == 401
        assert workers.whoami(second["session_token"]).status_code == 200


def test_S4_no_check_that_starts_after_an_ending_was_answered_is_accepted_whichever_worker_takes_it(
    workers: Workers,
) -> None:
    _, email = workers.person()
    for _ in range(5):
        signed_in = workers.sign_in(email, PASSWORD)
        checks: list[tuple[float, int]] = []
        done = threading.Event()

        def check(token: str = signed_in["session_token"], checks: Any = checks, done: Any = done) -> None:
            with httpx.Client(trust_env=False) as client:
                while not done.is_set():
                    began = time.monotonic()
                    answer = client.get(workers.public + "/sessions/whoami", headers={"X-Session-Token": token})
                    checks.append((began, answer.status_code))

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            running = [pool.submit(check) for _ in range(4)]
            until(lambda checks=checks: len(checks) > 40, workers.log)
            assert workers.ask_admin("DELETE", f"/admin/sessions/{signed_in['session']['id']}").status_code == 204
            answered = time.monotonic()
            more = len(checks) + 40
            until(lambda checks=checks, more=more: len(checks) > more, workers.log)
            done.set()
            for each in running:
                each.result()
        assert {status for began, status in checks if began < answered} >= {200}
        assert {status for began, status in checks if began > answered} == {401}


@pytest.mark.parametrize("rounds", [3, pytest.param(30, marks=pytest.mark.long)])
def test_a_worker_that_is_killed_is_replaced_and_nothing_that_was_answered_is_lost(
    workers: Workers, rounds: int
) -> None:
    acknowledged: list[str] = []
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            with contextlib.suppress(httpx.TransportError):
                answer = workers.create()
                assert answer.status_code == 201, answer.text
                acknowledged.append(answer.json()["id"])

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write) for _ in range(4)]
        for number in range(rounds):
            more = len(acknowledged) + 10
            until(lambda more=more: len(acknowledged) > more, workers.log)
            killed = workers.pids()[number % 2]
            os.kill(killed, signal.SIGKILL)
            until(lambda killed=killed: len({*workers.pids()} - {killed}) == 2, workers.log)
        until(lambda: all(map(serves, workers.pids())), workers.log)
        done.set()
        for each in writing:
            each.result()
    workers.kill()
    workers.start()
    assert lost(workers, acknowledged) == set()


def lost(workers: Workers, acknowledged: list[str]) -> set[str]:
    """The ids that a batch of 500 at a time does not find."""
    found: set[str] = set()
    for start in range(0, len(acknowledged), 100):
        asked = {"ids": acknowledged[start : start + 100], "page_size": 500}
        found |= {each["id"] for each in workers.ask_admin("GET", "/admin/identities", params=asked).json()}
    return {*acknowledged} - found


def test_S4_what_was_ended_stays_ended_when_everything_is_killed_and_started_again(workers: Workers) -> None:
    identity, email = workers.person()
    kept = workers.sign_in(workers.person()[1], PASSWORD)["session_token"]
    disabled, deleted = workers.sign_in(email, PASSWORD), workers.sign_in(email, PASSWORD)
    assert workers.ask_admin("DELETE", f"/admin/sessions/{disabled['session']['id']}").status_code == 204
    assert workers.ask_admin("DELETE", f"/admin/identities/{identity}/sessions").status_code == 204
    workers.kill()
    workers.start()
    assert workers.whoami(disabled["session_token"]).status_code == 401
    assert workers.whoami(deleted["session_token"]).status_code == 401
    assert workers.whoami(kept).status_code == 200


def test_SIGTERM_lets_a_sign_in_finish_whose_hash_is_being_computed(tmp_path: Path) -> None:
    with Workers(
        tmp_path / "server", nightlatch={"hashing": {"time": 3, "memory": 188_416, "processes": 1}}
    ) as workers:
        _, email = workers.person()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            # The imported hash is weaker than ours: the password is hashed anew before the answer, for seconds.
            answer = pool.submit(workers.try_sign_in, email, PASSWORD)
            until(lambda: any(children(pid) for pid in workers.pids()), workers.log)
            assert not answer.done()
            assert workers.stop() == 0
            assert answer.result().status_code == 200
        workers.start()
        assert workers.whoami(answer.result().json()["session_token"]).status_code == 200


def test_the_counters_add_up_over_the_workers_and_never_go_back(workers: Workers) -> None:
    made = "nightlatch_sessions_issued_total"
    _, email = workers.person()
    for number in (0, 1):
        with workers.only(number):
            workers.sign_in(email, PASSWORD)
    for number in (0, 1):
        with workers.only(number):
            assert workers.counted(made) == 2
    killed = workers.pids()[0]
    os.kill(killed, signal.SIGKILL)
    until(lambda: len({*workers.pids()} - {killed}) == 2 and all(map(serves, workers.pids())), workers.log)
    for number in (0, 1):
        with workers.only(number):
            assert workers.counted(made) == 2 + number
            workers.sign_in(email, PASSWORD)
    assert workers.counted(made) == 4
