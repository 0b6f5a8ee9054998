"""What every credential method answers, so that no other code asks which method it has before it. What is said here is
true of most of them."""

from typing import Protocol

from nightlatch.core.credentials.model import Config

Identifiers = tuple[str, ...]


class Method(Protocol):
    """One credential type. `sealed` configs hold secrets and are encrypted at rest. `shared` identifiers are names
    that only one identity may hold."""

    type: str
    sealed: bool = False
    shared: bool = True

    def imported(self, given: Config, kept: Config | None, identity_id: str) -> tuple[Config, Identifiers | None]:
        """The config after an administrator gave `given` on top of `kept`, and its identifiers: None where they come
        from the identity schema. FieldInvalid or HashRefused."""

    def factors(self, config: Config, identifiers: Identifiers) -> tuple[int, int]:
        """How many first and second factors of it can be used."""

    def shown(self, config: Config) -> Config | None:
        """The config as an administrator who asks for this type sees it; None when there is nothing to see."""
        return config

    def without(self, config: Config, ids: Identifiers, identifier: str | None) -> tuple[Config, Identifiers] | None:
        """What is left once an administrator deleted it; None when nothing is, and somebody else may take its
        identifiers. Invalid or CredentialNotFound."""
        return None
