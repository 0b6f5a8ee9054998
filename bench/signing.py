"""Sign-ins beside the hashes that they need, and session checks while many sign in; over loopback, on all processors.

The rate of bare checks of hashes, by argon2-cffi in as many threads; the rate of sign-ins (flows begun before); then
checks of sessions one after another: alone, beside programs that do nothing but hash, and while people sign in without
a pause. Prints a Markdown table.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

from argon2 import PasswordHasher

ROOT = Path(__file__).parents[1]
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

from bench import people  # noqa: E402
from bench.client import ask  # noqa: E402
from bench.sites import Site  # noqa: E402
from tests.serving import KEY, Server  # noqa: E402

PACE = 200  # session checks a second
PEOPLE = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    seconds = parser.parse_args().seconds
    cores = os.cpu_count() or 1
    print(f"load {os.getloadavg()[0]:.1f} of {cores} processors\n")
    bare = _bare(cores, seconds)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "run", f"sqlite://{folder}/nightlatch.sqlite")
        with server:
            site = Site("nightlatch", server.public, server.admin, KEY, [server.process.pid])
            _create(site)
            token = ask(site.address("public"), _sign_ins(site, 1), 1)[0].json()["session_token"]
            begun = _sign_ins(site, round(bare * seconds))
            rate = _rate(site, begun, 2 * cores)
            alone = _paced(site, token, seconds)
            with _hashing(max(cores - 1, 1)):
                floor = _paced(site, token, seconds)
            begun = _sign_ins(site, round(bare * seconds))
            # A process of its own: who times checks must not wait for an interpreter.
            meanwhile = multiprocessing.Process(target=_rate, args=(site, begun, 2 * cores))
            meanwhile.start()
            beside = _paced(site, token, seconds * 0.8)
            meanwhile.join()
    print("| figure | measured | bar |")
    print("| --- | ---: | ---: |")
    print(f"| hashes a second, bare | {bare:.1f} | |")
    print(f"| sign-ins a second | {rate:.1f} | |")
    print(f"| sign-ins to hashes | {rate / bare:.2f} | 0.85 |")
    print(f"| p99 of a session check, alone, ms | {alone:.2f} | |")
    print(f"| the same while other programs check hashes, ms | {floor:.2f} | |")
    print(f"| p99 of a session check while people sign in, ms | {beside:.2f} | |")
    print(f"| that to the p99 alone | {beside / alone:.2f} | 2 |")


def _bare(threads: int, seconds: float) -> float:
    """Checks of a hash a second, by argon2-cffi alone."""
    checks, end = PasswordHasher(), time.perf_counter() + seconds

    def check(_: int) -> int:
        done = 0
        while time.perf_counter() < end:
            checks.verify(people.PASSWORD_HASH, people.PASSWORD)
            done += 1
        return done

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(check, range(threads))) / (time.perf_counter() - began)


@contextmanager
def _hashing(programs: int) -> Iterator[None]:
    """While as many programs as the server has processes for it check hashes, of which the server knows nothing."""
    others = [multiprocessing.Process(target=_aside, daemon=True) for _ in range(programs)]
    for other in others:
        other.start()
    yield
    for other in others:
        other.kill()


def _aside() -> None:
    os.nice(10)
    _bare(1, 3600)


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


def _rate(site: Site, requests: list[bytes], connections: int) -> float:
    """Sign-ins a second."""
    began = time.perf_counter()
    for answer in ask(site.address("public"), requests, connections):
        assert answer.status == 200, answer
    return len(requests) / (time.perf_counter() - began)


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
