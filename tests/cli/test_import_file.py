"""The entries of a file, whatever the file is."""

import codecs
import io
import json
from pathlib import Path

import pytest

from nightlatch.cli import entries as module
from nightlatch.cli.entries import Entry, Unreadable, entries

ONE = b'{"traits":{"email":"a, ]}[{\\"\\\\"}}'


def read(content: bytes) -> list[Entry]:
    return list(entries(io.BufferedReader(io.BytesIO(content))))  # type: ignore[arg-type]


def found(content: bytes) -> list[tuple[int, int, bytes]]:
    assert all(not entry.wrong for entry in read(content))
    return [entry[:3] for entry in read(content)]


@pytest.mark.parametrize("begin", [b"", codecs.BOM_UTF8, b"\n \r\n"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_lines_are_entries_and_blank_ones_are_none(begin: bytes, newline: bytes) -> None:
    before = begin.count(b"\n")
    content = begin + newline.join([ONE, b"", b" {} ", b"broken"])
    lines = [(1, ONE), (3, b"{}"), (4, b"broken")]
    assert found(content) == found(content + newline) == [(n + before, n + before, raw) for n, raw in lines]


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_elements_of_an_array_are_entries_however_they_are_laid_out(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK", chunk)
    body = json.dumps(json.loads(ONE), indent=2).encode()
    content = codecs.BOM_UTF8 + b"\n[" + ONE + b",\n" + body + b"\n,[1,[2]],{}  \n]\n\n"
    assert found(content) == [(2, 1, ONE), (3, 2, body), (8, 3, b"[1,[2]]"), (8, 4, b"{}")]


def test_nothing_is_in_an_empty_file_or_array() -> None:
    assert [read(content) for content in (b"", b"\n \n", codecs.BOM_UTF8, b"[]", b" [ \n ] ")] == [[]] * 5


def test_an_array_that_ends_too_early_or_too_late_names_the_line() -> None:
    early = read(b'[{"a":1},\n{"b":')
    assert [(e.line, e.raw, e.wrong) for e in early] == [
        (1, b'{"a":1}', ""),
        (2, b'{"b":', "The file ends before its array does."),
    ]
    assert read(b"[1,\n2")[-1].wrong == read(b'["')[-1].wrong == read(b"[")[-1].wrong != ""
    late = read(b"[1]\n[2]")
    assert [(e.line, e.raw, e.wrong) for e in late] == [
        (1, b"1", ""),
        (2, b"[2]", "Something follows the end of the array."),
    ]
    assert [e.raw for e in read(b"[1,,2,]")] == [b"1", b"", b"2", b""]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_named(encoding: str) -> None:
    with pytest.raises(Unreadable, match="UTF-16"):
        read('{"a":1}\n'.encode(encoding))


def test_a_line_that_is_too_long_is_refused_and_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 5000)
    long = b'{"a":"' + b"x" * 20_000 + b'"}'
    for end in (b"\n" + ONE, b"\n" + ONE + b"\n"):
        refused, kept = read(long + end)
        assert (refused.line, len(refused.raw), refused.wrong) == (1, 1024, "The entry is larger than 5 MiB.")
        assert kept[:3] == (2, 2, ONE)
    (refused,) = read(long)
    assert refused.wrong


def test_an_array_is_read_up_to_an_element_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 5000)
    monkeypatch.setattr(module, "_CHUNK", 1000)
    kept, refused = read(b"[1,\n" + b'{"a":"' + b"x" * 20_000 + b'"}, 3]')
    assert kept.raw == b"1"
    assert (refused.line, len(refused.raw)) == (2, 1024)
    assert "What follows it in the array was not read" in refused.wrong


def test_a_file_of_any_size_is_a_pipe_too(tmp_path: Path) -> None:
    file = tmp_path / "many.json"
    file.write_bytes(b"[" + b",\n".join([ONE] * 100_000) + b"]")
    with file.open("rb") as opened:
        last = None
        for last in entries(opened):
            assert last.raw == ONE
    assert last is not None
    assert last[:2] == (100_000, 100_000)
