"""Passwords, kept as hashes."""

from nightlatch.core.credentials import formats
from nightlatch.core.credentials.method import Identifiers, Method
from nightlatch.core.credentials.model import Config
from nightlatch.problems import FieldInvalid, HashRefused


class Password(Method):
    type = "password"

    def imported(self, given: Config, kept: Config | None, identity_id: str) -> tuple[Config, Identifiers | None]:
        if given.get("use_password_migration_hook"):
            raise FieldInvalid("credentials.password", "Password migration hooks are not supported.")
        hashed = given.get("hashed_password")
        if not hashed:
            raise HashRefused("The imported password does not match any known hash format.")
        formats.read(hashed)
        return {"hashed_password": hashed}, None

    def factors(self, config: Config, identifiers: Identifiers) -> tuple[int, int]:
        return int(bool(config.get("hashed_password") and any(identifiers))), 0
