"""Each credential method: what an import makes of it, what it counts for, what is shown, what a deletion leaves."""

from typing import Any

import pytest

from nightlatch.core.credentials.method import Identifiers
from nightlatch.core.credentials.methods import METHODS
from nightlatch.core.credentials.model import Config
from nightlatch.problems import CredentialNotFound, FieldInvalid, HashRefused, Invalid

ANNA = "0193e3a5-7c1a-7abc-8def-0123456789ab"
BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
GITHUB, GOOGLE = {"provider": "github", "subject": "1"}, {"provider": "google", "subject": "2"}
KEY, OTHER_KEY = {"id": "a2V5", "public_key": "cGs="}, {"id": "b3RoZXI=", "public_key": "cGs="}
FIRST_KEY = {"id": "Zmlyc3Q=", "is_passwordless": True}
USED, FREE = {"code": "used", "used_at": "2026-01-01T00:00:00Z"}, {"code": "free"}
URL = "otpauth://totp/nightlatch:anna?secret=JBSWY3DPEHPK3PXP"


def test_every_method_goes_by_its_name() -> None:
    assert {name: method.type for name, method in METHODS.items()} == {name: name for name in METHODS}
    assert set(METHODS) == {"password", "oidc", "totp", "lookup_secret", "webauthn", "passkey", "code"}


def test_S2_what_holds_secrets_is_sealed() -> None:
    assert {name for name, method in METHODS.items() if method.sealed} == {"oidc", "totp", "lookup_secret"}


@pytest.mark.parametrize(
    ("type_", "given", "kept", "config", "identifiers"),
    [
        ("password", {"hashed_password": BCRYPT}, {"hashed_password": "old"}, {"hashed_password": BCRYPT}, None),
        ("oidc", {"providers": [GITHUB]}, None, {"providers": [GITHUB]}, ("github:1",)),
        ("oidc", {"providers": [GOOGLE]}, {"providers": [GITHUB]}, {"providers": [GITHUB, GOOGLE]}, ("github:1", "google:2")),
        ("oidc", {"providers": [GITHUB]}, {"providers": [GITHUB]}, {"providers": [GITHUB]}, ("github:1",)),
        ("oidc", {"providers": [{**GITHUB, "organization": None}]}, None, {"providers": [GITHUB]}, ("github:1",)),
        ("oidc", {"config": {"hashed_password": "x"}}, None, {"providers": []}, ()),
        ("oidc", {"providers": None}, {"providers": [GITHUB]}, {"providers": [GITHUB]}, ("github:1",)),
        ("totp", {"totp_url": URL}, {"totp_url": "old"}, {"totp_url": URL}, (ANNA,)),
        ("totp", {}, None, {"totp_url": ""}, (ANNA,)),
        ("lookup_secret", {"codes": [FREE]}, None, {"recovery_codes": [FREE]}, (ANNA,)),
        ("lookup_secret", {"codes": [FREE]}, {"recovery_codes": [USED]}, {"recovery_codes": [USED, FREE]}, (ANNA,)),
        ("lookup_secret", {"recovery_codes": [USED]}, {"recovery_codes": [FREE]}, {"recovery_codes": [USED]}, (ANNA,)),
        ("webauthn", {"credentials": [KEY], "user_handle": "aGFuZA=="}, None, {"credentials": [KEY], "user_handle": "aGFuZA=="}, None),
        ("webauthn", {"credentials": [OTHER_KEY]}, {"credentials": [KEY], "user_handle": "b2xk"}, {"credentials": [KEY, OTHER_KEY], "user_handle": "b2xk"}, None),
        ("webauthn", {"credentials": [{**KEY, "display_name": "x"}]}, {"credentials": [KEY]}, {"credentials": [{**KEY, "display_name": "x"}]}, None),
        ("webauthn", {"user_handle": "bmV3"}, {"credentials": [KEY], "user_handle": "b2xk"}, {"credentials": [KEY], "user_handle": "bmV3"}, None),
        ("passkey", {"credentials": [KEY], "user_handle": "aGFuZGxl"}, None, {"credentials": [KEY], "user_handle": "aGFuZGxl"}, ("handle",)),
        ("passkey", {"credentials": [OTHER_KEY], "user_handle": "bmV3"}, {"credentials": [KEY], "user_handle": "b2xk"}, {"credentials": [KEY, OTHER_KEY], "user_handle": "bmV3"}, ("old", "new")),
        ("passkey", {"credentials": [KEY], "user_handle": "not base64!"}, None, {"credentials": [KEY], "user_handle": "not base64!"}, ("not base64!",)),
        ("passkey", {"credentials": [KEY], "user_handle": "/w=="}, None, {"credentials": [KEY], "user_handle": "/w=="}, ("/w==",)),
    ],
)  # fmt: skip
def test_an_import_is_laid_over_what_is_kept(
    type_: str, given: Config, kept: Config | None, config: Config, identifiers: Identifiers | None
) -> None:
    assert METHODS[type_].imported(given, kept, ANNA) == (config, identifiers)


@pytest.mark.parametrize(
    ("type_", "given", "problem", "text"),
    [
        ("password", {}, HashRefused, "The imported password does not match any known hash format."),
        ("password", {"hashed_password": ""}, HashRefused, "The imported password does not match any known hash format."),
        ("password", {"hashed_password": "plain"}, HashRefused, "The imported password does not match any known hash format."),
        ("password", {"hashed_password": "$2a$31$" + "." * 53}, HashRefused, "exceed the bounds"),
        ("password", {"hashed_password": "$argon2id$"}, HashRefused, "could not be parsed"),
        ("password", {"use_password_migration_hook": True, "hashed_password": BCRYPT}, FieldInvalid, "hooks"),
        ("oidc", {"providers": [{"provider": "github"}]}, FieldInvalid, "needs a provider and a subject"),
        ("oidc", {"providers": [{"subject": "1", "provider": ""}]}, FieldInvalid, "needs a provider and a subject"),
        ("passkey", {"credentials": [KEY]}, FieldInvalid, "Passkey credential import requires a non-empty user_handle."),
        ("passkey", {"user_handle": "aA=="}, FieldInvalid, "Passkey credential import requires at least one entry"),
        ("passkey", {"user_handle": "aA==", "credentials": []}, FieldInvalid, "requires at least one entry"),
        ("code", {"addresses": []}, FieldInvalid, "cannot be imported"),
    ],
)  # fmt: skip
def test_an_import_that_makes_no_sense_is_refused(type_: str, given: Config, problem: type[Invalid], text: str) -> None:
    with pytest.raises(problem) as caught:
        METHODS[type_].imported(given, None, ANNA)
    assert text in caught.value.reason


@pytest.mark.parametrize(
    ("type_", "config", "identifiers", "first", "second"),
    [
        ("password", {"hashed_password": BCRYPT}, ("anna",), 1, 0),
        ("password", {"hashed_password": BCRYPT}, (), 0, 0),
        ("password", {"hashed_password": BCRYPT}, ("",), 0, 0),
        ("password", {"hashed_password": ""}, ("anna",), 0, 0),
        ("password", {}, ("anna",), 0, 0),
        ("oidc", {"providers": [GITHUB, GOOGLE]}, ("github:1", "google:2"), 2, 0),
        ("oidc", {"providers": [GITHUB, GOOGLE]}, ("google:2",), 1, 0),
        ("oidc", {}, ("google:2",), 0, 0),
        ("totp", {"totp_url": URL}, (ANNA,), 0, 1),
        ("totp", {"totp_url": ""}, (ANNA,), 0, 0),
        ("totp", {"totp_url": "otpauth://totp/x"}, (ANNA,), 0, 0),
        ("totp", {"totp_url": "https://x?secret=y"}, (ANNA,), 0, 0),
        ("totp", {"totp_url": "otpauth://[x?secret=y"}, (ANNA,), 0, 0),
        ("totp", {}, (), 0, 0),
        ("lookup_secret", {"recovery_codes": [FREE, USED]}, (ANNA,), 0, 1),
        ("lookup_secret", {"recovery_codes": [USED]}, (ANNA,), 0, 0),
        ("lookup_secret", {"recovery_codes": []}, (ANNA,), 0, 0),
        ("lookup_secret", {}, (ANNA,), 0, 0),
        ("webauthn", {"credentials": [KEY, FIRST_KEY]}, ("anna",), 1, 1),
        ("webauthn", {"credentials": [KEY, FIRST_KEY]}, (), 0, 1),
        ("webauthn", {}, ("anna",), 0, 0),
        ("passkey", {"credentials": [KEY, OTHER_KEY]}, ("handle",), 2, 0),
        ("passkey", {"credentials": [KEY]}, (), 0, 0),
        ("code", {"addresses": [{"channel": "email", "address": "a@b"}]}, ("a@b",), 0, 0),
    ],
)
def test_S9_a_credential_counts_for_what_can_be_used_of_it(
    type_: str, config: Config, identifiers: Identifiers, first: int, second: int
) -> None:
    assert METHODS[type_].factors(config, identifiers) == (first, second)


TOKENS = {"initial_id_token": "", "initial_access_token": "", "initial_refresh_token": ""}


@pytest.mark.parametrize(
    ("type_", "config", "shown"),
    [
        ("password", {"hashed_password": BCRYPT}, {"hashed_password": BCRYPT}),
        ("totp", {"totp_url": URL}, {"totp_url": URL}),
        ("lookup_secret", {"recovery_codes": [USED]}, {"recovery_codes": [USED]}),
        ("webauthn", {"credentials": [KEY]}, {"credentials": [KEY]}),
        ("passkey", {"credentials": [KEY]}, {"credentials": [KEY]}),
        ("code", {"addresses": []}, {"addresses": []}),
        ("oidc", {"providers": []}, None),
        ("oidc", {}, None),
        ("oidc", {"providers": [GITHUB]}, {"providers": [{**GITHUB, **TOKENS}]}),
        (
            "oidc",
            {"providers": [{**GITHUB, "initial_id_token": "x", "use_auto_link": True, "extra": 1}]},
            {"providers": [{**GITHUB, **TOKENS, "initial_id_token": "x", "use_auto_link": True}]},
        ),
        (
            "oidc",
            {"providers": [{**GITHUB, "organization": "acme", "use_auto_link": False}]},
            {"providers": [{**GITHUB, **TOKENS, "organization": "acme"}]},
        ),
    ],
)
def test_an_administrator_is_shown_what_is_known(type_: str, config: Config, shown: Any) -> None:
    assert METHODS[type_].shown(config) == shown


@pytest.mark.parametrize(
    ("type_", "config", "identifiers", "identifier", "left"),
    [
        ("password", {"hashed_password": BCRYPT}, ("anna",), None, None),
        ("totp", {"totp_url": URL}, (ANNA,), None, None),
        ("lookup_secret", {"recovery_codes": [FREE]}, (ANNA,), None, None),
        ("webauthn", {"credentials": [KEY]}, ("anna",), None, None),
        ("webauthn", {"credentials": [KEY, FIRST_KEY], "user_handle": "aA=="}, ("anna",), None,
         ({"credentials": [FIRST_KEY], "user_handle": "aA=="}, ("anna",))),
        ("oidc", {"providers": [GITHUB, GOOGLE]}, ("github:1", "google:2"), "github:1", ({"providers": [GOOGLE]}, ("google:2",))),
        ("oidc", {"providers": [GITHUB]}, ("github:1",), "github:1", ({"providers": []}, ())),
    ],
)  # fmt: skip
def test_a_deletion_leaves_what_is_not_deleted(
    type_: str, config: Config, identifiers: Identifiers, identifier: str | None, left: Any
) -> None:
    assert METHODS[type_].without(config, identifiers, identifier) == left


@pytest.mark.parametrize(
    ("type_", "identifier", "problem"),
    [
        ("oidc", None, Invalid),
        ("oidc", "", Invalid),
        ("oidc", "github:2", CredentialNotFound),
        ("oidc", "GitHub:1", CredentialNotFound),
        ("code", None, Invalid),
        ("passkey", None, Invalid),
    ],
)
def test_a_deletion_that_makes_no_sense_is_refused(
    type_: str, identifier: str | None, problem: type[Exception]
) -> None:
    with pytest.raises(problem):
        METHODS[type_].without({"providers": [GITHUB]}, ("github:1",), identifier)
