"""What becomes slower as a database grows, in this process: every kind of list page, the session check, endings, a
batch of new people; and the memory and start of a server on it. Prints tables (README.md).
"""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

ROOT = Path(__file__).parents[1]
# Not this file's own folder, where Python would take http.py for the standard library's.
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

import msgspec  # noqa: E402
from bench import figures, people, plot, seed, servers  # noqa: E402
from bench.postgres import Postgres  # noqa: E402

from nightlatch.core.administration import audit, sessions  # noqa: E402
from nightlatch.core.administration.identities import create_many  # noqa: E402
from nightlatch.core.credentials.person import names_of  # noqa: E402
from nightlatch.core.events.model import Act  # noqa: E402
from nightlatch.core.events.question import Question as LogQuestion  # noqa: E402
from nightlatch.core.identities.model import Filter as Who  # noqa: E402
from nightlatch.core.identities.model import Name  # noqa: E402
from nightlatch.core.organizations.model import DEFAULT  # noqa: E402
from nightlatch.core.sessions.model import Filter, How, Position, Session, Where  # noqa: E402
from nightlatch.core.sessions.question import Question, filter_of  # noqa: E402
from nightlatch.core.sessions.rules import Lifetime, check, end  # noqa: E402
from nightlatch.kernel.clock import DAY, moment  # noqa: E402
from nightlatch.problems import SessionRequired  # noqa: E402
from nightlatch.stores.opening import open_store  # noqa: E402
from nightlatch.stores.sql.statement import sql  # noqa: E402

STORES = ("sqlite", "postgres")
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
LIFETIME = Lifetime(3650 * DAY, DAY)
_EACH = 5  # sessions of one identity
_PAGE = 251
_ENDED = 1000  # sessions of the oldest people: of those some have ended
_TIMES = 100
_NEW = 1_000_000_000  # the numbers of people that are nowhere yet
_PAGES, _SEARCHES = "page: ", "search: "
Unit = Callable[[Any], Awaitable[object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=[*STORES, "both"], default="both")
    parser.add_argument("--most", type=int, default=SIZES[2], help="sessions in the largest database")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw how many times as long everything takes")
    options = parser.parse_args()
    sizes = [size for size in SIZES if size <= options.most]
    stores = STORES if options.store == "both" else (options.store,)
    found = {store: _grow(store, sizes) for store in stores}
    for store, tables in found.items():
        _print(store, sizes, tables)
    if options.plot:
        plot.write(options.plot, sizes, {store: _ratios(tables) for store, tables in found.items()})


def _grow(store: str, sizes: Sequence[int]) -> list[figures.Figures]:
    seed.BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=seed.BUILD) as name, _database(store, Path(name)) as (dsn, pids):
        found, before = [], 0
        for size in sizes:
            print(f"{store}: {size:,}", file=sys.stderr, flush=True)
            asyncio.run(_fill(dsn, before, size))
            found.append(asyncio.run(_measure(dsn, size)) | _served(Path(name), store, dsn, pids))
            before = size
        return found


@contextmanager
def _database(store: str, folder: Path) -> Iterator[tuple[str, list[int]]]:
    if store == "sqlite":
        yield f"sqlite://{folder}/nightlatch.sqlite", []
        return
    with Postgres.fresh(folder / "postgres") as server:
        yield server.dsn, [server.pid]


async def _fill(dsn: str, before: int, size: int) -> None:
    rows = seed.batches(range(before // _EACH, size // _EACH), range(before, size), _session)
    if dsn.startswith("sqlite:"):
        await seed.fill_sqlite(Path(dsn.removeprefix("sqlite://")), rows)
    else:
        await seed.fill_postgres(dsn, rows)


def _session(n: int) -> Session:
    """The session of that number, of whoever is there at every size."""
    return msgspec.structs.replace(people.session(n), identity_id=people.identity_id(n // _EACH))


async def _measure(dsn: str, size: int) -> figures.Figures:
    store = await open_store(dsn)
    try:
        lists = {_PAGES: _pages(size), _SEARCHES: _searches(size)}
        named = [(f"{kind}{name}, ms", unit) for kind, units in lists.items() for name, unit in units.items()]
        found = {name: await _timed(store.scan, [unit] * _TIMES) for name, unit in named}
        step = max(1, size // 2_000)
        checks = [_check(people.token(n)) for n in range(_ENDED, size, step)]
        found["session check, ms"] = await _timed(store.read, checks)
        for name, units in _writes(size).items():
            found[f"{name}, ms"] = await _timed(store.write, units)
        await store.write(_everybody_back)
        return found
    finally:
        await store.close()


def _pages(size: int) -> dict[str, Unit]:
    """Every kind of list, at its beginning, in its middle and at its end."""
    newest, many = people.session(size), size // _EACH
    somebody = people.identity_id(many // 2)
    whose = Question(DEFAULT, newest.created_at, None, filter_of('identity.external_id eq "external-7"'))
    found: dict[str, Unit] = {
        "sessions of an identity": _sessions(size, None, identity_id=somebody),
        "sessions in force, middle": _sessions(size, size // 2, active=True),
        "sessions by a filter on whose": lambda tx: sessions.page(tx, whose, None, _PAGE),
        "events, first": lambda tx: audit.page(tx, LogQuestion(DEFAULT, None), None, _PAGE, allow_scan=True),
        "identities by name": _identities(None, identifiers=(Name("password", people.email(7)),)),
        "identities of a schema, middle": _identities(many // 2, schema_id="default"),
    }
    for name, at in (("first", None), ("middle", size // 2), ("last", _PAGE)):
        found[f"sessions, {name}"] = _sessions(size, at)
    for name, at in (("first", None), ("middle", many // 2), ("last", many - _PAGE)):
        found[f"identities, {name}"] = _identities(at)
    return dict(sorted(found.items()))


def _searches(size: int) -> dict[str, Unit]:
    """Lists that read what fits before they can show the first of it."""
    half = moment(people.session(size // 2).created_at).isoformat()
    where = filter_of(f'created_at lt "{half}" and device.kind eq "desktop"')
    question = Question(DEFAULT, people.session(size).created_at, None, where)
    return {
        "sessions by time and device": lambda tx: sessions.page(tx, question, None, _PAGE),
        "identities by the beginning of a name": _identities(None, prefixes=(Name("password", "person-1"),)),
    }


def _sessions(size: int, after: int | None, **where: Any) -> Unit:
    now = people.session(size).created_at
    row = None if after is None else people.session(after)
    place = None if row is None else Position(row.created_at, row.id)
    return lambda tx: tx.sessions.list(DEFAULT, Filter(**where), now, place, 0, _PAGE)


def _identities(after: int | None, **where: Any) -> Unit:
    place = None if after is None else people.identity_id(after)
    return lambda tx: tx.identities.list(DEFAULT, Who(**where), place, 0, _PAGE)


def _check(token: str) -> Unit:
    async def unit(tx: Any) -> None:
        with contextlib.suppress(SessionRequired):  # some ended at the size before
            await check(tx, token, LIFETIME, people.session(0).created_at)

    return unit


def _writes(size: int) -> dict[str, list[Unit]]:
    """Those that end one or all of somebody take the oldest people, everybody comes last."""
    numbers = range(0, 40 * _EACH, _EACH)
    one = [_ending(Where(session_id=people.session_id(n))) for n in numbers]
    all_of_one = [_ending(Where(identity_id=people.identity_id(n // _EACH + 1))) for n in numbers]
    batches = [_batch(range(_NEW + size * 10 + n, _NEW + size * 10 + n + 1000)) for n in range(0, 9000, 1000)]
    return {
        "end a session": one,
        "end all sessions of an identity": all_of_one,
        "batch of 1,000 identities, stored": batches,
        "end all sessions of everybody": [_ending(Where(everybody=True))],
    }


def _ending(where: Where) -> Unit:
    return lambda tx: end(tx, _act(), where, How.DISABLE, "bench")


def _batch(numbers: range) -> Unit:
    named = [(person, names_of(person)) for person in map(people.person, numbers)]
    return lambda tx: create_many(tx, _act(), named)


def _act() -> Act:
    return Act(DEFAULT, "bench", time.time_ns() // 1000, os.urandom)


async def _everybody_back(tx: Any) -> None:
    """So that the next size finds sessions in force. Of those that ended, a thousand rows are marked."""
    for text in ("update organizations set ended_before = 0", "delete from endings"):
        await tx.sessions._connection.run(sql(text))  # noqa: SLF001


async def _timed(way: Callable[[Unit], Awaitable[object]], units: Sequence[Unit]) -> float:
    """In milliseconds, the lower decile: what else the machine does meanwhile is not measured."""
    times = []
    for unit in units:
        began = time.perf_counter()
        await way(unit)
        times.append(1000 * (time.perf_counter() - began))
    return quantiles(times, n=10, method="inclusive")[0] if len(times) > 1 else times[0]


def _served(folder: Path, store: str, dsn: str, pids: list[int]) -> figures.Figures:
    with ExitStack() as stack:
        site, server = stack.enter_context(servers.serving(folder, store, dsn, pids))
        site.ask("public", [site.public("GET", "/sessions/whoami", token=people.token(n)) for n in range(_ENDED, 6000)])
        site.ask("admin", [site.admin("GET", "/admin/sessions?page_size=250")] * 20)
        return figures.memory(site) | figures.start(server, 3)


def _ratios(tables: Sequence[figures.Figures]) -> dict[str, list[float]]:
    return {name: [table[name] / first for table in tables] for name, first in tables[0].items()}


def _print(store: str, sizes: Sequence[int], tables: Sequence[figures.Figures]) -> None:
    print(f"\n| {store} | " + " | ".join(f"{size:,}" for size in sizes) + " | last to first |")
    print("| --- |" + " ---: |" * (len(sizes) + 1))
    ratios = _ratios(tables)
    for name in ratios:
        cells = [f"{table[name]:,.2f}" for table in tables]
        print(f"| {name} | " + " | ".join(cells) + f" | {ratios[name][-1]:.2f} |")
    worst = max((each[-1], name) for name, each in ratios.items() if name.startswith(_PAGES))
    print(f"\n{store}: no list page takes more than {worst[0]:.2f} times as long ({worst[1]})")


if __name__ == "__main__":
    main()
