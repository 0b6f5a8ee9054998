"""Bringing in the people of a file, in units that are stored whole. Imported by that command alone: the others do not
wait for it.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from nightlatch.app import hasher_of, vault_of
from nightlatch.cli.entries import Entry, Unreadable, entries
from nightlatch.cli.opened import REFUSED, check_schemas, complain, with_store
from nightlatch.config import Config as Settings
from nightlatch.core.administration.arrivals import Arrival, Found, Newcomer, Standing, bring_in, seen, settle
from nightlatch.core.administration.identities import hash_passwords
from nightlatch.core.credentials.hashing import Hasher
from nightlatch.core.credentials.model import Config
from nightlatch.core.credentials.person import Vault
from nightlatch.core.events.model import Act
from nightlatch.core.identities.schemas import Schemas
from nightlatch.core.store import Store
from nightlatch.doors.http.json_gate import gate
from nightlatch.doors.kratos import bodies, moving
from nightlatch.doors.kratos.errors import Malformed
from nightlatch.kernel.ids import id_text
from nightlatch.problems import Invalid

_UNIT, _UNIT_BYTES = 1000, 4 << 20


class Refused(msgspec.Struct):
    """A line of the file of those that were refused; `entry` is text where it is not JSON."""

    line: int
    reason: str
    entry: msgspec.Raw | str


class Settled(NamedTuple):
    """An entry and whom it makes. A plain password is beside them until it is hashed: most of the time goes there, and
    none of it for who is here already."""

    entry: Entry
    arrival: Arrival
    newcomer: Newcomer
    plain: Config


def bring(settings: Settings, file: Path, refused: Path) -> int:
    """Imports `file` (`-`: standard input); the exit code. Whoever is refused is written to `refused`."""
    schemas, vault, hasher = check_schemas(settings), vault_of(settings), hasher_of(settings)

    async def work(store: Store, act: Act) -> int:
        with _opened(file) as source, contextlib.closing(_RefusedFile(refused)) as rest:
            counts, began = Counter[Standing](), time.monotonic()
            importing = Importing(store, act, schemas, vault, hasher, settings.nightlatch.hashing.threads)
            try:
                with _progress(source) as show:
                    for unit in _units(entries(source)):
                        outcome, out = await importing.take(unit)
                        counts.update(outcome)
                        rest.write(out)
                        show(counts.total() + rest.count)
            finally:
                _summarise(counts, rest, time.monotonic() - began)
            return REFUSED if rest.count else 0

    try:
        return with_store(settings, work)
    except Unreadable as error:
        complain(f"{file}: {error}")
    except OSError as error:
        complain(str(error))
    finally:
        hasher.close()
    return REFUSED


class Importing:
    """One run. Every entry is a microsecond younger than the one before it: when an identity was written tells the line
    that made it, and nothing has to be remembered of a file of any length."""

    def __init__(self, store: Store, act: Act, schemas: Schemas, vault: Vault, hasher: Hasher, threads: int) -> None:
        self._store, self._act = store, act
        self._schemas, self._vault, self._hasher = schemas, vault, hasher
        self._hashing = asyncio.Semaphore(2 * threads)

    async def take(self, unit: Sequence[Entry]) -> tuple[list[Standing], list[Refused]]:
        """Stores those of `unit` that can be: what became of them, and who was refused."""
        outcome: list[Standing] = []
        refused: list[Refused] = []

        def note(one: Settled, found: Found) -> None:
            line = found.identity.updated_at - self._act.now
            if found.standing is Standing.NEW or (found.standing is Standing.HERE and not 0 < line < one.entry.number):
                outcome.append(found.standing)
            else:
                refused.append(_refused(one.entry, _in_the_way(found, line if line < one.entry.number else 0)))

        settled = [one for entry in unit if (one := self._settled(entry, refused))]
        settled = await self._hashed(settled, refused, note)
        newcomers = [each.newcomer for each in settled]
        for pair in zip(settled, await self._store.write(lambda tx: bring_in(tx, self._act, newcomers)), strict=True):
            note(*pair)
        return outcome, sorted(refused, key=lambda each: each.line)

    def _settled(self, entry: Entry, refused: list[Refused]) -> Settled | None:
        try:
            if entry.wrong:
                raise Invalid(entry.wrong)
            gate(entry.raw)
            profile = moving.profile(bodies.decode(entry.raw, moving.Moved), self._schemas.default_id)
            act = msgspec.structs.replace(self._act, now=self._act.now + entry.number)
            password = profile.credentials.get("password", {})
            plain = password if password.get("password") else {}
            if plain:
                rest = {type_: each for type_, each in profile.credentials.items() if type_ != "password"}
                profile = msgspec.structs.replace(profile, credentials=rest)
            arrival = Arrival(act, profile, entry.raw)
            return Settled(entry, arrival, settle(self._schemas, self._vault, arrival), plain)
        except Malformed as problem:
            refused.append(_refused(entry, problem.reason or problem.message))
        except Invalid as problem:
            refused.append(_refused(entry, problem.reason))
        return None

    async def _hashed(
        self, settled: list[Settled], refused: list[Refused], note: Callable[[Settled, Found], None]
    ) -> list[Settled]:
        """All of them with no plain password left, without those who are here already."""
        plain = [one for one in settled if one.plain]
        if not plain:
            return settled
        found = await self._store.read(lambda tx: seen(tx, self._act, [one.newcomer for one in plain]))
        known = {one.entry.number: each for one, each in zip(plain, found, strict=True) if each}
        for one in plain:
            if one.entry.number in known:
                note(one, known[one.entry.number])
        left = [one for one in settled if one.entry.number not in known]
        return [one for one in await asyncio.gather(*(self._hash(one, refused) for one in left)) if one]

    async def _hash(self, one: Settled, refused: list[Refused]) -> Settled | None:
        if not one.plain:
            return one
        try:
            async with self._hashing:
                hashed = await hash_passwords(self._hasher, {"password": one.plain})
        except Invalid as problem:
            refused.append(_refused(one.entry, problem.reason))
            return None
        profile = one.arrival.profile
        profile = msgspec.structs.replace(profile, credentials={**profile.credentials, **hashed})
        arrival = msgspec.structs.replace(one.arrival, profile=profile)
        return one._replace(arrival=arrival, newcomer=settle(self._schemas, self._vault, arrival))


class _RefusedFile:
    """The file of who was refused, made with the first of them: it holds what they hold, hashes too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: BinaryIO | None = None

    def write(self, refused: Sequence[Refused]) -> None:
        if refused and self._file is None:
            self.path.unlink(missing_ok=True)
            self._file = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        if self._file:
            self._file.writelines(msgspec.json.encode(each) + b"\n" for each in refused)
            self._file.flush()
            self.count += len(refused)

    def close(self) -> None:
        if self._file:
            self._file.close()


def _units(each: Iterable[Entry]) -> Iterator[list[Entry]]:
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


def _refused(entry: Entry, reason: str) -> Refused:
    try:
        entry.raw.decode()
        return Refused(entry.line, reason, msgspec.Raw(msgspec.json.format(entry.raw, indent=-1)))
    except (ValueError, RecursionError):
        return Refused(entry.line, reason, entry.raw.decode(errors="backslashreplace"))


def _in_the_way(found: Found, line: int) -> str:
    holder = f"the identity of entry {line} of this file" if line > 0 else f"the identity {id_text(found.identity.id)}"
    if found.standing is Standing.HERE:
        return f"This is {holder} once more."
    if found.name is None:
        return f"The id is that of {holder}, which is another."
    return f"The {found.name.kind} {found.name.value} is held by {holder}."


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    with path.open("rb") as file:
        yield file


@contextlib.contextmanager
def _progress(source: BinaryIO) -> Iterator[Callable[[int], None]]:
    """Shows how far `source` was read, and how many entries were; on a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    status = os.fstat(source.fileno())
    size = status.st_size if source.seekable() and status.st_size else None
    columns = (BarColumn(), TimeRemainingColumn()) if size else (SpinnerColumn(),)
    with Progress(TextColumn("{task.description}"), *columns, console=console, transient=True) as progress:
        task, began = progress.add_task("", total=size), time.monotonic()

        def show(count: int) -> None:
            rate = count / (time.monotonic() - began)
            position = source.tell() if size else 0
            progress.update(task, completed=position, description=f"{count:,} entries, {rate:,.0f} a second")

        yield show


def _summarise(counts: Counter[Standing], rest: _RefusedFile, seconds: float) -> None:
    total = counts.total() + rest.count
    refused = f"{rest.count:,} refused" + (f" ({rest.path})" if rest.count else "")
    print(
        f"{counts[Standing.NEW]:,} imported, {counts[Standing.HERE]:,} already there, {refused};"
        f" {seconds:.1f} s, {total / max(seconds, 1e-6):,.0f} a second",
        file=sys.stderr,
    )
