"""The fields of traits, as an identity schema has them."""

from collections.abc import Iterator
from typing import Any

from nightlatch.core.identities.marks import NAME
from nightlatch.core.identities.schemas import Schema
from nightlatch.doors.kratos import texts
from nightlatch.doors.kratos.inputs import Node, input_

_FILLED_IN = {"email": "email", "tel": "tel", "uri": "url"}
_STRING_TYPES = {"email": "email", "tel": "tel", "uri": "url", "date": "date", "date-time": "datetime-local"}


def trait_inputs(schema: Schema, values: Any, group: str, *, hidden: bool) -> Iterator[Node]:
    """A field for each trait that has one value, in the order of the schema."""
    content = schema.content["properties"]["traits"]
    yield from _fields(content, values, "traits", group, hidden=hidden)


def _fields(content: dict[str, Any], values: Any, path: str, group: str, *, hidden: bool) -> Iterator[Node]:
    required = content.get("required", ())
    for name, field in content.get("properties", {}).items():
        if not isinstance(field, dict):
            continue
        value = values.get(name) if isinstance(values, dict) else None
        kind = field.get("type")
        if kind == "object":
            yield from _fields(field, value, f"{path}.{name}", group, hidden=hidden)
        elif kind != "array":
            yield _trait(field, f"{path}.{name}", value, group, required=name in required, hidden=hidden)


def _trait(field: dict[str, Any], name: str, value: Any, group: str, *, required: bool, hidden: bool) -> Node:
    kind = {"boolean": "checkbox", "number": "number", "integer": "number"}.get(str(field.get("type")), "")
    kind = "hidden" if hidden else kind or _STRING_TYPES.get(field.get("format", ""), "text")
    title = field.get("title")
    more: dict[str, Any] = {"value": value} if value is not None else {}
    if required:
        more["required"] = True
    if field.get("format") in _FILLED_IN:
        more["autocomplete"] = _FILLED_IN[field["format"]]
    if "pattern" in field:
        more["pattern"] = field["pattern"]
    if "maxLength" in field:
        more["maxlength"] = field["maxLength"]
    if "enum" in field:
        more["options"] = [{"value": option} for option in field["enum"]]
    return input_(group, name, kind, texts.label(title, name) if title else None, **more)


def identifier_label(schema: Schema) -> texts.Message:
    """The title of the one trait that people sign in with; where there are several, no such name fits."""
    found = list(_identifiers(schema.content["properties"]["traits"], "traits"))
    return texts.label(*found[0]) if len(found) == 1 and found[0][0] else texts.ID


def _identifiers(content: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Title and name of the traits that people sign in with."""
    for name, field in content.get("properties", {}).items():
        if isinstance(field, dict):
            uses = field.get(NAME, {}).get("credentials", {})
            if any(uses.get(method, {}).get("identifier") for method in ("password", "code")):
                yield field.get("title", ""), f"{path}.{name}"
            yield from _identifiers(field, f"{path}.{name}")
