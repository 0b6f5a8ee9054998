"""Something at an address that answers as nightlatch never would: broken, slow, elsewhere."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

SESSION = {
    "id": "0199a000-0000-7000-8000-000000000001",
    "active": True,
    "expires_at": "2026-11-23T10:00:00.123456Z",
    "authenticator_assurance_level": "aal1",
    "identity": {"id": "0199a000-0000-7000-8000-000000000002", "traits": {"email": "ada@example.com"}},
}


class Says(NamedTuple):
    status: int = 200
    body: bytes = json.dumps(SESSION).encode()
    headers: tuple[tuple[str, str], ...] = ()
    after: float = 0


class StandIn:
    """`says` is what is answered, `asked` the headers of each request so far, `most` how many were there at once."""

    def __init__(self) -> None:
        self.says = Says()
        self.asked: list[dict[str, str]] = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.answer))
        self._server.daemon_threads = False  # so that closing waits for them, and no socket is left open
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, headers: dict[str, str]) -> Says:
        with self._lock:
            self.asked.append(headers)
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(self.says.after)
        with self._lock:
            self._now -= 1
        return self.says


def _handler(answer: Callable[[dict[str, str]], Says]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            says = answer({name.lower(): value for name, value in self.headers.items()})
            self.send_response(says.status)
            for name, value in (*says.headers, ("Content-Length", str(len(says.body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(says.body)

        do_POST = do_GET  # noqa: N815 — by these names it is called

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
