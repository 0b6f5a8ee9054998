"""nightlatch keys create | list | revoke"""

import re
import uuid
from pathlib import Path

import httpx
import pytest
from tests.cli.command import Command
from tests.database import Database, Run
from tests.serving import Server

from nightlatch.core.access.model import SCOPES
from nightlatch.doors.kratos.routes import ADMIN

NOBODY = str(uuid.uuid4())


def ask(server: Server, key: str, path: str = "/admin/sessions", method: str = "GET") -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.request(method, server.admin + path, headers=headers, trust_env=False).status_code


def test_W1_a_new_key_is_good_on_a_running_server_at_once_and_a_revoked_one_no_more(
    beside: Command, server: Server
) -> None:
    (made,) = beside.rows("keys", "create", "deploy")
    assert ask(server, made["key"]) == 200
    assert beside("keys", "revoke", made["id"]) == ""
    assert ask(server, made["key"]) == 401


def test_W1_a_key_may_do_what_its_scopes_say_and_no_more(beside: Command, server: Server) -> None:
    key = beside("keys", "create", "reports", "--scope", "sessions:read", "--scope", "recovery:*").strip()
    assert ask(server, key) == 200
    assert ask(server, key, f"/admin/sessions/{NOBODY}", "DELETE") == 403
    assert ask(server, key, "/admin/identities") == 403


def test_W1_a_key_is_refused_once_its_time_is_over(beside: Command, server: Server) -> None:
    key = beside("keys", "create", "short", "--expires-in", "1us").strip()
    assert ask(server, key) == 401


def test_a_key_is_printed_alone_so_that_a_script_can_take_it(nightlatch: Command) -> None:
    assert re.fullmatch(r"nl_key_[A-Za-z0-9]{43}\n", nightlatch("keys", "create", "deploy"))


def test_S2_a_key_is_shown_once_and_only_its_hash_is_kept(nightlatch: Command, dsn: str, run: Run) -> None:
    key = nightlatch("keys", "create", "deploy").strip()
    assert key not in nightlatch("keys", "list")
    assert key not in nightlatch("keys", "list", "--json")
    database = Database(dsn, run)
    stored = str([database.sql(f"select * from {table}") for table in ("access_keys", "events")])
    database.close()
    assert "deploy" in stored
    assert key not in stored
    assert key.removeprefix("nl_key_") not in stored
    if dsn.startswith("sqlite"):
        files = list(Path(dsn.removeprefix("sqlite://")).parent.glob("nightlatch.sqlite*"))
        assert files
        assert not any(key.encode() in file.read_bytes() for file in files)


@pytest.mark.parametrize("more", [(), ("--expires-in", "15m", "--security-token")])
def test_S2_a_pair_is_shown_once_and_its_secrets_are_nowhere_to_be_read(
    nightlatch: Command, dsn: str, run: Run, more: tuple[str, ...]
) -> None:
    pair_id, secret, *token = nightlatch("keys", "create", "signer", "--pair", *more).splitlines()
    assert re.fullmatch(r"[A-Z0-9]{20}", pair_id)
    assert re.fullmatch(r"[A-Za-z0-9]{40}", secret)
    assert [bool(re.fullmatch(r"nl_sec_[A-Za-z0-9]{43}", each)) for each in token] == [True] * bool(more)
    [shown] = nightlatch.rows("keys", "list")
    assert shown["access_key_id"] == pair_id
    told = nightlatch("keys", "list", "--json") + nightlatch("keys", "list")
    database = Database(dsn, run)
    stored = str([database.sql(f"select * from {table}") for table in ("access_keys", "events")])
    database.close()
    for kept in (secret, *token):
        assert kept not in told + stored
        assert kept.encode().hex() not in stored


def test_S2_json_has_the_pair_once(nightlatch: Command) -> None:
    [made] = nightlatch.rows("keys", "create", "signer", "--pair")
    assert re.fullmatch(r"[A-Z0-9]{20}", made["access_key_id"])
    assert len(made["secret"]) == 40
    assert made["security_token"] is None


def test_a_list_shows_names_scopes_and_times(nightlatch: Command) -> None:
    nightlatch("keys", "create", "first")
    nightlatch("keys", "create", "second", "--scope", "sessions:end", "--expires-in", "720h")
    first, second = nightlatch.rows("keys", "list")
    assert (first["name"], first["scopes"], first["expires_at"], first["revoked_at"]) == ("first", ["*"], None, None)
    assert (second["name"], second["scopes"]) == ("second", ["sessions:end"])
    assert second["expires_at"] > second["created_at"]
    nightlatch("keys", "revoke", first["id"])
    assert nightlatch.rows("keys", "list")[0]["revoked_at"]
    heading, *lines = nightlatch("keys", "list").splitlines()
    assert heading.split() == ["id", "name", "scopes", "access_key_id", "created_at", "expires_at", "revoked_at"]
    assert [line.split()[0] for line in lines] == [first["id"], second["id"]]


def test_a_name_cannot_command_the_terminal_of_who_reads_the_list(nightlatch: Command) -> None:
    nightlatch("keys", "create", "red \x1b[31m\nline")
    shown = nightlatch("keys", "list")
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 2


@pytest.mark.parametrize("again", [False, True])
def test_a_key_that_is_not_there_or_was_revoked_before_cannot_be_revoked(nightlatch: Command, again: bool) -> None:
    key_id = nightlatch.rows("keys", "create", "deploy")[0]["id"] if again else NOBODY
    if again:
        nightlatch("keys", "revoke", key_id)
    done = nightlatch.run("keys", "revoke", key_id)
    assert (done.code, done.out) == (1, "")
    assert done.err == f"nightlatch: There is no key {key_id}, or it was revoked before.\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "x", "--expires-in", "never"), "never is not a duration like 720h"),
        (("create", "x", "--expires-in", "0s"), "0s is not a duration like 720h"),
        (("create", "x", "--scope", "session:read"), "session:read is none of identities:read"),
        (("create", "x", "--security-token"), "it needs --pair and --expires-in"),
        (("create", "x", "--pair", "--security-token"), "it needs --pair and --expires-in"),
        (("create",), "Missing argument"),
        (("revoke", "deploy"), "deploy is not a UUID"),
    ],
)
def test_what_makes_no_sense_is_exit_code_2_and_changes_nothing(
    nightlatch: Command, arguments: tuple[str, ...], told: str
) -> None:
    done = nightlatch.run("keys", *arguments)
    assert done.code == 2
    assert told in done.err
    assert nightlatch.rows("keys", "list") == []


def test_W1_every_scope_that_a_route_asks_for_can_be_given() -> None:
    assert {*SCOPES} >= {route.scope for route in ADMIN if route.scope}
