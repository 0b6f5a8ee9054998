"""One-time codes sent to an address: the addresses come from the identity schema."""

from nightlatch.core.credentials.method import Identifiers, Method
from nightlatch.core.credentials.model import Config
from nightlatch.problems import FieldInvalid, Invalid


class Code(Method):
    type = "code"

    def imported(self, given: Config, kept: Config | None, identity_id: str) -> tuple[Config, Identifiers | None]:
        raise FieldInvalid("credentials.code", "Credentials type code cannot be imported.")

    def factors(self, config: Config, identifiers: Identifiers) -> tuple[int, int]:
        return 0, 0

    def without(self, config: Config, ids: Identifiers, identifier: str | None) -> tuple[Config, Identifiers] | None:
        raise Invalid("Credentials type code cannot be deleted.")
