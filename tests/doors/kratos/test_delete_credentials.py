"""deleteIdentityCredentials (contract: admin API 1.15, with part 0 and clients, part 1: 200 with the identity)."""

from typing import Any
from urllib.parse import quote

import pytest
from tests.doors.kratos.in_process import PASSWORD, UNKNOWN, Doors

PATH = "/admin/identities"
BAD = "The request was malformed or contained invalid parameters"
TOTP = {"config": {"totp_url": "otpauth://totp/x?secret=JBSWY3DP"}}
CODES = {"config": {"codes": [{"code": "abcdefgh"}]}}
HANDLE = "aGFuZGxl"
SECURITY_KEY = {"id": "MQ==", "public_key": "cA==", "is_passwordless": False}
PASSWORDLESS = {"id": "Mg==", "public_key": "cA==", "is_passwordless": True}


def oidc(*subjects: str) -> dict[str, Any]:
    return {"config": {"providers": [{"provider": "g", "subject": subject} for subject in subjects]}}


@pytest.fixture
def ada(doors: Doors) -> str:
    """The path of somebody with every kind of credential; nothing has happened since."""
    credentials = {
        "password": {"config": {"password": PASSWORD}},
        "oidc": oidc("1", "2"),
        "totp": TOTP,
        "lookup_secret": CODES,
        "webauthn": {"config": {"credentials": [SECURITY_KEY, PASSWORDLESS], "user_handle": HANDLE}},
        "passkey": {"config": {"credentials": [SECURITY_KEY], "user_handle": HANDLE}},
    }
    made = doors.person("ada", credentials=credentials)
    doors.happened()
    return f"{PATH}/{made['id']}"


def held(doors: Doors, path: str) -> dict[str, Any]:
    kinds = "&".join(f"include_credential={kind}" for kind in ("password", "oidc", "totp", "lookup_secret", "webauthn"))
    return dict(doors.admin("GET", f"{path}?{kinds}").ok()["credentials"])


@pytest.mark.parametrize(
    ("named", "kind"), [("totp", "totp"), ("lookup", "lookup_secret"), ("lookup_secret", "lookup_secret")]
)
def test_a_second_factor_is_removed(doors: Doors, ada: str, named: str, kind: str) -> None:
    """Clients, part 1: both spellings of lookup_secret."""
    shown = doors.admin("DELETE", f"{ada}/credentials/{named}")
    assert kind not in shown.ok()["credentials"]
    assert shown.json["id"] == ada.rpartition("/")[2]
    assert shown.headers["etag"] == '"2"'
    assert all("config" not in each for each in shown.json["credentials"].values())
    assert kind not in held(doors, ada)
    assert doors.happened() == ["identity.changed", "session.ended"]


def test_only_the_keys_that_are_a_second_factor_are_removed(doors: Doors, ada: str) -> None:
    doors.admin("DELETE", f"{ada}/credentials/webauthn").ok()
    assert held(doors, ada)["webauthn"]["config"]["credentials"] == [PASSWORDLESS]


def test_a_password_is_removed_and_its_identifier_is_free(doors: Doors, ada: str) -> None:
    """Part 3, 26: unless something else uses it, as the addresses of this schema do."""
    doors.admin("DELETE", f"{ada}/credentials/password").ok()
    assert "password" not in held(doors, ada)
    assert doors.try_sign_in("ada@example.org", PASSWORD).status == 400
    found = doors.admin("GET", f"{PATH}?credentials_identifier=ada@example.org").ok()
    assert [each["id"] for each in found if "password" in each["credentials"]] == []


def test_one_provider_is_removed_and_the_others_stay(doors: Doors, ada: str) -> None:
    doors.admin("DELETE", f"{ada}/credentials/oidc?identifier={quote('g:1')}").ok()
    left = held(doors, ada)["oidc"]
    assert left["identifiers"] == ["g:2"]
    assert [each["subject"] for each in left["config"]["providers"]] == ["2"]
    doors.admin("DELETE", f"{ada}/credentials/oidc?identifier={quote('g:2')}").ok()
    assert held(doors, ada)["oidc"]["identifiers"] == []


def test_S7_deleting_a_credential_ends_the_sessions_and_open_flows(doors: Doors, ada: str) -> None:
    """Part 0, rows 1.13 and 1.15."""
    identity_id = ada.rpartition("/")[2]
    token = doors.session(identity_id)[1]
    code = doors.admin("POST", "/admin/recovery/code", {"identity_id": identity_id}).ok(201)
    doors.admin("DELETE", f"{ada}/credentials/totp").ok()
    doors.public("GET", "/sessions/whoami", token=token).refused(401)
    flow = code["recovery_link"].partition("flow=")[2]
    body = {"method": "code", "code": code["recovery_code"]}
    doors.public("POST", f"/self-service/recovery?flow={flow}", body).refused(410)


REFUSED: list[tuple[str, int, str]] = [
    ("oidc", 400, "You must provide an identifier to delete this credential."),
    ("oidc?identifier=", 400, "You must provide an identifier to delete this credential."),
    ("oidc?identifier=g:9", 404, "The identifier `g:9` was not found among OIDC credentials."),
    ("code", 404, "You tried to remove a code but this user have no code set up."),
    ("passkey", 400, "Credentials type passkey cannot be deleted."),
    ("saml", 404, "You tried to remove a saml but this user have no saml set up."),
    ("shoe", 404, "You tried to remove a shoe but this user have no shoe set up."),
]


@pytest.mark.parametrize(("rest", "status", "reason"), REFUSED)
def test_what_cannot_be_deleted_is_refused_in_the_words_of_the_contract(
    doors: Doors, ada: str, rest: str, status: int, reason: str
) -> None:
    before = held(doors, ada)
    assert doors.admin("DELETE", f"{ada}/credentials/{rest}").refused(status)["reason"] == reason
    assert held(doors, ada) == before
    assert doors.happened() == []


@pytest.mark.parametrize(
    ("credentials", "rest"),
    [({"password": {"config": {"password": PASSWORD}}}, "password"), ({"oidc": oidc("1")}, "oidc?identifier=g:1"), ({"oidc": oidc("1")}, "oidc")],
)  # fmt: skip
def test_the_last_first_factor_is_kept(doors: Doors, credentials: dict[str, Any], rest: str) -> None:
    """1.15: checked before the identifier is."""
    path = f"{PATH}/{doors.person('bob', credentials=credentials | {'totp': TOTP})['id']}"
    error = doors.admin("DELETE", f"{path}/credentials/{rest}").refused(400)
    assert (error["message"], error["reason"]) == (BAD, "You cannot remove the last first factor credential.")


def test_an_unknown_or_malformed_identity_is_404(doors: Doors) -> None:
    for path in (UNKNOWN, "BADUUID"):
        error = doors.admin("DELETE", f"{PATH}/{path}/credentials/totp").refused(404)
        assert error["message"] == "Unable to locate the resource"
        assert "reason" not in error
