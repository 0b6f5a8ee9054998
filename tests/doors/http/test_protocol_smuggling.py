"""W19: a request that two readers could take for different ones is answered 400 and the connection is closed."""

import asyncio

import pytest

HEAD = b"POST /p HTTP/1.1\r\nHost: a\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"
END = b"0\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

CORPUS = {
    "CL and TE": CHUNKED + b"Content-Length: 5\r\n\r\n" + END,
    "TE and CL": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + END,
    "two CLs": HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "two equal CLs": HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of CLs": HEAD + b"Content-Length: 3, 3\r\n\r\nabc",
    "a signed CL": HEAD + b"Content-Length: +3\r\n\r\nabc",
    "a negative CL": HEAD + b"Content-Length: -3\r\n\r\nabc",
    "a hexadecimal CL": HEAD + b"Content-Length: 0x3\r\n\r\nabc",
    "an empty CL": HEAD + b"Content-Length:\r\n\r\nabc",
    "a CL past 64 bits": HEAD + b"Content-Length: 99999999999999999999\r\n\r\nabc",
    "a CL with a blank inside": HEAD + b"Content-Length: 1 3\r\n\r\nabc",
    "bare LF after the request line": b"GET /p HTTP/1.1\nHost: a\r\n\r\n",
    "bare LF after a field": b"GET /p HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "bare LF at the end": b"GET /p HTTP/1.1\r\nHost: a\r\n\n",
    "bare CR": b"GET /p HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "CR CR LF": b"GET /p HTTP/1.1\r\nHost: a\r\r\n\r\n",
    "a space before the colon": HEAD + b"Content-Length : 3\r\n\r\nabc",
    "a tab before the colon": HEAD + b"Transfer-Encoding\t: chunked\r\n\r\n" + END,
    "a folded field": HEAD + b"X: a\r\n b\r\n\r\n",
    "a folded coding": HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + END,
    "a space before the first field": b"GET /p HTTP/1.1\r\n Host: a\r\n\r\n",
    "a field without a name": HEAD + b": x\r\n\r\n",
    "a field without a colon": HEAD + b"X\r\n\r\n",
    "NUL in a name": HEAD + b"X\0Y: a\r\n\r\n",
    "NUL in a value": HEAD + b"X: a\0b\r\n\r\n",
    "an unknown coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + END,
    "a vertical tab before the coding": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + END,
    "identity": HEAD + b"Transfer-Encoding: identity\r\n\r\n" + END,
    "chunked twice": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n" + END,
    "chunked, identity": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n" + END,
    "gzip, chunked": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + END,
    "a coding in HTTP/1.0": b"POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + END,
    "a chunk size with a sign": CHUNKED + b"\r\n-3\r\nabc\r\n" + END,
    "a chunk size with 0x": CHUNKED + b"\r\n0x3\r\nabc\r\n" + END,
    "a chunk size past 64 bits": CHUNKED + b"\r\nfffffffffffffffff\r\nabc\r\n" + END,
    "a chunk size after a blank": CHUNKED + b"\r\n 3\r\nabc\r\n" + END,
    "bare LF after a chunk size": CHUNKED + b"\r\n3\nabc\r\n" + END,
    "bare LF after a chunk extension": CHUNKED + b"\r\n3;a\nabc\r\n" + END,
    "bare CR in a chunk extension": CHUNKED + b"\r\n3;a\rb\r\nabc\r\n" + END,
    "a chunk longer than it says": CHUNKED + b"\r\n3\r\nabcd\r\n" + END,
    "a chunk without its end": CHUNKED + b"\r\n3\r\nabc" + END,
    "two Hosts": HEAD + b"Host: b\r\n\r\n",
    "two equal Hosts": HEAD + b"host: a\r\n\r\n",
    "no Host": b"GET /p HTTP/1.1\r\n\r\n",
    "an absolute target": b"GET http://b/p HTTP/1.1\r\nHost: a\r\n\r\n",
    "an absolute target of another scheme": b"GET file:///p HTTP/1.1\r\nHost: a\r\n\r\n",
    "an authority": b"CONNECT b:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT with a path": b"CONNECT /p HTTP/1.1\r\nHost: a\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment": b"GET /p#q HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment in the query": b"GET /p?a#q HTTP/1.1\r\nHost: a\r\n\r\n",
    "a space in the target": b"GET /p q HTTP/1.1\r\nHost: a\r\n\r\n",
    "eight bits in the target": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
    "tabs in the request line": b"GET\t/p\tHTTP/1.1\r\nHost: a\r\n\r\n",
    "a method in small letters": b"get /p HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET /p HTTP/0.9\r\nHost: a\r\n\r\n",
    "HTTP/0.9 as it was": b"GET /p\r\n\r\n",
    "HTTP/1.2": b"GET /p HTTP/1.2\r\nHost: a\r\n\r\n",
    "HTTP/2.0": b"GET /p HTTP/2.0\r\nHost: a\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("name", CORPUS)
def test_W19_an_ambiguous_request_is_400_and_the_connection_is_closed(play, name) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(CORPUS[name] + SMUGGLED)
        reply = await line.reply()
        assert reply.status == 400
        assert reply.json["error"]["code"] == 400
        assert reply.headers["connection"] == "close"
        assert await line.rest() == b""
        assert "/smuggled" not in server.doors.asked
        assert len(server.doors.faults) == 1

    play(scene)


@pytest.mark.parametrize("name", CORPUS)
def test_W19_an_ambiguous_request_is_400_also_byte_by_byte(play, name) -> None:
    async def scene(server) -> None:
        line = await server.line()
        for byte in CORPUS[name] + SMUGGLED:
            line.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert (await line.reply()).status == 400
        assert await line.rest() == b""
        assert "/smuggled" not in server.doors.asked

    play(scene)


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQBAAAAAAIAAAAA\r\n"
WISHES = {
    "a body": (HEAD + UPGRADE + b"Content-Length: 35\r\n\r\n" + SMUGGLED, [SMUGGLED]),
    "chunks": (CHUNKED + UPGRADE + b"\r\n3\r\nabc\r\n" + END, [b"abc"]),
    "no body": (b"GET /p HTTP/1.1\r\nHost: a\r\n" + UPGRADE + b"\r\n", None),
    "a websocket": (b"GET /p HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", None),
}


@pytest.mark.parametrize("cut", [None, 1, 40, 150, -1])
@pytest.mark.parametrize("name", WISHES)
def test_W19_a_wish_to_upgrade_is_ignored_and_its_body_is_a_body(play, name, cut) -> None:
    wish, said = WISHES[name]

    async def scene(server) -> None:
        line = await server.line()
        await line.send(*([wish[:cut], wish[cut:]] if cut else [wish]))
        reply = await line.reply()
        assert reply.status == 200
        assert reply.body in said if said else reply.json["path"] == "/p"
        await line.send(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await line.reply()).json["path"] == "/next"
        assert server.doors.asked == ["/p", "/next"]
        assert server.doors.faults == []

    play(scene)


def test_W19_wishes_to_upgrade_may_be_pipelined(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(WISHES["a body"][0] + WISHES["no body"][0] + WISHES["chunks"][0])
        assert (await line.reply()).body == SMUGGLED
        assert (await line.reply()).json["path"] == "/p"
        assert (await line.reply()).body == b"abc"

    play(scene)


def test_W19_a_wish_to_upgrade_passes_the_same_limits(play) -> None:
    async def scene(server) -> None:
        assert (await server.ask(HEAD + b"Host: b\r\n" + UPGRADE + b"\r\n")).status == 400
        assert (await server.ask(CHUNKED + b"Content-Length: 5\r\n" + UPGRADE + b"\r\n" + END)).status == 400

    play(scene)


def test_W19_a_trailer_never_becomes_a_header(play) -> None:
    async def scene(server) -> None:
        request = b"POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: x\r\nHost: b\r\n\r\n"
        line = await server.line()
        await line.send(request)
        await server.tick()
        server.doors.let_go.set()
        assert (await line.reply()).json["names"] == ["host", "transfer-encoding"]

    play(scene)


@pytest.mark.parametrize(
    "framing",
    [b"3;" + b"e" * 1_000_000, b"3\r\nabc\r\n0\r\nX: " + b"t" * 1_000_000, b"1\r\na\r\n" + b"1;" + b"e" * 600_000],
    ids=["an extension", "a trailer", "a later extension"],
)
def test_W19_chunk_extensions_and_trailers_have_an_end(play, framing) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(CHUNKED + b"\r\n", framing)
        assert (await line.reply()).status == 400
        assert await line.rest() == b""
        assert server.doors.faults == ["malformed"]

    play(scene)


def test_a_body_in_chunks_of_one_byte_with_an_extension_passes(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(CHUNKED + b"\r\n", *[b"1;a\r\nx\r\n" * 500] * 20, END)
        assert (await line.reply()).body == b"x" * 10_000

    play(scene)


def test_W19_a_body_that_looks_like_a_request_stays_a_body_when_it_was_answered_early(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED))
        assert (await line.reply()).json["path"] == "/early"
        await line.send(SMUGGLED[:20], SMUGGLED[20:], b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await line.reply()).json["path"] == "/next"
        assert server.doors.asked == ["/early", "/next"]

    play(scene)


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
def test_W19_nothing_is_read_after_an_expected_body_that_was_not_asked_for(play, more) -> None:
    async def scene(server) -> None:
        line = await server.line()
        head = b"POST /early HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 35\r\n"
        await line.send(head + more + b"\r\n")
        assert (await line.reply()).json["path"] == "/early"
        await line.send(SMUGGLED)
        assert await line.rest() == b""
        assert server.doors.asked == ["/early"]

    play(scene)


def test_W19_garbage_after_a_request_in_flight_never_answers_in_its_place(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        await server.tick()
        await line.send(b"garbage\r\n\r\n")
        assert await line.rest() == b""
        server.doors.let_go.set()

    play(scene)
