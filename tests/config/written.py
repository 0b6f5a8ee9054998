"""Configurations that the tests write, and what is said of them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from nightlatch.config import Config, ConfigError, ConfigErrors, Secret, load

GOOD = {
    "dsn": "memory",
    "serve": {"public": {"base_url": "https://id.example.com"}},
    "secrets": {"default": ["mB4vX9kQ2sL7wR5t"]},
}
CANARY = "kAnArY-9f8e7d6c5b4a"
# Of the shape that a quickstart of Kratos has: its usual keys, and nothing that is wrong.
QUICKSTART = """
version: v1.3.0
dsn: sqlite:///var/lib/sqlite/db.sqlite?_fk=true&mode=rwc
serve:
  public: {base_url: "http://127.0.0.1:4433/", cors: {enabled: true}}
  admin: {base_url: "http://kratos:4434/"}
selfservice:
  default_browser_return_url: http://127.0.0.1:4455/
  allowed_return_urls: ["http://127.0.0.1:4455", "http://localhost:19006/Callback", "exp://localhost:8081/--/Callback"]
  methods:
    password: {enabled: true, config: {haveibeenpwned_enabled: false}}
    totp: {enabled: true, config: {issuer: Example}}
    lookup_secret: {enabled: true}
    link: {enabled: true}
    code: {enabled: true}
  flows:
    error: {ui_url: "http://127.0.0.1:4455/error"}
    settings: {ui_url: "http://127.0.0.1:4455/settings", privileged_session_max_age: 15m, required_aal: highest_available}
    recovery: {enabled: true, ui_url: "http://127.0.0.1:4455/recovery", use: code}
    verification:
      enabled: true
      ui_url: http://127.0.0.1:4455/verification
      use: code
      after: {default_browser_return_url: "http://127.0.0.1:4455/"}
    logout: {after: {default_browser_return_url: "http://127.0.0.1:4455/login"}}
    login: {ui_url: "http://127.0.0.1:4455/login", lifespan: 10m}
    registration:
      lifespan: 10m
      ui_url: http://127.0.0.1:4455/registration
      after: {password: {hooks: [{hook: session}, {hook: show_verification_ui}]}}
log: {level: debug, format: text, leak_sensitive_values: true}
secrets:
  cookie: [PLEASE-CHANGE-ME-I-AM-VERY-INSECURE]
  cipher: [32-LONG-SECRET-NOT-SECURE-AT-ALL]
ciphers: {algorithm: xchacha20-poly1305}
hashers: {algorithm: bcrypt, bcrypt: {cost: 8}}
identity:
  default_schema_id: default
  schemas: [{id: default, url: "file:///etc/config/kratos/identity.schema.json"}]
courier: {smtp: {connection_uri: "smtps://test:test@mail:1025/?skip_ssl_verify=true"}}
feature_flags: {use_continue_with_transitions: true}
"""


def write(folder: Path, content: Any) -> Path:
    path = folder / "nightlatch.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def errors_of(path: Path | None, environ: dict[str, str], dev: bool = False) -> dict[str, ConfigError]:
    with pytest.raises(ConfigErrors) as caught:
        load(path, environ, dev)
    return {error.key: error for error in caught.value.errors}


def nested(key: str, value: Any) -> dict[str, Any]:
    for name in reversed(key.split(".")):
        value = {name: value}
    return value


def value_of(config: Config, key: str) -> Any:
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    return value


def plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return value.reveal() if isinstance(value, Secret) else value


def as_variable(raw: Any) -> str:
    return raw if isinstance(raw, str) else json.dumps(raw)
