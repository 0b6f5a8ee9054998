"""Time-based one-time passwords (RFC 6238): the otpauth URL that holds the shared secret."""

from urllib.parse import parse_qs, urlsplit

from nightlatch.core.credentials.method import Identifiers, Method
from nightlatch.core.credentials.model import Config


class Totp(Method):
    type = "totp"
    sealed = True
    shared = False

    def imported(self, given: Config, kept: Config | None, identity_id: str) -> tuple[Config, Identifiers | None]:
        return {"totp_url": given.get("totp_url") or ""}, (identity_id,)

    def factors(self, config: Config, identifiers: Identifiers) -> tuple[int, int]:
        try:
            url = urlsplit(config.get("totp_url", ""))
        except ValueError:
            return 0, 0
        return 0, int(url.scheme == "otpauth" and bool(parse_qs(url.query).get("secret")))
