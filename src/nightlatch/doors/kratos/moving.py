"""An identity on its way from one server to another: as GET shows it, or as POST takes it. What is known only where it
came from, and what follows from the rest, is left behind.
"""

from datetime import datetime
from typing import Any

import msgspec

from nightlatch.core.credentials.person import Profile
from nightlatch.doors.kratos import bodies
from nightlatch.kernel.ids import parse_id
from nightlatch.problems import FieldInvalid


class MovedCredential(bodies.Strict):
    """`config` alone is used: identifiers follow from the schema and the config."""

    config: dict[str, Any] | None = None
    type: str | None = None
    identifiers: list[str] | None = None
    version: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class MovedProvider(bodies.OidcProvider):
    initial_id_token: str | None = None
    initial_access_token: str | None = None
    initial_refresh_token: str | None = None


class MovedOidcConfig(bodies.OidcConfig):
    providers: list[MovedProvider] | None = None  # type: ignore[assignment]


class MovedOidc(bodies.Strict):
    config: MovedOidcConfig | None = None


class MovedCredentials(bodies.PatchedCredentials):
    oidc: MovedOidc | None = None  # type: ignore[assignment]


class Moved(bodies.CreateIdentity):
    credentials: dict[str, MovedCredential] | None = None  # type: ignore[assignment]
    id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    state_changed_at: datetime | None = None
    schema_url: str | None = None


def profile(body: Moved, schema_id: str) -> Profile:
    """What it asks to be; a plain password is in it as it is. Invalid."""
    return msgspec.structs.replace(
        bodies.new_profile(body, schema_id),
        credentials=_credentials(body.credentials or {}),
        id=_id(body.id) if body.id else None,
        created_at=bodies.microseconds(body.created_at, "created_at"),
    )


def _credentials(given: dict[str, MovedCredential]) -> dict[str, dict[str, Any]]:
    # Who has a password identifier and no password shows an empty config. The addresses of codes are in the traits.
    configs = {type_: {"config": each.config} for type_, each in given.items() if each.config and type_ != "code"}
    try:
        return bodies.credentials_of(msgspec.convert(configs, MovedCredentials))
    except msgspec.ValidationError as error:
        raise FieldInvalid("credentials", f"The credentials cannot be read: {error}") from None


def _id(text: str) -> bytes:
    found = parse_id(text)
    if found is None or not any(found):
        raise FieldInvalid("id", f"The id {text} is not a UUID.")
    return found
