"""A question over the sessions of an organization: a filter whose attributes are known and whose values fit them.

Texts are compared letter by letter, some without regard to the case of A to Z. What a session lacks equals no value.
"""

from datetime import datetime
from enum import Enum, StrEnum
from typing import Annotated

import msgspec

from nightlatch.core.identities.model import State as IdentityState
from nightlatch.core.sessions.model import How, Standing
from nightlatch.kernel.clock import microseconds
from nightlatch.kernel.filters import Comparison, Filter, FilterError, Not, Op, Value, conjuncts, mapped, parse
from nightlatch.kernel.ids import parse_id
from nightlatch.problems import FilterInvalid

_BIGGEST = 2**63


class State(StrEnum):
    """What a session is at some time: in force; ended by somebody; over by time; or its identity is inactive."""

    ACTIVE = "active"
    ENDED = "ended"
    EXPIRED = "expired"
    INACTIVE = "inactive"


class Kind(Enum):
    """What an attribute holds. Of CASELESS, A to Z are like a to z; a CHOICE is one of a few words; LIST holds several,
    and equals whatever is in it."""

    ID = "a UUID"
    NUMBER = "a whole number"
    TIME = "a time as 2026-11-22T09:00:00Z"
    TEXT = "a string"
    CASELESS = "a text"
    CHOICE = "one of its words"
    LIST = "a word"


class Attribute(msgspec.Struct, frozen=True):
    kind: Kind
    choices: tuple[str, ...] = ()


ATTRIBUTES = {
    "id": Attribute(Kind.ID),
    "number": Attribute(Kind.NUMBER),
    "state": Attribute(Kind.CHOICE, tuple(State)),
    "organization": Attribute(Kind.ID),
    "identity.id": Attribute(Kind.ID),
    "identity.state": Attribute(Kind.CHOICE, tuple(IdentityState)),
    "identity.schema": Attribute(Kind.TEXT),
    "identity.external_id": Attribute(Kind.TEXT),
    "device.kind": Attribute(Kind.CHOICE, ("web", "mobile", "desktop", "other")),
    "device.ip": Attribute(Kind.CASELESS),
    "device.user_agent": Attribute(Kind.CASELESS),
    "device.location": Attribute(Kind.CASELESS),
    "methods": Attribute(Kind.LIST),
    "aal": Attribute(Kind.NUMBER),
    "created_at": Attribute(Kind.TIME),
    "issued_at": Attribute(Kind.TIME),
    "authenticated_at": Attribute(Kind.TIME),
    "expires_at": Attribute(Kind.TIME),
    "last_seen": Attribute(Kind.TIME),
}
_SAME = {Op.EQ, Op.NE, Op.PR}
_ORDER = _SAME | {Op.GT, Op.GE, Op.LT, Op.LE}
OPS = {
    Kind.ID: _SAME,
    Kind.CHOICE: _SAME,
    Kind.LIST: _SAME,
    Kind.NUMBER: _ORDER,
    Kind.TIME: _ORDER,
    Kind.TEXT: set(Op),
    Kind.CASELESS: set(Op),
}
_NARROW = {"id", "number", "identity.id", "identity.external_id"}
CREATED = "created_at"


class Question(msgspec.Struct, frozen=True):
    """Which sessions, as of `now`: those that fit `where`, all of them when it is None. Of those that `how` would end,
    if it is given; of those issued by `issued_by`. Lists go by creation: the newest first, or the oldest."""

    organization: bytes
    now: int
    idle_since: int | None
    where: Filter | None = None
    oldest_first: bool = False
    how: How | None = None
    issued_by: int | None = None

    @property
    def narrow(self) -> Comparison | None:
        """The comparison by which an index finds the few rows there can be."""
        for term in conjuncts(self.where):
            if isinstance(term, Comparison) and term.op is Op.EQ and term.path in _NARROW:
                return term
        return None

    @property
    def span(self) -> tuple[Comparison, ...]:
        """The comparisons that say which stretch of the list is asked for."""
        return tuple(t for t in conjuncts(self.where) if isinstance(t, Comparison) and t.path == CREATED)

    @property
    def picks(self) -> bool:
        """Whether rows of that stretch are passed over."""
        return tuple(conjuncts(self.where)) != self.span


class Summary(msgspec.Struct, frozen=True):
    """How many there are: in all, and by attribute and value. A session with several methods is counted by each."""

    total: int
    facets: dict[str, dict[str, int]]


def filter_of(text: str) -> Filter:
    """The tree of a filter over sessions, its values as they are stored. FilterInvalid for what is no filter (nothing,
    too), names what no session has, or compares it with what it cannot be."""
    try:
        return mapped(parse(text), _typed)
    except FilterError as error:
        raise FilterInvalid(f"Column {error.column}: {error.reason}", error.column) from None


def state_of(standing: Standing, idle_since: int | None, now: int) -> State:
    """What the session is at `now`."""
    session = standing.session
    if standing.ended:
        return State.ENDED
    if session.expires_at <= now or (idle_since is not None and session.last_seen <= idle_since):
        return State.EXPIRED
    return State.ACTIVE if standing.identity.state is IdentityState.ACTIVE else State.INACTIVE


def lowered(text: str) -> str:
    """`text` with A to Z as a to z and all else as it was, which is what both databases do to it."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _typed(comparison: Comparison) -> Filter:
    attribute = ATTRIBUTES.get(comparison.path)
    if attribute is None:
        names = ", ".join(ATTRIBUTES)
        raise FilterError(comparison.column, f"{comparison.path[:40]} is no attribute of a session. There are {names}.")
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
        case Kind.NUMBER, int() if not isinstance(value, bool) and abs(value) < _BIGGEST:
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
