"""Route tables: which line is for a request, and how its answer goes out."""

import asyncio
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from nightlatch.core.events.model import Act
from nightlatch.doors.http.refusal import Refusal
from nightlatch.doors.http.routing import Answer, Call, Route, Table, respond
from nightlatch.problems import Invalid

Door = dict[str, Any]
ACT = Act(bytes(16), "a test", 0, bytes)


async def endpoint(call: Call[Door]) -> Answer:
    raise AssertionError("handle answers")


async def handle(route: Route[Door], request: Request) -> Answer:
    return Answer(200, f"{route.method} {route.path} {sorted(request.path_params.items())}".encode())


LINES = [
    Route[Door]("GET", "/things", endpoint),
    Route[Door]("POST", "/things", endpoint),
    Route[Door]("GET", "/things/{id}", endpoint),
    Route[Door]("DELETE", "/things/{id}/parts/{part}", endpoint),
    Route[Door]("GET", "/things/special", endpoint),
    Route[Door]("GET", "/things/named/{name:path}", endpoint),
    Route[Door]("PUT", "/only", endpoint),
]


def scope_of(method: str, path: str, query: bytes = b"", headers: dict[str, str] | None = None) -> dict[str, Any]:
    named = [(k.encode(), v.encode("latin-1")) for k, v in (headers or {}).items()]
    more = {"headers": named, "query_string": query, "raw_path": path.encode(), "root_path": ""}
    return {"type": "http", "method": method, "path": path, **more}


def answer(method: str, path: str, query: bytes = b"") -> str:
    async def receive() -> Any:
        raise AssertionError("no body is read")

    scope = scope_of(method, path, query)
    told = asyncio.run(Table(LINES, handle).answer(scope, receive)).body.decode()
    assert scope["route_path"] in told
    return told


@pytest.mark.parametrize(
    ("method", "path", "line"),
    [
        ("GET", "/things", "GET /things []"),
        ("HEAD", "/things", "GET /things []"),
        ("POST", "/things", "POST /things []"),
        ("GET", "/things/7", "GET /things/{id} [('id', '7')]"),
        ("GET", "/things/special", "GET /things/special []"),
        ("GET", "/things/..", "GET /things/{id} [('id', '..')]"),
        ("DELETE", "/things/a b/parts/é", "DELETE /things/{id}/parts/{part} [('id', 'a b'), ('part', 'é')]"),
        ("GET", "/things/named/a/b", "GET /things/named/{name:path} [('name', 'a/b')]"),
        ("PUT", "/only", "PUT /only []"),
    ],
)
def test_a_line_is_found_by_its_path_segment_by_segment(method: str, path: str, line: str) -> None:
    assert answer(method, path) == line


@pytest.mark.parametrize(
    "path", ["", "/", "/thing", "/things/", "//things", "/Things", "/things/7/", "/things/7/parts", "/things//"]
)
def test_any_other_path_is_404(path: str) -> None:
    with pytest.raises(Refusal) as refused:
        answer("GET", path)
    assert refused.value.status == 404


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/things", "GET, HEAD, POST"), ("POST", "/things/special", "GET, HEAD"), ("GET", "/only", "PUT"),
        ("HEAD", "/only", "PUT"), ("OPTIONS", "/things", "GET, HEAD, POST"), ("get", "/things", "GET, HEAD, POST"),
    ],
)  # fmt: skip
def test_any_other_method_is_405_and_told_what_is_allowed(method: str, path: str, allow: str) -> None:
    with pytest.raises(Refusal) as refused:
        answer(method, path)
    assert (refused.value.status, refused.value.headers) == (405, (("allow", allow),))


@pytest.mark.parametrize(
    ("path", "query"), [("/things\n", b""), ("/things/\0", b""), ("/things/a\rb", b""), ("/things/\x7f", b""), ("/things", b"a=%00")]
)  # fmt: skip
def test_a_control_character_in_the_target_is_400(path: str, query: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        answer("GET", path, query)
    assert refused.value.status == 400


def test_a_percent_sign_before_two_zeros_is_no_nul() -> None:
    assert answer("GET", "/things", b"a=%2500") == "GET /things []"


def test_the_order_of_the_lines_does_not_matter() -> None:
    async def receive() -> Any:
        raise AssertionError

    for lines in (LINES, LINES[::-1]):
        table = Table(lines, handle)
        told = asyncio.run(table.answer(scope_of("GET", "/things/special"), receive))
        assert told.body == b"GET /things/special []"


# Bodies


def body(chunks: list[bytes], most: int = 64, **headers: str) -> bytes:
    left = list(chunks)

    async def receive() -> dict[str, Any]:
        if not left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(scope_of("POST", "/things", headers=named), receive)
    return asyncio.run(Call[Door]({}, request, ACT).body(most))


def test_a_body_is_put_together_from_its_chunks_and_passes_the_gate() -> None:
    assert body([b'{"a":', b"", b"1}"]) == b'{"a":1}'
    assert body([b""]) == b""
    assert body([b" \n"]) == b" \n"
    with pytest.raises(Invalid):
        body([b'{"a":1,', b'"a":2}'])


def test_a_body_may_be_as_large_as_is_said_and_no_larger() -> None:
    assert len(body([b" " * 60, b"1   "])) == 64
    with pytest.raises(Refusal) as refused:
        body([b" " * 60, b"1    "])
    assert refused.value.status == 413


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("content_encoding", "identity", True), ("content_encoding", "gzip", False), ("content_encoding", "", False),
        ("content_type", "application/json", True), ("content_type", "text/plain", True),
        ("content_type", "multipart/form-data; boundary=x", False), ("content_type", "MULTIPART/mixed", False),
    ],
)  # fmt: skip
def test_a_body_that_would_have_to_be_unpacked_is_415(name: str, value: str, accepted: bool) -> None:
    if accepted:
        assert body([b"1"], **{name: value}) == b"1"
        return
    with pytest.raises(Refusal) as refused:
        body([b"1"], **{name: value})
    assert refused.value.status == 415


def test_a_client_that_leaves_is_told_apart_from_an_empty_body() -> None:
    with pytest.raises(ClientDisconnect):
        body([])


# Answers


def sent(answer: Answer, *, bodiless: bool = False) -> tuple[dict[bytes, bytes], bytes]:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    asyncio.run(respond(answer, send, bodiless=bodiless))
    start, end = messages
    assert start["status"] == answer.status
    return dict(start["headers"]), end["body"]


def test_an_answer_has_its_length_and_type_but_where_there_is_nothing() -> None:
    json = {b"content-type": b"application/json; charset=utf-8"}
    assert sent(Answer(200, b"{}", (("X-One", "1"),))) == ({b"x-one": b"1", **json, b"content-length": b"2"}, b"{}")
    assert sent(Answer(200, b"{}"), bodiless=True) == ({**json, b"content-length": b"2"}, b"")
    assert sent(Answer(204, headers=(("ETag", '"1"'),))) == ({b"etag": b'"1"'}, b"")


def test_a_target_is_told_as_it_was_spelled() -> None:
    scope = scope_of("GET", "/things/a b", b"x=%20&y")
    scope["raw_path"] = b"/things/a%20b"
    call = Call[Door]({}, Request(scope), ACT)
    assert call.target == "/things/a%20b?x=%20&y"
    scope["query_string"] = b""
    assert call.target == "/things/a%20b"
