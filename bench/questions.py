"""Questions over a million sessions and 200,000 identities, and endings by filter, in this process (bench/seed.py).
Prints a table."""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

from bench import people, seed  # noqa: E402

from nightlatch.core.administration import finding  # noqa: E402
from nightlatch.core.administration import sessions as rules  # noqa: E402
from nightlatch.core.administration.work import KNOWN_MOST  # noqa: E402
from nightlatch.core.events.model import Act  # noqa: E402
from nightlatch.core.identities import question as identities  # noqa: E402
from nightlatch.core.identities.model import Filling  # noqa: E402
from nightlatch.core.jobs.model import Which  # noqa: E402
from nightlatch.core.organizations.model import DEFAULT  # noqa: E402
from nightlatch.core.sessions.model import How  # noqa: E402
from nightlatch.core.sessions.question import Question, filter_of  # noqa: E402
from nightlatch.core.store import Store  # noqa: E402
from nightlatch.kernel.clock import moment  # noqa: E402
from nightlatch.kernel.ids import id_text  # noqa: E402
from nightlatch.problems import QueryTooBroad  # noqa: E402
from nightlatch.stores.opening import open_store  # noqa: E402

NEWEST = people.session(people.SESSIONS - 1).created_at
SINCE = f'created_at ge "{moment(people.session(people.SESSIONS - 30_000).created_at).isoformat()}"'
LATELY = f'created_at ge "{moment(people.session(people.SESSIONS - KNOWN_MOST).created_at).isoformat()}"'
QUESTIONS = {
    "everything": "created_at pr",
    "one identity's": f'identity.id eq "{id_text(people.identity_id(7))}"',
    "the newest 30,000": SINCE,
    "of the newest 30,000, by device": f'{SINCE} and device.user_agent co "firefox"',
    "nobody, which no index tells": 'device.ip eq "no address"',
    "a trait of one": 'traits.name.last eq "number 77"',
    "a trait of some hundred": 'traits.name.last sw "number 123"',
    "a trait of everybody": 'traits.name.first eq "ada"',
}
IDENTITIES = {
    "identities: everybody": "created_at pr",
    **{f"identities: {says}": text for says, text in QUESTIONS.items() if "traits." in text},
}
_TIMES = 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    store = parser.parse_args().store
    with seed.opened(store) as dsn:
        asyncio.run(_measure(dsn, store))


async def _measure(dsn: str, name: str) -> None:
    store = await open_store(dsn, lambda _: None)
    try:
        await store.write(_filled)
        print(f"| {name}: p50 of {_TIMES}, ms | a page of 100 | total | total and facets |\n|---|---:|---:|---:|")
        for says, text in QUESTIONS.items():
            for scan in (False, True):
                print(f"| {says}{', allow_scan' * scan} | {' | '.join(await _asked(store, text, scan=scan))} |")
        for says, text in IDENTITIES.items():
            for scan in (False, True):
                found = await _identities(store, text, scan=scan)
                print(f"| {says}{', allow_scan' * scan} | {' | '.join(found)} |")
        for how in How:
            print(f"| {KNOWN_MOST:,} ended by filter, {how}: rows a second | {await _ended(store, how):,.0f} | | |")
    finally:
        await store.close()


async def _filled(tx: Any) -> None:
    """Says of the traits that they are, which the seed does by itself."""
    await tx.searchable.hold()
    await tx.searchable.save(Filling(people.schemas.marks, people.schemas.marks))


async def _identities(store: Store, text: str, *, scan: bool) -> list[str]:
    question = identities.Question(DEFAULT, identities.filter_of(text, people.schemas.traits))
    ways: list[Callable[[Any], Awaitable[object]]] = [
        lambda tx: finding.page(tx, question, None, 101, allow_scan=scan),
        lambda tx: finding.summary(tx, question, allow_scan=scan),
        lambda tx: finding.summary(tx, question, ["default"], allow_scan=scan),
    ]
    return [await _timed(store, way) for way in ways]


async def _asked(store: Store, text: str, *, scan: bool) -> list[str]:
    question = Question(DEFAULT, NEWEST, None, filter_of(text, people.schemas.traits))
    ways: list[Callable[[Any], Awaitable[object]]] = [
        lambda tx: rules.page(tx, question, None, 101, allow_scan=scan),
        lambda tx: rules.summary(tx, question, facets=False, allow_scan=scan),
        lambda tx: rules.summary(tx, question, allow_scan=scan),
    ]
    return [await _timed(store, way) for way in ways]


async def _timed(store: Store, way: Callable[[Any], Awaitable[object]]) -> str:
    times, refused = [], ""
    for _ in range(_TIMES):
        began = time.perf_counter()
        try:
            await store.scan(way)
        except QueryTooBroad:
            refused = " (refused)"
        times.append(1000 * (time.perf_counter() - began))
    return f"{statistics.median(times):,.1f}{refused}"


async def _ended(store: Store, how: How) -> float:
    act = Act(DEFAULT, "bench", NEWEST, os.urandom)
    began = time.perf_counter()
    ended = await rules.end_matching(store, act, Which(NEWEST, LATELY, how=how), {}, "bench")
    assert isinstance(ended, int)
    return ended / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
