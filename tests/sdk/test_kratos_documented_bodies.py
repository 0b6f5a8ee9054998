"""The example bodies in the published documentation of ory-kratos-client 0.13.1, filled in with values that mean
something: with every member that an example sends, whether or not anything listens to it."""

import uuid
from typing import Any

import bcrypt
import pytest
from tests.sdk.bodies import Model, model, new_email, patch
from tests.sdk.client import Kratos
from tests.serving import Server

PASSWORD = "Gr4vel_under-boots 3"
STAMP = model("datetime", of="2014-01-01T23:28:56.782Z")


def documented_credentials(subject: str) -> Model:
    """Both a password and a hash, and beside the providers of oidc a password config that means nothing there."""
    hashed = bcrypt.hashpw(b"another one, which loses", bcrypt.gensalt(4)).decode()
    secret = model("IdentityWithCredentialsPasswordConfig", hashed_password=hashed, password=PASSWORD)
    provider = model("IdentityWithCredentialsOidcConfigProvider", provider="github", subject=subject)
    upstream = model("IdentityWithCredentialsOidcConfig", config=secret, providers=[provider])
    return model(
        "IdentityWithCredentials",
        oidc=model("IdentityWithCredentialsOidc", config=upstream),
        password=model("IdentityWithCredentialsPassword", config=secret),
    )


def documented_creation(email: str, subject: str) -> Model:
    return model(
        "CreateIdentityBody",
        credentials=documented_credentials(subject),
        metadata_admin=None,
        metadata_public=None,
        recovery_addresses=[
            model(
                "RecoveryIdentityAddress",
                created_at=STAMP,
                id=str(uuid.uuid4()),
                updated_at=STAMP,
                value=email,
                via="email",
            )
        ],
        schema_id="default",
        state=model("IdentityState", of="active"),
        traits={"email": email},
        verifiable_addresses=[
            model(
                "VerifiableIdentityAddress",
                created_at=STAMP,
                id=str(uuid.uuid4()),
                status="completed",
                updated_at=STAMP,
                value=email,
                verified=True,
                verified_at=STAMP,
                via="email",
            )
        ],
    )


def check(kratos: Kratos, server: Server, identity_id: str, email: str, subject: str) -> None:
    read = kratos("get_identity", id=identity_id, include_credential=["oidc"]).ok(200)
    assert read["credentials"]["oidc"]["identifiers"] == [f"github:{subject}"]
    [verifiable], [recovery] = read["verifiable_addresses"], read["recovery_addresses"]
    assert (verifiable["value"], verifiable["verified"], verifiable["status"]) == (email, True, "completed")
    assert recovery["value"] == email
    server.sign_in(email, PASSWORD)


def test_the_documented_create_identity_is_accepted(kratos: Kratos, server: Server) -> None:
    email, subject = new_email(), uuid.uuid4().hex
    made = kratos("create_identity", create_identity_body=documented_creation(email, subject)).ok(201)
    check(kratos, server, made["id"], email, subject)


@pytest.mark.needs("batch_patch_identities")
def test_the_documented_batch_patch_identities_is_accepted(kratos: Kratos, server: Server) -> None:
    email, subject, patch_id = new_email(), uuid.uuid4().hex, str(uuid.uuid4())
    one = model("IdentityPatch", create=documented_creation(email, subject), patch_id=patch_id)
    body = model("PatchIdentitiesBody", identities=[one])
    [done] = kratos("batch_patch_identities", patch_identities_body=body).ok(200)["identities"]
    assert (done["action"], done["patch_id"]) == ("create", patch_id)
    check(kratos, server, done["identity"], email, subject)


def test_the_documented_update_identity_is_accepted(kratos: Kratos, server: Server, anna: dict[str, Any]) -> None:
    email, subject = anna["traits"]["email"], uuid.uuid4().hex
    body = model(
        "UpdateIdentityBody",
        credentials=documented_credentials(subject),
        metadata_admin=None,
        metadata_public=None,
        schema_id="default",
        state=model("IdentityState", of="active"),
        traits={"email": email},
    )
    kratos("update_identity", id=anna["id"], update_identity_body=body).ok(200)
    read = kratos("get_identity", id=anna["id"], include_credential=["oidc"]).ok(200)
    assert read["credentials"]["oidc"]["identifiers"] == [f"github:{subject}"]
    server.sign_in(email, PASSWORD)


def test_the_documented_patch_identity_is_accepted(kratos: Kratos, anna: dict[str, Any]) -> None:
    """Its `from` means nothing to a replace, and its path need not exist before."""
    operation = {"from": "/traits/name", "op": "replace", "path": "/traits/name", "value": {"first": "Anna"}}
    changed = kratos("patch_identity", id=anna["id"], **patch(kratos, operation)).ok(200)
    assert changed["traits"]["name"] == {"first": "Anna"}


@pytest.mark.parametrize(("kind", "expires_in", "status"), [("Code", "80728ms15m127us2h", 201), ("Link", "4ms", 200)])
def test_the_documented_recoveries_are_accepted(
    kratos: Kratos, anna: dict[str, Any], kind: str, expires_in: str, status: int
) -> None:
    operation = f"create_recovery_{kind.lower()}_for_identity"
    body = model(f"CreateRecovery{kind}ForIdentityBody", expires_in=expires_in, identity_id=anna["id"])
    kratos(operation, **{f"{operation}_body": body}).ok(status)


def test_the_documented_duration_of_centuries_is_refused_in_words(kratos: Kratos, anna: dict[str, Any]) -> None:
    expires_in = "80728ms0015280217980962255008507620686293393339756506851391026912917327294786014820265m"
    body = model("CreateRecoveryCodeForIdentityBody", expires_in=expires_in, identity_id=anna["id"])
    arguments = {"create_recovery_code_for_identity_body": body}
    assert "expires_in" in kratos("create_recovery_code_for_identity", **arguments).refused(400)["reason"]


@pytest.mark.needs("credentials_identifier")
def test_the_documented_lists_are_accepted(kratos: Kratos, anna: dict[str, Any]) -> None:
    kratos("list_identity_schemas", per_page=250, page=1).ok(200)
    kratos("list_identity_sessions", id=anna["id"], per_page=250, page=1, active=True).ok(200)
    found = kratos("list_identities", per_page=250, page=1, credentials_identifier=anna["traits"]["email"])
    assert [each["id"] for each in found.ok(200)] == [anna["id"]]
    assert found.headers["x-total-count"] == "1"
