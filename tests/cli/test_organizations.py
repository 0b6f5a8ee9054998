"""nightlatch organizations create | get | list | rename | alias, and --organization of the other commands"""

import json
import uuid

import httpx
import pytest
from tests.cli.command import Command
from tests.serving import Server


def test_an_organization_is_made_named_and_aliased(nightlatch: Command) -> None:
    made = nightlatch("organizations", "create", "acme").strip()
    assert str(uuid.UUID(made)) == made
    for kind, value in (("workspace", "56"), ("team", "T1"), ("identity_store", "d-1")):
        assert nightlatch("organizations", "alias", "acme", kind, value) == ""
    nightlatch("organizations", "alias", made, "team", "T1", "--remove")
    nightlatch("organizations", "alias", "default", "team", "T1")
    nightlatch("organizations", "rename", "acme", "Acme")
    first, second = nightlatch.rows("organizations", "list")
    assert (first["name"], first["aliases"]) == ("default", ["team:T1"])
    assert (second["id"], second["name"]) == (made, "Acme")
    assert second["aliases"] == ["identity_store:d-1", "workspace:56"]
    assert [json.loads(nightlatch("organizations", "get", each)) for each in ("default", made)] == [first, second]
    assert nightlatch("organizations", "list").splitlines()[0].split() == ["id", "name", "aliases", "created_at"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "default"), "There is an organization default already."),
        (("create", " x"), "A name is 1 to 100 printable characters, without spaces around them."),
        (("alias", "default", "workspace", "056"), "The value of a workspace alias must be an integer."),
        (("alias", "nobody", "team", "T1"), "There is no organization nobody."),
        (("alias", "default", "team", "T1", "--remove"), "There is no such alias of this organization."),
        (("rename", str(uuid.UUID(int=0)), "x"), f"There is no organization {uuid.UUID(int=0)}."),
    ],
)
def test_what_is_refused_is_exit_code_1_and_says_why(
    nightlatch: Command, arguments: tuple[str, ...], told: str
) -> None:
    done = nightlatch.run("organizations", *arguments)
    assert (done.code, done.out, done.err) == (1, "", f"nightlatch: {told}\n")


def test_W3_a_command_sees_and_touches_its_organization_only(beside: Command, server: Server) -> None:
    name = uuid.uuid4().hex
    beside("organizations", "create", name)
    in_it = ("--organization", name)
    key = beside("keys", "create", "first", *in_it).strip()
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{server.admin}/admin/identities"
    made = httpx.post(
        url, json={"schema_id": "default", "traits": {"email": f"{name}@x.org"}}, headers=headers, trust_env=False
    )
    person = made.json()["id"]
    assert [row["id"] for row in beside.rows("identities", "list", *in_it)] == [person]
    assert person not in beside("identities", "list", "--limit", "10000", "--json")
    assert beside.run("identities", "get", person).code == 1
    assert beside.run("identities", "delete", person).code == 1
    assert beside.run("sessions", "end", "--identity", person).code == 1
    assert beside("sessions", "end", "--identity", person, *in_it) == "ended: 0\n"
    [shown] = beside.rows("keys", "list", *in_it)
    assert shown["id"] not in beside("keys", "list", "--json")
    assert beside.run("keys", "revoke", shown["id"]).code == 1
    beside("keys", "revoke", shown["id"], *in_it)
    assert httpx.get(url, headers=headers, trust_env=False).status_code == 401
    assert person in beside("identities", "get", person, *in_it)
    beside("identities", "delete", person, *in_it)


@pytest.mark.parametrize(
    "command", [("keys", "list"), ("keys", "create", "x"), ("identities", "list"), ("sessions", "list")]
)
def test_an_organization_that_is_not_there_is_exit_code_1(nightlatch: Command, command: tuple[str, ...]) -> None:
    done = nightlatch.run(*command, "--organization", "nobody")
    assert (done.code, done.err) == (1, "nightlatch: There is no organization nobody.\n")
