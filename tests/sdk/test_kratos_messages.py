"""The operations on messages, through the published clients."""

from typing import Any

import pytest
from tests.sdk.bodies import PASSWORD, new_email
from tests.sdk.client import Kratos
from tests.serving import Server

UNKNOWN = "8d3fbd3a-1f0b-4c8e-9d7e-0c1f7a5b6e42"


@pytest.fixture
def courier(kratos: Kratos, server: Server) -> Kratos:
    return Kratos(kratos.process, server.admin, server.key, api="CourierApi")


@pytest.fixture
def told(server: Server) -> str:
    """The address of somebody whose password an administrator replaced."""
    email = new_email()
    address = {"value": email, "via": "email", "verified": True, "status": "completed"}
    body: dict[str, Any] = {"schema_id": "default", "traits": {"email": email}, "verifiable_addresses": [address]}
    secret = {"password": {"config": {"password": PASSWORD}}}
    made = server.ask_admin("POST", "/admin/identities", json=body | {"credentials": secret}).json()
    replaced = {"state": "active", "credentials": {"password": {"config": {"password": PASSWORD + " 2"}}}}
    assert server.ask_admin("PUT", f"/admin/identities/{made['id']}", json=body | replaced).status_code == 200
    return email


def test_P15_who_was_told_of_a_replaced_password_is_found_by_address(courier: Kratos, told: str) -> None:
    [message] = courier("list_courier_messages", recipient=told).ok(200)
    assert (message["recipient"], message["type"], message["template_type"]) == (told, "email", "stub")
    assert message["body"] == "<redacted-unless-dev-mode>"


@pytest.mark.needs("get_courier_message")
def test_one_message_is_found_by_its_id_and_what_is_not_there_is_404(courier: Kratos, told: str) -> None:
    [message] = courier("list_courier_messages", recipient=told).ok(200)
    assert courier("get_courier_message", id=message["id"]).ok(200)["recipient"] == told
    courier("get_courier_message", id=UNKNOWN).refused(404)
