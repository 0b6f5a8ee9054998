"""nightlatch backup, nightlatch restore, and what becomes of sessions."""

import sqlite3
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.command import Command
from tests.cli.test_audit import on_store
from tests.database import Run
from tests.serving import Server

PASSWORD = "Tr0ut-lamp*ferry 91"


class Installation:
    """A server that can be stopped, and the command line over its database."""

    def __init__(self, server: Server, command: Command, backup: Path) -> None:
        self.server, self.command, self.backup = server, command, backup
        self.email = f"anna-{uuid.uuid4().hex}@example.com"
        credentials = {"password": {"config": {"password": PASSWORD}}}
        self.anna = server.create({"email": self.email}, **credentials)["id"]

    def sign_in(self) -> str:
        return str(self.server.sign_in(self.email, PASSWORD)["session_token"])

    def accepted(self, *tokens: str) -> list[bool]:
        return [self.server.whoami(token).status_code == 200 for token in tokens]

    def restore(self, *options: str) -> None:
        self.server.stop()
        self.command("restore", str(self.backup), *options)
        self.server.start()


@pytest.fixture
def installed(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Installation:
    server = serve()
    command = Command(server.folder / "nightlatch.yaml", monkeypatch, capsys)
    return Installation(server, command, tmp_path / "backup")


def test_W22_a_restore_brings_everybody_back_and_ends_every_session_also_those_that_ended_since_the_backup(
    installed: Installation,
) -> None:
    kept, ended = installed.sign_in(), installed.sign_in()
    flow = httpx.get(installed.server.public + "/self-service/login/api").json()["id"]
    assert installed.command("backup", str(installed.backup)) == ""
    assert installed.backup.stat().st_mode & 0o777 == 0o600
    since = installed.sign_in()
    revoked = {"X-Session-Token": ended}
    httpx.request("DELETE", installed.server.public + "/self-service/logout/api", json={"session_token": ended}, headers=revoked).raise_for_status()  # fmt: skip
    assert installed.accepted(kept, ended, since) == [True, False, True]
    done = installed.command.run("restore", str(installed.backup), "--replace")
    assert (done.code, "Stop it first" in done.err) == (1, True)
    assert installed.accepted(kept, ended, since) == [True, False, True]
    installed.restore("--replace")
    assert installed.accepted(kept, ended, since) == [False, False, False]
    assert installed.accepted(installed.sign_in()) == [True]
    # What was begun before is over, too: a code that was used since would be good once more.
    url = installed.server.public + "/self-service/login/flows"
    assert httpx.get(url, params={"id": flow}).status_code == 404
    told = installed.command.rows("audit", "list", "--filter", 'reason eq "restored" or name eq "database.restored"')
    assert {row["name"] for row in told} == {"session.ended", "database.restored"}
    assert all(row["actor"].startswith("cli:") for row in told)


def test_W22_sessions_that_nobody_ended_stay_where_the_operator_says_so(installed: Installation) -> None:
    ended, kept = installed.sign_in(), installed.sign_in()
    session = installed.server.whoami(ended).json()["id"]
    installed.command("sessions", "end", session)
    installed.command("backup", str(installed.backup))
    since = installed.sign_in()
    installed.restore("--replace", "--keep-sessions")
    assert installed.accepted(ended, kept, since) == [False, True, False]


def test_a_database_with_people_is_replaced_only_where_the_operator_says_so(installed: Installation) -> None:
    installed.command("backup", str(installed.backup))
    installed.server.stop()
    done = installed.command.run("restore", str(installed.backup))
    assert (done.code, done.out) == (1, "")
    assert "lost with --replace" in done.err


def test_W21_a_backup_whose_log_is_not_as_it_was_sealed_is_refused_until_the_operator_takes_it(
    nightlatch: Command, dsn: str, run: Run, tmp_path: Path
) -> None:
    nightlatch("organizations", "create", "one")
    on_store(dsn)
    file = tmp_path / "backup"
    nightlatch("backup", str(file))
    with sqlite3.connect(file) as connection:
        connection.execute("update events set actor = 'nobody'")
    connection.close()
    done = nightlatch.run("restore", str(file), "--replace")
    assert (done.code, done.err) == (
        1, "nightlatch: event 1 is not as it was sealed: the log is not as it was sealed with secrets.default\n",
    )  # fmt: skip
    assert nightlatch("audit", "verify").startswith("sealed: 1:")
    nightlatch("restore", str(file), "--replace", "--ignore-seals")
    assert nightlatch.run("audit", "verify").code == 1


def test_the_log_of_what_is_restored_goes_on_under_its_seals(nightlatch: Command, dsn: str, tmp_path: Path) -> None:
    nightlatch("organizations", "create", "one")
    on_store(dsn)
    nightlatch("backup", str(tmp_path / "backup"))
    nightlatch("restore", str(tmp_path / "backup"), "--replace")
    on_store(dsn)
    head = nightlatch("audit", "verify").splitlines()
    assert (head[0].startswith("sealed: "), head[1]) == (True, "not sealed yet: 0")


def test_a_file_that_is_there_or_none_is_refused_in_one_line(nightlatch: Command, tmp_path: Path) -> None:
    nightlatch("backup", str(tmp_path / "backup"))
    for words in (("backup", "backup"), ("backup", "no/backup"), ("restore", "none"), ("restore", "nightlatch.yaml")):
        done = nightlatch.run(words[0], str(tmp_path / words[1]))
        assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
        assert done.err.startswith("nightlatch: ")
