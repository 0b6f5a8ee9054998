"""The entries of a file, as bytes, one after the other: JSON lines, or the elements of one array. A file of any size is
read in bounded memory, and every entry knows its line.
"""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MOST = 5 << 20
_SHOWN = 1 << 10
_CHUNK = 1 << 20
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# A string that is not closed yet is taken to the end, and nothing is given back (possessive): the search stays linear.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+("?)|[][{},]', re.DOTALL)
_TOO_LARGE = f"The entry is larger than {MOST >> 20} MiB."


class Entry(NamedTuple):
    """`number` counts lines, or elements of the array, from 1. Where `wrong` says something, `raw` is cut short."""

    line: int
    number: int
    raw: bytes
    wrong: str = ""


class Unreadable(ValueError):
    """The file as a whole is not what can be read here."""


def entries(file: BinaryIO) -> Iterator[Entry]:
    """Every entry; blank lines are none. Unreadable when the file is in UTF-16."""
    line, first = 1, file.readline(MOST + 1)
    if first.startswith(_UTF_16) or b"\0" in first[:2]:
        raise Unreadable("it is in UTF-16: make it UTF-8, as with iconv -f UTF-16 -t UTF-8")
    first = first.removeprefix(codecs.BOM_UTF8)
    while first and not first.strip():
        line, first = line + 1, file.readline(MOST + 1)
    yield from (_elements if first.lstrip().startswith(b"[") else _lines)(file, first, line)


def _lines(file: BinaryIO, raw: bytes, line: int) -> Iterator[Entry]:
    while raw:
        if len(raw) > MOST and not raw.endswith(b"\n"):
            yield Entry(line, line, raw[:_SHOWN], _TOO_LARGE)
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(MOST)
        elif entry := raw.strip():
            yield Entry(line, line, entry)
        line, raw = line + 1, file.readline(MOST + 1)


def _elements(file: BinaryIO, buffer: bytes, line: int) -> Iterator[Entry]:
    start = at = depth = number = 0
    while True:
        for token in _TOKEN.finditer(buffer, at):
            mark = token[0][:1]
            at = token.end()
            if mark == b'"':
                if not token[1]:
                    at = token.start()
                    break
                continue
            depth += (mark in b"[{") - (mark in b"]}")
            if depth == 1 and mark == b"[" and not number:
                start, number = at, 1
            elif depth == 0 or (depth == 1 and mark == b","):
                raw = buffer[start : at - 1]
                if raw.strip() or mark == b"," or number > 1:
                    yield _element(line, number, raw)
                line, number, start = line + raw.count(b"\n"), number + 1, at
                if depth == 0:
                    yield from _rest(file, buffer[at:], line, number)
                    return
        buffer, at, start = buffer[start:], at - start, 0
        if len(buffer) > MOST or not (more := file.read(_CHUNK)):
            wrong = f"{_TOO_LARGE} What follows it in the array was not read." if len(buffer) > MOST else _ENDS_EARLY
            yield _element(line, number, buffer)._replace(raw=buffer.strip()[:_SHOWN], wrong=wrong)
            return
        buffer += more


_ENDS_EARLY = "The file ends before its array does."


def _element(line: int, number: int, raw: bytes) -> Entry:
    before = len(raw) - len(raw.lstrip())
    return Entry(line + raw.count(b"\n", 0, before), number, raw.strip())


def _rest(file: BinaryIO, rest: bytes, line: int, number: int) -> Iterator[Entry]:
    rest += file.read(_SHOWN)
    if rest.strip():
        yield _element(line, number, rest[:_SHOWN])._replace(wrong="Something follows the end of the array.")
