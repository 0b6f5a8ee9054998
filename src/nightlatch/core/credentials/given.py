"""What an administrator gives of a credential, whatever the dialect: the records that a config is made of."""

from datetime import datetime
from typing import Any

import msgspec


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A member that is null counts as absent."""


class OidcProvider(Strict):
    subject: str | None = None
    provider: str | None = None
    use_auto_link: bool | None = None
    organization: str | None = None


class LookupCode(Strict):
    code: str
    used_at: datetime | None = None


class Authenticator(Strict):
    aaguid: str | None = None
    sign_count: int | None = None
    clone_warning: bool | None = None


class KeyFlags(Strict):
    user_present: bool | None = None
    user_verified: bool | None = None
    backup_eligible: bool | None = None
    backup_state: bool | None = None


class Attestation(Strict):
    client_dataJSON: str | None = None  # noqa: N815 - the wire's spelling
    client_data_hash: str | None = None
    authenticator_data: str | None = None
    public_key_algorithm: int | None = None
    object: str | None = None


class WebAuthnKey(Strict):
    id: str
    public_key: str
    attestation_type: str | None = None
    display_name: str | None = None
    added_at: datetime | None = None
    is_passwordless: bool | None = None
    authenticator: Authenticator | None = None
    flags: KeyFlags | None = None
    transport: list[str] | None = None
    attestation: Attestation | None = None


def without_nulls(value: Any) -> Any:
    """A copy without the members that are null, at any depth."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(v) for v in value]
    return value
