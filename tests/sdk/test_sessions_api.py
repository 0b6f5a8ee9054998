"""The client that openapi-generator makes of our document of the sessions API: the published one in all it says, and
driven against a running server."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cli.command import run_program
from tests.sdk.bodies import PASSWORD, hashed, new_email
from tests.sdk.client import Answer
from tests.sdk.generated import Generated, generated
from tests.serving import KEY, Server

TRUSTING = {"trusted_networks": ["127.0.0.0/8"], "sessions_api": {"authentication": "none"}, "admin_key": KEY}
UNKNOWN = "8d3fbd3a-1f0b-4c8e-9d7e-0c1f7a5b6e42"

# What the published client's documents say of each operation: its line, its parameters, what it returns.
PUBLISHED = {
    "delete_session(session_id, x_user_id=x_user_id, x_workspace_id=x_workspace_id)": (
        "**DELETE** /sessions/{session_id}",
        ["session_id** | **str", "x_user_id** | **str", "x_workspace_id** | **int"],
        "void (empty response body)",
    ),
    "SessionResponse get_session(session_id)": (
        "**GET** /sessions/{session_id}",
        ["session_id** | **str"],
        "[**SessionResponse**](SessionResponse.md)",
    ),
    "List[SessionResponse] get_user_sessions(user_id)": (
        "**GET** /sessions/user/{user_id}",
        ["user_id** | **str"],
        "[**List[SessionResponse]**](SessionResponse.md)",
    ),
}
FIELDS = {
    "id": "str", "type": "str", "created_at": "datetime", "updated_at": "datetime", "is_expired": "bool",
    "valid_until": "datetime", "status": "str", "device_id": "str", "browser": "str", "ip_address": "str",
    "user_agent": "str", "user_id": "str", "flow_id": "str",
}  # fmt: skip


@pytest.fixture(scope="session")
def client() -> Iterator[Generated]:
    with Generated("sessions_api") as started:
        yield started


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that wants no key of this machine at the sessions API."""
    folder = tmp_path_factory.mktemp("trusting")
    with Server(folder, f"sqlite://{folder}/nightlatch.sqlite", settings={"nightlatch": TRUSTING}) as running:
        yield running


class Person:
    """A new person who is signed in, and the client at the server where they are."""

    def __init__(self, server: Server, client: Generated, headers: dict[str, str] | None = None) -> None:
        self.server, self._client, self._headers = server, client, headers
        email = new_email()
        self.id: str = server.create({"email": email}, password={"config": {"hashed_password": hashed()}})["id"]
        signed_in = server.sign_in(email, PASSWORD)
        self.session: str = signed_in["session"]["id"]
        self.token: str = signed_in["session_token"]

    def __call__(self, operation: str, **arguments: Any) -> Answer:
        return self._client.ask(
            f"{self.server.admin}/sessions-api", "SessionsApi", operation, self._headers, **arguments
        )

    def alive(self) -> bool:
        return self.server.whoami(self.token).status_code == 200


# Its documents


def operations() -> dict[str, tuple[str, list[str], str]]:
    page = (generated("sessions_api") / "docs" / "SessionsApi.md").read_text()
    lines = dict(re.findall(r"^\[\*\*(\w+)\*\*\]\(\S+\) \| (\S+ \S+) \|", page, re.MULTILINE))
    found = {}
    for name, section in re.findall(r"^# \*\*(\w+)\*\*$(.*?)(?=^# \*\*|\Z)", page, re.MULTILINE | re.DOTALL):
        signature = re.search(r"^> (.*)$", section, re.MULTILINE)
        returned = re.search(r"^### Return type\n\n(.*)$", section, re.MULTILINE)
        assert signature is not None
        assert returned is not None
        found[signature[1]] = (lines[name], re.findall(r"^ \*\*(.*)\*\*\|  \|", section, re.MULTILINE), returned[1])
    return found


def test_its_operations_have_the_names_parameters_and_models_of_the_published_one() -> None:
    assert operations() == PUBLISHED


def test_its_model_of_a_session_has_the_members_of_the_published_one() -> None:
    page = (generated("sessions_api") / "docs" / "SessionResponse.md").read_text()
    rows = re.findall(r"^\*\*(\w+)\*\* \| \*\*(\w+)\*\* \|  \| (\[optional\])?", page, re.MULTILINE)
    assert {name: kind for name, kind, _ in rows} == FIELDS
    assert [name for name, _, optional in rows if not optional] == list(FIELDS)[:6]


# Against a server


def test_a_session_is_got_listed_and_deleted_without_a_key(trusting: Server, client: Generated) -> None:
    ada = Person(trusting, client)
    got = ada("get_session", session_id=ada.session).ok(200)
    assert (got["id"], got["type"], got["status"], got["is_expired"]) == (ada.session, "user", "active", False)
    assert (got["user_id"], got["ip_address"][:3]) == (ada.id, "10.")
    assert ada("get_user_sessions", user_id=ada.id).ok(200) == [got]
    assert ada("delete_session", session_id=ada.session, x_user_id=ada.id).ok(204) is None
    assert not ada.alive()
    assert ada("get_session", session_id=ada.session).error == "NotFoundException"
    assert ada("get_user_sessions", user_id=ada.id).ok(200) == []


def test_W3_what_is_of_another_user_or_workspace_is_not_deleted(trusting: Server, client: Generated) -> None:
    ada, bob = Person(trusting, client), Person(trusting, client)
    nightlatch(trusting, "organizations", "create", "acme")
    nightlatch(trusting, "organizations", "alias", "acme", "workspace", "56")
    nightlatch(trusting, "organizations", "alias", "default", "workspace", "1")
    for whose in ({"x_user_id": bob.id}, {"x_workspace_id": 56}, {"x_workspace_id": 57}, {"x_user_id": ada.id, "x_workspace_id": 56}):  # fmt: skip
        refused = ada("delete_session", session_id=ada.session, **whose)
        assert (refused.status, refused.error, refused.body) == (404, "NotFoundException", {"detail": "Not Found"})
    assert ada.alive()
    ada("delete_session", session_id=ada.session, x_user_id=ada.id, x_workspace_id=1).ok(204)
    assert (ada.alive(), bob.alive()) == (False, True)


def test_an_ended_session_is_expired_and_has_no_status(trusting: Server, client: Generated) -> None:
    ada = Person(trusting, client)
    trusting.ask_admin("DELETE", f"/admin/sessions/{ada.session}")
    got = ada("get_session", session_id=ada.session).ok(200)
    assert (got["is_expired"], got.get("status")) == (True, None)
    assert ada("get_user_sessions", user_id=ada.id).ok(200) == [got]


def test_the_client_itself_refuses_what_would_be_422(trusting: Server, client: Generated) -> None:
    ada = Person(trusting, client)
    for arguments in ({"session_id": "x"}, {"session_id": ada.session, "x_workspace_id": "56"}):
        assert ada("delete_session", **arguments).status is None
    told = trusting.ask_admin("GET", "/sessions-api/sessions/x")
    assert (told.status_code, told.headers["content-type"]) == (422, "application/json")
    assert told.json()["detail"][0]["loc"] == ["path", "session_id"]


def test_W1_where_a_key_is_wanted_the_client_sends_it_as_a_header(server: Server, client: Generated) -> None:
    """On each database."""
    bare, ada = Person(server, client), Person(server, client, {"Authorization": f"Bearer {KEY}"})
    for operation, arguments in (
        ("get_session", {"session_id": bare.session}), ("get_user_sessions", {"user_id": bare.id}),
        ("delete_session", {"session_id": bare.session}),
    ):  # fmt: skip
        refused = bare(operation, **arguments)
        assert (refused.status, refused.error) == (401, "UnauthorizedException")
    assert bare.alive()
    assert [each["id"] for each in ada("get_user_sessions", user_id=ada.id).ok(200)] == [ada.session]
    ada("delete_session", session_id=ada.session).ok(204)
    assert ada("get_session", session_id=ada.session).status == 404
    assert not ada.alive()


def nightlatch(server: Server, *arguments: str) -> None:
    """A command, at the database of the server."""
    done = run_program(*arguments, "--config", str(server.folder / "nightlatch.yaml"), folder=server.folder)
    assert (done.code, done.err) == (0, ""), done
