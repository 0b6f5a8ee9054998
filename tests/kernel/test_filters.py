"""The grammar of filters: every spelling of a tree is read as that tree, and what is no filter says where."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plain_filters import spelled, trees

from nightlatch.kernel.filters import All, Comparison, Filter, FilterError, Not, Op, Some, conjuncts, mapped, parse

PATHS = ("a", "and2", "nota", "device.user_agent", "traits.name.first", "x-y_z$")
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
VALUES = TEXTS | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.sampled_from([True, False, None])


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    op = draw(st.sampled_from(list(Op)))
    return Comparison(draw(st.sampled_from(PATHS)), op, None if op is Op.PR else draw(VALUES))


def bare(tree: Filter) -> Filter:
    """Without the columns."""
    return mapped(tree, lambda c: Comparison(c.path, c.op, c.value))


@given(trees(comparisons()), st.integers())
def test_every_spelling_of_a_filter_is_read_as_that_filter(tree: Filter, seed: int) -> None:
    text = spelled(tree, random.Random(seed))
    assert bare(parse(text)) == tree


@given(st.text(max_size=60) | st.text(' ()"\\.eqprandot1-', max_size=60))
def test_any_other_text_is_refused_with_a_column_of_it(text: str) -> None:
    try:
        parse(text)
    except FilterError as error:
        column = error.column
    else:
        column = 1
    assert 1 <= column <= len(text) + 1


def test_and_binds_closer_than_or_and_parentheses_closest() -> None:
    a, b, c = (Comparison(name, Op.PR) for name in "abc")
    assert bare(parse("a pr or b pr and c pr")) == Some((a, All((b, c))))
    assert bare(parse("(a pr or b pr) and c pr")) == All((Some((a, b)), c))
    assert bare(parse("not (a pr) and b pr")) == All((Not(a), b))
    assert list(conjuncts(bare(parse("a pr and (b pr and c pr)")))) == [a, b, c]
    assert list(conjuncts(None)) == []


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", 1, "Expected an attribute"), ("  ", 3, "not the end"), ("a", 2, "Expected one of eq"),
        ("a is 1", 3, "not is"), ("a eq", 5, "Expected a string"), ("a eq b", 6, "not b"),
        ('a eq "x', 6, "has no end"), ('a eq "x" b', 10, "Expected and, or, or the end"),
        ("a pr and", 9, "Expected an attribute"), ("(a pr", 6, "Expected and, or, or )"), ("a pr)", 5, "not )"),
        ("not a pr", 5, "Expected ( after not"), ('a[b eq "x"]', 2, "[ means nothing"), ("a. pr", 2, ". means nothing"),
        ("é pr", 1, "é means nothing"), ('a eq "\\x"', 6, "not one of JSON"), ('a eq "\\ud800"', 6, "not one of JSON"),
        ("a eq 1e999", 6, "not one of JSON"), ('a eq "\\u0000"', 6, "no NUL"), ("a eq 01", 7, "Expected and"),
        ("a eq 'x'", 6, "' means nothing"), ('a eq "x" -- b pr', 10, "- means nothing"),
    ],
)  # fmt: skip
def test_a_mistake_is_pointed_at(text: str, column: int, says: str) -> None:
    with pytest.raises(FilterError) as raised:
        parse(text)
    assert raised.value.column == column
    assert says in raised.value.reason


def test_W2_length_depth_and_number_of_comparisons_are_bounded() -> None:
    parse("(" * 10 + "a pr" + ")" * 10)
    parse(" or ".join(["a pr"] * 50))
    parse(f'a eq "{"x" * 1993}"')
    for text, column in (
        ("(" * 11 + "a pr" + ")" * 11, 11),
        ("not(" * 11 + "a pr" + ")" * 11, 44),
        (" or ".join(["a pr"] * 51), 401),
        (f'a eq "{"x" * 1994}"', 2001),
        ("(" * 100_000, 2001),
    ):
        with pytest.raises(FilterError) as raised:
            parse(text)
        assert raised.value.column == column
