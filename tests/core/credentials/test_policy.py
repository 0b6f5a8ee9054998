"""What may be chosen as a password, and that finding it out is cheap."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools import known_passwords

from nightlatch.core.credentials.known import FILE, is_known, mark_of
from nightlatch.core.credentials.policy import Policy, _near, check_length, check_password
from nightlatch.problems import PasswordRefused


def refused(password: str, *identifiers: str, min_length: int = 8, similarity: bool = True) -> str | None:
    try:
        check_password(password, identifiers, Policy(min_length, similarity, known=False))
    except PasswordRefused as refusal:
        return refusal.rule
    return None


@pytest.mark.parametrize(
    ("length", "min_length", "rule"),
    [
        (0, 8, "too_short"),
        (7, 8, "too_short"),
        (8, 8, None),
        (14, 15, "too_short"),
        (15, 15, None),
        (64, 8, None),
        (1024, 8, None),
        (1025, 8, "too_long"),
    ],
)
@pytest.mark.parametrize("letter", ["x", "\u00e9", "\U0001f600", "\u0301", "\0", " "])
def test_P3_length_is_counted_in_code_points(letter: str, length: int, min_length: int, rule: str | None) -> None:
    assert refused(letter * length, min_length=min_length) == rule


def test_P3_the_numbers_are_told() -> None:
    with pytest.raises(PasswordRefused) as short:
        check_password("short", [], Policy())
    assert short.value.reason == "The password must be at least 8 characters long, but got 5."
    assert short.value.facts == {"min_length": 8, "actual_length": 5}
    with pytest.raises(PasswordRefused) as long:
        check_password("x" * 1025, [], Policy())
    assert long.value.reason == "The password must be at most 1024 characters long, but got 1025."
    assert long.value.facts == {"max_length": 1024, "actual_length": 1025}


def test_P3_a_password_of_1_mb_is_refused_before_any_work() -> None:
    password, identifiers = "x" * 1_000_000, ["x" * 256] * 1000
    start = time.process_time()
    assert refused(password, *identifiers) == "too_long"
    assert time.process_time() - start < 0.005


def test_P3_an_administrators_password_is_bounded_too_and_may_be_short() -> None:
    check_length("x")
    check_length("x" * 1024)
    with pytest.raises(PasswordRefused, match="at most 1024"):
        check_length("x" * 1025)


def test_P4_a_lone_surrogate_is_refused() -> None:
    assert refused("correct \ud800 horse") == "not_text"


@pytest.mark.parametrize(
    ("password", "identifier", "rule"),
    [
        ("ann@example.org", "ann@example.org", "similar"),
        ("ANN@EXAMPLE.ORG", "ann@example.org", "similar"),
        ("ann@example.orgXYZ", "ann@example.org", "similar"),
        ("hunter22", "hunter2", "similar"),
        ("abcdwxyz", "abcdefghijkl", None),
        ("abcdewxy", "abcdefghijkl", "similar"),
        ("abcdewxyz", "abcdefghijkl", "similar"),
        ("abcdvwxyz", "abcdefghijkl", None),
        ("correct horse", "ann@example.org", None),
        ("correct horse", "", None),
        ("x" * 257, "x" * 257, None),
        ("x" * 256, "x" * 256, "similar"),
    ],
)
def test_a_password_like_an_identifier_is_refused(password: str, identifier: str, rule: str | None) -> None:
    assert refused(password, "somebody@else.example", identifier) == rule
    assert refused(password, identifier, similarity=False) is None


def test_similarity_to_very_many_identifiers_costs_little() -> None:
    identifiers = [f"{'ab' * 126}{number:04}" for number in range(10_000)]
    start = time.process_time()
    assert refused("ba" * 128, *identifiers, min_length=8) in {None, "similar"}
    assert time.process_time() - start < 0.5


def distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


@given(st.text("ab", max_size=12), st.text("ab", max_size=12))
def test_near_is_a_levenshtein_distance_below_five(a: str, b: str) -> None:
    assert _near(a, b) == (distance(a, b) < 5)


KNOWN = ["password", "PassWord", "Password123!", "qwertyuiop", "!!iloveyou1", "P@ssw0rd", "123456789", "letmein123 "]


@pytest.mark.parametrize("password", KNOWN)
def test_P5_what_everybody_tries_first_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused) as known:
        check_password(password, [], Policy())
    assert known.value.rule == "known"
    check_password(password, [], Policy(known=False))


@pytest.mark.parametrize("password", ["correct horse battery staple", "Tr0ut-lamp*ferry 91", "\u00e9" * 8, "!" * 9])
def test_P5_what_is_not_on_the_list_may_be_chosen(password: str) -> None:
    check_password(password, [], Policy())


def test_P5_the_list_is_long_and_sorted_and_asked_in_no_time() -> None:
    marks = [int.from_bytes(four, "big") for four in re.findall(b"(?s)....", FILE.read_bytes())]
    assert len(marks) >= 100_000
    assert marks == sorted(set(marks))
    start = time.process_time()
    for n in range(1000):
        is_known(f"{n} bottles of beer")
    assert (time.process_time() - start) / 1000 < 0.005


def test_the_list_is_built_of_the_first_that_are_long_enough_and_says_so_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known_passwords, "MOST", 3)
    built = known_passwords.build(["short", "Trout-9", "trout-9", "lantern", "h\u00e4rp-dune", "too late"])
    assert built == b"".join(
        sorted(mark_of(word).to_bytes(4, "big") for word in ("trout-9", "lantern", "h\u00e4rp-dune"))
    )
