"""An identity on its way from one server to another: as GET shows it, or as POST takes it. What is known only where it
came from, and what follows from the rest, is left behind.
"""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from nightlatch.core.credentials.given import OidcProvider, Strict, without_nulls
from nightlatch.core.credentials.model import Config
from nightlatch.core.credentials.person import Profile
from nightlatch.doors.kratos import bodies
from nightlatch.kernel.ids import parse_id
from nightlatch.problems import FieldInvalid

_NONE = Raw(b"{}")


class MovedCredential(Strict):
    """`config` alone is used: identifiers follow from the schema and the config."""

    config: Raw = msgspec.field(default_factory=lambda: _NONE)
    type: str | None = None
    identifiers: list[str] | None = None
    version: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class MovedProvider(OidcProvider):
    initial_id_token: str | None = None
    initial_access_token: str | None = None
    initial_refresh_token: str | None = None


class MovedOidcConfig(bodies.OidcConfig):
    providers: list[MovedProvider] | None = None  # type: ignore[assignment]


class Moved(bodies.CreateIdentity):
    credentials: dict[str, MovedCredential] | None = None  # type: ignore[assignment]
    id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    state_changed_at: datetime | None = None
    schema_url: str | None = None


_CONFIGS: dict[str, msgspec.json.Decoder[Any]] = {
    "password": msgspec.json.Decoder(bodies.PasswordConfig),
    "oidc": msgspec.json.Decoder(MovedOidcConfig),
    "totp": msgspec.json.Decoder(bodies.TotpConfig),
    "lookup_secret": msgspec.json.Decoder(bodies.KeptLookupConfig),
    "webauthn": msgspec.json.Decoder(bodies.WebAuthnConfig),
    "passkey": msgspec.json.Decoder(bodies.WebAuthnConfig),
}


def profile(body: Moved, schema_id: str, organization: bytes) -> Profile:
    """What it asks to be; a plain password is in it as it is. Invalid."""
    given, body.credentials = body.credentials or {}, None
    return msgspec.structs.replace(
        bodies.new_profile(body, schema_id, organization),
        credentials={type_: config for type_, each in given.items() if (config := _config(type_, each))},
        id=_id(body.id) if body.id else None,
        created_at=bodies.microseconds(body.created_at, "created_at"),
    )


def _config(type_: str, given: MovedCredential) -> Config:
    """Nothing for who has a password identifier and no password, and for codes: their addresses are in the traits."""
    if type_ == "code":
        return {}
    if type_ not in _CONFIGS:
        raise FieldInvalid("credentials", f"Credentials type {type_} is not supported.")
    try:
        found: Config = without_nulls(msgspec.to_builtins(_CONFIGS[type_].decode(given.config)))
    except msgspec.ValidationError as error:
        raise FieldInvalid("credentials", f"The config of {type_} cannot be read: {error}") from None
    return found


def _id(text: str) -> bytes:
    found = parse_id(text)
    if found is None or not any(found):
        raise FieldInvalid("id", f"The id {text} is not a UUID.")
    return found
