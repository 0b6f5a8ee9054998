"""Pages of other origins: which may read answers, and what the others are told."""

import pytest
from tests.doors.kratos.in_process import Doors

from nightlatch.doors.http.cors import Cors, fits

APP = "https://app.example.com"
ASKS = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}


@pytest.fixture
def open_doors(doors: Doors) -> Doors:
    doors.cors = Cors((APP, "https://*.example.net"), ("GET", "POST"), ("Content-Type",), ("X-Request-Id",), True)
    doors.listen()
    return doors


@pytest.mark.parametrize(
    ("origin", "allowed", "fit"),
    [
        (APP, APP, True), ("HTTPS://App.Example.com", APP, True), (APP, APP + "/", True), (f"{APP}:443", APP, False),
        ("http://app.example.com", APP, False), (f"{APP}.evil.example", APP, False), ("https://a.example.net", "https://*.example.net", True),
        ("https://a.b.example.net", "https://*.example.net", True), ("https://example.net", "https://*.example.net", False),
        ("https://aexample.net", "https://*.example.net", False), ("http://a.example.net", "https://*.example.net", False),
        ("https://evil.example/.example.net", "https://*.example.net", False), ("null", APP, False), ("", APP, False),
        ("https://.example.net", "https://*.example.net", False), ("http://localhost:3000", "http://localhost:3000", True),
    ],
)  # fmt: skip
def test_an_origin_is_compared_whole(origin: str, allowed: str, fit: bool) -> None:
    assert fits(origin, allowed) is fit


@pytest.mark.parametrize("path", ["/self-service/login?flow=x", "/sessions/whoami", "/nothing"])
def test_a_browser_that_asks_is_told_what_its_page_may(open_doors: Doors, path: str) -> None:
    reply = open_doors.public("OPTIONS", path, headers=ASKS | {"origin": APP})
    assert (reply.status, reply.body) == (204, b"")
    said = {
        name: value for name, value in reply.headers.items() if name.startswith("access-control-") or name == "vary"
    }
    assert said == {
        "access-control-allow-origin": APP,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "Content-Type",
        "access-control-expose-headers": "X-Request-Id",
        "access-control-max-age": "600",
        "vary": "Origin",
    }


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://app.example.com"])
def test_a_page_that_may_not_is_told_why_and_reads_nothing(open_doors: Doors, origin: str) -> None:
    reply = open_doors.public("OPTIONS", "/sessions/whoami", headers=ASKS | {"origin": origin})
    assert reply.refused(403)["reason"] == f"The origin {origin} is none of serve.public.cors.allowed_origins."
    for answer in (reply, open_doors.public("GET", "/version", headers={"origin": origin})):
        assert answer.headers["vary"] == "Origin"
        assert not any(name.startswith("access-control-") for name in answer.headers)


def test_every_answer_can_be_read_by_a_page_that_may_refusals_too(open_doors: Doors) -> None:
    for path, status in (("/version", 200), ("/sessions/whoami", 401), ("/nothing", 404), ("/sessions", 401)):
        reply = open_doors.public("GET", path, headers={"origin": "https://a.example.net"})
        assert reply.status == status
        assert reply.headers["access-control-allow-origin"] == "https://a.example.net"
        assert reply.headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-origin" not in open_doors.public("GET", "/version").headers


def test_any_origin_is_never_let_in_with_cookies(doors: Doors) -> None:
    doors.cors = Cors(("*",), ("GET",), (), (), True)
    doors.listen()
    reply = doors.public("GET", "/version", headers={"origin": "https://evil.example"})
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in reply.headers


def test_where_it_is_off_nothing_is_said_and_the_check_answers_options_as_ever(doors: Doors) -> None:
    for path, status in (("/sessions/whoami", 401), ("/version", 405)):
        reply = doors.public("OPTIONS", path, headers=ASKS | {"origin": APP})
        assert reply.status == status
        assert not {"vary", "access-control-allow-origin"} & reply.headers.keys()
