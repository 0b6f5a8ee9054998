"""Starts what is measured: nginx with its file, nightlatch on either database. A peer is there already."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import people, seed
from bench.postgres import Postgres
from bench.processes import DATABASE, SERVER, listener, on
from bench.sites import Site
from tests.processes import free_port, leash, until
from tests.serving import KEY, Server

STATIC = "/1k"
# Sessions of the seed live for ten years from 2025; an extension must find less left than it gives.
_SETTINGS: dict[str, Any] = {
    "secrets": {"default": [people.SECRET]},
    "session": {"lifespan": "175200h"},
}
_NGINX = """
daemon off; worker_processes 1; user root; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_timeout 600; keepalive_requests 1000000000;
  open_file_cache max=10;
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[Site]:
    """nginx with one worker and a file of 1 KB at STATIC."""
    port = free_port()
    (folder / STATIC[1:]).write_bytes(b"x" * 1024)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port))
    with on(SERVER):
        process = subprocess.Popen([*leash("TERM"), "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")])
    url = f"http://127.0.0.1:{port}"
    site = Site("nginx", url, url, None, [process.pid])
    try:
        until((folder / "nginx.pid").exists, (folder / "error.log").read_text)
        yield site
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def nightlatch(folder: Path, store: str) -> Iterator[tuple[Site, Server]]:
    """One worker on the full database, with the settings that are the default."""
    with contextlib.ExitStack() as stack:
        database: list[int] = []
        if store == "sqlite":
            dsn = seed.sqlite(folder)
        else:
            with on(DATABASE):
                running: Postgres = stack.enter_context(seed.postgres(folder))
            dsn, database = running.dsn, [running.pid]
        yield stack.enter_context(serving(folder, store, dsn, database))


@contextlib.contextmanager
def serving(folder: Path, name: str, dsn: str, database: list[int]) -> Iterator[tuple[Site, Server]]:
    """One worker on that database, with the settings that are the default."""
    server = Server(folder / f"serve-{name}", dsn, settings=_SETTINGS)
    with contextlib.ExitStack() as stack:
        with on(SERVER):
            stack.enter_context(server)
        yield Site(name, server.public, server.admin, KEY, [server.process.pid], database), server


def peer(admin_url: str, public_url: str, key: str | None) -> Site:
    """A server that somebody has started."""
    port = urlsplit(admin_url).port
    assert port is not None, "--peer needs a port"
    return Site("peer", public_url.rstrip("/"), admin_url.rstrip("/"), key, [listener(port)])


def has_nginx() -> bool:
    return shutil.which("nginx") is not None
