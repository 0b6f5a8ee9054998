"""The example of every dialect, one after another, against one server that was started as it is tried out."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.command import run_program
from tests.development import Development
from tests.sdk.bodies import PASSWORD, new_email
from tests.sdk.client import installed
from tests.sdk.generated import path
from tests.sdk.releases import HUAWEI, KRATOS_25, ORY_1_22, SLACK_SDK, Release

EXAMPLES = Path(__file__).parents[2] / "examples"
ROOT = EXAMPLES.parent
ELSEWHERE = (ROOT / "README.md", ROOT / "tests/client/test_applications.py")  # where the other examples are run
TEAM = "00000000-0000-0000-0000-000000000001"


class Tried:
    """The server, somebody who can sign in, and what a reader types. No example is told a key: they know where it is."""

    def __init__(self, server: Development) -> None:
        self.server = server
        self.key = {"Authorization": f"Bearer {server.key_file.read_text().strip()}"}
        self.email = new_email()
        person = {"schema_id": "default", "traits": {"email": self.email}}
        secret = {"credentials": {"password": {"config": {"password": PASSWORD}}}}
        self.ada: str = self.ask("POST", f"{server.admin}/admin/identities", json=person | secret).json()["id"]

    def ask(self, method: str, url: str, **more: Any) -> httpx.Response:
        return httpx.request(method, url, headers=self.key, trust_env=False, timeout=30, **more)

    def sign_in(self) -> tuple[str, str]:
        """The session's id and its token."""
        flow = self.ask("GET", f"{self.server.public}/self-service/login/api").json()["id"]
        body = {"method": "password", "identifier": self.email, "password": PASSWORD}
        url = f"{self.server.public}/self-service/login?flow={flow}"
        agent = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
        answer = httpx.post(url, json=body, headers=agent, trust_env=False, timeout=30).json()
        return answer["session"]["id"], answer["session_token"]

    def alive(self, token: str) -> bool:
        url = f"{self.server.public}/sessions/whoami"
        return httpx.get(url, headers={"X-Session-Token": token}, trust_env=False).status_code == 200

    def run(self, example: str, client: Release | str, *arguments: str, **environment: str) -> str:
        """What it wrote on either output."""
        folder = path(client) if isinstance(client, str) else str(installed(client))
        where = {"PUBLIC_URL": self.server.public, "ADMIN_URL": self.server.admin, "PATH": os.environ["PATH"]}
        done = subprocess.run(
            [sys._base_executable, "-S", "-B", EXAMPLES / example, *arguments],  # type: ignore[attr-defined]
            env={"PYTHONPATH": folder} | where | environment,
            cwd=self.server.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        return done.stdout

    def pair(self) -> dict[str, str]:
        done = run_program("keys", "create", "identity centre", "--pair", "--json", "--dev", folder=self.server.folder)
        [made] = json.loads(done.out)
        return {"ACCESS_KEY_ID": made["access_key_id"], "SECRET": made["secret"]}

    def numbers(self) -> list[int]:
        url = f"{self.server.admin}/api/admin.users.session.list"
        listed = self.ask("POST", url, data={"user_id": self.ada, "team_id": TEAM}).json()["active_sessions"]
        return [each["session_id"] for each in listed]


@pytest.fixture
def tried(tmp_path: Path) -> Iterator[Tried]:
    server = Development(tmp_path)
    with server.running():
        yield Tried(server)


def test_every_dialects_example_runs_as_it_is_against_one_server(tried: Tried) -> None:
    assert tried.run("kratos_client.py", KRATOS_25).endswith("refused   401 Unauthorized\n")

    session, token = tried.sign_in()
    assert tried.run("ory_session.py", ORY_1_22, session) == f"ended     {session}\n"
    assert not tried.alive(token)

    session, token = tried.sign_in()
    said = tried.run("identity_sdk_sessions.py", "sessions_api", tried.ada)
    assert f"session   {session} active\n" in said
    assert f"deleted   {session}\n" in said
    assert not tried.alive(token)

    (_, one), (_, other) = tried.sign_in(), tried.sign_in()
    said = tried.run("slack_generated.py", "slack", str(tried.numbers()[0]), TEAM, tried.ada)
    assert said.count("ok=True") == 2, said
    assert not tried.alive(one)
    assert not tried.alive(other)

    _, token = tried.sign_in()
    assert tried.run("slack_sessions.py", SLACK_SDK, tried.ada).endswith(f"ended     {tried.ada}\n")
    assert not tried.alive(token)

    session, token = tried.sign_in()
    said = tried.run("huawei_client.py", HUAWEI, tried.ada, **tried.pair())
    assert said.startswith(f"session   {session} 127.0.0.1 ")
    assert said.endswith("ended     1\n")
    assert not tried.alive(token)


def test_no_example_is_left_out() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in (Path(__file__), *ELSEWHERE))
    assert [file.name for file in EXAMPLES.glob("*.py") if file.name not in text] == []
