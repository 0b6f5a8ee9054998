"""Spellings that a person cannot tell apart are one identifier."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlatch.core.identities.normal import normal_form, normal_identifier, phone_number

INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u061c\u115f\u17b4\u180b\u202a\u202e\u2065\u3164\ufe0f\uffa0\U000e0100\x00\t"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ann@example.org", "ann@example.org"),
        ("  Ann@EXAMPLE.org ", "ann@example.org"),
        ("\t ann@example.org\n", "ann@example.org"),
        ("\u3000ann@example.org\u00a0", "ann@example.org"),
        ("\uff41\uff4e\uff4e@example.org", "ann@example.org"),
        ("o\ufb03ce@example.org", "office@example.org"),
        ("J\u00dcRGEN", "j\u00fcrgen"),
        ("Ju\u0308rgen", "j\u00fcrgen"),
        ("\u202eann\u202c", "ann"),
        ("two words", "two words"),
        ("   ", ""),
        ("+49 176 671 11 638", "+4917667111638"),
        ("+1 (650) 253-0000", "+16502530000"),
        ("\uff0b\uff11 650-253-0000", "+16502530000"),
        ("+1 650-253\u200b-0000", "+16502530000"),
        ("+1234", "+1234"),
        ("016502530000", "016502530000"),
        ("bob+16502530000", "bob+16502530000"),
        ("+16502530000 ext. 5", "+16502530000 ext. 5"),
        ("+1@Example.org", "+1@example.org"),
    ],
)
def test_the_normal_form(given: str, kept: str) -> None:
    assert normal_form(given) == kept
    assert normal_form(kept) == kept


@pytest.mark.parametrize("letter", INVISIBLE)
def test_an_invisible_letter_makes_no_second_account(letter: str) -> None:
    assert normal_form(f"AL{letter}ICE@example.org") == "alice@example.org"


@settings(deadline=None)  # the first phone number loads their library
@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normal_form(text)
    assert normal_form(once) == once


@pytest.mark.parametrize("kind", ["password", "webauthn", "code"])
def test_identifiers_of_people_are_normalised(kind: str) -> None:
    assert normal_identifier(kind, " Ann@Example.org") == "ann@example.org"


@pytest.mark.parametrize("kind", ["oidc", "saml", "totp", "lookup_secret", "passkey"])
def test_identifiers_of_programs_are_kept(kind: str) -> None:
    assert normal_identifier(kind, " Google:AbC") == " Google:AbC"


def test_a_phone_number_needs_its_country_and_must_exist() -> None:
    assert phone_number("+44 20 7946 0958") == "+442079460958"
    for text in ("", "+", "+0", "02079460958", "+1234", "tel:+442079460958", "+44 20 7946 0958 x5", "+" + "1" * 10_000):
        assert phone_number(text) is None
