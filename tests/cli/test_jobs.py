"""nightlatch jobs list | show | cancel, and what a job does while a command waits for it"""

import json
import os
import sys
import uuid
from typing import Any

import pytest
from tests.cli.command import ROOT, Command
from tests.database import Database, Run
from tests.processes import on_terminal
from tests.stores.rows import add_people, add_person, add_sessions

from nightlatch.core.administration import jobs, sessions, work
from nightlatch.core.jobs.model import Status
from nightlatch.kernel.ids import id_text

NOBODY = str(uuid.uuid4())
WEB = ("--filter", 'device.kind eq "web"', "--allow-scan")
WHY = ("--reason", "stolen passwords")


@pytest.fixture
def db(nightlatch: Command, dsn: str, run: Run) -> Any:
    opened = Database(dsn, run)
    yield opened
    opened.close()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten are very many."""
    for module in (work, sessions):
        monkeypatch.setattr(module, "KNOWN_MOST", 10)
    monkeypatch.setattr(jobs, "AT_ONCE", 7)


def living(db: Database) -> int:
    return int(db.sql("select count(*) from sessions where ended_at is null")[0][0])


@pytest.mark.usefixtures("few")
def test_very_many_sessions_end_before_the_command_does_though_no_server_runs(
    nightlatch: Command, db: Database
) -> None:
    add_sessions(db, add_person(db), 50, issued_at=0)
    assert nightlatch("sessions", "end", *WEB, "--dry-run").splitlines()[-1] == "would end: 50"
    assert (nightlatch.rows("jobs", "list"), living(db)) == ([], 50)
    assert nightlatch("sessions", "end", *WEB, *WHY) == "ended: 50\n"
    assert living(db) == 0
    [job] = nightlatch.rows("jobs", "list")
    assert (job["kind"], job["status"], job["done"], job["total"]) == ("sessions.end", "done", 50, 50)
    assert json.loads(nightlatch("jobs", "show", job["id"])) == job
    assert nightlatch("jobs", "cancel", job["id"]) == "done\n"
    assert nightlatch("jobs", "list").splitlines()[1].split()[:3] == [job["id"], "sessions.end", "done"]


@pytest.mark.usefixtures("few")
def test_a_job_that_is_cancelled_while_its_command_waits_is_exit_code_1(
    nightlatch: Command, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_sessions(db, add_person(db), 50, issued_at=0)
    advance = jobs.advance

    async def cancelled(store: Any, act: Any, holder: bytes, traits: Any, told: Any) -> Any:
        moved = await advance(store, act, holder, traits, told)
        await store.write(lambda tx: jobs.rules.cancel(tx, act(), moved.id))
        return moved

    monkeypatch.setattr("nightlatch.cli.jobs.advance", cancelled)
    done = nightlatch.run("sessions", "end", *WEB, *WHY)
    assert (done.code, done.out) == (1, "ended: 7\n")
    assert "is cancelled" in done.err
    assert living(db) == 43


@pytest.mark.parametrize(("verb", "left"), [("deactivate", ["active", "inactive", "inactive"]), ("delete", ["active"])])
def test_several_identities_are_changed_by_a_job_and_those_that_are_not_there_are_told(
    nightlatch: Command, db: Database, verb: str, left: list[str]
) -> None:
    ids = [id_text(each.id) for each in add_people(db, 3, created_at=0)]
    assert nightlatch("identities", verb, *ids, "--dry-run").splitlines()[-1] == f"would be {verb}d: 3"
    done = nightlatch.run("identities", verb, *ids[:2], NOBODY)
    assert (done.code, done.out) == (1, f"{verb}d: 2\n")
    assert f"{NOBODY}: There is no such identity." in done.err
    assert sorted(row["state"] for row in nightlatch.rows("identities", "list")) == left
    assert nightlatch("identities", verb, "--all", "--dry-run").splitlines()[-1].startswith(f"would be {verb}d: ")
    nightlatch("identities", verb, "--all", *WHY)
    assert "active" not in [row["state"] for row in nightlatch.rows("identities", "list")]
    [all_of_them, some] = nightlatch.rows("jobs", "list")
    assert (all_of_them["reason"], some["reason"], some["failed"]) == ("stolen passwords", "operator", 1)


@pytest.mark.parametrize("verb", ["deactivate", "delete"])
def test_identities_that_a_filter_picks_are_changed_and_no_others(nightlatch: Command, db: Database, verb: str) -> None:
    some, others = add_people(db, 12, created_at=0), add_people(db, 2, created_at=5, schema_id="robot")
    picked = ("--filter", 'schema eq "default"')
    assert nightlatch("identities", verb, *picked, "--dry-run").splitlines()[-1] == f"would be {verb}d: 12"
    assert nightlatch("identities", verb, *picked, *WHY) == f"{verb}d: 12\n"
    rows = nightlatch.rows("identities", "list", "--filter", 'state eq "active"')
    assert {row["id"] for row in rows} == {id_text(each.id) for each in others}
    [job] = nightlatch.rows("jobs", "list")
    assert (job["filter"], job["done"], len(some)) == (picked[1], 12, 12)
    for wrong in ("", "schema", 'device.kind eq "web"'):
        for trial in ("--dry-run", "--allow-scan"):
            done = nightlatch.run("identities", verb, "--filter", wrong, trial, *WHY)
            assert (done.code, done.out) == (1, "")
            assert done.err.startswith("nightlatch: Column")
    assert len(nightlatch.rows("identities", "list", "--filter", 'state eq "active"')) == 2
    assert len(nightlatch.rows("jobs", "list")) == 1


def test_a_filter_over_identities_may_name_traits(beside: Command, server: Any) -> None:
    number = int.from_bytes(os.urandom(6), "big") + 1
    bodies = [
        {"schema_id": "employee", "traits": {"email": f"{uuid.uuid4().hex}@example.com", "number": number + n}}
        for n in range(3)
    ]
    ids = [server.ask_admin("POST", "/admin/identities", json=body).json()["id"] for body in bodies]
    picked = ("--filter", f"traits.number ge {number} and traits.number le {number + 1}")
    assert beside("identities", "deactivate", *picked, *WHY) == "deactivated: 2\n"
    states = [server.ask_admin("GET", f"/admin/identities/{each}").json()["state"] for each in ids]
    assert states == ["inactive", "inactive", "active"]


def test_one_identity_is_deactivated_at_once(nightlatch: Command, db: Database) -> None:
    anna = add_person(db)
    assert nightlatch("identities", "deactivate", id_text(anna.id), *WHY) == ""
    assert [row["state"] for row in nightlatch.rows("identities", "list")] == ["inactive"]
    assert nightlatch.rows("jobs", "list") == []
    done = nightlatch.run("identities", "deactivate", NOBODY)
    assert (done.code, done.err) == (1, f"nightlatch: There is no identity {NOBODY}.\n")


@pytest.mark.parametrize("verb", ["deactivate", "delete"])
@pytest.mark.parametrize(
    "arguments",
    [(), ("--all",), ("--filter", "id pr"), (NOBODY, "--all", *WHY), ("--all", "--filter", "id pr", *WHY), ("anna",)],
)
def test_a_change_names_identities_or_all_of_them_with_a_reason(
    nightlatch: Command, verb: str, arguments: tuple[str, ...]
) -> None:
    assert nightlatch.run("identities", verb, *arguments).code == 2


def test_a_job_that_is_not_there_is_exit_code_1_and_no_id_is_2(nightlatch: Command) -> None:
    for command in ("show", "cancel"):
        done = nightlatch.run("jobs", command, NOBODY)
        assert (done.code, done.err) == (1, "nightlatch: There is no such job.\n")
        assert nightlatch.run("jobs", command, "x").code == 2
    assert nightlatch.rows("jobs", "list") == []


@pytest.mark.parametrize("dsn", ["sqlite"], indirect=True)
def test_a_terminal_shows_how_far_a_job_is(nightlatch: Command, db: Database) -> None:
    add_people(db, 200, created_at=0)
    command = [sys.executable, "-m", "nightlatch", "identities", "deactivate", "--all", *WHY]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm", "COLUMNS": "120"}
    shown = on_terminal([*command, "--config", str(nightlatch.config)], environment)
    assert b"identities.deactivate" in shown
    assert b"/200" in shown
    assert b"\xe2\x94\x81" in shown
    assert b"deactivated: 200" in shown


def test_a_server_does_the_jobs_that_others_begin(beside: Command, server: Any) -> None:
    body = {"schema_id": "default", "traits": {"email": f"{uuid.uuid4().hex}@example.com"}}
    anna = server.ask_admin("POST", "/admin/identities", json=body).json()["id"]
    job = server.ask_admin("POST", "/v1/identities/deactivate", json={"ids": [anna], "reason": "taken over"}).json()
    while json.loads(beside("jobs", "show", job["id"]))["status"] == Status.RUNNING:
        pass
    assert server.ask_admin("GET", f"/admin/identities/{anna}").json()["state"] == "inactive"
