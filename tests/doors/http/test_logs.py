"""W9: what a log line may hold, in both forms, from our own events and from those of libraries."""

import io
import json
import logging
import subprocess
import sys

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from nightlatch.doors.http import logs
from nightlatch.doors.http.logs import AccessLog, configure, logger, shown_query

NOW = 1_800_000_000_123_456
TOKEN = "ory_st_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0"


@pytest.fixture(autouse=True)
def as_it_was():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("httpx").setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.fixture(params=["json", "text"])
def written(request) -> io.BytesIO:
    stream = io.BytesIO()
    configure("debug", request.param, lambda: NOW, stream)
    return stream


def of(level: str, form: str) -> io.BytesIO:
    stream = io.BytesIO()
    configure(level, form, lambda: NOW, stream)
    return stream


def access(**changes) -> None:
    line = {
        "request_id": "r1",
        "client": "192.0.2.1",
        "method": "GET",
        "route": "/identities/{id}",
        "path": "/identities/7",
        "query": b"",
        "status": 200,
        "seconds": 0.0123,
    }
    AccessLog("admin")(**line | changes)


def test_a_line_of_json_has_the_event_its_fields_and_the_time() -> None:
    stream = of("info", "json")
    logger(port="public").warning("disk nearly full", free=12, path=None, parts=["a", 1], of={"x": True})
    assert stream.getvalue().endswith(b"\n")
    assert json.loads(stream.getvalue()) == {
        "at": "2027-01-15T08:00:00.123Z",
        "level": "warning",
        "event": "disk nearly full",
        "port": "public",
        "free": 12,
        "path": None,
        "parts": ["a", 1],
        "of": {"x": True},
    }


def test_a_line_of_text_quotes_what_would_not_be_one_word() -> None:
    stream = of("info", "text")
    logger().error("started", one="a b", two='say "x"', three="a=b", four="plain", five=5, six="", seven=[1])
    assert (
        stream.getvalue().decode()
        == '2027-01-15T08:00:00.123Z error    started one="a b" two="say \\"x\\"" three="a=b" four=plain five=5 seven=[1]\n'
    )


@pytest.mark.parametrize(
    ("level", "lines"), [("debug", 4), ("trace", 4), ("info", 3), ("warning", 2), ("error", 1), ("fatal", 0)]
)
def test_a_level_shows_itself_and_what_is_above(level, lines) -> None:
    stream = of(level, "json")
    log = logger()
    log.debug("a")
    log.info("b")
    log.warning("c")
    log.error("d")
    assert len(stream.getvalue().splitlines()) == lines


def test_a_request_is_one_line() -> None:
    stream = of("info", "json")
    access(query=b"page_size=250&active=true&page_token=abc")
    assert json.loads(stream.getvalue()) == {
        "at": "2027-01-15T08:00:00.123Z",
        "level": "info",
        "event": "request",
        "port": "admin",
        "request_id": "r1",
        "client": "192.0.2.1",
        "method": "GET",
        "route": "/identities/{id}",
        "path": "/identities/7",
        "query": "page_size=250&active=true&page_token=…",
        "status": 200,
        "ms": 12.3,
    }


def test_requests_are_not_logged_above_info() -> None:
    stream = of("warning", "json")
    access()
    assert stream.getvalue() == b""


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        (b"token=s3cret", "token=…"),
        (b"flow=5b8c&code=123456", "flow=…&code=…"),
        (b"credentials_identifier=a%40b.c", "credentials_identifier=…"),
        (b"page=2&per_page=10", "page=2&per_page=10"),
        (b"s3cret", "…"),
        (b"s3cret=", "…"),
        (b"SECRET=1", "…"),
        (b"secretsecretsecretsecretsecret=1", "…"),
        (b"&&=", "…&…&…"),
        (b"page=" + b"x" * 100, "page=" + "x" * 40),
    ],
)
def test_W9_of_a_query_only_harmless_values_are_shown(query, shown) -> None:
    assert shown_query(query) == shown


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "Authorization",
        "X-Session-Token",
        "session_token",
        "Cookie",
        "set-cookie",
        "csrf_token",
        "recovery_code",
        "codes",
        "email",
        "phone",
        "identifier",
        "traits",
        "credentials",
        "client_secret",
        "totp",
        "tokens",
    ],
)
def test_W9_the_value_of_a_secret_field_is_never_written(written, name) -> None:
    logger().info("x", **{name: "canary", "deep": {name: "canary", "list": [{name: ["canary"]}]}})
    assert b"canary" not in written.getvalue()
    assert written.getvalue().count(b"[redacted]") == 3


def test_a_field_that_only_resembles_a_secret_one_is_written(written) -> None:
    logger().info("x", status=200, encoded="a", codec="b", tokenizer="c", emailed="d")
    assert b"redacted" not in written.getvalue()


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        "someone+tag@mail.example.org",
        "someone%40mail.example.org",
        "$argon2id$v=19$m=47104,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "$2b$12$abcdefghijklmnopqrstuv",
        "Bearer abcdefgh12345678",
        "Basic dXNlcjpwYXNzd29yZA==",
        "postgres://user:p!ss,w:rd@db.example/x",
    ],
)
@pytest.mark.parametrize("frame", ["{}", "before {} after", "/path/{}/x", '{{"a":"{}"}}', "a={};b"])
def test_W9_what_looks_like_a_secret_is_redacted_in_any_text(written, secret, frame) -> None:
    text = frame.format(secret)
    parts = [
        part
        for part in secret.replace("postgres://", "").replace("@db.example/x", "").split()
        if part not in ("Bearer", "Basic")
    ]
    log = logger()
    log.info(text)
    log.info("x", field=text, other=[text], more={text: 1})
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("failed")
    logging.getLogger("library").warning("said %s", text)
    access(path=text)
    assert len(written.getvalue()) > 500
    for part in parts:
        assert part.encode() not in written.getvalue()
        assert json.dumps(part)[1:-1].encode() not in written.getvalue()


def test_an_id_a_path_and_an_address_are_not_taken_for_secrets(written) -> None:
    path = "/admin/identities/0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000/sessions"
    access(path=path, request_id="0123456789abcdef0123456789abcdef", client="2001:db8::1")
    assert path.encode() in written.getvalue()
    assert b"redacted" not in written.getvalue()


@pytest.mark.parametrize(
    "attack",
    [
        "a\nFAKE level=info",
        "a\r\nFAKE",
        "\x1b[31mFAKE",
        "\x9b31mFAKE",
        "\x00FAKE",
        "a\u2028FAKE",
        "\u202eFAKE",
        "\x85FAKE",
        "\ud800FAKE",
    ],
)
def test_W9_no_value_starts_a_line_or_commands_a_terminal(written, attack) -> None:
    log = logger()
    log.info(attack, field=attack, list=[attack], map={attack: attack})
    logging.getLogger("library").warning("%s", attack)
    access(path=attack, request_id=attack, client=attack, method=attack)
    try:
        raise ValueError(attack)
    except ValueError:
        log.exception("failed")
    text = written.getvalue().decode()
    assert not any(line.startswith("FAKE") for line in text.splitlines())
    assert all(char == "\n" or char.isprintable() for char in text)
    events = [line for line in text.splitlines() if not line.startswith("    | ")]
    assert len(events) == 4


@given(st.text(), st.binary())
def test_W9_any_text_makes_one_line(text, query) -> None:
    for form in ("json", "text"):
        stream = of("info", form)
        access(path=text, query=query)
        assert stream.getvalue().count(b"\n") == 1
        assert "\x1b" not in stream.getvalue().decode()


def test_a_long_value_is_cut(written) -> None:
    access(path="/" + "x" * 50_000)
    assert len(written.getvalue()) < 3000


def test_a_traceback_is_kept_and_indented_in_text() -> None:
    stream = of("info", "text")
    try:
        raise RuntimeError("first\nsecond")
    except RuntimeError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    first, *rest = stream.getvalue().decode().splitlines()
    assert first.startswith("2027-01-15T08:00:00.123Z error    Exception in ASGI application logger=uvicorn.error")
    assert rest[0] == "    | Traceback (most recent call last):"
    assert rest[-1] == "    | second"
    assert all(line.startswith("    | ") for line in rest)


def test_what_libraries_log_has_its_level_and_the_name_of_the_logger() -> None:
    stream = of("info", "json")
    logging.getLogger("library").debug("no")
    logging.getLogger("library").log(25, "odd level")
    logging.getLogger("library").critical("100%% of %s", "it")
    logging.getLogger("httpx").info("HTTP Request: GET https://x.example/?token=1")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["level"], line["event"], line["logger"]) for line in lines] == [
        ("info", "odd level", "library"),
        ("critical", "100% of it", "library"),
    ]


def test_a_stream_that_takes_no_more_fails_no_request() -> None:
    class Full(io.BytesIO):
        def write(self, _data) -> int:
            raise OSError(28, "No space left on device")

    configure("info", "json", lambda: NOW, Full())
    access()
    closed = io.BytesIO()
    closed.close()
    configure("info", "json", lambda: NOW, closed)
    access()


def test_every_level_of_the_configuration_is_known() -> None:
    for level in logs.LEVELS:
        configure(level, "json", lambda: NOW, io.BytesIO())


def test_importing_the_logs_does_not_import_rich_nor_hide_it() -> None:
    code = "import sys; from nightlatch.doors.http import logs; assert not [m for m in sys.modules if m.startswith('rich')]; import rich.console"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
