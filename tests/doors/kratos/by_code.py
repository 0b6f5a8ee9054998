"""Doors at which people sign in and up by a code, and the mail that they were sent."""

import json
from typing import Any

from tests.core.by_code import another as another  # noqa: PLC0414 - tests of the doors need it too
from tests.doors.kratos.in_process import Doors, flows
from tests.serving import SCHEMAS

from nightlatch.core.courier.model import Filter
from nightlatch.core.courier.rules import opened
from nightlatch.core.identities.schemas import Schema, Schemas
from nightlatch.core.organizations.model import DEFAULT


def with_codes() -> Schemas:
    """The schema that ships, whose e-mail address signs in by code as well."""
    document = json.loads(SCHEMAS["default"].read_bytes())
    marks = document["properties"]["traits"]["properties"]["email"]["ory.sh/kratos"]
    marks["credentials"]["code"] = {"identifier": True, "via": "email"}
    return Schemas([Schema("default", json.dumps(document).encode())], "default")


def listen(doors: Doors, **changes: Any) -> None:
    """Codes are on from now on, with these changes of how flows behave."""
    doors.listen(schemas=with_codes(), flows=flows(passwordless=True, **changes))


def mail(doors: Doors) -> list[tuple[str, str, str]]:
    """Template, recipient and code of what was sent. Of one moment, the order is by chance: tests move the clock."""
    rows = doors.read(lambda tx: tx.messages.page(DEFAULT, Filter(), None, 100))
    found = [(row, opened(doors.parts.vault.keys, row)) for row in reversed(rows)]
    return [(row.template, row.recipient, data["code"]) for row, data in found if data and "code" in data]


def last_code(doors: Doors) -> str:
    code = mail(doors)[-1][2]
    doors.clock.advance(1_000_000)
    return code


def names(flow: dict[str, Any]) -> list[str]:
    """The fields of a flow, in order; a button with its value."""
    nodes = [node["attributes"] for node in flow["ui"]["nodes"]]
    return [f"{n['name']}={n['value']}" if n["type"] == "submit" else f"{n['name']}:{n['type']}" for n in nodes]
