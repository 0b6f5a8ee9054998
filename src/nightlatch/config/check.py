"""What must hold between settings, and what must be there before a server may be reached by anybody."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from nightlatch.config.errors import ConfigError, ConfigErrors
from nightlatch.config.settings import DEVELOPMENT_SECRET, SETTINGS, Config
from nightlatch.config.values import MAKE_ONE

Conflict = tuple[tuple[str, ...], str, str]  # the keys that it is about, the first to be changed; problem; cure

# Secrets that examples and quickstarts are known by: as they stand, or by what they say of themselves.
_EXAMPLES = {
    DEVELOPMENT_SECRET, "this-is-the-primary-secret", "this-is-an-old-secret", "this-is-another-old-secret",
    "secret used for encryption", "old secret kept for decryption", "another old secret kept for decryption",
    "ipsumipsumipsumi", "dolordolordolordolor", "32-LONG-SECRET-NOT-SECURE-AT-ALL",
    "PLEASE-CHANGE-ME-I-AM-VERY-INSECURE",
}  # fmt: skip
_SAYS_SO = re.compile(r"change.?me|insecure|not.secure|placeholder|your.(?:own.)?secret", re.IGNORECASE)
_SECRETS = ("secrets.default", "secrets.cookie", "secrets.cipher", "secrets.pagination", "nightlatch.admin_key")
_CURES = {
    "dsn": "Set DSN or dsn, for example to sqlite:///var/lib/nightlatch/nightlatch.sqlite.",
    "serve.public.base_url": "Set it to where browsers reach the public port, for example https://id.example.com/.",
    "secrets.default": MAKE_ONE,
}


def missing(given: Collection[str]) -> Iterator[ConfigError]:
    """The settings that must be given outside --dev and are not."""
    for setting in SETTINGS.values():
        if setting.required and setting.key not in given:
            yield ConfigError(setting.key, "is missing", _CURES[setting.key])


def conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    """Settings that do not go together."""
    if values["serve.admin.port"] == values["serve.public.port"]:
        yield ("serve.admin.port", "serve.public.port"), "is that of the public port too", "Give them different ports."
    ids = [source.id for source in values["identity.schemas"]]
    if len(set(ids)) < len(ids):
        yield ("identity.schemas",), "has two entries of one id", "Give each schema an id of its own."
    if values["identity.default_schema_id"] not in ids:
        keys = ("identity.default_schema_id", "identity.schemas")
        yield keys, "is none of identity.schemas", "Set it to the id of one of them."
    bare = values["session.cookie.domain"] is None and values["session.cookie.path"] == "/"
    if values["session.cookie.name"].startswith("__Host-") and not bare:
        cookie = ("session.cookie.name", "session.cookie.domain", "session.cookie.path")
        yield cookie, "begins with __Host-, which allows no domain and no path but /", "Take them out, or rename it."
    for login in ("selfservice.flows.login.after.password.hooks", "selfservice.flows.login.after.code.hooks"):
        if "require_verified_address" in values[login] and not values["selfservice.flows.verification.enabled"]:
            keys = (login, "selfservice.flows.verification.enabled")
            yield keys, "asks for a verified address, and nobody can verify one", "Enable verification, or take it out."
    for flow in ("recovery", "verification"):
        use = f"selfservice.flows.{flow}.use"
        if values[use] == "link" and not values["selfservice.methods.link.enabled"]:
            yield (use, "selfservice.methods.link.enabled"), "is link, which is off", "Enable it, or set this to code."
    if values["nightlatch.sessions_api.authentication"] == "none" and not values["nightlatch.trusted_networks"]:
        keys = ("nightlatch.sessions_api.authentication", "nightlatch.trusted_networks")
        yield keys, "is none and nobody is trusted", "Name nightlatch.trusted_networks, or set it to key."
    yield from of_nodes(values)


def of_nodes(values: Mapping[str, Any]) -> Iterator[Conflict]:
    """Times that the promise about ended sessions rests on."""
    trust, wait, grace, renew = ("nightlatch.nodes." + name for name in ("trust", "wait", "grace", "renew"))
    if 4 * values[wait] < 5 * values[trust]:
        yield (wait, trust), f"is less than five quarters of {trust}", "Make it longer."
    if 4 * values[renew] > values[trust]:
        yield (renew, trust), f"is more than a quarter of {trust}", "Make it shorter."
    if values[grace] <= values[renew]:
        yield (grace, renew), f"is not longer than {renew}", "Make it longer."


def examples(values: Mapping[str, Any], given: Collection[str]) -> Iterator[Conflict]:
    """Secrets that everybody knows."""
    for key in _SECRETS:
        secrets = values[key] if isinstance(values[key], tuple) else (values[key],)
        texts = [secret.reveal() for secret in secrets if key in given]
        if any(text in _EXAMPLES or _SAYS_SO.search(text) for text in texts):
            yield (key,), "is a well-known example, for --dev only", MAKE_ONE


def require_key(config: Config, has_key: bool) -> None:
    """ConfigErrors when nobody could use the admin port: no key in the store (`has_key`), none in the configuration,
    and no trusted network. With --dev a key is made at each start."""
    if not (config.dev or has_key or config.nightlatch.admin_key or config.nightlatch.trusted_networks):
        cure = "Run nightlatch keys create, set NIGHTLATCH_ADMIN_KEY, or name nightlatch.trusted_networks."
        raise ConfigErrors([ConfigError("nightlatch.admin_key", "is missing and no access key was made", cure)])
