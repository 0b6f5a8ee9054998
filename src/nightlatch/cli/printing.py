"""Tables for people, JSON for programs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec


def print_rows(rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, as_json: bool) -> None:
    """One line a row. JSON has all members, the table those in `columns`, each as wide as it must be: no id is cut."""
    if as_json:
        print_json(rows)
        return
    lines = [list(columns), *([_cell(row.get(column)) for column in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_json(value: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def moment(microseconds: int | None) -> str | None:
    """A time as people and programs read it."""
    return None if microseconds is None else datetime.fromtimestamp(microseconds // 1_000_000, UTC).isoformat()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    # Whoever chose the value must not command the terminal of who reads it.
    return "".join(letter if letter.isprintable() else "�" for letter in text)
