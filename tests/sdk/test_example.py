"""The examples, run as a reader would run them."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.sdk.bodies import PASSWORD
from tests.sdk.client import installed
from tests.sdk.generated import path
from tests.sdk.releases import KRATOS_25, ORY_1_0, ORY_1_22, SLACK_SDK, Release
from tests.serving import Server

EXAMPLES = Path(__file__).parents[2] / "examples"
WALK = r"""created .*
created .*
created .*
signed in .*
session .*
extended .*
ended .*
refused   401 Unauthorized
"""


def run(server: Server, client: Release | str, example: str, *arguments: str, **environment: str) -> str:
    """What it wrote on either output, with a client that was published, or that of a door."""
    folder = path(client) if isinstance(client, str) else str(installed(client))
    where = {"PUBLIC_URL": server.public, "ADMIN_URL": server.admin, "NIGHTLATCH_ADMIN_KEY": server.key}
    done = subprocess.run(
        [sys._base_executable, "-S", "-B", EXAMPLES / example, *arguments],  # type: ignore[attr-defined]
        env={"PYTHONPATH": folder, "PATH": os.environ["PATH"]} | where | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    return done.stdout


def test_the_example_walks_from_three_people_to_the_401(server: Server) -> None:
    said = run(server, KRATOS_25, "kratos_client.py")
    assert re.fullmatch(WALK, said), said


@pytest.mark.parametrize("release", [ORY_1_0, ORY_1_22], ids=lambda release: release.name)
def test_S7_the_example_of_ory_client_ends_a_session(server: Server, release: Release, anna: dict[str, Any]) -> None:
    signed_in = server.sign_in(anna["traits"]["email"], PASSWORD)
    session_id = signed_in["session"]["id"]
    assert run(server, release, "ory_session.py", session_id) == f"ended     {session_id}\n"
    assert server.whoami(signed_in["session_token"]).status_code == 401


def test_S7_the_example_of_slack_sdk_lists_sessions_and_ends_those_of_a_person(
    server: Server, anna: dict[str, Any]
) -> None:
    token = server.sign_in(anna["traits"]["email"], PASSWORD)["session_token"]
    assert (
        run(server, SLACK_SDK, "slack_sessions.py", anna["id"], NIGHTLATCH_ADMIN_KEY="wrong")
        == "refused   invalid_auth\n"
    )
    assert server.whoami(token).status_code == 200
    *shown, ended = run(server, SLACK_SDK, "slack_sessions.py", anna["id"]).splitlines()
    assert [line for line in shown if re.fullmatch(rf"session   \d+ of {anna['id']} on other", line)]
    assert ended == f"ended     {anna['id']}"
    assert server.whoami(token).status_code == 401


def test_S7_the_example_of_a_client_generated_from_our_document(server: Server, anna: dict[str, Any]) -> None:
    agent = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    one, other = (server.sign_in(anna["traits"]["email"], PASSWORD, **agent)["session_token"] for _ in range(2))
    team = "00000000-0000-0000-0000-000000000001"
    listed = server.ask_admin("POST", "/api/admin.users.session.list", data={"user_id": anna["id"], "team_id": team})
    example = ("slack_generated.py", str(listed.json()["active_sessions"][1]["session_id"]), team, anna["id"])
    said = run(server, "slack", *example)
    assert said.count("DefaultSuccessTemplate(ok=True, additional_properties={})\n") == 2, said
    assert [server.whoami(token).status_code for token in (one, other)] == [401, 401]
    assert "'error': 'session_expired'" in run(server, "slack", *example)
