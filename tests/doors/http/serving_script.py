"""A server to be started, asked and killed: serving_script.py MODE FOLDER WORKERS PUBLIC ADMIN."""

import asyncio
import json
import logging
import os
import sys
from functools import partial
from pathlib import Path

from nightlatch.doors.http.limits import Limits
from nightlatch.doors.http.serving import HostPort, ListenError, serve


class Doors:
    def __init__(self, mode: str, folder: Path, public: int, admin: int) -> None:
        self.mode, self.folder = mode, folder
        self.names = {public: "public", admin: "admin"}
        self.limits, self.peers = Limits(), {}

    async def __call__(self, scope, receive, send) -> None:
        await receive()
        if self.mode == "lifespan fails":
            raise RuntimeError("no database")
        (self.folder / f"started-{os.getpid()}").touch()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        (self.folder / f"stopped-{os.getpid()}").touch()
        await send({"type": "lifespan.shutdown.complete"})

    def of_port(self, port: int):
        return partial(self.answer, self.names[port])

    def at_once(self, port: int) -> frozenset[bytes]:
        return frozenset()

    def repeats(self, port: int) -> None:
        return None

    def trusts(self, address) -> bool:
        return False

    def request_id(self, given) -> bytes:
        return b"made"

    def refused(self, why, client) -> None: ...

    async def answer(self, name: str, scope, receive, send) -> None:
        if scope["path"] == "/slow":
            (self.folder / "asked").touch()
            await asyncio.sleep(1)
        body = json.dumps({"port": name, "pid": os.getpid()}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


def build(mode: str, folder: Path, public: int, admin: int) -> Doors:
    if mode == "build fails":
        raise ValueError("no schema")
    if mode == "build fails by type":
        raise TypeError("no schema")
    return Doors(mode, folder, public, admin)


def main(mode: str, folder: str, workers: str, public: str, admin: str) -> int:
    logging.basicConfig(level=logging.INFO)
    try:
        return serve(
            partial(build, mode, Path(folder)),
            HostPort("127.0.0.1", int(public)),
            HostPort("127.0.0.1" if mode != "no host" else "192.0.2.77", int(admin)),
            workers=int(workers),
            keep_alive=75,
            listening=lambda *ports: print(*ports, flush=True),
        )
    except ListenError as error:
        print(error, flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
