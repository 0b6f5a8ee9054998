"""Sign-ins beside the hashes that they need, and session checks while many sign in; over loopback, on all processors.

The rate of bare checks of hashes in as many threads; the rate of sign-ins (flows begun before); then checks of sessions
one after another, first alone, then while as many people sign in as the queue holds. Prints a Markdown table.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

ROOT = Path(__file__).parents[1]
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

from bench import people  # noqa: E402
from bench.client import ask  # noqa: E402
from bench.sites import Site  # noqa: E402
from tests.serving import KEY, Server  # noqa: E402

from nightlatch.core.credentials.hashing import Hasher  # noqa: E402

PACE = 200  # session checks a second
PEOPLE = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    seconds = parser.parse_args().seconds
    cores = os.cpu_count() or 1
    print(f"load {os.getloadavg()[0]:.1f} of {cores} processors\n")
    bare = asyncio.run(_bare(cores, seconds))
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "run", f"sqlite://{folder}/nightlatch.sqlite")
        with server:
            site = Site("nightlatch", server.public, server.admin, KEY, [server.process.pid])
            _create(site)
            token = ask(site.address("public"), _sign_ins(site, 1), 1)[0].json()["session_token"]
            rate = _rate(site, round(bare * seconds), 2 * cores)
            alone = _paced(site, token, seconds)
            # A process of its own: who times checks must not wait for an interpreter.
            meanwhile = multiprocessing.Process(target=_rate, args=(site, round(bare * seconds), 4 * cores))
            meanwhile.start()
            beside = _paced(site, token, seconds * 0.8)
            meanwhile.join()
    print("| figure | measured | bar |")
    print("| --- | ---: | ---: |")
    print(f"| hashes a second, bare | {bare:.1f} | |")
    print(f"| sign-ins a second | {rate:.1f} | |")
    print(f"| sign-ins to hashes | {rate / bare:.2f} | 0.85 |")
    print(f"| p99 of a session check, alone, ms | {alone:.2f} | |")
    print(f"| p99 of a session check while people sign in, ms | {beside:.2f} | |")
    print(f"| the one to the other | {beside / alone:.2f} | 2 |")


async def _bare(threads: int, seconds: float) -> float:
    """Checks of a hash a second, with nothing else to do."""
    hasher = Hasher(memory=47_104, time=1, parallelism=1, threads=threads, queue=0, entropy=os.urandom)
    done, end = 0, time.perf_counter() + seconds

    async def one() -> None:
        nonlocal done
        while time.perf_counter() < end:
            async with hasher.turn() as turn:
                assert await turn.verify(people.PASSWORD, people.PASSWORD_HASH)
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(threads)))
    hasher.close()
    return done / (time.perf_counter() - began)


def _create(site: Site) -> None:
    secret = {"password": {"config": {"hashed_password": people.PASSWORD_HASH}}}
    entries = [
        {"create": {"schema_id": "default", "traits": {"email": people.email(n)}, "credentials": secret}}
        for n in range(PEOPLE)
    ]
    site.ask("admin", [site.admin("PATCH", "/admin/identities", json.dumps({"identities": entries}))])


def _sign_ins(site: Site, count: int) -> list[bytes]:
    begun = site.ask("public", [site.public("GET", "/self-service/login/api") for _ in range(count)])
    return [
        site.public(
            "POST",
            f"/self-service/login?flow={flow.json()['id']}",
            json.dumps({"method": "password", "identifier": people.email(n % PEOPLE), "password": people.PASSWORD}),
        )
        for n, flow in enumerate(begun)
    ]


def _rate(site: Site, count: int, connections: int) -> float:
    """Sign-ins a second."""
    requests = _sign_ins(site, count)
    began = time.perf_counter()
    for answer in ask(site.address("public"), requests, connections):
        assert answer.status == 200, answer
    return count / (time.perf_counter() - began)


def _paced(site: Site, token: str, seconds: float) -> float:
    """p99 in milliseconds of one check after another, with a pause between them."""
    request = site.public("GET", "/sessions/whoami", token=token)
    times: list[float] = []

    async def check(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        times.append(1000 * (time.perf_counter() - began))

    async def walk() -> None:
        lines = [await asyncio.open_connection(*site.address("public")) for _ in range(8)]
        end, n = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            await check(*lines[n % len(lines)])
            n += 1
            await asyncio.sleep(1 / PACE)
        for _, writer in lines:
            writer.close()

    asyncio.run(walk())
    return quantiles(times, n=100)[98]


if __name__ == "__main__":
    main()
