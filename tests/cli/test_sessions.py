"""nightlatch sessions list | end"""

import getpass
import json
import uuid
from dataclasses import dataclass

import pytest
from tests.cli.command import Command
from tests.database import Database, Run
from tests.serving import Server

NOBODY = str(uuid.uuid4())
PASSWORD = "Tr0ut-lamp*ferry 91"


@dataclass
class SignedIn:
    """A person of a running server with two sessions, in the order of their beginning."""

    identity: str
    sessions: tuple[str, str]
    tokens: tuple[str, str]


@pytest.fixture
def anna(server: Server) -> SignedIn:
    email = f"anna-{uuid.uuid4().hex}@example.com"
    credentials = {"password": {"config": {"password": PASSWORD}}}
    body = {"schema_id": "default", "traits": {"email": email}, "credentials": credentials}
    identity = server.ask_admin("POST", "/admin/identities", json=body).json()["id"]
    first, second = server.sign_in(email, PASSWORD), server.sign_in(email, PASSWORD)
    return SignedIn(
        identity,
        (first["session"]["id"], second["session"]["id"]),
        (first["session_token"], second["session_token"]),
    )


def statuses(server: Server, anna: SignedIn) -> list[int]:
    return [server.whoami(token).status_code for token in anna.tokens]


def test_S4_a_session_that_the_command_line_ended_is_refused_at_the_next_check(
    beside: Command, server: Server, anna: SignedIn
) -> None:
    assert statuses(server, anna) == [200, 200]
    assert beside("sessions", "end", anna.sessions[0]) == "ended: 1\n"
    assert statuses(server, anna) == [401, 200]
    assert beside("sessions", "end", anna.sessions[0]) == "ended: 0\n"


@pytest.mark.parametrize(("how", "kept"), [((), 2), (("--delete",), 0)])
def test_S4_all_sessions_of_an_identity_end_together_and_their_rows_stay_unless_they_are_deleted(
    beside: Command, server: Server, anna: SignedIn, how: tuple[str, ...], kept: int
) -> None:
    assert beside("sessions", "end", "--identity", anna.identity, *how) == "ended: 2\n"
    assert statuses(server, anna) == [401, 401]
    assert len(beside.rows("sessions", "list", "--identity", anna.identity)) == kept


def test_a_list_tells_who_is_signed_in_where_newest_first(beside: Command, anna: SignedIn) -> None:
    rows = beside.rows("sessions", "list", "--identity", anna.identity)
    assert [row["id"] for row in rows] == [*reversed(anna.sessions)]
    assert {row["identity_id"] for row in rows} == {anna.identity}
    assert rows[0]["ip"].startswith("10.")
    assert rows[0]["user_agent"].startswith("python-httpx")
    assert rows[0]["expires_at"] > rows[0]["issued_at"]
    lines = beside("sessions", "list", "--identity", anna.identity).splitlines()
    assert [line.split()[0] for line in lines] == ["id", *reversed(anna.sessions)]


def test_S1_no_list_holds_a_token(beside: Command, anna: SignedIn) -> None:
    shown = beside("sessions", "list", "--json", "--limit", "10000") + beside("sessions", "list", "--limit", "10000")
    assert anna.sessions[0] in shown
    assert not any(token.removeprefix("ory_st_") in shown for token in anna.tokens)


def test_a_list_can_hold_those_in_force_or_those_over_alone(beside: Command, anna: SignedIn) -> None:
    ended, left = anna.sessions
    beside("sessions", "end", ended)
    mine = ("sessions", "list", "--identity", anna.identity)
    assert [(row["id"], row["active"]) for row in beside.rows(*mine, "--active")] == [(left, True)]
    assert [(row["id"], row["active"]) for row in beside.rows(*mine, "--over")] == [(ended, False)]
    assert len(beside.rows(*mine)) == 2
    assert len(beside.rows(*mine, "--limit", "1")) == 1


def test_an_ending_tells_who_typed_it_and_why(beside: Command, server: Server, anna: SignedIn, run: Run) -> None:
    beside("sessions", "end", anna.sessions[1], "--reason", "stolen phone")
    database = Database(server.configuration["dsn"], run)
    events = database.sql(
        "select actor, reason, amount from events where name = 'session.ended' and session_id = $1",
        uuid.UUID(anna.sessions[1]).bytes,
    )
    database.close()
    assert events == [(f"cli:{getpass.getuser()}", "stolen phone", 1)]


@pytest.mark.parametrize(("of", "what"), [((), "session"), (("--identity",), "identity")])
def test_what_is_not_there_cannot_be_ended(nightlatch: Command, of: tuple[str, ...], what: str) -> None:
    done = nightlatch.run("sessions", "end", *of, NOBODY)
    assert (done.code, done.out, done.err) == (1, "", f"nightlatch: There is no {what} {NOBODY}.\n")


def test_a_filter_finds_shows_and_ends(beside: Command, server: Server, anna: SignedIn, run: Run) -> None:
    mine = ("--filter", f'identity.id eq "{anna.identity}" and device.user_agent sw "PYTHON"')
    first = ("--filter", f'id eq "{anna.sessions[0]}"')
    assert [row["id"] for row in beside.rows("sessions", "list", *mine)] == [*reversed(anna.sessions)]
    assert [row["id"] for row in beside.rows("sessions", "list", *first, "--active")] == [anna.sessions[0]]
    assert beside.rows("sessions", "list", *first, "--over") == []
    shown = beside("sessions", "end", *mine, "--dry-run").splitlines()
    assert [line.split()[0] for line in shown] == ["id", *reversed(anna.sessions), "would"]
    assert shown[-1] == "would end: 2"
    assert statuses(server, anna) == [200, 200]
    assert beside("sessions", "end", *first, "--reason", "stolen phone") == "ended: 1\n"
    assert statuses(server, anna) == [401, 200]
    assert beside("sessions", "end", *mine, "--delete", "--reason", "stolen phone") == "ended: 2\n"
    assert beside("sessions", "end", *mine, "--dry-run") == "would end: 0\n"
    database = Database(server.configuration["dsn"], run)
    told = database.sql(
        "select data, reason from events where name = 'session.deleted' and actor = $1 order by id desc limit 1",
        f"cli:{getpass.getuser()}",
    )
    database.close()
    assert told[0][1] == "stolen phone"
    assert json.loads(told[0][0])["filter"] == mine[1]


def test_a_filter_that_cannot_be_understood_is_refused_with_its_column(nightlatch: Command) -> None:
    for command in (("list",), ("end", "--reason", "x"), ("end", "--dry-run")):
        done = nightlatch.run("sessions", *command, "--filter", 'state eq "actve"')
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("nightlatch: Column 10: state is active or ended")


@pytest.mark.parametrize(
    "arguments",
    [
        (), (NOBODY, "--identity", NOBODY), ("all",), ("--identity", "anna"), (NOBODY, "--filter", "id pr"),
        ("--filter", "id pr"), (NOBODY, "--dry-run"), ("--identity", NOBODY, "--dry-run"),
    ],
)  # fmt: skip
def test_an_ending_names_one_session_one_identity_or_a_filter_with_a_reason(
    nightlatch: Command, arguments: tuple[str, ...]
) -> None:
    assert nightlatch.run("sessions", "end", *arguments).code == 2
