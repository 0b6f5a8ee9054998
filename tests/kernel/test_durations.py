"""Go's durations, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlatch.kernel.clock import HOUR, MINUTE, SECOND
from nightlatch.kernel.durations import duration_text, parse_duration

MOST = (2**63 - 1) // 1000


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("0", 0),
        ("+0", 0),
        ("-0", 0),
        ("0s", 0),
        ("24h", 24 * HOUR),
        ("1m30s", 90 * SECOND),
        ("30s1m", 90 * SECOND),
        ("1h1h", 2 * HOUR),
        ("500ms", SECOND // 2),
        ("1us", 1),
        ("1µs", 1),
        ("1μs", 1),
        ("1000ns", 1),
        (".5s", SECOND // 2),
        ("1.s", SECOND),
        ("1.5h", 90 * MINUTE),
        ("-1h", -HOUR),
        ("+1h", HOUR),
        ("-1.5s", -SECOND * 3 // 2),
        ("0.333333333333333333333333333333h", 1_200_000_000),
        ("000000000000000000000000000000001s", SECOND),
    ],
)
def test_a_duration_is_read_as_Go_reads_it(text: str, microseconds: int):
    assert parse_duration(text) == microseconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "+", "00", "1", "1h30", "h", ".s", ".", "1d", "1H", "1 h", " 1h", "1h ", "1h\n", "--1h", "1e3s"),
        *("1,5s", "1mh", "1.2.3s", "\N{ARABIC-INDIC DIGIT ONE}h", "1h-1m", "inf", "0x1s", "1µ", "1_0s"),
    ],
)
def test_what_Go_refuses_is_refused(text: str):
    assert parse_duration(text) is None


def test_the_range_ends_where_64_bits_of_nanoseconds_end():
    assert parse_duration("9223372036854775807ns") == MOST + 1
    assert parse_duration("9223372036854775808ns") is None
    assert parse_duration("-9223372036854775808ns") == -MOST - 1
    assert parse_duration("-9223372036854775809ns") is None
    assert parse_duration("2562047h47m16.854775807s") == MOST + 1
    assert parse_duration("2562048h") is None
    assert parse_duration("9" * 100_000 + "s") is None
    assert parse_duration("1." + "9" * 100_000 + "s") == 2 * SECOND


def test_less_than_a_microsecond_keeps_its_sign():
    assert parse_duration("1ns") == 1
    assert parse_duration("-1ns") == -1
    assert parse_duration("1001ns") == 2


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "0s"),
        (-HOUR, "-1h0m0s"),
        (24 * HOUR, "24h0m0s"),
        (90 * SECOND, "1m30s"),
        (SECOND, "1s"),
        (1_500_000, "1.5s"),
        (HOUR + 1, "1h0m0.000001s"),
        (500_000, "500ms"),
        (1_050, "1.05ms"),
        (999, "999µs"),
        (-1, "-1µs"),
    ],
)
def test_a_duration_is_written_in_its_normal_form(microseconds: int, text: str):
    assert duration_text(microseconds) == text


@given(st.integers(-MOST, MOST))
def test_what_is_written_is_read_back(microseconds: int):
    assert parse_duration(duration_text(microseconds)) == microseconds


@given(st.text())
def test_any_text_is_a_duration_or_none(text: str):
    assert isinstance(parse_duration(text), int | None)
