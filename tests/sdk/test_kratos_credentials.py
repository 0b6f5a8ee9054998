"""Credentials that are imported, shown and deleted, and the ways back in that an administrator gives."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import bcrypt
import pytest
from tests.sdk.bodies import PASSWORD, hashed, model, new_email, person, secret
from tests.sdk.client import Kratos
from tests.serving import Server

UNKNOWN = "8d3fbd3a-1f0b-4c8e-9d7e-0c1f7a5b6e42"
TOTP = {"config": {"totp_url": "otpauth://totp/test:anna?secret=JBSWY3DPEHPK3PXP&issuer=test"}}
LOOKUP = {"config": {"codes": [{"code": "abcd1234"}, {"code": "efgh5678"}]}}


def imported(server: Server, **credentials: Any) -> dict[str, Any]:
    """A person with PASSWORD and what the old client's models cannot name."""
    return server.create({"email": new_email()}, password={"config": {"hashed_password": hashed()}}, **credentials)


def oidc(subject: str) -> dict[str, Any]:
    provider = model("IdentityWithCredentialsOidcConfigProvider", provider="github", subject=subject)
    config = model("IdentityWithCredentialsOidcConfig", providers=[provider])
    return model("IdentityWithCredentials", oidc=model("IdentityWithCredentialsOidc", config=config))


def lookup_name(kratos: Kratos) -> str:
    return "lookup" if kratos.release.old else "lookup_secret"


# Import


def test_a_person_whose_hash_was_imported_can_sign_in(kratos: Kratos, server: Server) -> None:
    email, plain = new_email(), "from the other system 5"
    imported_hash = bcrypt.hashpw(plain.encode(), bcrypt.gensalt(4)).decode()
    body = person(email, credentials=secret(hashed_password=imported_hash))
    kratos("create_identity", create_identity_body=body).ok(201)
    assert server.try_sign_in(email, plain + "x").status_code == 400
    server.sign_in(email, plain)


@pytest.mark.parametrize(
    "imported_hash", ["plain text", "$2b$31$" + "a" * 53, "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$aGFzaA"]
)
def test_P1_a_hash_that_is_unknown_or_too_dear_is_refused(kratos: Kratos, server: Server, imported_hash: str) -> None:
    email = new_email()
    body = person(email, credentials=secret(hashed_password=imported_hash))
    kratos("create_identity", create_identity_body=body).refused(400)
    assert server.known(email) == []


def test_an_upstream_account_is_imported_and_shown(kratos: Kratos, server: Server) -> None:
    subject = uuid.uuid4().hex
    made = kratos("create_identity", create_identity_body=person(new_email(), credentials=oidc(subject))).ok(201)
    read = kratos("get_identity", id=made["id"], include_credential=["oidc"]).ok(200)
    shown = read["credentials"]["oidc"]
    assert shown["identifiers"] == [f"github:{subject}"]
    [provider] = shown["config"]["providers"]
    assert (provider["provider"], provider["subject"]) == ("github", subject)
    assert server.known(f"github:{subject}") == [made["id"]]


def test_an_upstream_account_belongs_to_one_person(kratos: Kratos) -> None:
    subject = uuid.uuid4().hex
    kratos("create_identity", create_identity_body=person(new_email(), credentials=oidc(subject))).ok(201)
    kratos("create_identity", create_identity_body=person(new_email(), credentials=oidc(subject))).refused(409)


# delete_identity_credentials


@pytest.mark.needs("delete_identity_credentials")
def test_a_second_factor_is_deleted_and_the_answer_is_what_each_client_accepts(kratos: Kratos, server: Server) -> None:
    made = imported(server, totp=TOTP)
    answer = kratos("delete_identity_credentials", id=made["id"], type="totp")
    if identity := answer.ok(200):  # the later Python clients expect nothing, and give nothing back
        assert identity["id"] == made["id"]
        assert "totp" not in identity.get("credentials", {})
    again = kratos("delete_identity_credentials", id=made["id"], type="totp").refused(404)
    assert again["reason"] == "You tried to remove a totp but this user have no totp set up."


@pytest.mark.needs("delete_identity_credentials")
def test_lookup_codes_are_deleted_by_either_name(kratos: Kratos, server: Server) -> None:
    made = imported(server, lookup_secret=LOOKUP)
    kratos("delete_identity_credentials", id=made["id"], type=lookup_name(kratos)).ok(200)
    kratos("delete_identity_credentials", id=made["id"], type=lookup_name(kratos)).refused(404)


@pytest.mark.needs("delete_identity_credentials")
def test_deleting_a_credential_ends_the_sessions(kratos: Kratos, server: Server) -> None:
    made = imported(server, lookup_secret=LOOKUP)
    token = server.sign_in(made["traits"]["email"], PASSWORD)["session_token"]
    kratos("delete_identity_credentials", id=made["id"], type=lookup_name(kratos)).ok(200)
    assert server.whoami(token).status_code == 401


@pytest.mark.needs("delete_identity_credentials")
@pytest.mark.parametrize("identity_id", [UNKNOWN, "not-an-id"])
def test_deleting_a_credential_of_nobody_is_404(kratos: Kratos, identity_id: str) -> None:
    kratos("delete_identity_credentials", id=identity_id, type="totp").refused(404)


@pytest.mark.needs("type=password")
def test_the_last_first_factor_stays(kratos: Kratos, server: Server, anna: dict[str, Any]) -> None:
    error = kratos("delete_identity_credentials", id=anna["id"], type="password").refused(400)
    assert error["reason"] == "You cannot remove the last first factor credential."
    server.sign_in(anna["traits"]["email"], PASSWORD)


@pytest.mark.needs("identifier")
def test_one_upstream_account_is_deleted_by_its_identifier(kratos: Kratos, server: Server) -> None:
    subject = uuid.uuid4().hex
    made = imported(server, oidc={"config": {"providers": [{"provider": "github", "subject": subject}]}})
    gone = {"id": made["id"], "type": "oidc"}
    kratos("delete_identity_credentials", **gone).refused(400)
    kratos("delete_identity_credentials", **gone, identifier="github:other").refused(404)
    kratos("delete_identity_credentials", **gone, identifier=f"github:{subject}").ok(200)
    assert server.known(f"github:{subject}") == []


# create_recovery_code_for_identity, create_recovery_link_for_identity


def code(kratos: Kratos, **fields: Any) -> Any:
    body = model("CreateRecoveryCodeForIdentityBody", **fields)
    return kratos("create_recovery_code_for_identity", create_recovery_code_for_identity_body=body)


def link(kratos: Kratos, **fields: Any) -> Any:
    body = model("CreateRecoveryLinkForIdentityBody", **fields)
    return kratos("create_recovery_link_for_identity", create_recovery_link_for_identity_body=body)


def test_a_recovery_code_has_six_digits_and_a_flow_of_its_own(kratos: Kratos, anna: dict[str, Any]) -> None:
    first = code(kratos, identity_id=anna["id"], expires_in="1h30m").ok(201)
    second = code(kratos, identity_id=anna["id"]).ok(201)
    assert re.fullmatch(r"\d{6}", first["recovery_code"])
    flows = {parse_qs(urlsplit(each["recovery_link"]).query)["flow"][0] for each in (first, second)}
    assert len(flows) == 2
    assert first["recovery_code"] not in first["recovery_link"]


def test_a_recovery_link_leads_to_the_public_port_with_a_flow_and_a_token(
    kratos: Kratos, server: Server, anna: dict[str, Any]
) -> None:
    made = link(kratos, identity_id=anna["id"], expires_in="12h").ok(200)
    assert made["recovery_link"].startswith(server.public + "/self-service/recovery?")
    assert {"flow", "token"} <= parse_qs(urlsplit(made["recovery_link"]).query).keys()


@pytest.mark.parametrize(("expires_in", "minutes"), [("90m", 90), ("1h30m", 90), ("719h", 719 * 60)])
def test_a_recovery_code_lives_as_long_as_it_was_given(
    kratos: Kratos, anna: dict[str, Any], expires_in: str, minutes: int
) -> None:
    before = datetime.now(UTC)
    made = code(kratos, identity_id=anna["id"], expires_in=expires_in).ok(201)
    assert before <= datetime.fromisoformat(made["expires_at"]) - timedelta(minutes=minutes) <= datetime.now(UTC)


@pytest.mark.parametrize("expires_in", ["0s", "9" * 400 + "h"])
def test_a_recovery_that_would_never_or_always_work_is_refused(
    kratos: Kratos, anna: dict[str, Any], expires_in: str
) -> None:
    code(kratos, identity_id=anna["id"], expires_in=expires_in).refused(400)
    link(kratos, identity_id=anna["id"], expires_in=expires_in).refused(400)


def test_a_recovery_of_nobody_is_404(kratos: Kratos) -> None:
    code(kratos, identity_id=UNKNOWN).refused(404)
    link(kratos, identity_id=UNKNOWN).refused(404)


@pytest.mark.needs("no body")
def test_a_recovery_without_a_body_is_refused(kratos: Kratos) -> None:
    kratos("create_recovery_code_for_identity").refused(400)
    kratos("create_recovery_link_for_identity").refused(400)
