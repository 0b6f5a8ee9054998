"""Tokens that cannot be guessed, hashes that match exactly, seals that cannot be made, ciphertexts that open for one."""

import ast
import hashlib
import math
import os
import random
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlatch.kernel.secrets import Keys, digest, new_digits, new_token, same

SOURCE = Path(__file__).parents[2] / "src" / "nightlatch"
SECRET = re.compile(r"(^|_)(token|secret|password|signature|mac|digest|hash|hashed|code|key)$")
entropy = random.Random(3).randbytes
OLD, NEW = b"an old secret of 32 bytes or more", b"a new secret of 32 bytes or more"


def test_S1_a_token_holds_what_its_alphabet_can_and_none_repeats() -> None:
    tokens = [new_token("ory_st_", entropy) for _ in range(100_000)]
    assert len(set(tokens)) == len(tokens)
    assert all(re.fullmatch(r"ory_st_[A-Za-z0-9]{32}", token) for token in tokens)
    letters = Counter(letter for token in tokens for letter in token[7:])
    total = sum(letters.values())
    bits = -sum(count / total * math.log2(count / total) for count in letters.values())
    assert bits >= 5.9
    assert 32 * bits >= 128
    assert max(letters.values()) / min(letters.values()) < 1.03


def test_S1_no_two_tokens_share_a_part() -> None:
    tokens = [new_token("", entropy) for _ in range(10_000)]
    parts = [token[at : at + 8] for token in tokens for at in range(25)]
    assert len(set(parts)) == len(parts)


@pytest.mark.parametrize("length", [1, 31, 43, 200])
def test_a_token_is_as_long_as_asked(length: int) -> None:
    assert re.fullmatch(rf"nl_key_[A-Za-z0-9]{{{length}}}", new_token("nl_key_", entropy, length))


def test_S1_bytes_that_would_favour_a_letter_are_left_out() -> None:
    given_bytes = iter([b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", bytes(range(8))])
    assert new_token("", lambda _: next(given_bytes), 4) == "ABCD"


def test_P13_digits_are_equally_likely() -> None:
    codes = [new_digits(entropy) for _ in range(50_000)]
    assert all(re.fullmatch(r"[0-9]{6}", code) for code in codes)
    digits = Counter("".join(codes))
    assert max(digits.values()) / min(digits.values()) < 1.03
    given_bytes = iter([b"\xff\xfa" * 6, bytes(range(250 - 12, 250))])
    assert new_digits(lambda _: next(given_bytes)) == "890123"


def test_S1_randomness_comes_from_one_place() -> None:
    for file in SOURCE.rglob("*.py"):
        tree = ast.parse(file.read_text())
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert "random" not in names, file


def test_S2_the_digest_of_a_token_is_its_sha_256() -> None:
    assert digest("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest("é") == hashlib.sha256("é".encode()).digest()


MUTATIONS = st.sampled_from(
    [
        lambda t, n: t[:n] + t[n + 1 :],
        lambda t, n: t[:n] + t[n:].swapcase() if t[n:].swapcase() != t[n:] else t + "x",
        lambda t, n: t[:n] + "\0" + t[n:],
        lambda t, n: t[:n] + " " + t[n:],
        lambda t, n: t + "=" * (n + 1),
        lambda t, n: t[:n] + f"%{ord(t[n]):02x}" + t[n + 1 :],
        lambda t, n: t[:n] + chr(ord(t[n]) + 0xFEE0) + t[n + 1 :],
        lambda t, n: t + "\r\n",
        lambda t, n: t[: n + 1],
        lambda t, n: t[7:],
    ]
)


@settings(max_examples=5000)
@given(MUTATIONS, st.integers(0, 37))
def test_S11_a_token_that_differs_at_all_has_another_digest(mutate: object, at: int) -> None:
    token = new_token("ory_st_", entropy)
    assert callable(mutate)
    changed = mutate(token, at)
    assert changed == token or not same(digest(changed), digest(token))


@pytest.mark.parametrize(("a", "b", "expected"), [(b"a", b"a", True), (b"a", b"b", False), (b"a", b"aa", False)])
def test_S12_same_compares_whole_values(a: bytes, b: bytes, expected: bool) -> None:
    assert same(a, b) is expected


def comparisons() -> Iterator[tuple[str, ast.Compare]]:
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                yield f"{file.relative_to(SOURCE)}:{node.lineno}", node


def test_S12_no_secret_is_compared_by_a_comparison_that_stops_at_the_first_difference() -> None:
    found = []
    for place, node in comparisons():
        sides = [node.left, *node.comparators]
        names = [side.attr if isinstance(side, ast.Attribute) else getattr(side, "id", "") for side in sides]
        if not any(isinstance(side, ast.Constant) for side in sides) and any(SECRET.search(name) for name in names):
            found.append(f"{place}: {ast.unparse(node)}")
    assert found == []


def test_keys_need_a_secret() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Keys([], "codes")


def test_keys_of_another_purpose_or_secret_are_other_keys() -> None:
    macs = {Keys([secret], purpose).macs(b"m")[0] for secret in (OLD, NEW) for purpose in ("codes", "page tokens")}
    assert len(macs) == 4
    assert all(len(mac) == 32 for mac in macs)


def test_a_new_secret_in_front_signs_and_the_old_one_still_verifies() -> None:
    old, rotated = Keys([OLD], "codes"), Keys([NEW, OLD], "codes")
    assert rotated.macs(b"m") == [*Keys([NEW], "codes").macs(b"m"), *old.macs(b"m")]
    assert rotated.unseal(old.seal((1, "a")), tuple[int, str]) == (1, "a")
    assert old.unseal(rotated.seal((1, "a")), tuple[int, str]) is None


VALUES = st.tuples(st.integers(-(2**63), 2**63), st.text(), st.binary())
KIND: Any = tuple[int, str, bytes]
PAGES = Keys([NEW], "page tokens")


@given(VALUES)
def test_what_is_sealed_is_unsealed_and_travels_in_a_url(value: tuple[int, str, bytes]) -> None:
    sealed = PAGES.seal(value)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", sealed)
    assert PAGES.unseal(sealed, KIND) == value


@settings(max_examples=2000)
@given(st.integers(0, 10_000), st.sampled_from("A_-a0=+/ %.\0é"), st.booleans())
def test_W2_a_seal_that_was_touched_is_none(at: int, letter: str, insert: bool) -> None:
    sealed = PAGES.seal(("sessions", b"\0\1\2", 7))
    at %= len(sealed)
    touched = sealed[:at] + letter + sealed[at if insert else at + 1 :]
    assert touched == sealed or PAGES.unseal(touched, tuple[str, bytes, int]) is None


@given(st.one_of(st.text(max_size=200), st.binary(max_size=100).map(lambda raw: urlsafe_b64encode(raw).decode())))
def test_W2_what_was_not_sealed_is_none(text: str) -> None:
    assert PAGES.unseal(text, KIND) is None


def test_W2_a_seal_of_another_shape_or_purpose_is_none() -> None:
    sealed = PAGES.seal((1, "a"))
    assert PAGES.unseal(sealed, tuple[str, int]) is None
    assert Keys([NEW], "codes").unseal(sealed, tuple[int, str]) is None
    assert PAGES.unseal(sealed + "==", tuple[int, str]) is None
    raw = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    assert PAGES.unseal(urlsafe_b64encode(raw[:-32] + bytes(32)).decode(), tuple[int, str]) is None


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_encrypted_opens_with_its_keys_in_its_context_only(plain: bytes, context: bytes) -> None:
    keys = Keys([NEW, OLD], "credentials")
    sealed = keys.encrypt(plain, context, os.urandom)
    assert keys.decrypt(sealed, context) == plain
    assert keys.decrypt(sealed, context + b"x") is None
    assert Keys([OLD], "credentials").decrypt(sealed, context) is None
    assert keys.decrypt(sealed[:-1] + bytes([sealed[-1] ^ 1]), context) is None
    assert Keys([b"third", NEW], "credentials").decrypt(sealed, context) == plain


@given(st.binary(max_size=60))
def test_what_is_no_ciphertext_opens_to_nothing(garbage: bytes) -> None:
    assert Keys([NEW], "credentials").decrypt(garbage, b"") is None


def test_S2_no_two_ciphertexts_share_a_nonce_and_none_holds_its_text() -> None:
    keys = Keys([NEW], "credentials")
    sealed = [keys.encrypt(b"JBSWY3DPEHPK3PXP", b"", entropy) for _ in range(1000)]
    assert len({each[:12] for each in sealed}) == 1000
    assert not any(b"JBSWY3DP" in each for each in sealed)
