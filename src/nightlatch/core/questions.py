"""What questions over rows of any kind have in common: attributes with what they hold, and filters that fit them.

Texts are compared letter by letter, some without regard to the case of A to Z. What a row lacks equals no value.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Annotated, Protocol

import msgspec

from nightlatch.kernel.clock import microseconds
from nightlatch.kernel.filters import Comparison, Filter, FilterError, Not, Op, Value, conjuncts, mapped, parse
from nightlatch.kernel.ids import parse_id
from nightlatch.problems import FilterInvalid

Place = tuple[int, bytes]
"""Where in a list by time a row is: its time, and its id."""
TRAITS = "traits."
"""What the attributes begin with that are traits, by the path in them."""
BIGGEST = 2**63


class Kind(Enum):
    """What an attribute holds. Of CASELESS, A to Z are like a to z; a CHOICE is one of a few words; LIST holds several,
    and equals whatever is in it."""

    ID = "a UUID"
    NUMBER = "a whole number"
    TIME = "a time as 2026-11-22T09:00:00Z"
    FLAG = "true or false"
    TEXT = "a string"
    CASELESS = "a text"
    CHOICE = "one of its words"
    LIST = "a word"


class Attribute(msgspec.Struct, frozen=True):
    kind: Kind
    choices: tuple[str, ...] = ()


Traits = Mapping[str, Attribute]
"""The traits that filters may name."""


_SAME = {Op.EQ, Op.NE, Op.PR}
_ORDER = _SAME | {Op.GT, Op.GE, Op.LT, Op.LE}
OPS = {
    Kind.ID: _SAME,
    Kind.CHOICE: _SAME,
    Kind.LIST: _SAME,
    Kind.FLAG: _SAME,
    Kind.NUMBER: _ORDER,
    Kind.TIME: _ORDER,
    Kind.TEXT: set(Op),
    Kind.CASELESS: set(Op),
}


# What an index in the order of the values finds.
_RANGES = {Op.EQ, Op.SW, Op.GT, Op.GE, Op.LT, Op.LE, Op.PR}


class Reach(msgspec.Struct, frozen=True):
    """How many rows a filter has to do with: those of `narrow`, by which an index finds the few there can be; or those
    of a stretch of the list. `picks` says that some of the stretch are passed over. `traits` find few, or many."""

    narrow: Comparison | None
    span: tuple[Comparison, ...]
    picks: bool
    traits: tuple[Comparison, ...] = ()


class Question(Protocol):
    """Which rows of an organization: those that fit `where`, all of them when it is None; in which order."""

    @property
    def organization(self) -> bytes: ...

    @property
    def where(self) -> Filter | None: ...

    @property
    def oldest_first(self) -> bool: ...

    @property
    def reach(self) -> Reach: ...


class Summary(msgspec.Struct, frozen=True):
    """How many there are: in all, and by attribute and value. Who has several values is counted by each."""

    total: int
    facets: dict[str, dict[str, int]]


def reach(where: Filter | None, narrow: Collection[str], along: str, few: Comparison | None = None) -> Reach:
    """The reach of a filter over rows that an index finds by these attributes, in a list by the time `along`; `few` is
    a term of it that is known to find few."""
    terms = tuple(conjuncts(where))
    said = [term for term in terms if isinstance(term, Comparison)]
    span = tuple(term for term in said if term.path == along)
    found = (term for term in said if term.op is Op.EQ and term.path in narrow)
    traits = tuple(term for term in said if term.path.startswith(TRAITS) and term.op in _RANGES)
    return Reach(next(found, few), span, terms != span, traits)


def typed(text: str, attributes: Mapping[str, Attribute], noun: str) -> Filter:
    """The tree of a filter over such rows, its values as they are stored. FilterInvalid for what is no filter (nothing,
    too), names what they do not have, or compares it with what it cannot be."""
    try:
        return mapped(parse(text), partial(_typed, attributes, noun))
    except FilterError as error:
        raise FilterInvalid(f"Column {error.column}: {error.reason}", error.column) from None


def lowered(text: str) -> str:
    """`text` with A to Z as a to z and all else as it was, which is what both databases do to it."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _typed(attributes: Mapping[str, Attribute], noun: str, comparison: Comparison) -> Filter:
    attribute = attributes.get(comparison.path)
    if attribute is None:
        names = ", ".join(attributes)
        raise FilterError(comparison.column, f"{comparison.path[:40]} is no attribute of {noun}. There are {names}.")
    if comparison.op not in OPS[attribute.kind]:
        raise FilterError(comparison.column, f"{comparison.path} can be asked with {_listed(attribute.kind)} only.")
    if comparison.op is Op.PR:
        return comparison
    if comparison.value is None and comparison.op in _SAME:
        present = Comparison(comparison.path, Op.PR)
        return Not(present) if comparison.op is Op.EQ else present
    value = _value(attribute, comparison.value)
    if value is None:
        what = " or ".join(attribute.choices) or attribute.kind.value
        raise FilterError(comparison.value_column, f"{comparison.path} is {what}.")
    return msgspec.structs.replace(comparison, value=value)


def _listed(kind: Kind) -> str:
    return ", ".join(op for op in Op if op in OPS[kind])


def _value(attribute: Attribute, value: Value) -> Value:
    """The value as it is stored; None when it cannot be one of the attribute."""
    match attribute.kind, value:
        case Kind.NUMBER, int() if not isinstance(value, bool) and abs(value) < BIGGEST:
            return value
        case Kind.FLAG, bool():
            return value
        case Kind.ID, str():
            return parse_id(value)
        case Kind.TIME, str():
            return _time(value)
        case ((Kind.TEXT | Kind.LIST), str()):
            return value
        case Kind.CASELESS, str():
            return lowered(value)
        case Kind.CHOICE, str() if lowered(value) in attribute.choices:
            return lowered(value)
    return None


def _time(text: str) -> int | None:
    try:
        return microseconds(msgspec.convert(text, Annotated[datetime, msgspec.Meta(tz=True)]))
    except (msgspec.ValidationError, OverflowError):
        return None
