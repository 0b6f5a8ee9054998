"""Public keys of authenticators (WebAuthn level 3): security keys, and passkeys."""

import base64
from typing import Any

from nightlatch.core.credentials.method import Identifiers, Method
from nightlatch.core.credentials.model import Config
from nightlatch.problems import FieldInvalid, Invalid


class WebAuthn(Method):
    """Security keys: a second factor, or a first where `is_passwordless`."""

    type = "webauthn"

    def imported(self, given: Config, kept: Config | None, identity_id: str) -> tuple[Config, Identifiers | None]:
        return _merged(given, kept), None

    def factors(self, config: Config, identifiers: Identifiers) -> tuple[int, int]:
        keys = config.get("credentials", ())
        first = sum(bool(key.get("is_passwordless")) for key in keys)
        return (first if any(identifiers) else 0), len(keys) - first

    def without(self, config: Config, ids: Identifiers, identifier: str | None) -> tuple[Config, Identifiers] | None:
        left = [key for key in config.get("credentials", ()) if key.get("is_passwordless")]
        return ({**config, "credentials": left}, ids) if left else None


class Passkey(Method):
    """Discoverable keys: a first factor, found by the user handle."""

    type = "passkey"

    def imported(self, given: Config, kept: Config | None, identity_id: str) -> tuple[Config, Identifiers | None]:
        if not given.get("user_handle"):
            raise FieldInvalid("credentials.passkey", "Passkey credential import requires a non-empty user_handle.")
        if not given.get("credentials"):
            raise FieldInvalid(
                "credentials.passkey", "Passkey credential import requires at least one entry in credentials."
            )
        merged = _merged(given, kept)
        old = (kept or {}).get("user_handle")
        handles = dict.fromkeys(_handle(h) for h in (old, merged["user_handle"]) if h)
        return merged, tuple(handles)

    def factors(self, config: Config, identifiers: Identifiers) -> tuple[int, int]:
        return (len(config.get("credentials", ())) if any(identifiers) else 0), 0

    def without(self, config: Config, ids: Identifiers, identifier: str | None) -> tuple[Config, Identifiers] | None:
        raise Invalid("Credentials type passkey cannot be deleted.")


def _merged(given: Config, kept: Config | None) -> Config:
    keys: dict[Any, Any] = {key.get("id"): key for key in (kept or {}).get("credentials", ())}
    keys |= {key.get("id"): key for key in given.get("credentials") or ()}
    handle = given.get("user_handle") or (kept or {}).get("user_handle")
    return {"credentials": list(keys.values())} | ({"user_handle": handle} if handle else {})


def _handle(encoded: str) -> str:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return encoded
    return text if text.isprintable() else encoded
