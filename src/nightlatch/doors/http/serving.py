"""The server process: two listening sockets, one worker in this process or several under uvicorn's supervisor.

The parent listens before any worker starts, so a port that is taken is told at once and a request that comes early
waits. A worker that cannot start ends the server; one that dies later is replaced.
"""

import asyncio
import errno
import logging
import multiprocessing
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, NamedTuple

from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from nightlatch.doors.http.limits import Application
from nightlatch.doors.http.protocol import Protocol

BACKLOG = 4096
DRAIN_SECONDS = 20
UNREAD_SECONDS = 30

Build = Callable[[int, int], Application]


class ListenError(Exception):
    """A port cannot be had. The sentence names the setting to change."""


class HostPort(NamedTuple):
    host: str
    port: int
    """0: any that is free."""


def serve(
    build: Build,
    public: HostPort,
    admin: HostPort,
    *,
    workers: int,
    keep_alive: int,
    listening: Callable[[int, int], None],
) -> int:
    """Serves until SIGTERM or SIGINT, then finishes what is in flight: 0, or not 0 when a worker could not start.

    `build` makes the application in each worker, given the ports: a function of a module, or functools.partial of one
    over plain values, because it is pickled. `listening` is told the ports once they are open. Raises ListenError.
    """
    _allow_many_files()
    with closing(_listen(public, "serve.public")) as first, closing(_listen(admin, "serve.admin")) as second:
        sockets = [first, second]
        ports = first.getsockname()[1], second.getsockname()[1]
        config = Config(
            partial(_worker, build, *ports),
            factory=True,
            http=Protocol,
            ws="none",
            interface="asgi3",
            loop="uvloop",
            lifespan="on",
            workers=workers,
            backlog=BACKLOG,
            proxy_headers=False,  # uvicorn would believe whatever anybody on this machine says of itself
            server_header=False,
            access_log=False,
            log_config=None,
            timeout_keep_alive=keep_alive,
            timeout_graceful_shutdown=DRAIN_SECONDS,  # or one slow reader keeps the server from ending
            timeout_worker_healthcheck=20,  # a call into C that holds the interpreter is no dead worker
        )
        run = _many if workers > 1 else _one
        return run(config, sockets, partial(listening, *ports))


def _one(config: Config, sockets: list[socket.socket], listening: Callable[[], None]) -> int:
    server = Server(config)
    with _stopped_by_signals(server):
        listening()
        try:
            server.run(sockets)
        except SystemExit:
            return STARTUP_FAILURE
    return 0


def _many(config: Config, sockets: list[socket.socket], listening: Callable[[], None]) -> int:
    supervisor = _Supervisor(config, sockets)
    listening()
    supervisor.run()
    failed = any(worker.exitcode == STARTUP_FAILURE for worker in supervisor.processes)
    return STARTUP_FAILURE if failed else 0


class _Supervisor(Multiprocess):
    def keep_subprocess_alive(self) -> None:
        for worker in self.processes:
            worker.child_conn.close()  # while we hold it too, a worker that is gone looks like one that is slow
        super().keep_subprocess_alive()


@contextmanager
def _stopped_by_signals(server: Server) -> Iterator[None]:
    """uvicorn raises a signal again after it has obeyed it, which would end the process without a code of its own."""

    def stop(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _worker(build: Build, public: int, admin: int) -> Application:
    """The application of this worker process. Any failure is final: uvicorn would repeat others for ever."""
    _follow_parent()
    try:
        return build(public, admin)
    except Exception as error:
        logging.getLogger(__name__).critical("The server could not start.", exc_info=error)
        raise SystemExit(STARTUP_FAILURE) from error


def _follow_parent() -> None:
    # A parent that is killed tells nobody: its workers would go on, with nobody to stop them. The kernel's own signal
    # (PR_SET_PDEATHSIG) misses a parent that died before it was asked for; the pipe between the two does not.
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    loop, sentinel = asyncio.get_running_loop(), parent.sentinel

    def stop() -> None:
        loop.remove_reader(sentinel)
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(sentinel, stop)


def _listen(address: HostPort, setting: str) -> socket.socket:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            _open(listener, where)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ListenError(_cure(address, setting, error)) from error
    return listener


def _open(listener: socket.socket, where: tuple[Any, ...]) -> None:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets have it too: a peer that acknowledges nothing is given up, whatever waits to be sent.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
    listener.bind(where)
    listener.listen(BACKLOG)


def _cure(address: HostPort, setting: str, error: OSError) -> str:
    part = "host" if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL else "port"
    return f"Cannot listen on {address.host}:{address.port}: {error.strerror}. Change {setting}.{part}."


def _allow_many_files() -> None:
    """Each connection is an open file, and the usual soft limit is 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
