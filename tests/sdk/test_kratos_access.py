"""Who may use the admin port: every operation of the client, with no key, a wrong one, and the key in both forms."""

from typing import Any

from tests.sdk.bodies import batch, model, new_email, patch, person, update
from tests.sdk.client import Kratos
from tests.sdk.conftest import Clients
from tests.sdk.releases import KRATOS_25
from tests.serving import Server

UNKNOWN = "8d3fbd3a-1f0b-4c8e-9d7e-0c1f7a5b6e42"
BY_ID = [
    "delete_identity",
    "delete_identity_sessions",
    "disable_session",
    "extend_session",
    "get_identity",
    "get_session",
    "list_identity_sessions",
]
WITH_BODY = [
    "batch_patch_identities",
    "create_identity",
    "create_recovery_code_for_identity",
    "create_recovery_link_for_identity",
    "delete_identity_credentials",
    "patch_identity",
    "update_identity",
]
KEYED = [*BY_ID, *WITH_BODY, "list_identities", "list_sessions"]


def arguments(kratos: Kratos, operation: str, identity_id: str = UNKNOWN) -> dict[str, Any]:
    """A well-formed call of any operation."""
    code, link = (model(f"CreateRecovery{kind}ForIdentityBody", identity_id=identity_id) for kind in ("Code", "Link"))
    known: dict[str, dict[str, Any]] = {
        "batch_patch_identities": {"patch_identities_body": batch(person(new_email()))},
        "create_identity": {"create_identity_body": person(new_email())},
        "create_recovery_code_for_identity": {"create_recovery_code_for_identity_body": code},
        "create_recovery_link_for_identity": {"create_recovery_link_for_identity_body": link},
        "delete_identity_credentials": {"id": identity_id, "type": "totp"},
        "patch_identity": {"id": identity_id} | patch(kratos, {"op": "remove", "path": "/traits/name"}),
        "update_identity": {"id": identity_id, "update_identity_body": update(new_email())},
    }
    return known.get(operation, {"id": identity_id} if operation in BY_ID else {})


def spoken(kratos: Kratos) -> list[str]:
    return [operation for operation in KEYED if operation not in kratos.release.lacks]


def test_W1_without_a_valid_key_every_operation_is_401(kratos: Kratos, anna: dict[str, Any]) -> None:
    strangers = [kratos.with_key(None), *(kratos.with_key("wrong", prefix) for prefix in kratos.release.prefixes[:2])]
    for operation in spoken(kratos):
        for stranger in strangers:
            stranger(operation, **arguments(kratos, operation, anna["id"])).refused(401)
            stranger(operation, **arguments(kratos, operation)).refused(401)


def test_W1_what_was_refused_has_not_happened(kratos: Kratos, anna: dict[str, Any]) -> None:
    for operation in spoken(kratos):
        kratos.with_key("wrong")(operation, **arguments(kratos, operation, anna["id"])).refused(401)
    assert kratos("get_identity", id=anna["id"]).ok(200)["traits"] == anna["traits"]


def test_W1_the_key_is_accepted_bare_and_as_a_bearer(kratos: Kratos, server: Server) -> None:
    for prefix in kratos.release.prefixes:
        kratos.with_key(server.key, prefix)("list_sessions", page_size=1).ok(200)


def test_W1_the_public_port_serves_no_administration(clients: Clients, server: Server) -> None:
    kratos = Kratos(clients(KRATOS_25), server.public, server.key)
    for operation in ("list_identities", "list_sessions", "get_identity", "get_session"):
        kratos(operation, **arguments(kratos, operation)).refused(404)
