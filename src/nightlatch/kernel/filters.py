"""Filters in the grammar of SCIM (RFC 7644, section 3.4.2.2), as text and as a tree.

    filter = all *( "or" all )      all = term *( "and" term )      term = ["not"] "(" filter ")" / comparison
    comparison = path "pr" / path ( "eq" "ne" "co" "sw" "ew" "gt" "ge" "lt" "le" ) JSON literal

Words and names are the same in capitals. What a path means is for whoever asked; there are no [value paths].
"""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

import msgspec

LONGEST, DEEPEST, MOST_TERMS = 2000, 10, 50
Value = str | int | float | bool | bytes | None
_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:(?P<word>[a-z][\w$-]*(?:\.[a-z_$][\w$-]*)*)|(?P<string>"(?:[^"\\]|\\.)*")"""
    r"""|(?P<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?)|(?P<mark>[()])|(?P<end>$)|(?P<wrong>.))""",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
_LITERALS = {"true": True, "false": False, "null": None}


class FilterError(Exception):
    """A text that is no filter: why, and the column, counted from 1, where that shows."""

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(f"column {column}: {reason}")
        self.column, self.reason = column, reason


class Op(StrEnum):
    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"
    PR = "pr"


_OPS = frozenset(Op)


class Comparison(msgspec.Struct, frozen=True):
    """`path` in lower case, and where it and the value stand. `value` is None with `pr`."""

    path: str
    op: Op
    value: Value = None
    column: int = 1
    value_column: int = 1


class Not(msgspec.Struct, frozen=True):
    of: "Filter"


class All(msgspec.Struct, frozen=True):
    """Every one of two or more holds."""

    of: tuple["Filter", ...]


class Some(msgspec.Struct, frozen=True):
    """One of two or more holds, or several."""

    of: tuple["Filter", ...]


Filter = Comparison | Not | All | Some


def parse(text: str) -> Filter:
    """The tree of a filter. FilterError, also for one of more than 2,000 characters, 50 comparisons or 10 levels."""
    if len(text) > LONGEST:
        raise FilterError(LONGEST + 1, f"A filter has {LONGEST} characters at most.")
    return _Parser(text).whole()


def mapped(tree: Filter, change: Callable[[Comparison], Filter]) -> Filter:
    """The tree with every comparison replaced by what `change` makes of it."""
    match tree:
        case Not(of):
            return Not(mapped(of, change))
        case All(terms):
            return All(tuple(mapped(term, change) for term in terms))
        case Some(terms):
            return Some(tuple(mapped(term, change) for term in terms))
    return change(tree)


def conjuncts(tree: Filter | None) -> Iterator[Filter]:
    """The parts that must all hold."""
    if isinstance(tree, All):
        for term in tree.of:
            yield from conjuncts(term)
    elif tree is not None:
        yield tree


def comparisons(tree: Filter | None) -> Iterator[Comparison]:
    """All that are in it."""
    match tree:
        case Not(of):
            yield from comparisons(of)
        case All(terms) | Some(terms):
            for term in terms:
                yield from comparisons(term)
        case Comparison():
            yield tree


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._token = next(self._tokens)
        self._terms = 0

    def whole(self) -> Filter:
        tree = self._some(0)
        if self._token.kind != "end":
            raise self._expected("and, or, or the end")
        return tree

    def _some(self, depth: int) -> Filter:
        terms = [self._all(depth)]
        while self._takes("or"):
            terms.append(self._all(depth))
        return terms[0] if len(terms) == 1 else Some(tuple(terms))

    def _all(self, depth: int) -> Filter:
        terms = [self._term(depth)]
        while self._takes("and"):
            terms.append(self._term(depth))
        return terms[0] if len(terms) == 1 else All(tuple(terms))

    def _term(self, depth: int) -> Filter:
        if self._takes("not"):
            return Not(self._group(depth))
        return self._group(depth) if self._token.text == "(" else self._comparison()

    def _group(self, depth: int) -> Filter:
        if depth == DEEPEST:
            raise FilterError(self._token.column, f"A filter has {DEEPEST} levels of parentheses at most.")
        if not self._takes("("):
            raise self._expected("( after not")
        tree = self._some(depth + 1)
        if not self._takes(")"):
            raise self._expected("and, or, or )")
        return tree

    def _comparison(self) -> Comparison:
        path = self._token
        if path.kind != "word":
            raise self._expected("an attribute, not or (")
        self._token = next(self._tokens)
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise FilterError(path.column, f"A filter has {MOST_TERMS} comparisons at most.")
        op = self._token.text.lower()
        if op not in _OPS:
            raise self._expected(f"one of {', '.join(Op)}")
        self._token = next(self._tokens)
        name = path.text.lower()
        if op == Op.PR:
            return Comparison(name, Op.PR, None, path.column)
        value = self._token
        return Comparison(name, Op(op), self._value(), path.column, value.column)

    def _value(self) -> Value:
        token = self._token
        if token.kind == "word" and token.text.lower() in _LITERALS:
            self._token = next(self._tokens)
            return _LITERALS[token.text.lower()]
        if token.kind not in {"string", "number"}:
            raise self._expected("a string in quotes, a number, true, false or null")
        self._token = next(self._tokens)
        try:
            value: Value = msgspec.json.decode(token.text, type=str | int | float)
        except msgspec.DecodeError:
            raise FilterError(token.column, f"The {token.kind} is not one of JSON.") from None
        if isinstance(value, str) and "\0" in value:
            raise FilterError(token.column, "A string holds no NUL.")
        return value

    def _takes(self, text: str) -> bool:
        taken = self._token.text.lower() == text
        if taken:
            self._token = next(self._tokens)
        return taken

    def _expected(self, what: str) -> FilterError:
        return FilterError(self._token.column, f"Expected {what}, not {self._token.text[:40] or 'the end'}.")


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while match := _TOKEN.match(text, at):
        kind = match.lastgroup or ""
        column = match.start(kind) + 1
        if kind == "wrong":
            raise FilterError(
                column, "The string has no end." if match[kind] == '"' else f"{match[kind]} means nothing."
            )
        yield _Token(kind, match[kind], column)
        at = match.end()
