"""The fields of forms, as flows show them."""

from collections.abc import Iterator
from typing import Any

from nightlatch.doors.kratos import texts

Node = dict[str, Any]


def csrf() -> Node:
    """Apps have no cookie that a strange page could ride on; theirs stays empty, as clients expect it."""
    return input_("default", "csrf_token", "hidden", None, value="", required=True)


def code_inputs(label: texts.Message) -> Iterator[Node]:
    """Where a one-time code is typed, and the button that sends it. The method is there for other buttons as well."""
    more: dict[str, Any] = {"pattern": "[0-9]+", "maxlength": 6, "autocomplete": "one-time-code"}
    yield input_("code", "code", "text", label, required=True, **more)
    yield input_("code", "method", "hidden", None, value="code")
    yield input_("code", "method", "submit", texts.CONTINUE, value="code")


def input_(group: str, name: str, kind: str, label: texts.Message | None, **more: Any) -> Node:
    """A field, or with the kind submit a button."""
    return {
        "type": "input",
        "group": group,
        "attributes": {"name": name, "type": kind, "disabled": False, "node_type": "input", **more},
        "messages": [],
        "meta": {"label": label} if label else {},
    }
