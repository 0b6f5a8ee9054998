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
from tests.sdk.releases import KRATOS_25, ORY_1_0, ORY_1_22, Release
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


def run(server: Server, release: Release, example: str, *arguments: str) -> str:
    """What it wrote on either output."""
    where = {"PUBLIC_URL": server.public, "ADMIN_URL": server.admin, "NIGHTLATCH_ADMIN_KEY": server.key}
    done = subprocess.run(
        [sys._base_executable, "-S", "-B", EXAMPLES / example, *arguments],  # type: ignore[attr-defined]
        env={"PYTHONPATH": str(installed(release)), "PATH": os.environ["PATH"]} | where,
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
