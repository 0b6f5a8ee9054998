"""The limits that uvicorn lacks, set where the bytes arrive: uvicorn's protocol, subclassed (its version is pinned).

    idle ──first byte──▶ head ──end of the head──▶ body ──end of the message──▶ idle
         keep-alive          header_seconds            body_seconds, and at least body_rate

A request that breaks a limit, or that two readers could take for different requests, is answered here in the JSON
envelope and the connection is closed. The socket's own port chooses the application, never a header.
"""

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

import httptools
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from nightlatch.doors.http.limits import Address, Application, Fault, address_of, network_of
from nightlatch.doors.http.repeats import Repeats, whole
from nightlatch.doors.http.routing import Answer, fields_of

LOOK_SECONDS = 0.5
LINGER_SECONDS = 2.0

_IDLE, _HEAD, _BODY = range(3)
_NOT_PLAIN = frozenset((b"content-length", b"transfer-encoding", b"expect"))


class _RefusedError(Exception):
    """Leaves a callback of the parser, which stops there."""

    def __init__(self, why: Fault) -> None:
        super().__init__(why.name)
        self.why = why


class Protocol(HttpToolsProtocol):
    """One connection."""

    url = b""
    _stage = _IDLE
    _fed = 0  # bytes since the last turn of the stage, less what bodies are worth
    _received = 0
    _body_began = 0.0
    _plain = False  # what is being read is answered here
    _asked: bytes | None = None  # what the request is known by that came whole in one piece
    _given_at = 0.0  # when an answer was last given again
    _done = False  # refused: what still comes is thrown away
    _timer: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _peer: Address | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.application: Application = self.config.loaded_app
        self.limits = self.application.limits
        if self.client is None or self.server is None or self.server[1] is None:
            transport.abort()
            return
        self.app = self.application.of_port(self.server[1])
        self._at_once = self.application.at_once(self.server[1])
        self._repeats = self.application.repeats(self.server[1])
        self._after(self.limits.header_seconds, self._head_is_late)
        self._count_peer(address_of(self.client[0]))

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        self.resume_writing()
        self._unset_keepalive_if_required()
        self._forget_peer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._done or (self._repeats and self._gave_again(self._repeats, data)):
            return
        self._unset_keepalive_if_required()
        self._fed += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.why if isinstance(cause, _RefusedError) else Fault.malformed)
        else:
            self._watch()

    def on_message_begin(self) -> None:
        self._stage = _HEAD
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._check_target()
        self._check_headers()
        if self.parser.should_upgrade():
            return
        self._plain = self.url in self._at_once and self._is_plain()
        if not self._plain:
            super().on_headers_complete()
        self.headers = []  # the scope has the list: a trailer must not become a header of a running request
        self._turn(_BODY)
        self._received = 0

    def on_body(self, body: bytes) -> None:
        self._received += len(body)
        self._fed -= 8 * len(body)  # a chunk of one byte costs six
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._turn(_IDLE)
        if self._plain:
            self._answer_at_once()
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        unread = self._stage == _BODY and self.cycle.response_complete
        if unread and self.expect_100_continue and not self.transport.is_closing():
            # Whether the body still comes is the client's choice: what follows could be a body or a request.
            self._done = True
            self._linger()

    def pause_writing(self) -> None:
        super().pause_writing()
        # Whoever asks and does not read would have us keep the answer for ever.
        self._stalled = self.loop.call_later(self.limits.body_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        if self._stalled:
            self._stalled.cancel()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        left = self._given_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
            return
        if self.transport.get_write_buffer_size():
            self.transport.abort()  # to close, it would wait for a client that does not read
        super().timeout_keep_alive_handler()

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                # The parser leaves the body of such a request unread (Java's client asks for h2c on every one), and
                # would take it for the next request: a smuggled one. So the head is read again without the wish.
                data = self._head_without_upgrade() + data[upgrade.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def _head_without_upgrade(self) -> bytes:
        fields = [b"%b: %b\r\n" % field for field in self.headers if field[0] != b"upgrade"]
        line = self.parser.get_method(), self.url, self.parser.get_http_version().encode()
        return b"%b %b HTTP/%b\r\n" % line + b"".join(fields) + b"\r\n"

    def _gave_again(self, repeats: Repeats, data: bytes) -> bool:
        """Answers a request that comes again, byte for byte, at a time when nothing else is being read or answered."""
        if self._fed or self._stage != _IDLE or not self._is_next():
            self._asked = None
            return False
        self._asked = whole(data)
        answer = repeats.again(self._asked, self.server_state.default_headers) if self._asked else None
        if answer is None:
            return False
        self.transport.write(answer)
        self.server_state.total_requests += 1
        self._given_at = self.loop.time()
        if self._timer:
            self._cancel()
        if self.timeout_keep_alive_task is None:  # one that runs looks at the time when it is over
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        return True

    def _is_next(self) -> bool:
        """Whether the next bytes to be sent would be the answer to the next request."""
        return (self.cycle is None or self.cycle.response_complete) and not (
            self.pipeline or self.flow.write_paused or self.transport.is_closing()
        )

    def _is_plain(self) -> bool:
        """Whether it is a GET like most, and its answer would be the next to be sent."""
        parser = self.parser
        return (
            self._is_next()
            and parser.get_method() == b"GET"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and _NOT_PLAIN.isdisjoint([name for name, _ in self.headers])
        )

    def _answer_at_once(self) -> None:
        """What uvicorn does with a request, without a task, events and an application of its own for each."""
        scope = cast("Scope", self.scope)
        scope.update(method="GET", path=self.url.decode(), raw_path=self.url, query_string=b"")
        begun = self.application.begin(scope)
        if isinstance(begun, Answer):
            fields = [b"%b: %b\r\n" % field for field in (*self.server_state.default_headers, *fields_of(begun))]
            self.transport.write(b"".join((STATUS_LINE[begun.status], *fields, b"\r\n", begun.body)))
            self.server_state.total_requests += 1
            if self._repeats and self._asked:
                self._repeats.keep(self._asked, scope["headers"], begun)
            return
        self.app, port = begun, self.app
        super().on_headers_complete()
        super().on_message_complete()
        self.app = port

    def _check_target(self) -> None:
        if len(self.url) > self.limits.url_bytes:
            raise _RefusedError(Fault.url_bytes)
        if not self.url.startswith(b"/") or b"#" in self.url or self.parser.get_method() == b"CONNECT":
            raise _RefusedError(Fault.target)

    def _check_headers(self) -> None:
        size, hosts, codings = len(self.url), 0, []
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name == b"host":
                hosts += 1
            elif name == b"transfer-encoding":
                codings.append(value.lower())
        if size > self.limits.header_bytes:
            raise _RefusedError(Fault.header_bytes)
        if len(self.headers) > self.limits.header_count:
            raise _RefusedError(Fault.header_count)
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0") or (codings and (codings != [b"chunked"] or version == "1.0")):
            raise _RefusedError(Fault.malformed)
        if hosts != 1 and (hosts or version == "1.1"):
            raise _RefusedError(Fault.host)

    def _turn(self, stage: int) -> None:
        self._stage, self._fed = stage, 0
        self._cancel()

    def _watch(self) -> None:
        """Sets the deadline of what is still incomplete after the bytes that just came."""
        if self._fed > self.limits.header_bytes:
            self._refuse(self._too_large())
        elif self._timer:
            return
        elif self._stage == _BODY:
            self._body_began = self.loop.time()
            self._after(LOOK_SECONDS, self._look_at_body)
        elif self._stage == _HEAD:
            self._after(self.limits.header_seconds, self._head_is_late)
        elif self.cycle is None or self.cycle.response_complete:
            # Empty lines, or the rest of a body that was answered before its end: nothing else would set it again.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _too_large(self) -> Fault:
        if self._stage == _BODY:
            return Fault.malformed
        return Fault.url_bytes if len(self.url) > self.limits.url_bytes else Fault.header_bytes

    def _head_is_late(self) -> None:
        self._timer = None
        if self.flow.read_paused:  # the wait is for us: what is there has not been looked at
            self._after(self.limits.header_seconds, self._head_is_late)
        elif self._fed:
            self._refuse(Fault.header_seconds)
        else:
            self.application.refused(Fault.header_seconds, self._client())
            self.transport.close()

    def _look_at_body(self) -> None:
        waited = self.loop.time() - self._body_began
        limits = self.limits
        slow = waited >= limits.body_rate_after and self._received < limits.body_rate * waited
        if self.flow.read_paused or self.cycle.waiting_for_100_continue:
            self._body_began += LOOK_SECONDS  # the wait is for us
        elif waited >= limits.body_seconds or slow:
            self._refuse(Fault.body_seconds)
            return
        self._after(LOOK_SECONDS, self._look_at_body)

    def _refuse(self, why: Fault) -> None:
        self._done = True
        self._cancel()
        self.application.refused(why, self._client())
        if self.transport.is_closing() or not self._may_answer():
            self.transport.close()
            return
        self.transport.write(self._answer(why))
        if self.cycle and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._linger()

    def _may_answer(self) -> bool:
        """Whether the next bytes to the client would be this refusal and not part of another answer."""
        if self._stage == _BODY:
            return not self.cycle.response_started and not self.pipeline
        return self.cycle is None or self.cycle.response_complete

    def _linger(self) -> None:
        """Closes in a way that lets the client read the answer: closing with bytes unread would send a reset."""
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self._after(LINGER_SECONDS, self.transport.abort)

    def _answer(self, why: Fault) -> bytes:
        phrase = HTTPStatus(why.status).phrase
        body = json.dumps({"error": {"code": why.status, "status": phrase, "message": why.message}}).encode() + b"\n"
        given = next((value for name, value in self.headers or () if name == b"x-request-id"), None)
        fields = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-request-id", self.application.request_id(given)),
            (b"connection", b"close"),
        ]
        return STATUS_LINE[why.status] + b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n" + body

    def _count_peer(self, address: Address) -> None:
        if address.is_loopback or self.application.trusts(address):
            return
        peers = self.application.peers
        self._peer = peer = network_of(address)
        peers[peer] = peers.get(peer, 0) + 1
        if peers[peer] > self.limits.connections_per_address:
            self._done = True
            self.application.refused(Fault.connections_per_address, self._client())
            self.transport.write(self._answer(Fault.connections_per_address))
            self.transport.close()

    def _forget_peer(self) -> None:
        if self._peer is None:
            return
        peers = self.application.peers
        peers[self._peer] -= 1
        if not peers[self._peer]:
            del peers[self._peer]

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        self._cancel()
        self._timer = self.loop.call_later(seconds, act)

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _client(self) -> str:
        return self.client[0] if self.client else ""
