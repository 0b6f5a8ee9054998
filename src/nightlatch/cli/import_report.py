"""What an import tells: a bar while it runs, a summary in the end, and a file of who was refused."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from nightlatch.cli.entries import Entry
from nightlatch.cli.opened import private_file
from nightlatch.core.administration.arrivals import Found, Standing
from nightlatch.doors.kratos.errors import Malformed
from nightlatch.kernel.ids import id_text
from nightlatch.problems import Invalid

T = TypeVar("T")
P = ParamSpec("P")


class Refusal(msgspec.Struct):
    """A line of the file of those that were refused; `entry` is text where it is not JSON."""

    line: int
    reason: str
    entry: msgspec.Raw | str


class Report:
    """What became of the entries so far; `refusals` are those that are not written down yet. `began` is the time of the
    run: what was written since then is of this file."""

    def __init__(self, began: int) -> None:
        self._began = began
        self._counts = Counter[Standing]()
        self.refusals: list[Refusal] = []
        self.refused = 0

    @property
    def total(self) -> int:
        return self._counts.total() + self.refused

    def attempt(self, entry: Entry, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T | None:
        """What `work` makes of the arguments; None when it refuses the entry."""
        try:
            return work(*arguments, **options)
        except Invalid as problem:
            self.refuse(entry, problem.message if isinstance(problem, Malformed) else problem.reason)
            return None

    def note(self, entry: Entry, found: Found) -> None:
        number = found.identity.updated_at - self._began
        holder = f"the identity {id_text(found.identity.id)}"
        if of_this_file := 0 < number < entry.number:
            holder = f"entry {number} of this file"
        if found.standing is Standing.TAKEN:
            what = f"{found.name.kind} {found.name.value}" if found.name else "id"
            self.refuse(entry, f"The {what} is that of {holder}.")
        elif found.standing is Standing.HERE and of_this_file:
            self.refuse(entry, f"It is {holder} once more.")
        else:
            self._counts[found.standing] += 1

    def summary(self, seconds: float, path: Path) -> str:
        new, here = self._counts[Standing.NEW], self._counts[Standing.HERE]
        refused = f"{self.refused:,} refused" + (f" ({path})" if self.refused else "")
        rate = self.total / max(seconds, 1e-6)
        return f"{new:,} imported, {here:,} already there, {refused}; {seconds:.1f} s, {rate:,.0f} a second"

    def refuse(self, entry: Entry, reason: str) -> None:
        self.refused += 1
        self.refusals.append(Refusal(entry.line, reason, _shown(entry.raw)))


class RefusedFile:
    """The file of who was refused, made with the first of them and read by its owner only: hashes are in it, too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def write(self, refusals: list[Refusal]) -> None:
        """Writes them down in the order of their lines, and empties the list."""
        if refusals and self._file is None:
            self._file = private_file(self._path)
        if self._file:
            refusals.sort(key=lambda each: each.line)
            self._file.writelines(msgspec.json.encode(each) + b"\n" for each in refusals)
            self._file.flush()
            refusals.clear()

    def close(self) -> None:
        if self._file:
            self._file.close()


@contextlib.contextmanager
def progress(source: BinaryIO) -> Iterator[Callable[[int], None]]:
    """Shows how many entries were read, and how far `source` was; on a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    size = os.fstat(source.fileno()).st_size if source.seekable() else 0
    columns = (BarColumn(), TimeRemainingColumn()) if size else (SpinnerColumn(),)
    with Progress(*columns, TextColumn("{task.description}"), console=console, transient=True) as shown:
        task = shown.add_task("", total=size or None)

        def show(count: int) -> None:
            elapsed = shown.tasks[0].elapsed or 0
            rate = f", {count / elapsed:,.0f} a second" if elapsed else ""
            shown.update(task, completed=source.tell() if size else 0, description=f"{count:,} entries{rate}")

        yield show


def _shown(raw: bytes) -> msgspec.Raw | str:
    try:
        raw.decode()
        return msgspec.Raw(msgspec.json.format(raw, indent=-1))
    except (ValueError, RecursionError):
        return raw.decode(errors="backslashreplace")
