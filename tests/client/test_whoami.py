"""What is asked of the server, and what is made of its answer: by threads and by asyncio alike."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.client.stand_in import SESSION, Says, StandIn
from tests.database import Run
from tests.processes import free_port

from nightlatch.client import AsyncWhoami, Unreachable, Who, Whoami
from nightlatch.client.remembered import MOST, Remembered
from nightlatch.client.whoami import CONNECTIONS, TIMEOUT

SOURCE = Path(__file__).parents[2] / "src"
Ask = Callable[..., Who | None]
Headers = list[tuple[bytes, bytes]]
TOKEN = [(b"X-Session-Token", b"ory_st_one")]
OTHER = [(b"X-Session-Token", b"ory_st_other")]


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as running:
        yield running


@pytest.fixture(params=["threads", "asyncio"])
def asker(request: pytest.FixtureRequest, run: Run) -> Iterator[Callable[..., Ask]]:
    """asker(url, ...) gives what asks: by Whoami, and by AsyncWhoami."""
    with ExitStack() as stack:

        def made(url: str, **settings: Any) -> Ask:
            if request.param == "threads":
                whoami = Whoami(url, **settings)
                stack.callback(whoami.close)
                return whoami.ask
            waiting = AsyncWhoami(url, **settings)
            stack.callback(lambda: run(waiting.aclose()))
            return lambda headers: run(waiting.ask(headers))

        yield made


@pytest.fixture
def ask(server: StandIn, asker: Callable[..., Ask]) -> Ask:
    return asker(server.url + "/")


def test_somebody_is_an_identity_and_a_session(ask: Ask) -> None:
    expires = datetime(2026, 11, 23, 10, 0, 0, 123456, UTC)
    identity = SESSION["identity"]
    assert isinstance(identity, dict)
    session = UUID(str(SESSION["id"]))
    assert ask(TOKEN) == Who(UUID(identity["id"]), {"email": "ada@example.com"}, session, "aal1", expires)


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ([(b"X-SESSION-TOKEN", b" ory_st_one ")], {"x-session-token": "ory_st_one"}),
        ([(b"Authorization", b"bEARER ory_st_one")], {"authorization": "bEARER ory_st_one"}),
        ([(b"Cookie", b"a=b; ory_kratos_session=MTY=; c=d")], {"cookie": "ory_kratos_session=MTY="}),
        (
            [(b"cookie", b"ory_kratos_session=1;ory_kratos_session_2=3; ory_kratos_session=2")],
            {"cookie": "ory_kratos_session=1; ory_kratos_session=2"},
        ),
        (
            [
                (b"cookie", b"ory_kratos_session=1"),
                (b"authorization", b"Bearer ory_st_one"),
                (b"host", b"shop.example"),
            ],
            {"cookie": "ory_kratos_session=1", "authorization": "Bearer ory_st_one"},
        ),
    ],
)
def test_what_names_a_session_is_sent_and_nothing_else_of_the_request(
    server: StandIn, ask: Ask, headers: Headers, sent: dict[str, str]
) -> None:
    assert ask(headers) is not None
    (asked,) = server.asked
    of_httpx = {"accept", "accept-encoding", "connection", "user-agent", "host"}
    assert {name: value for name, value in asked.items() if name not in of_httpx} == sent
    assert asked["host"] == server.url.removeprefix("http://")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"x-session-token", b"")],
        [(b"authorization", b"Bearer the-applications-own")],
        [(b"authorization", b"Basic ory_st_one")],
        [(b"cookie", b"theme=dark; not_ory_kratos_session=1")],
        [(b"x-session-token", b"ory_st_\xff")],
        [(b"x-session-token", b"ory_st_\r\nX-Admin: 1")],
        [(b"x-session-token", b"ory_st_\x00"), (b"authorization", b"Bearer ory_st_one")],
    ],
)
def test_a_request_that_names_no_session_is_nobodys_and_asks_nothing(
    server: StandIn, ask: Ask, headers: Headers
) -> None:
    assert ask(headers) is None
    assert server.asked == []


def test_the_session_cookie_has_the_name_that_the_server_gives_it(server: StandIn, asker: Callable[..., Ask]) -> None:
    ask = asker(server.url, cookie="__Host-session")
    assert ask([(b"cookie", b"ory_kratos_session=1")]) is None
    assert ask([(b"cookie", b"ory_kratos_session=1; __Host-session=2")]) is not None
    assert [asked["cookie"] for asked in server.asked] == ["__Host-session=2"]


@pytest.mark.parametrize(
    "says",
    [Says(401, b"{}"), Says(403, b"{}"), Says(body=json.dumps(SESSION | {"active": False}).encode())],
    ids=["401", "403", "inactive"],
)
def test_who_has_no_session_in_force_is_nobody(server: StandIn, ask: Ask, says: Says) -> None:
    server.says = says
    assert ask(TOKEN) is None


@pytest.mark.parametrize("status", [201, 204, 302, 307, 400, 404, 429, 500, 502, 503])
def test_any_other_status_is_no_answer_and_no_redirection_is_followed(server: StandIn, ask: Ask, status: int) -> None:
    with StandIn() as elsewhere:
        server.says = Says(status, b"", (("Location", elsewhere.url + "/sessions/whoami"),))
        with pytest.raises(Unreachable, match=str(status)):
            ask(TOKEN)
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Sign in to this network</html>", b"{}", b"[]", b"\xff", json.dumps(SESSION).encode()[:-1]]
    + [json.dumps(SESSION | change).encode() for change in ({"active": "yes"}, {"identity": None}, {"id": "ada"})],
)
def test_a_body_that_is_no_session_is_no_answer(server: StandIn, ask: Ask, body: bytes) -> None:
    server.says = Says(body=body)
    with pytest.raises(Unreachable):
        ask(TOKEN)


def test_a_server_that_is_slow_or_not_there_is_no_answer_within_its_time(
    server: StandIn, ask: Ask, asker: Callable[..., Ask], caplog: pytest.LogCaptureFixture
) -> None:
    server.says = Says(after=TIMEOUT + 1)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="ReadTimeout"):
        ask(TOKEN)
    assert time.monotonic() - began < TIMEOUT + 0.9
    with pytest.raises(Unreachable, match="ConnectError"):
        asker(f"http://127.0.0.1:{free_port()}")(TOKEN)
    ours = [record.getMessage() for record in caplog.records if record.name == "nightlatch.client"]
    assert len(ours) == 2
    assert "ory_st_" not in "".join(ours)


def test_a_cookie_that_the_server_sets_for_one_never_goes_along_for_the_next(server: StandIn, ask: Ask) -> None:
    server.says = Says(headers=(("Set-Cookie", "ory_kratos_session=adas; Path=/; Max-Age=3600"),))
    ask([(b"cookie", b"ory_kratos_session=old")])
    ask([(b"authorization", b"Bearer ory_st_bobs")])
    assert "cookie" not in server.asked[1]


def test_proxies_of_the_environment_are_not_used(
    server: StandIn, asker: Callable[..., Ask], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert asker(server.url)(TOKEN) is not None


def test_connections_are_bounded_and_kept_open(server: StandIn) -> None:
    server.says = Says(after=0.1)
    whoami = Whoami(server.url)
    with ThreadPoolExecutor(CONNECTIONS + 20) as threads:
        found = list(threads.map(lambda _: whoami.ask(TOKEN), range(CONNECTIONS + 20)))
    assert all(found)
    assert server.most <= CONNECTIONS
    whoami.close()


def test_every_request_is_asked_about_unless_caching_is_on(server: StandIn, asker: Callable[..., Ask]) -> None:
    ask, caching = asker(server.url), asker(server.url, cache_for=60)
    assert ask(TOKEN) == ask(TOKEN)
    assert len(server.asked) == 2
    assert caching(TOKEN) == caching(TOKEN) == caching(OTHER)
    assert [asked["x-session-token"] for asked in server.asked[2:]] == ["ory_st_one", "ory_st_other"]


def test_neither_a_no_nor_no_answer_is_remembered(server: StandIn, asker: Callable[..., Ask]) -> None:
    ask = asker(server.url, cache_for=60)
    server.says = Says(401, b"{}")
    assert ask(TOKEN) is None
    server.says = Says(500, b"")
    with pytest.raises(Unreachable):
        ask(TOKEN)
    server.says = Says()
    assert ask(TOKEN) is not None
    server.says = Says(500, b"")
    assert ask(TOKEN) is not None
    with pytest.raises(Unreachable):
        ask(OTHER)


def test_an_answer_is_used_for_so_long_after_it_was_asked_for_and_no_longer() -> None:
    remembered: Remembered[str, int] = Remembered(10)
    remembered.put("ada", 100.0, 1)
    assert [remembered.get("ada", at) for at in (100.0, 109.9, 110.0, 1000.0)] == [1, 1, None, None]
    remembered.put("ada", 200.0, None)
    assert remembered.get("ada", 200.0) is None
    off: Remembered[str, int] = Remembered(0)
    off.put("ada", 100.0, 1)
    assert off.get("ada", 100.0) is None


def test_what_is_remembered_is_bounded_and_the_oldest_goes() -> None:
    remembered: Remembered[int, int] = Remembered(10)
    for n in range(MOST):
        remembered.put(n, 0.0, n)
    remembered.put(0, 1.0, 0)
    remembered.put(MOST, 1.0, MOST)
    assert [remembered.get(n, 1.0) for n in (0, 1, 2, MOST)] == [0, None, 2, MOST]


def test_an_application_needs_nothing_of_what_the_server_runs_on() -> None:
    code = "import sys, nightlatch.client.asgi, nightlatch.client.wsgi; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=SOURCE, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"httpx", "msgspec", "nightlatch"} <= loaded
    assert not {"apsw", "asyncpg", "starlette", "typer", "uvicorn", "cryptography", "argon2"} & loaded
