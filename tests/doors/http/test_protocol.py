"""W11 and W12: the limits of a connection, over real sockets, and what of uvicorn the protocol leans on."""

import asyncio
import contextlib
import inspect
import resource
import socket
import time
from types import SimpleNamespace

import pytest
import uvicorn
from uvicorn.config import Config
from uvicorn.protocols.http import httptools_impl
from uvicorn.server import ServerState

from nightlatch.doors.http.limits import Fault, Limits, address_of, network_of
from nightlatch.doors.http.protocol import Protocol

GET = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"POST /p HTTP/1.1\r\nHost: a\r\n"


def padded(size: int) -> bytes:
    """A request whose target and fields have `size` bytes."""
    return b"GET /p HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (size - 2 - 9 - 5) + b"\r\n\r\n"


def test_the_application_is_that_of_the_port_whatever_the_headers_say(play) -> None:
    async def scene(server) -> None:
        request = b"GET /p HTTP/1.1\r\nHost: a:4434\r\nX-Forwarded-Port: 4434\r\nForwarded: host=a:4434\r\n\r\n"
        assert (await server.ask(request)).json["port"] == server.port

    play(scene)


def test_W11_a_head_of_the_most_bytes_passes_and_one_more_is_431(play) -> None:
    async def scene(server) -> None:
        assert (await server.ask(padded(16 * 1024))).status == 200
        reply = await server.ask(padded(16 * 1024 + 1))
        assert reply.status == 431
        assert reply.json == {"error": {"code": 431, "status": "Request Header Fields Too Large", "message": "The head of the request is too large."}}  # fmt: skip
        assert server.doors.faults == ["header_bytes"]

    play(scene)


def test_W11_a_head_in_small_pieces_has_the_same_bound(play) -> None:
    async def scene(server) -> None:
        whole = padded(3000)
        pieces = [whole[at : at + 300] for at in range(0, len(whole), 300)]
        assert (await server.ask(*pieces)).status == 200
        assert (await server.ask(*pieces[:-1], b"x" * 1000)).status == 431

    play(scene, header_bytes=3000)


@pytest.mark.parametrize("start", [b"GET /p HTTP/1.1\r\nHost: a\r\nX: ", b"GET /p HTTP/1.1\r\nHost: a\r\nX", b""])
def test_W11_a_head_that_never_ends_is_refused_at_its_first_bytes_too_many(play, start) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(start)
        filler = b"x" if start else b"\r\n"
        for _ in range(18):
            await line.send(filler * (1024 // len(filler)))
            await server.tick()
        assert (await line.reply()).status == 431
        assert server.doors.faults == ["header_bytes"]

    play(scene)


def test_W11_64_megabytes_of_one_field_are_not_kept(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(b"GET /p HTTP/1.1\r\nHost: a\r\nX: ")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with contextlib.suppress(ConnectionError):
            for _ in range(64 * 16):
                await line.send(b"x" * 64 * 1024)
        assert (await line.reply()).status == 431
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10 * 1024

    play(scene)


def test_W11_100_fields_pass_and_101_are_431(play) -> None:
    async def scene(server) -> None:
        head = b"GET /p HTTP/1.1\r\nHost: a\r\n"
        assert (await server.ask(head + b"X: y\r\n" * 99 + b"\r\n")).status == 200
        assert (await server.ask(head + b"X: y\r\n" * 100 + b"\r\n")).status == 431
        assert (await server.ask(head + b"a:\r\n" * 3_000 + b"\r\n")).status == 431
        assert server.doors.faults == ["header_count"] * 2

    play(scene)


def test_W11_a_url_of_8_KiB_passes_and_one_byte_more_is_414(play) -> None:
    async def scene(server) -> None:
        assert (await server.ask(b"GET /" + b"p" * 8191 + b" HTTP/1.1\r\nHost: a\r\n\r\n")).status == 200
        assert (await server.ask(b"GET /" + b"p" * 8192 + b" HTTP/1.1\r\nHost: a\r\n\r\n")).status == 414
        assert (await server.ask(b"GET /" + b"p" * 20_000)).status == 414
        assert server.doors.faults == ["url_bytes"] * 2

    play(scene)


def test_an_answer_of_the_protocol_has_the_headers_of_every_answer(play) -> None:
    async def scene(server) -> None:
        server.state.default_headers = [(b"date", b"now")]
        reply = await server.ask(b"GET /p HTTP/1.1\r\nHost: a\r\nHost: b\r\nX-Request-Id: mine\r\n\r\n")
        assert reply.headers["date"] == "now"
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-request-id"] == "mine"
        assert reply.headers["connection"] == "close"
        assert (await server.ask(b"\0")).headers["x-request-id"] == "made"

    play(scene)


def test_the_refusal_arrives_although_much_was_still_being_sent(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        line.writer.write(GET.replace(b"GET", b"get") + b"x" * 3_000_000)
        assert (await line.reply()).status == 400

    play(scene)


def test_HTTP_1_0_needs_no_Host_and_is_closed(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(b"GET /p HTTP/1.0\r\n\r\n")
        assert (await line.reply()).status == 200
        assert await line.rest() == b""

    play(scene)


def test_requests_may_be_pipelined_and_cut_anywhere(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(GET * 3 + GET[:10], GET[10:], b"\r\n" + GET)
        for _ in range(5):
            assert (await line.reply()).status == 200

    play(scene)


def test_a_body_is_asked_for_with_100_continue_when_the_application_reads_it(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert (await line.reply()).status == 100
        await line.send(b"abc")
        assert (await line.reply()).body == b"abc"
        await line.send(GET)
        assert (await line.reply()).status == 200

    play(scene)


def test_W12_a_silent_connection_is_closed_at_the_deadline_of_the_head(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        assert await line.rest() == b""
        assert server.doors.faults == ["header_seconds"]

    play(scene, header_seconds=0.1)


@pytest.mark.parametrize("before", [b"", GET], ids=["first", "second"])
@pytest.mark.parametrize("start", [b"GET /", b"GET /p HTTP/1.1\r\nHost: a\r\nX"])
def test_W12_a_head_that_dribbles_is_408_at_its_deadline(play, start, before) -> None:
    async def scene(server) -> None:
        line = await server.line()
        if before:
            await line.send(before)
            await line.reply()
        await line.send(start)
        dribble = asyncio.ensure_future(line.send(*[b"x"] * 100))
        reply = await line.reply()
        assert reply.status == 408
        assert await line.rest() == b""
        assert server.doors.faults == ["header_seconds"]
        dribble.cancel()

    play(scene, header_seconds=0.2)


def test_W12_an_idle_connection_is_closed_by_keep_alive_and_empty_lines_do_not_stop_that(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(GET)
        await line.reply()
        await line.send(b"\r\n")
        assert await line.rest() == b""
        assert server.doors.faults == []

    play(scene, keep_alive=1)


def test_W12_the_rest_of_a_body_that_was_answered_early_does_not_stop_keep_alive(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", b"abc")
        await line.reply()
        assert await line.rest() == b""
        assert server.doors.faults == []

    play(scene, keep_alive=1)


def test_W12_a_body_that_stops_is_408_and_the_application_hears_of_it(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(HEAD + b"Content-Length: 100000\r\n\r\n" + b"x" * 50_000)
        assert (await line.reply()).status == 408
        assert await line.rest() == b""
        assert server.doors.faults == ["body_seconds"]
        async with asyncio.timeout(1):
            await server.doors.gone.wait()

    play(scene, body_seconds=0.3)


def test_W12_a_body_slower_than_its_rate_is_408_before_the_last_moment(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(HEAD + b"Content-Length: 100000\r\n\r\n" + b"x" * 100)
        assert (await line.reply()).status == 408

    play(scene, body_rate_after=0.3)


def test_W12_a_body_faster_than_its_rate_is_let_in(play) -> None:
    async def scene(server) -> None:
        reply = await server.ask(HEAD + b"Content-Length: 3000\r\n\r\n", *[b"x" * 30] * 100)
        assert len(reply.body) == 3000

    play(scene, body_rate_after=0.1)


def test_W12_the_time_that_the_application_takes_is_not_counted_against_a_body(play) -> None:
    async def scene(server) -> None:
        body = b"x" * 1_000_000
        request = b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
        line, expecting = await server.line(), await server.line()
        line.writer.write(request + body)
        await expecting.send(request[:-2] + b"Expect: 100-continue\r\n\r\n")
        await asyncio.sleep(1.2)
        server.doors.let_go.set()
        assert (await line.reply()).body == body
        assert (await expecting.reply()).status == 100
        assert server.doors.faults == []

    play(scene, body_seconds=0.6)


def test_W12_a_request_waiting_behind_another_is_not_late(play) -> None:
    async def scene(server) -> None:
        line = await server.line()
        await line.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + GET + GET[:10])
        await asyncio.sleep(0.4)
        server.doors.let_go.set()
        await line.send(GET[10:])
        for _ in range(3):
            assert (await line.reply()).status == 200

    play(scene, header_seconds=0.15)


def test_W12_a_client_that_does_not_read_its_answer_is_cut_off(play) -> None:
    async def scene(server) -> None:
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        while not server.doors.asked or server.state.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        client.close()

    play(scene, body_seconds=0.2)


def test_W12_slow_heads_slow_bodies_and_slow_readers_do_not_hold_up_the_others(play) -> None:
    starts = (
        b"GET /p HTTP/1.1\r\nX-",
        HEAD + b"Content-Length: 100000\r\n\r\n",
        b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
    )

    async def scene(server) -> None:
        slow = [await server.line() for _ in range(120)]
        for number, line in enumerate(slow[:-3]):
            line.writer.write(starts[number % 2])
        for line in slow[-3:]:
            line.reader._transport.pause_reading()
            line.writer.write(starts[2])
        probe, times = await server.line(), []
        for _ in range(100):
            for line in slow[:-3]:
                line.writer.write(b"x")
            began = time.perf_counter()
            await probe.send(GET)
            assert (await probe.reply()).status == 200
            times.append(time.perf_counter() - began)
        assert sorted(times)[98] < 0.1

    play(scene)


class Wire:
    """A transport from an address that a test cannot have."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.written = b""
        self.closed = False

    def get_extra_info(self, name: str):
        return SimpleNamespace(getpeername=lambda: (self.host, 5), getsockname=lambda: ("10.1.1.1", 4433)) if name == "socket" else None  # fmt: skip

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close


def connected(server, host: str) -> tuple[Protocol, Wire]:
    config = Config(lambda: server.doors, factory=True, ws="none", interface="asgi3", lifespan="off", log_config=None)
    config.load()
    config.loaded_app = server.doors
    protocol, wire = Protocol(config, ServerState(), {}), Wire(host)
    protocol.connection_made(wire)
    return protocol, wire


def test_W12_one_address_may_hold_so_many_connections_and_no_more(play) -> None:
    async def scene(server) -> None:
        (first, _), (second, _) = connected(server, "192.0.2.1"), connected(server, "::ffff:192.0.2.1")
        third, wire = connected(server, "192.0.2.1")
        assert wire.written.startswith(b"HTTP/1.1 429 ")
        assert wire.closed
        third.data_received(GET)
        assert server.doors.asked == []
        assert server.doors.faults == ["connections_per_address"]
        other, wire = connected(server, "192.0.2.2")
        assert not wire.closed
        for protocol in (first, third):
            protocol.connection_lost(None)
        fourth, wire = connected(server, "192.0.2.1")
        assert not wire.closed
        for protocol in (second, other, fourth):
            protocol.connection_lost(None)
        assert server.doors.peers == {}

    play(scene, connections_per_address=2)


def test_W12_a_network_of_64_bits_is_one_address(play) -> None:
    async def scene(server) -> None:
        connected(server, "2001:db8:1:2::1")
        assert connected(server, "2001:db8:1:2:ffff::9")[1].closed
        assert not connected(server, "2001:db8:1:3::1")[1].closed
        assert not connected(server, "fe80::1%eth0")[1].closed

    play(scene, connections_per_address=1)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.0.0.1", "::ffff:10.0.0.1"])
def test_W12_loopback_and_trusted_proxies_are_not_counted(play, host) -> None:
    async def scene(server) -> None:
        assert not any(connected(server, host)[1].closed for _ in range(3))
        assert server.doors.peers == {}

    play(scene, connections_per_address=1)


def test_one_client_is_told_by_its_address_in_any_spelling() -> None:
    assert network_of(address_of("::ffff:192.0.2.1")) == network_of(address_of("192.0.2.1"))
    assert network_of(address_of("2001:DB8::1")) == network_of(address_of("2001:db8:0:0:ffff::"))
    assert network_of(address_of("2001:db8::1")) != network_of(address_of("2001:db8:0:1::1"))


def test_every_limit_that_refuses_names_its_fault() -> None:
    counted = {name for name in Limits.__slots__ if not name.startswith("body_rate")}
    assert counted <= {fault.name for fault in Fault}
    assert len(Fault) == 9


def test_uvicorn_is_the_version_whose_private_parts_are_used_here() -> None:
    assert uvicorn.__version__ == "0.54.0"
    source = inspect.getsource(httptools_impl)
    for part in (
        "config.loaded_app",
        "self.pipeline",
        "self.flow.resume_reading()",
        "self.cycle.response_complete",
        "self.response_started",
        "self.waiting_for_100_continue",
        "self.message_event",
        "cycle.disconnected",
        "self.expect_100_continue",
        "self.timeout_keep_alive_task",
        "def timeout_keep_alive_handler",
        "def _unset_keepalive_if_required",
        "on_response=self.on_response_complete",
        "server_state.default_headers",
        "lenient_data_after_close=True",
        "STATUS_LINE",
    ):
        assert part in source
