"""The example for each framework, over real HTTP, beside a real server."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.client.applications import Application
from tests.serving import Server

DJANGO = "django_app.py"
PASSWORD = "Tr0ut-lamp*ferry 91"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this file's own, because it is stopped and started. Which database it has is nothing to applications."""
    folder = tmp_path_factory.mktemp("server")
    with Server(folder, f"sqlite://{folder}/nightlatch.sqlite") as running:
        yield running


@pytest.fixture(scope="module", params=["fastapi_app.py", "flask_app.py", DJANGO])
def application(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    with Application(request.param, tmp_path_factory.mktemp("application"), PUBLIC_URL=server.public) as running:
        yield running


def new_person(server: Server) -> tuple[str, str, str]:
    """The id, the address and a session token."""
    email = f"ada-{len(server.ask_admin('GET', '/admin/identities').json())}@example.com"
    made = server.create({"email": email}, password={"config": {"password": PASSWORD}})
    return made["id"], email, server.sign_in(email, PASSWORD)["session_token"]


def test_whoever_is_signed_in_is_known_and_nobody_else(server: Server, application: Application) -> None:
    ada, email, token = new_person(server)
    assert application.get("/").status_code == 200
    assert application.mine() == (401, None)
    status, told = application.mine(**{"X-Session-Token": token})
    assert (status, told["id"], told["email"]) == (200, ada, email)
    assert application.mine(Authorization=f"bearer {token}") == (200, told)
    assert application.mine(**{"X-Session-Token": token[:-1]}) == (401, None)
    assert application.mine(**{"Nightlatch-Who": ada, "X-User": ada, "Remote-User": ada}) == (401, None)


def test_S4_whoever_is_signed_out_is_nobody_at_the_next_request(server: Server, application: Application) -> None:
    _, _, token = new_person(server)
    status, told = application.mine(**{"X-Session-Token": token})
    assert status == 200
    assert server.ask_admin("DELETE", f"/admin/sessions/{told['session']}").status_code == 204
    assert application.mine(**{"X-Session-Token": token}) == (401, None)


def test_while_the_server_is_away_nobody_is_let_in_and_nobody_is_signed_out(
    server: Server, application: Application
) -> None:
    _, _, token = new_person(server)
    assert application.mine(**{"X-Session-Token": token})[0] == 200
    server.stop()
    try:
        away = application.get("/mine", **{"X-Session-Token": token})
        assert (away.status_code, away.headers["retry-after"], away.headers["cache-control"]) == (503, "1", "no-store")
        assert application.get("/").status_code == 200, "whoever presents nothing is nobody, and that is certain"
    finally:
        server.start()
    assert application.mine(**{"X-Session-Token": token})[0] == 200


@pytest.mark.parametrize("application", [DJANGO], indirect=True)
def test_a_user_whom_django_has_made_inactive_is_nobody(server: Server, application: Application) -> None:
    ada, _, token = new_person(server)
    assert application.mine(**{"X-Session-Token": token})[0] == 200
    with closing(sqlite3.connect(application.folder / "example.db")) as database, database:
        database.execute("UPDATE auth_user SET is_active = 0 WHERE username = ?", (ada,))
    assert application.mine(**{"X-Session-Token": token}) == (401, None)
