"""Sign-in by another provider: the pairs of provider and subject that belong to the identity."""

from typing import Any

from nightlatch.core.credentials.method import Identifiers, Method
from nightlatch.core.credentials.model import Config
from nightlatch.problems import CredentialNotFound, FieldInvalid, Invalid

_TOKENS = ("initial_id_token", "initial_access_token", "initial_refresh_token")
_OPTIONAL = ("organization", "use_auto_link")


class Oidc(Method):
    type = "oidc"
    sealed = True

    def imported(self, given: Config, kept: Config | None, identity_id: str) -> tuple[Config, Identifiers | None]:
        providers = {_identifier(p): p for p in (kept or {}).get("providers", ())}
        for provider in given.get("providers") or ():
            if not provider.get("provider") or not provider.get("subject"):
                raise FieldInvalid("credentials.oidc", "An oidc provider needs a provider and a subject.")
            providers[_identifier(provider)] = {k: v for k, v in provider.items() if v is not None}
        return {"providers": list(providers.values())}, tuple(providers)

    def factors(self, config: Config, identifiers: Identifiers) -> tuple[int, int]:
        return sum(_identifier(p) in identifiers for p in config.get("providers", ())), 0

    def shown(self, config: Config) -> Config | None:
        providers = config.get("providers")
        return {"providers": [_shown(p) for p in providers]} if providers else None

    def without(self, config: Config, ids: Identifiers, identifier: str | None) -> tuple[Config, Identifiers]:
        if not identifier:
            raise Invalid("You must provide an identifier to delete this credential.")
        if identifier not in ids:
            raise CredentialNotFound(f"The identifier `{identifier}` was not found among OIDC credentials.")
        left = [p for p in config.get("providers", ()) if _identifier(p) != identifier]
        return {"providers": left}, tuple(i for i in ids if i != identifier)


def _identifier(provider: dict[str, Any]) -> str:
    return f"{provider.get('provider', '')}:{provider.get('subject', '')}"


def _shown(provider: dict[str, Any]) -> dict[str, Any]:
    fixed = {"subject": provider["subject"], "provider": provider["provider"]}
    tokens = {token: provider.get(token, "") for token in _TOKENS}
    return fixed | tokens | {key: provider[key] for key in _OPTIONAL if provider.get(key)}
