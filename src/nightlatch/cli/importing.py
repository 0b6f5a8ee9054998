"""Bringing in the people of a file, in units that are stored whole. Imported by that command alone: the others do not
wait for it.
"""

import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from nightlatch.cli.entries import Entry, Unreadable, entries
from nightlatch.cli.import_report import RefusedFile, Report, progress
from nightlatch.cli.opened import REFUSED, Database, check_schemas, complain
from nightlatch.core.administration.arrivals import Arrival, Newcomer, bring_in, recognise, settle, sketch
from nightlatch.core.administration.identities import hash_passwords
from nightlatch.core.credentials.hashing import Hasher
from nightlatch.core.credentials.person import Profile, Vault
from nightlatch.core.credentials.policy import check_length
from nightlatch.core.events.model import Act
from nightlatch.core.identities.schemas import Schemas
from nightlatch.core.store import Store
from nightlatch.doors.http.json_gate import gate
from nightlatch.doors.kratos import bodies, moving
from nightlatch.problems import Conflict, Invalid
from nightlatch.wiring import hasher_of, vault_of

T = TypeVar("T")
U = TypeVar("U")
_UNIT, _UNIT_BYTES = 1000, 4 << 20
_TURN = 20
_MOST_VALUES = 350_000  # as many as 1 MiB holds; an empty list is 3 bytes in the file, and 200 while it is looked at


def bring(database: Database, file: Path, refused: Path) -> int:
    """Imports `file` (`-`: standard input); the exit code. Whoever is refused is written to `refused`."""
    config = database.settings
    schemas, vault, hasher = check_schemas(config), vault_of(config), hasher_of(config)

    async def work(store: Store, act: Act) -> int:
        importing = Importing(store, act, schemas, vault, hasher, config.nightlatch.hashing.processes)
        report, began = importing.report, time.monotonic()
        with _opened(file) as source, contextlib.closing(RefusedFile(refused)) as others:
            try:
                with progress(source) as show:
                    async for _ in importing.run(_units(entries(source))):
                        others.write(report.refusals)
                        show(report.total)
            finally:
                print(report.summary(time.monotonic() - began, refused), file=sys.stderr)
        if not report.total:
            complain(f"{file} holds no entries.")
        return REFUSED if report.refused or not report.total else 0

    try:
        with _without_garbage():
            return database.ask(work)
    except (Unreadable, OSError) as error:
        complain(str(error) if isinstance(error, OSError) else f"{file}: {error}")
        return REFUSED
    finally:
        hasher.close()


class Importing:
    """One run. Every entry is a microsecond younger than the one before it: when an identity was written tells the line
    that made it, and nothing has to be remembered of a file of any length."""

    def __init__(self, store: Store, act: Act, schemas: Schemas, vault: Vault, hasher: Hasher, processes: int) -> None:
        self.report = Report(act.now)
        self._store, self._act = store, act
        self._schemas, self._vault, self._hasher = schemas, vault, hasher
        self._hashing = asyncio.Semaphore(2 * processes)
        self._looking = True

    async def run(self, units: Iterable[Sequence[Entry]]) -> AsyncIterator[None]:
        """Stores all that can be; a step for each unit that is done with."""
        stored: asyncio.Task[None] | None = None
        for unit in units:
            ready = await self._prepare(unit)
            if stored:
                await stored
                yield
            stored = asyncio.create_task(self._put(ready))
            if not self._store.remote:
                await stored
        if stored:
            await stored
            yield

    async def _prepare(self, unit: Sequence[Entry]) -> list[tuple[Entry, Newcomer]]:
        arriving = await self._each(self._read, [(entry, entry) for entry in unit])
        strangers = await self._strangers(arriving)
        hashed = await asyncio.gather(*(self._hashed(arrival) for _, arrival in strangers))
        return await self._each(
            partial(settle, self._schemas, self._vault), zip((entry for entry, _ in strangers), hashed, strict=True)
        )

    async def _put(self, ready: list[tuple[Entry, Newcomer]]) -> None:
        newcomers = [newcomer for _, newcomer in ready]
        try:
            found = await self._store.write(lambda tx: bring_in(tx, self._act, newcomers)) if newcomers else []
        except Conflict:
            # Somebody else stores the same people now, or an id is another organization's: one of them is in the way.
            if len(ready) > 1:
                for one in ready:
                    await self._put([one])
            else:
                self.report.refuse(ready[0][0], "Its id is taken.")
            return
        for (entry, _), each in zip(ready, found, strict=True):
            self.report.note(entry, each)

    async def _each(self, work: Callable[[T], U], pairs: Iterable[tuple[Entry, T]]) -> list[tuple[Entry, U]]:
        """What `work` makes of each, without those that it refuses. A database elsewhere has its turn in between."""
        made: list[tuple[Entry, U]] = []
        for n, (entry, each) in enumerate(pairs):
            if n % _TURN == 0:
                await asyncio.sleep(0)
            one = self.report.attempt(entry, work, each)
            if one is not None:
                made.append((entry, one))
        return made

    def _read(self, entry: Entry) -> Arrival:
        if entry.wrong:
            raise Invalid(entry.wrong)
        if entry.raw.count(b",") > _MOST_VALUES:
            raise Invalid(f"The entry holds more than {_MOST_VALUES:,} values.")
        gate(entry.raw)
        body = bodies.decode(entry.raw, moving.Moved)
        profile = moving.profile(body, self._schemas.default_id, self._act.organization)
        if _plain(profile):
            check_length(profile.credentials["password"]["password"])
        act = msgspec.structs.replace(self._act, now=self._act.now + entry.number)
        return Arrival(act, profile, entry.raw)

    async def _strangers(self, arriving: list[tuple[Entry, Arrival]]) -> list[tuple[Entry, Arrival]]:
        """Those who are not known to be here. Where nobody was found before, only they are looked for whose password is
        plain: hashing it costs a thousand times as much."""
        sought = [pair for pair in arriving if self._looking or _plain(pair[1].profile)]
        if not sought:
            return arriving
        sketched = await self._each(partial(sketch, self._schemas), sought)
        sketches = [one for _, one in sketched]
        found = await self._store.read(lambda tx: recognise(tx, self._act, sketches))
        left = {entry.number for entry, _ in arriving} - {entry.number for entry, _ in sought}
        for (entry, _), each in zip(sketched, found, strict=True):
            if each:
                self.report.note(entry, each)
            else:
                left.add(entry.number)
        self._looking = any(found)
        return [pair for pair in arriving if pair[0].number in left]

    async def _hashed(self, arrival: Arrival) -> Arrival:
        if not _plain(arrival.profile):
            return arrival
        async with self._hashing:
            credentials = await hash_passwords(self._hasher, arrival.profile.credentials)
        profile = msgspec.structs.replace(arrival.profile, credentials=credentials)
        return msgspec.structs.replace(arrival, profile=profile)


@contextlib.contextmanager
def _without_garbage() -> Iterator[None]:
    # What is made for an entry goes with its unit, and has no cycles: looking for some took a quarter of the time.
    before = gc.get_threshold()
    gc.set_threshold(100_000)
    yield
    gc.set_threshold(*before)


def _plain(profile: Profile) -> bool:
    return bool(profile.credentials.get("password", {}).get("password"))


def _units(each: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Few enough for one transaction, and small enough for the memory."""
    unit: list[Entry] = []
    size = 0
    for entry in each:
        unit.append(entry)
        size += len(entry.raw)
        if len(unit) == _UNIT or size > _UNIT_BYTES:
            yield unit
            unit, size = [], 0
    if unit:
        yield unit


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    with path.open("rb") as file:
        yield file
