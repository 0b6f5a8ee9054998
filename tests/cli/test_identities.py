"""nightlatch identities get | list | unlock | delete"""

import json
import os
import uuid
from typing import Any

import pytest
from tests.cli.command import Command
from tests.serving import Server

from nightlatch.cli import opened

NOBODY = str(uuid.uuid4())
PASSWORD = "Tr0ut-lamp*ferry 91"


@pytest.fixture
def anna(server: Server) -> dict[str, Any]:
    """The identity of a new person, as the admin port shows it."""
    traits = {"email": f"anna-{uuid.uuid4().hex}@example.com", "name": {"first": "Anna"}}
    body = {"schema_id": "default", "traits": traits, "credentials": {"password": {"config": {"password": PASSWORD}}}}
    return dict(server.ask_admin("POST", "/admin/identities", json=body).json())


def test_get_prints_an_identity_as_json(beside: Command, anna: dict[str, Any]) -> None:
    shown = json.loads(beside("identities", "get", anna["id"]))
    assert (shown["id"], shown["state"], shown["schema_id"]) == (anna["id"], "active", "default")
    assert shown["traits"] == anna["traits"]
    assert shown["addresses"] == [anna["traits"]["email"]]
    assert shown["created_at"]


def test_a_list_finds_who_signs_in_with_an_identifier_however_it_is_spelled(
    beside: Command, anna: dict[str, Any]
) -> None:
    email = anna["traits"]["email"]
    assert [row["id"] for row in beside.rows("identities", "list", "--identifier", email.upper())] == [anna["id"]]
    assert anna["id"] in beside("identities", "list", "--identifier", email)
    assert beside.rows("identities", "list", "--identifier", "nobody@example.com") == []


def test_a_filter_finds_people_by_what_they_are_and_by_traits_and_sessions_by_whose_they_are(
    beside: Command, server: Server
) -> None:
    number = int.from_bytes(os.urandom(6), "big") + 1
    traits = [{"email": f"{uuid.uuid4().hex}@example.com", "number": number + n} for n in range(3)]
    bodies = [{"schema_id": "employee", "traits": each} for each in traits]
    made = [server.ask_admin("POST", "/admin/identities", json=body).json()["id"] for body in bodies]
    mine = f"traits.number ge {number} and traits.number lt {number + 2}"
    assert [row["id"] for row in beside.rows("identities", "list", "--filter", mine)] == made[:2]
    assert len(beside.rows("identities", "list", "--filter", mine, "--limit", "1")) == 1
    assert beside.rows("identities", "list", "--filter", f'{mine} and state eq "inactive"') == []
    assert beside.rows("sessions", "list", "--filter", mine) == []
    assert beside("sessions", "end", "--filter", mine, "--dry-run") == "would end: 0\n"
    done = beside.run("identities", "list", "--filter", "traits.email pr")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("nightlatch: Column 1: traits.email is no attribute of an identity")
    assert beside.run("identities", "list", "--filter", mine, "--identifier", "x").code == 2


def test_a_list_goes_on_over_its_pages_to_its_limit(
    beside: Command, server: Server, anna: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        server.ask_admin(
            "POST", "/admin/identities", json={"schema_id": "default", "traits": {"email": f"{uuid.uuid4()}@x.org"}}
        )
    whole = [row["id"] for row in beside.rows("identities", "list", "--limit", "5000")]
    assert len(whole) >= 5
    assert whole == sorted(whole)
    monkeypatch.setattr(opened, "_PAGE", 2)
    assert [row["id"] for row in beside.rows("identities", "list", "--limit", "5000")] == whole
    assert [row["id"] for row in beside.rows("identities", "list", "--limit", "3")] == whole[:3]


def test_S4_the_sessions_of_an_identity_that_the_command_line_deleted_are_refused_at_the_next_check(
    beside: Command, server: Server, anna: dict[str, Any]
) -> None:
    token = server.sign_in(anna["traits"]["email"], PASSWORD)["session_token"]
    assert server.whoami(token).status_code == 200
    assert beside("identities", "delete", anna["id"]) == ""
    assert server.whoami(token).status_code == 401
    assert server.ask_admin("GET", f"/admin/identities/{anna['id']}").status_code == 404


def test_P7_an_operator_unlocks_an_account(beside: Command, server: Server, anna: dict[str, Any]) -> None:
    email = anna["traits"]["email"]
    for _ in range(5):
        assert server.try_sign_in(email, "wrong").status_code == 400
    assert server.try_sign_in(email, PASSWORD).status_code == 400
    assert beside("identities", "unlock", anna["id"]) == "unlocked\n"
    assert server.sign_in(email, PASSWORD)
    assert beside("identities", "unlock", anna["id"]) == "was not locked\n"


@pytest.mark.parametrize("command", ["get", "unlock", "delete"])
def test_an_identity_that_is_not_there_is_exit_code_1_and_no_id_is_2(nightlatch: Command, command: str) -> None:
    done = nightlatch.run("identities", command, NOBODY)
    assert (done.code, done.out, done.err) == (1, "", f"nightlatch: There is no identity {NOBODY}.\n")
    assert nightlatch.run("identities", command, "anna@example.com").code == 2


def test_an_empty_list_is_an_empty_list(nightlatch: Command) -> None:
    assert nightlatch.rows("identities", "list") == []
    assert nightlatch("identities", "list").split() == ["id", "state", "schema_id", "addresses", "created_at"]
