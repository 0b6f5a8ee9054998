"""Ids and numbers: fresh, ordered by time, and read in every spelling that clients send."""

import random
import uuid
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlatch.kernel.clock import SECOND
from nightlatch.kernel.ids import id_text, named_id, new_id, new_number, parse_id

NOW = 1_800_000_000 * SECOND + 123_456
CANONICAL = "0193e3a5-7c1a-7abc-8def-0123456789ab"
RAW = bytes.fromhex(CANONICAL.replace("-", ""))
entropy = random.Random(1).randbytes


@given(st.binary(min_size=10, max_size=10), st.integers(0, 2**48 * 1000 - 1))
def test_a_new_id_is_a_uuid_of_version_7_of_its_millisecond(tail: bytes, now: int) -> None:
    made = new_id(now, lambda length: tail[:length])
    read = uuid.UUID(bytes=made)
    assert (read.version, read.variant) == (7, uuid.RFC_4122)
    assert int.from_bytes(made[:6], "big") == now // 1000


def test_all_other_bits_of_an_id_are_fresh() -> None:
    made = [new_id(NOW, entropy) for _ in range(2000)]
    assert len(set(made)) == 2000
    ones = Counter(bit for each in made for bit in range(128) if int.from_bytes(each, "big") >> bit & 1)
    fresh = {bit for bit in range(128) if 800 < ones[bit] < 1200}
    assert fresh == set(range(62)) | set(range(64, 76))


def test_ids_sort_by_their_millisecond() -> None:
    made = [new_id(NOW + n * 1000, entropy) for n in range(500)]
    assert sorted(made) == made


def test_a_number_is_one_that_every_client_keeps_exact() -> None:
    made = [new_number(entropy) for _ in range(20_000)]
    assert len(set(made)) == len(made)
    assert min(made) >= 1
    assert 2**52 < max(made) <= 2**53 - 1
    given_bytes = iter([bytes(7), b"\0" * 6 + b"\x07", b"\xff" * 7])
    assert new_number(lambda _: next(given_bytes)) == 2**53 - 1


@pytest.mark.parametrize(
    "text",
    [
        CANONICAL,
        CANONICAL.upper(),
        CANONICAL.replace("-", ""),
        CANONICAL.replace("-", "").upper(),
        "{" + CANONICAL + "}",
        "urn:uuid:" + CANONICAL,
        "URN:UUID:" + CANONICAL.upper(),
    ],
)
def test_every_spelling_of_an_id_is_read(text: str) -> None:
    assert parse_id(text) == RAW


@pytest.mark.parametrize(
    "text",
    [
        "",
        " " + CANONICAL,
        CANONICAL + "\n",
        CANONICAL + "\0",
        CANONICAL[:-1],
        CANONICAL + "0",
        CANONICAL.replace("a", "g"),
        CANONICAL.replace("-", "", 1),
        CANONICAL.replace("-", "_"),
        "{" + CANONICAL,
        CANONICAL + "}",
        "{" + CANONICAL.replace("-", "") + "}",
        "urn:uuid:" + CANONICAL.replace("-", ""),
        "uuid:" + CANONICAL,
        CANONICAL.replace("0", "\u0660"),
        CANONICAL.replace("a", "\uff41"),
        "../" + CANONICAL,
        "whoami",
    ],
)
def test_anything_else_is_no_id(text: str) -> None:
    assert parse_id(text) is None


@given(st.binary(min_size=16, max_size=16))
def test_an_id_reads_back_from_its_text(raw: bytes) -> None:
    assert id_text(raw) == str(uuid.UUID(bytes=raw))
    assert parse_id(id_text(raw)) == raw


@given(st.text(max_size=50))
def test_no_text_breaks_the_reader_of_ids(text: str) -> None:
    assert parse_id(text) is None or uuid.UUID(text).bytes == parse_id(text)


def test_a_named_id_is_always_that_of_its_name() -> None:
    found = named_id(b"a name")
    assert found == named_id(b"a name") != named_id(b"another")
    assert uuid.UUID(bytes=found).version == 8
    assert uuid.UUID(bytes=found).variant == uuid.RFC_4122
