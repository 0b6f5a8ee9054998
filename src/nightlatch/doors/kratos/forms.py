"""What an HTML form sends (application/x-www-form-urlencoded), as the JSON that an app would."""

import re
from typing import Any
from urllib.parse import parse_qsl

from nightlatch.problems import Invalid

TYPE = "application/x-www-form-urlencoded"
_MOST = 1000
TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})  # clients spell a truth in a query as their language does
_SWITCH = {"true", "false", "on"}
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)


def decode(body: bytes) -> dict[str, str]:
    """The fields that were filled in. Invalid for bytes that are no text, a NUL, or a name with two values; of a
    checkbox and the hidden field that stands for its being empty, the last counts."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST)
    except ValueError:
        raise Invalid("The form cannot be read.") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if "\0" in name + value:
            raise Invalid("The form holds a NUL character.")
        known = fields.get(name, value)
        if known != value and not {value, known} <= _SWITCH:
            raise Invalid("The form has a name twice.")
        fields[name] = value
    return {name: value for name, value in fields.items() if value}


def typed(schema: Any, value: Any) -> Any:
    """`value`, whose leaves are texts, with the numbers and truths in it that `schema` asks for."""
    if not isinstance(schema, dict):
        return value
    kind = schema.get("type")
    if isinstance(value, dict):
        below = schema.get("properties", {})
        return {name: typed(below.get(name), each) for name, each in value.items()}
    if kind == "boolean" and value in _SWITCH:
        return value != "false"
    if kind in ("integer", "number") and isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value
