"""What is wrong with traits, in the words that clients of this API know: those of a Go JSON Schema library.

I[#/traits/bar] S[#/properties/traits/properties/bar/type] expected string, but got number
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind

from nightlatch.problems import Fault, TraitsInvalid

Path = tuple[str | int, ...]

_SHOWN_LENGTH = 256
_TYPES = {type(None): "null", bool: "boolean", str: "string", list: "array", dict: "object"}


class Complaint(NamedTuple):
    """One broken rule: `path` of the value, `at` of the rule in the schema, and why; `missing` is a property. What the
    rule asks for is its `limit`, and what it found, `found`."""

    path: Path
    at: Path
    sentence: str
    missing: str = ""
    causes: tuple["Complaint", ...] = ()
    rule: str = ""
    limit: Any = None
    found: Any = None


def refusal(complaints: Sequence[Complaint]) -> TraitsInvalid:
    """The Problem that names them all, a line each; the missing properties of one object share a line."""
    lines: dict[str, list[str]] = {}
    for complaint in complaints:
        if complaint.missing:
            lines.setdefault(f"{_head(complaint)} missing properties: ", []).append(shown(complaint.missing))
        else:
            lines[_text(complaint)] = []
    reason = "\n".join(line + ", ".join(names) for line, names in lines.items())
    return TraitsInvalid(reason, [_located(complaint) for complaint in complaints])


def complaint(error: ValidationError) -> Complaint:
    """What a validator of jsonschema-rs found."""
    path, at, kind = tuple(error.instance_path), tuple(error.schema_path), error.kind
    causes: Iterable[ValidationError] = ()
    match kind:
        case Kind.Required():
            return Complaint(path, at, f"missing properties: {shown(kind.property)}", kind.property, rule="required")
        case Kind.AnyOf() | Kind.OneOfNotValid():
            causes = chain.from_iterable(kind.context)
        case Kind.PropertyNames():
            causes = (kind.error,)
    measured = _measured(error)
    return Complaint(path, at, _sentence(error), "", tuple(complaint(cause) for cause in causes), kind.name, *measured)


def shown(value: Any) -> str:
    """`value` as JSON, cut: an answer must not echo a whole document."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"


def pointer(path: Path) -> str:
    """The JSON pointer of `path`."""
    return "".join(f"/{_escaped(step)}" for step in path)


def _sentence(error: ValidationError) -> str:
    found = error.instance
    match error.kind:
        case Kind.Type(types):
            return f"expected {' or '.join(types)}, but got {_TYPES.get(type(found), 'number')}"
        case Kind.Format(name):
            return f"{shown(found)} is not valid {shown(name)}"
        case Kind.Pattern(pattern):
            return f"does not match pattern {shown(pattern)}"
        case Kind.AdditionalProperties(unexpected):
            return f"additionalProperties {', '.join(map(shown, unexpected))} not allowed"
        case Kind.FalseSchema():
            return "always fail"
        case Kind.Constant(expected):
            return f"value must be {shown(expected)}"
        case Kind.Enum([option]):
            return f"value must be {shown(option)}"
        case Kind.Enum(options):
            return f"value must be one of {', '.join(map(shown, options))}"
        case Kind.UniqueItems():
            return "items are not unique"
    return _sized(error) or f"{error.kind.name} failed"


def _measured(error: ValidationError) -> tuple[Any, Any]:
    """What the rule asks for and what was found, where numbers or names say it."""
    found: Any = error.instance
    match error.kind:
        case Kind.MinLength(limit) | Kind.MaxLength(limit) | Kind.MinItems(limit) | Kind.MaxItems(limit):
            return limit, len(found)
        case Kind.Minimum(limit) | Kind.Maximum(limit) | Kind.ExclusiveMinimum(limit) | Kind.ExclusiveMaximum(limit):
            return limit, found
        case Kind.MultipleOf(limit):
            return limit, found
        case Kind.Type(types):
            return types, _TYPES.get(type(found), "number")
        case Kind.Format(limit) | Kind.Pattern(limit) | Kind.Constant(limit):
            return limit, None
    return None, None


def _sized(error: ValidationError) -> str | None:
    found: Any = error.instance
    match error.kind:
        case Kind.MinLength(limit):
            return f"length must be >= {limit}, but got {len(found)}"
        case Kind.MaxLength(limit):
            return f"length must be <= {limit}, but got {len(found)}"
        case Kind.Minimum(limit):
            return f"must be >= {limit} but found {shown(found)}"
        case Kind.Maximum(limit):
            return f"must be <= {limit} but found {shown(found)}"
        case Kind.ExclusiveMinimum(limit):
            return f"must be > {limit} but found {shown(found)}"
        case Kind.ExclusiveMaximum(limit):
            return f"must be < {limit} but found {shown(found)}"
        case Kind.MultipleOf(divisor):
            return f"{shown(found)} not multipleOf {divisor}"
        case Kind.MinItems(limit) | Kind.MinProperties(limit):
            return f"minimum {limit} {_things(found)} allowed, but found {len(found)} {_things(found)}"
        case Kind.MaxItems(limit) | Kind.MaxProperties(limit):
            return f"maximum {limit} {_things(found)} allowed, but found {len(found)} {_things(found)}"
    return None


def _things(found: Any) -> str:
    return "items" if isinstance(found, list) else "properties"


def _located(complaint: Complaint) -> Fault:
    path = (*complaint.path, complaint.missing) if complaint.missing else complaint.path
    return Fault(pointer(path), complaint.sentence, complaint.rule, complaint.limit, complaint.found)


def _text(complaint: Complaint) -> str:
    causes = "".join(f"\n{_text(cause)}".replace("\n", "\n  ") for cause in complaint.causes)
    return f"{_head(complaint)} {complaint.sentence}{causes}"


def _head(complaint: Complaint) -> str:
    return f"I[{_fragment(complaint.path)}] S[{_fragment(complaint.at)}]"


def _fragment(path: Path) -> str:
    return "#" + "".join(f"/{quote(_escaped(step), safe='$&+:=@')}" for step in path)


def _escaped(step: str | int) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")
