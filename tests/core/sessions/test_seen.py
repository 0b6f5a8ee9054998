"""Last seen: noted without a write, flushed in batches, and kept when the store is down."""

import asyncio
from collections.abc import Mapping

import pytest

from nightlatch.core.sessions import seen
from nightlatch.core.sessions.seen import LastSeen
from nightlatch.problems import StoreDown


class Written:
    """Takes what is flushed; raises at the chunks that `down` names."""

    def __init__(self, *down: int) -> None:
        self.chunks: list[dict[bytes, int]] = []
        self._asked = 0
        self._down = down

    async def __call__(self, times: Mapping[bytes, int]) -> None:
        self._asked += 1
        if self._asked in self._down:
            raise StoreDown
        self.chunks.append(dict(times))


def flush(last: LastSeen, written: Written) -> None:
    asyncio.run(last.flush(written))


def test_of_each_session_the_last_time_is_written_once() -> None:
    last, written = LastSeen(), Written()
    for at in (5, 6, 7):
        last.note(b"a", at)
    last.note(b"b", 1)
    flush(last, written)
    flush(last, written)
    assert written.chunks == [{b"a": 7, b"b": 1}]


def test_many_are_written_in_chunks() -> None:
    last, written = LastSeen(), Written()
    for n in range(2500):
        last.note(n.to_bytes(2, "big"), n)
    flush(last, written)
    assert [len(chunk) for chunk in written.chunks] == [1000, 1000, 500]


def test_what_could_not_be_written_is_kept_unless_it_was_seen_since() -> None:
    last, written = LastSeen(), Written(2)
    for n in range(2500):
        last.note(n.to_bytes(2, "big"), n)
    with pytest.raises(StoreDown):
        flush(last, written)
    last.note((2400).to_bytes(2, "big"), 9999)
    flush(last, written)
    assert [len(chunk) for chunk in written.chunks] == [1000, 1000, 500]
    assert written.chunks[2][(2400).to_bytes(2, "big")] == 9999


def test_who_is_seen_during_a_flush_is_written_by_the_next() -> None:
    last = LastSeen()
    chunks: list[dict[bytes, int]] = []

    async def write(times: Mapping[bytes, int]) -> None:
        chunks.append(dict(times))
        last.note(b"a", 9)

    last.note(b"a", 1)
    asyncio.run(last.flush(write))
    asyncio.run(last.flush(write))
    assert chunks == [{b"a": 1}, {b"a": 9}]


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "_MOST", 2)
    last, written = LastSeen(), Written()
    for session_id in (b"a", b"b", b"c", b"a"):
        last.note(session_id, 1)
    last.note(b"a", 2)
    flush(last, written)
    assert written.chunks == [{b"a": 2, b"b": 1}]
