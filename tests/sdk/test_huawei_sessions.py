"""The published client of the identity centre, unmodified, against the running server on each database."""

import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.cli.command import run_program
from tests.sdk.client import Answer, ClientProcess, installed
from tests.sdk.conftest import Clients
from tests.sdk.releases import HUAWEI
from tests.serving import Server

PASSWORD = "Tr0ut-lamp*ferry 91"
DEFAULT = "00000000-0000-0000-0000-000000000001"
EXAMPLE = Path(__file__).parents[2] / "examples" / "huawei_client.py"
NOBODY = "8d3fbd3a-1f0b-4c8e-9d7e-0c1f7a5b6e42"


class Huawei(NamedTuple):
    """The client with one key pair."""

    process: ClientProcess
    endpoint: str
    pair: tuple[str, str]
    token: str | None = None

    def __call__(self, operation: str, store: str, user: str, **arguments: object) -> Answer:
        wanted = {"identity_store_id": store, "user_id": user, **arguments}
        return self.process.call(
            endpoint=self.endpoint, pair=self.pair, token=self.token, call=operation, arguments=wanted
        )

    def refused(self, status: int, code: str, *call: str, **arguments: object) -> str:
        """The message of a refusal, which the client must understand as one."""
        answer = self(*call, **arguments)
        assert (answer.status, answer.error) == (status, "ClientRequestException"), answer
        assert answer.body["error_code"] == code, answer
        assert answer.body["request_id"], answer
        return str(answer.body["error_msg"])


def administer(server: Server, *arguments: str) -> str:
    """What a command prints."""
    done = run_program(*arguments, "--config", str(server.folder / "nightlatch.yaml"), folder=server.folder)
    assert (done.code, done.err) == (0, ""), done
    return done.out


@pytest.fixture
def store(server: Server) -> str:
    """An alias of the default organization."""
    alias = f"d-{uuid.uuid4().hex[:10]}"
    administer(server, "organizations", "alias", "default", "identity_store", alias)
    return alias


def client(clients: Clients, server: Server, *options: str) -> Huawei:
    [made] = json.loads(administer(server, "keys", "create", "the identity centre", "--pair", "--json", *options))
    return Huawei(clients(HUAWEI), server.admin, (made["access_key_id"], made["secret"]), made["security_token"])


@pytest.fixture
def huawei(clients: Clients, server: Server) -> Huawei:
    return client(clients, server)


class Person(NamedTuple):
    id: str
    email: str


def person(server: Server) -> Person:
    email = f"{uuid.uuid4().hex}@example.com"
    credentials = {"password": {"config": {"password": PASSWORD}}}
    body = {"schema_id": "default", "traits": {"email": email}, "credentials": credentials}
    return Person(server.ask_admin("POST", "/admin/identities", json=body).json()["id"], email)


def test_sessions_are_listed_and_ended_and_whoami_agrees_at_once(server: Server, huawei: Huawei, store: str) -> None:
    anna = person(server)
    phone, laptop = (server.sign_in(anna.email, PASSWORD) for _ in range(2))
    listed = huawei("list_sessions", store, anna.id).ok(200)["session_list"]
    assert {each["session_id"] for each in listed} == {phone["session"]["id"], laptop["session"]["id"]}
    for each in listed:
        assert each["user_id"] == anna.id
        assert each["ip_address"] == "127.0.0.1"
        assert "httpx" in each["user_agent"]
        assert 0 < each["session_not_valid_after"] - each["creation_time"] <= 366 * 86_400_000
        assert 1_600_000_000_000 < each["creation_time"] < 9_999_999_999_999
    huawei("batch_delete_sessions", store, anna.id, session_ids=[phone["session"]["id"]]).ok(200)
    assert server.whoami(phone["session_token"]).status_code == 401
    assert server.whoami(laptop["session_token"]).status_code == 200
    assert server.ask_admin("GET", f"/admin/sessions/{phone['session']['id']}").status_code == 404
    [left] = huawei("list_sessions", store, anna.id).ok(200)["session_list"]
    assert left["session_id"] == laptop["session"]["id"]


def test_the_id_of_the_organization_names_its_store_too(server: Server, huawei: Huawei) -> None:
    anna = person(server)
    assert huawei("list_sessions", DEFAULT, anna.id).ok(200) == {"session_list": []}


def test_a_temporary_pair_needs_its_security_token(clients: Clients, server: Server) -> None:
    anna = person(server)
    temporary = client(clients, server, "--security-token", "--expires-in", "1h")
    temporary("list_sessions", DEFAULT, anna.id).ok(200)
    temporary._replace(token=None)("list_sessions", DEFAULT, anna.id, x_security_token=temporary.token).ok(200)
    for token in (None, "nl_sec_" + "a" * 43):
        temporary._replace(token=token).refused(401, "APIGW.0301", "list_sessions", DEFAULT, anna.id)


def test_the_client_understands_every_refusal(clients: Clients, server: Server, huawei: Huawei, store: str) -> None:
    anna = person(server)
    listing = ("list_sessions", store, anna.id)
    for pair in ((huawei.pair[0], "another"), ("NOBODY", huawei.pair[1])):
        huawei._replace(pair=pair).refused(401, "APIGW.0301", *listing)
    assert huawei.refused(404, "IIC.404", "list_sessions", store, NOBODY).startswith("Not Found")
    huawei.refused(404, "IIC.404", "list_sessions", "d-unknown", anna.id)
    for wrong in ([], None, ["not-an-id"], [NOBODY] * 1001, [1]):
        huawei.refused(400, "IIC.400", "batch_delete_sessions", store, anna.id, session_ids=wrong)
    reader = client(clients, server, "--scope", "sessions:read")
    reader(*listing).ok(200)
    answer = reader("batch_delete_sessions", store, anna.id, session_ids=[NOBODY])
    assert (answer.status, answer.body["error_code"]) == (403, "IIC.1000")
    assert answer.body["encoded_authorization_message"]
    huawei("batch_delete_sessions", store, anna.id, session_ids=[NOBODY]).ok(200)


def example(server: Server, user: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """examples/huawei_client.py, run as a reader would run it."""
    return subprocess.run(
        [sys._base_executable, "-S", "-B", EXAMPLE, user],
        env={
            "PYTHONPATH": str(installed(HUAWEI)),
            "PATH": os.environ["PATH"],
            "ADMIN_URL": server.admin,
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_example_lists_and_ends(server: Server, huawei: Huawei, store: str) -> None:
    anna = person(server)
    tokens = [server.sign_in(anna.email, PASSWORD)["session_token"] for _ in range(2)]
    pair = {"ACCESS_KEY_ID": huawei.pair[0], "SECRET": huawei.pair[1], "IDENTITY_STORE_ID": store}
    done = example(server, anna.id, **pair)
    assert re.fullmatch(r"(session   \S{36} 127\.0\.0\.1 .*\n){2}ended     2\n", done.stdout), done
    assert [server.whoami(token).status_code for token in tokens] == [401, 401]
    refused = example(server, anna.id, **pair | {"SECRET": "another"})
    assert refused.returncode == 1
    assert refused.stderr.startswith("401 APIGW.0301: Incorrect IAM authentication information")
