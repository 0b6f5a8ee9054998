"""What a form says of each rule of an identity schema (contract: message ids of part 7): the number, and in the context
what pages in other languages put into their own sentences."""

import json
from typing import Any

import pytest
from tests.doors.kratos.in_process import Doors

from nightlatch.core.identities.schemas import Schema, Schemas

INIT, SUBMIT = "/self-service/registration/api", "/self-service/registration"


def complaint(doors: Doors, rule: dict[str, Any], value: Any) -> dict[str, Any]:
    """The one message on the field `trait`, which `rule` is for."""
    traits = {"type": "object", "properties": {"trait": rule}, "required": ["trait"]}
    document = json.dumps({"type": "object", "properties": {"traits": traits}}).encode()
    doors.listen(schemas=Schemas([Schema("default", document)], "default"))
    flow = doors.public("GET", INIT).ok()["id"]
    sent = {"method": "profile", "traits": {} if value is None else {"trait": value}}
    shown = doors.public("POST", f"{SUBMIT}?flow={flow}", sent).ok(400)
    [node] = [node for node in shown["ui"]["nodes"] if node["attributes"]["name"] == "traits.trait"]
    [message] = node["messages"]
    assert (message["type"], bool(message["text"])) == ("error", True)
    return dict(message)


@pytest.mark.parametrize(
    ("rule", "value", "number", "context"),
    [
        ({}, None, 4000002, {"property": "trait"}),
        ({"minLength": 3}, "ab", 4000003, {"min_length": 3, "actual_length": 2}),
        ({"maxLength": 1}, "ab", 4000017, {"max_length": 1, "actual_length": 2}),
        ({"pattern": "^a$"}, "b", 4000004, {"pattern": "^a$"}),
        ({"minimum": 2}, 1, 4000018, {"minimum": 2, "actual": 1}),
        ({"exclusiveMinimum": 1}, 1, 4000019, {"minimum": 1, "actual": 1}),
        ({"maximum": 1}, 1.5, 4000020, {"maximum": 1, "actual": 1.5}),
        ({"exclusiveMaximum": 1}, 1, 4000021, {"maximum": 1, "actual": 1}),
        ({"multipleOf": 2}, 3, 4000022, {"base": 2, "actual": 3}),
        ({"type": "string"}, 4, 4000026, {"allowed_types": ["string"], "actual_type": "number"}),
        ({"const": "a"}, "b", 4000029, {"expected": "a"}),
        ({"format": "email"}, "foo", 4000040, None),
        ({"format": "tel"}, "foo", 4000041, None),
        ({"ory.sh/kratos": {"recovery": {"via": "email"}}}, "foo", 4000040, None),
        ({"format": "date"}, "foo", 4000001, {"reason": '"foo" is not valid "date"'}),
        ({"enum": ["a"]}, "b", 4000001, {"reason": 'value must be "a"'}),
    ],
)
def test_each_rule_has_its_message(
    doors: Doors, rule: dict[str, Any], value: Any, number: int, context: dict[str, Any] | None
) -> None:
    message = complaint(doors, rule, value)
    assert (message["id"], message.get("context")) == (number, context)
