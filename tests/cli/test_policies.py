"""nightlatch policies show | set | clear"""

import uuid
from typing import Any

import pytest
from tests.cli.command import Command
from tests.serving import Server

NAMES = ["lifespan", "idle", "max_per_identity", "at_limit", "end_others", "ends_with_browser"]


def shown(nightlatch: Command, *arguments: str) -> dict[str, dict[str, Any]]:
    return {row.pop("setting"): row for row in nightlatch.rows("policies", "show", *arguments)}


def test_a_policy_is_set_by_and_by_shown_with_what_counts_and_cleared(nightlatch: Command) -> None:
    made = {"identity": None, "organization": None}
    configured = ["24h0m0s", None, 100, "oldest ends", True, False]
    found = shown(nightlatch)
    assert list(found) == NAMES
    assert [row["configured"] for row in found.values()] == configured
    assert found["lifespan"] == made | {"configured": "24h0m0s", "effective": "24h0m0s"}
    assert nightlatch("policies", "set", "--lifespan", "8h", "--keep-others", "--ends-with-browser") == ""
    nightlatch("policies", "set", "--idle", "90m", "--max-per-identity", "3", "--at-limit", "refuse")
    assert [row["organization"] for row in shown(nightlatch).values()] == [
        "8h0m0s",
        "1h30m0s",
        3,
        "refuse",
        False,
        True,
    ]
    head, first, *_ = nightlatch("policies", "show").splitlines()
    assert head.split() == ["setting", "effective", "identity", "organization", "configured"]
    assert first.split() == ["lifespan", "8h0m0s", "8h0m0s", "24h0m0s"]
    nightlatch("organizations", "create", "acme")
    assert shown(nightlatch, "--organization", "acme")["idle"] == made | {"configured": None, "effective": None}
    nightlatch("policies", "clear")
    assert [row["effective"] for row in shown(nightlatch).values()] == configured
    told = [row["name"] for row in nightlatch.rows("audit", "list", "--filter", 'name sw "policy."')]
    assert told == ["policy.cleared", "policy.changed", "policy.changed"]


def test_S6_a_server_that_runs_obeys_a_policy_at_its_next_request(beside: Command, server: Server) -> None:
    name = f"{uuid.uuid4().hex}@example.org"
    password = {"password": {"config": {"password": "Tr0ut-lamp*ferry 91"}}}
    body = {"schema_id": "default", "traits": {"email": name}, "credentials": password}
    person = server.ask_admin("POST", "/admin/identities", json=body).json()["id"]
    signed_in = server.sign_in(name, "Tr0ut-lamp*ferry 91")
    token, end = signed_in["session_token"], signed_in["session"]["expires_at"]
    beside("policies", "set", "--identity", person, "--lifespan", "1h")
    assert server.whoami(token).json()["expires_at"] < end
    assert shown(beside, "--identity", person)["lifespan"]["identity"] == "1h0m0s"
    beside("policies", "clear", "--identity", person)
    assert server.whoami(token).json()["expires_at"] == end


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("set",), 2, "name something to set"),
        (("set", "--lifespan", "8"), 2, "write it like 90m or 8h"),
        (("set", "--lifespan", "1s"), 1, "lifespan is from one minute to ten years."),
        (("set", "--max-per-identity", "0"), 1, "max_per_identity is from 1 to 100000."),
        (("set", "--at-limit", "no"), 2, "oldest ends"),
        (("show", "--identity", "x"), 2, "x is not a UUID"),
        (("show", "--identity", str(uuid.UUID(int=1))), 1, f"There is no identity {uuid.UUID(int=1)}."),
        (("clear", "--identity", str(uuid.UUID(int=1))), 1, f"There is no identity {uuid.UUID(int=1)}."),
        (("show", "--organization", "nobody"), 1, "There is no organization nobody."),
    ],
)
def test_what_cannot_be_is_refused_and_says_why(
    nightlatch: Command, arguments: tuple[str, ...], code: int, told: str
) -> None:
    done = nightlatch.run("policies", *arguments)
    assert (done.code, done.out) == (code, "")
    assert told in done.err
