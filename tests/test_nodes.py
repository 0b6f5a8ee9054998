"""Many nodes on PostgreSQL, each a process of its own: what has ended is refused by every one of them, whoever is paused,
cut off or killed, and an ending is answered in bounded time."""

import concurrent.futures
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from tests.postgres import Postgres
from tests.processes import until
from tests.serving import ROOT, Server
from tests.test_never_stale import Line
from tests.test_workers import CHEAP, PASSWORD

BOUND = 1.7  # seconds: grace, wait and four statements
SLACK = 0.5  # for a machine that does other things too
R1_ONLY = """
import asyncio, sys
from nightlatch.core.events.model import Act
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import How, Where
from nightlatch.core.sessions.rules import end
from nightlatch.kernel.ids import parse_id
from nightlatch.stores import postgres_waits
from nightlatch.stores.opening import open_store
async def die(self): print("committed", flush=True); import os; os._exit(9)
postgres_waits.Waits.out = die
async def main():
    store = await open_store(sys.argv[1])
    act = Act(DEFAULT, "test", 1, lambda n: bytes(n))
    await store.write(lambda tx: end(tx, act, Where(session_id=parse_id(sys.argv[2])), How.DISABLE, "test"))
asyncio.run(main())
"""


class Cluster:
    """Servers over one database, each a node, with a kept connection to each."""

    def __init__(self, folder: Path, dsn: str, count: int = 2, **settings: Any) -> None:
        self.dsn, self.folder = dsn, folder
        self.servers = [Server(folder / str(n), dsn, settings={**settings}) for n in range(count)]
        self.lines: list[Line] = []

    def __enter__(self) -> Self:
        for server in self.servers:
            server.__enter__()
            self.lines.append(Line(server.public))
        return self

    def __exit__(self, *_: object) -> None:
        for line in self.lines:
            line.close()
        for server in self.servers:
            self.go_on(server)
            server.__exit__(None, None, None)

    def signed_in(self) -> tuple[str, str]:
        """The id and the token of a session whose answer all nodes keep."""
        email = f"{uuid.uuid4()}@example.com"
        self.servers[0].create({"email": email}, password={"config": {"hashed_password": CHEAP}})
        made = self.servers[0].sign_in(email, PASSWORD)
        for _ in range(6):
            assert self.statuses(made["session_token"]) == [200] * len(self.lines)
        return made["session"]["id"], made["session_token"]

    def statuses(self, token: str) -> list[int]:
        return [line.status(token) for line in self.lines]

    def end(self, session: str, of: int = 0) -> tuple[httpx.Response, float]:
        """The answer to an ending at a node, and how many seconds it took."""
        began = time.monotonic()
        answer = self.servers[of].ask_admin("DELETE", f"/admin/sessions/{session}")
        return answer, time.monotonic() - began

    def nodes(self) -> list[dict[str, Any]]:
        return list(self.servers[0].ask_admin("GET", "/v1/nodes").json()["nodes"])

    def pause(self, server: Server) -> None:
        os.killpg(server.process.pid, signal.SIGSTOP)

    def go_on(self, server: Server) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGCONT)

    def nightlatch(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The command line, in a process of its own."""
        command = [sys.executable, "-m", "nightlatch", *arguments]
        command += ["--config", str(self.servers[0].folder / "nightlatch.yaml")]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def dsn(postgres: Postgres) -> Iterator[str]:
    made = postgres.create_database()
    yield made
    postgres.drop_database(made)


@pytest.fixture
def cluster(dsn: str, tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path, dsn) as running:
        yield running


def waited(answer: httpx.Response) -> dict[str, int]:
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", answer.headers["nightlatch-waited"])}


def query(postgres: Postgres, dsn: str, text: str) -> str:
    return postgres.run(text, dsn.rpartition("/")[2])


def test_S4_what_ends_at_one_node_is_refused_at_every_other_at_once(cluster: Cluster) -> None:
    took = []
    for number in range(20):
        session, token = cluster.signed_in()
        answer, seconds = cluster.end(session, number % 2)
        assert cluster.statuses(token) == [401, 401]
        assert answer.status_code == 204
        assert waited(answer)["closed"] == 0
        assert waited(answer)["nodes"] == 2
        took.append(seconds)
    assert sorted(took)[10] < 0.1


def test_S4_the_answer_that_is_given_by_its_bytes_needs_the_lease_too(cluster: Cluster) -> None:
    _, token = cluster.signed_in()
    cluster.pause(cluster.servers[1])
    time.sleep(1.3)
    cluster.go_on(cluster.servers[1])
    assert cluster.statuses(token) == [200, 200]


def test_F27_a_paused_node_delays_an_ending_by_its_bound_and_gives_no_stale_yes_afterwards(cluster: Cluster) -> None:
    session, token = cluster.signed_in()
    paused = cluster.servers[1]
    cluster.pause(paused)
    answer, seconds = cluster.end(session)
    assert answer.status_code == 204
    assert waited(answer)["closed"] == 1
    assert 1.2 < seconds < BOUND + SLACK
    cluster.go_on(paused)
    assert cluster.statuses(token) == [401, 401]
    until(lambda: len([each for each in cluster.nodes() if not each["closed"]]) == 2, paused.log)
    session, token = cluster.signed_in()
    assert waited(cluster.end(session)[0])["closed"] == 0
    assert cluster.statuses(token) == [401, 401]


def test_a_request_that_was_sent_to_a_paused_node_after_the_ending_is_refused(cluster: Cluster) -> None:
    session, token = cluster.signed_in()
    cluster.pause(cluster.servers[1])
    assert cluster.end(session)[0].status_code == 204
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        # Its bytes lie in the socket's buffer when the process goes on.
        asked = pool.submit(cluster.lines[1].status, token)
        time.sleep(0.2)
        cluster.go_on(cluster.servers[1])
        assert asked.result(10) == 401


def test_F27_a_killed_node_delays_endings_once(cluster: Cluster) -> None:
    session, token = cluster.signed_in()
    other, _ = cluster.signed_in()
    cluster.servers[1].kill()
    answer, seconds = cluster.end(session)
    assert answer.status_code == 204
    assert seconds < BOUND + SLACK
    answer, seconds = cluster.end(other)
    assert waited(answer) == {"nodes": 1, "closed": 0, "ms": waited(answer)["ms"]}
    assert seconds < SLACK
    assert cluster.lines[0].status(token) == 401
    cluster.servers[1].start()


def test_a_node_that_died_long_ago_delays_nothing(cluster: Cluster) -> None:
    session, _ = cluster.signed_in()
    cluster.servers[1].kill()
    until(lambda: len(cluster.nodes()) == 1, cluster.servers[0].log)
    assert cluster.end(session)[1] < SLACK
    cluster.servers[1].start()


def test_a_node_that_stops_in_order_leaves_nothing_to_wait_for(cluster: Cluster) -> None:
    session, _ = cluster.signed_in()
    cluster.servers[1].stop()
    assert len(cluster.nodes()) == 1
    answer, seconds = cluster.end(session)
    assert waited(answer)["closed"] == 0
    assert seconds < SLACK
    cluster.servers[1].start()


def test_F27_lease_connections_that_are_cut_come_back_and_nothing_stale_is_said(
    cluster: Cluster, postgres: Postgres
) -> None:
    for _ in range(3):
        session, token = cluster.signed_in()
        query(
            postgres,
            cluster.dsn,
            """select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()""",
        )
        answer, seconds = cluster.end(session)
        if answer.status_code == 503:  # the connection that it had was one of them: nobody knows what came of it
            answer, seconds = cluster.end(session)
        assert answer.status_code == 204
        assert seconds < BOUND + SLACK
        assert cluster.statuses(token) == [401, 401]


def test_S4_of_two_endings_at_once_neither_is_answered_before_both_nodes_refuse(cluster: Cluster) -> None:
    for _ in range(5):
        session, token = cluster.signed_in()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(cluster.end, (session, session), (0, 1)))
        assert [answer.status_code for answer, _ in answers] == [204, 204]
        assert cluster.statuses(token) == [401, 401]


def test_S4_the_retry_of_an_ending_whose_process_died_waits_as_well(cluster: Cluster) -> None:
    session, token = cluster.signed_in()
    cluster.pause(cluster.servers[1])
    died = subprocess.run(
        [sys.executable, "-c", R1_ONLY, cluster.dsn, session],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert died.stdout == "committed\n", died.stderr
    answer, _ = cluster.end(session)
    assert answer.status_code == 204
    cluster.go_on(cluster.servers[1])
    assert cluster.statuses(token) == [401, 401]


def test_S4_what_died_unsettled_is_settled_by_whoever_finds_it(cluster: Cluster) -> None:
    session, token = cluster.signed_in()
    subprocess.run(
        [sys.executable, "-c", R1_ONLY, cluster.dsn, session],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")},
        capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    until(lambda: cluster.statuses(token) == [401, 401], cluster.servers[0].log)


def test_S4_a_node_that_joins_while_an_ending_waits_accepts_nothing_that_ended(dsn: str, tmp_path: Path) -> None:
    with Cluster(tmp_path, dsn, 3) as cluster:
        session, token = cluster.signed_in()
        cluster.servers[2].kill()
        cluster.lines.pop().close()
        cluster.pause(cluster.servers[1])
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            ending = pool.submit(cluster.end, session)
            cluster.servers[2].start()
            cluster.lines.append(Line(cluster.servers[2].public))
            ending.result(10)
        cluster.go_on(cluster.servers[1])
        assert cluster.statuses(token) == [401, 401, 401]


def test_S4_the_command_line_waits_too(cluster: Cluster) -> None:
    session, token = cluster.signed_in()
    cluster.pause(cluster.servers[1])
    ended = cluster.nightlatch("sessions", "end", session)
    assert ended.stdout == "ended: 1\n", ended.stderr
    cluster.go_on(cluster.servers[1])
    assert cluster.statuses(token) == [401, 401]
    listed = cluster.nightlatch("nodes", "--json")
    assert '"applied"' in listed.stdout, listed.stderr


@pytest.mark.parametrize("how", ["deactivate", "delete", "policy", "everybody", "password"])
def test_S4_every_act_that_ends_a_session_waits(cluster: Cluster, postgres: Postgres, how: str) -> None:
    _, token = cluster.signed_in()
    query(postgres, cluster.dsn, "update sessions set authenticated_at = authenticated_at - 3600000000")
    for _ in range(6):  # nobody waited for that one: it is a program's of somebody else
        time.sleep(0.1)
        assert cluster.statuses(token) == [200, 200]
    server = cluster.servers[0]
    who = server.whoami(token).json()["identity"]
    cluster.pause(cluster.servers[1])
    path = f"/admin/identities/{who['id']}"
    match how:
        case "deactivate":
            change = [{"op": "replace", "path": "/state", "value": "inactive"}]
            answer = server.ask_admin("PATCH", path, json=change)
        case "delete":
            answer = server.ask_admin("DELETE", path)
        case "policy":
            answer = server.ask_admin("PUT", f"/v1/identities/{who['id']}/policy", json={"lifespan": "1m"})
        case "everybody":
            body = {"everybody": True, "reason": "test"}
            answer = server.ask_admin("POST", "/v1/sessions/end", json=body)
        case _:
            credentials = {"password": {"config": {"password": "Another-0ne*entirely"}}}
            body = {"schema_id": "default", "state": "active", "traits": who["traits"], "credentials": credentials}
            answer = server.ask_admin("PUT", path, json=body)
    assert answer.is_success, answer.text
    assert waited(answer)["closed"] == 1
    cluster.go_on(cluster.servers[1])
    assert cluster.statuses(token) == [401, 401]


def test_what_changes_of_an_identity_is_shown_by_every_node(cluster: Cluster) -> None:
    _, token = cluster.signed_in()
    who = cluster.servers[0].whoami(token).json()["identity"]
    change = [{"op": "replace", "path": "/traits/email", "value": "new@example.com"}]
    assert cluster.servers[1].ask_admin("PATCH", f"/admin/identities/{who['id']}", json=change).status_code == 200
    shown = [server.whoami(token).json()["identity"]["traits"]["email"] for server in cluster.servers]
    assert shown == ["new@example.com"] * 2


def test_S4_a_database_that_restarts_leaves_nothing_stale(tmp_path: Path) -> None:
    with Postgres() as mine, Cluster(tmp_path, mine.create_database()) as cluster:
        session, token = cluster.signed_in()
        mine.kill()
        time.sleep(1.1)
        assert cluster.statuses(token) == [503, 503]  # no lease, no yes
        mine.start()
        answer = cluster.end(session)[0]
        until(lambda: cluster.end(session)[0].status_code == 204, cluster.servers[0].log)
        assert cluster.statuses(token) == [401, 401], answer
        _, token = cluster.signed_in()
