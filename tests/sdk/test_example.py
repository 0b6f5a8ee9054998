"""examples/kratos_client.py, run as a reader would run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.sdk.client import installed
from tests.sdk.releases import KRATOS_25
from tests.serving import Server

EXAMPLE = Path(__file__).parents[2] / "examples" / "kratos_client.py"
WALK = r"""created .*
created .*
created .*
signed in .*
session .*
extended .*
ended .*
refused   401 Unauthorized
"""


def test_the_example_walks_from_three_people_to_the_401(server: Server) -> None:
    where = {"PUBLIC_URL": server.public, "ADMIN_URL": server.admin, "NIGHTLATCH_ADMIN_KEY": server.key}
    done = subprocess.run(
        [sys._base_executable, "-S", "-B", EXAMPLE],
        env={"PYTHONPATH": str(installed(KRATOS_25)), "PATH": os.environ["PATH"], **where},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert re.fullmatch(WALK, done.stdout), done.stdout + done.stderr
