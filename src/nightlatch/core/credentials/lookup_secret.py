"""Backup codes, each good once."""

from nightlatch.core.credentials.method import Identifiers, Method
from nightlatch.core.credentials.model import Config


class LookupSecret(Method):
    type = "lookup_secret"
    sealed = True
    shared = False

    def imported(self, given: Config, kept: Config | None, identity_id: str) -> tuple[Config, Identifiers | None]:
        if "recovery_codes" in given:
            return {"recovery_codes": given["recovery_codes"]}, (identity_id,)
        codes = [*(kept or {}).get("recovery_codes", ()), *(given.get("codes") or ())]
        return {"recovery_codes": codes}, (identity_id,)

    def factors(self, config: Config, identifiers: Identifiers) -> tuple[int, int]:
        return 0, int(any(not code.get("used_at") for code in config.get("recovery_codes", ())))
