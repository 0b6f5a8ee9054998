"""Ending very many sessions at once, in this process, with a million in the database (bench/seed.py).

Half of them are in an organization that ends whole; of the others 1,000 people end in one unit. Then the rows are
marked, while sessions are checked. Prints a Markdown table.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

from bench import people, seed  # noqa: E402

from nightlatch.core.events.model import Act  # noqa: E402
from nightlatch.core.organizations.model import DEFAULT  # noqa: E402
from nightlatch.core.sessions.marking import AT_ONCE, mark  # noqa: E402
from nightlatch.core.sessions.model import How, Where  # noqa: E402
from nightlatch.core.sessions.rules import Lifetime, check, end  # noqa: E402
from nightlatch.core.store import Store  # noqa: E402
from nightlatch.kernel.clock import DAY  # noqa: E402
from nightlatch.problems import SessionRequired  # noqa: E402
from nightlatch.stores.opening import open_store  # noqa: E402
from nightlatch.stores.sql.statement import sql  # noqa: E402

OTHER = bytes(15) + b"\x02"
HALF = people.IDENTITIES // 2  # those below move to OTHER
LIFETIME = Lifetime(3650 * DAY, DAY)
NOW = people.session(people.SESSIONS).created_at
SAMPLE = 2_000
_MOVES = (
    sql("update identities set organization_id = $1 where id in (select value from carray($2))"),
    sql("update sessions set organization_id = $1 where identity_id in (select value from carray($2))"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    store = parser.parse_args().store
    with seed.opened(store) as dsn:
        figures = asyncio.run(_measure(dsn))
    print(f"| {store} | |\n|---|---:|")
    for name, value in figures.items():
        print(f"| {name} | {value:,.2f} |")


async def _measure(dsn: str) -> dict[str, float]:
    store = await open_store(dsn, lambda _: None)
    try:
        await _move_half(store)
        quiet = await checks(store, asyncio.sleep(3))
        gone, kept = range(0, HALF, HALF // SAMPLE), range(HALF, people.IDENTITIES, HALF // SAMPLE)
        all_ms = await _end(store, OTHER, Where(everybody=True))
        figures = {
            f"all of an organization with {people.SESSIONS // 2:,}, ms": all_ms,
            "of those accepted since": await _accepted(store, gone),
            "of others refused since": len(kept) - await _accepted(store, kept),
        }
        thousand = tuple(people.identity_id(n) for n in range(HALF, HALF + 1000))
        figures["1,000 people in one unit, ms"] = await _end(store, DEFAULT, Where(identity_ids=thousand))
        figures["of those accepted since"] += await _accepted(store, range(HALF, HALF + 1000))
        began, marking = time.perf_counter(), asyncio.create_task(_mark_all(store))
        busy = await checks(store, marking)
        figures["rows marked a second"] = marking.result() / (time.perf_counter() - began)
        for when, waits in (("nothing else to do", quiet), ("rows being marked", busy)):
            figures[f"a check with {when}, p50 ms"] = statistics.median(waits)
            figures[f"a check with {when}, p99 ms"] = statistics.quantiles(waits, n=100)[98]
        return figures
    finally:
        await store.close()


async def _move_half(store: Store) -> None:
    ids = [people.identity_id(n) for n in range(HALF)]

    async def make(tx: Any) -> None:
        add = sql("insert into organizations (id, name, created_at) values ($1, 'other', 0)")
        await tx.sessions._connection.run(add, OTHER)  # noqa: SLF001

    await store.write(make)
    for start in range(0, HALF, 1000):

        async def move(tx: Any, some: list[bytes] = ids[start : start + 1000]) -> None:
            connection = tx.sessions._connection  # noqa: SLF001
            for statement in _MOVES:
                await connection.run(statement, OTHER, connection.array(some))

        await store.write(move)


async def _end(store: Store, organization: bytes, where: Where) -> float:
    act = Act(organization, "bench", time.time_ns() // 1000, os.urandom)
    began = time.perf_counter()
    await store.write(lambda tx: end(tx, act, where, How.DISABLE, "bench"))
    return 1000 * (time.perf_counter() - began)


async def _mark_all(store: Store) -> int:
    rows = 0
    while done := await store.write(lambda tx: mark(tx, AT_ONCE)):
        rows += done
    return rows


async def _accepted(store: Store, numbers: Sequence[int]) -> int:
    return sum([await _check(store, n) for n in numbers])


async def _check(store: Store, n: int) -> bool:
    try:
        await store.read(lambda tx: check(tx, people.token(n), LIFETIME, NOW))
    except SessionRequired:
        return False
    return True


async def checks(store: Store, until: Awaitable[object]) -> list[float]:
    """How long each of 200 checks a second takes, until that is done; with what the loop was late, in milliseconds."""
    waits, other = [], asyncio.ensure_future(until)
    due, n = time.perf_counter(), 0
    while not other.done():
        due, n = due + 0.005, (n + 7919) % people.SESSIONS
        await asyncio.sleep(max(0, due - time.perf_counter()))
        await _check(store, n)
        waits.append(1000 * (time.perf_counter() - due))
    return waits


if __name__ == "__main__":
    main()
