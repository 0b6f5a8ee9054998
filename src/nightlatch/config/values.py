"""The values that are more than a text or a number: secrets, the database, identity schemas, hooks, mail servers."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

from nightlatch.config.errors import refuse
from nightlatch.config.kinds import Kind, each_read, matching, read_text
from nightlatch.core.courier.model import Gateway, Relay
from nightlatch.kernel.secrets import Keys

MAKE_ONE = "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'."
_LEAST_SECRET = 16
_HOOKS = (
    "session", "revoke_active_sessions", "require_verified_address", "show_verification_ui", "verification",
    "verify_new_address", "notify_previous_addresses", "web_hook", "b2b_sso",
)  # fmt: skip
_MEMORY = {":memory:", "file::memory:"}
_POSTGRES = {"postgres", "postgresql"}


class Secret:
    """A text that prints as stars wherever it goes."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "********"


def keys_of(secrets: Sequence[Secret], purpose: str) -> Keys:
    """The keys that these secrets give for one purpose, the newest first."""
    return Keys([secret.reveal().encode() for secret in secrets], purpose)


class SchemaSource(NamedTuple):
    """Where the identity schema `id` lies: file:///absolute/path, base64://…, http://… or https://…"""

    id: str
    url: str


def _read_secret(value: Any) -> Secret:
    text = read_text(value)
    if len(text.encode()) < _LEAST_SECRET:
        refuse(f"must hold {_LEAST_SECRET} bytes or more", MAKE_ONE)
    return Secret(text)


def _read_dsn(value: Any) -> Secret:
    url = read_text(value)
    scheme, _, rest = url.partition("://")
    path, _, options = rest.partition("?")
    if path and scheme == "sqlite":
        return Secret(_sqlite(path, options))
    if url != "memory" and (scheme not in _POSTGRES or not rest):
        refuse(
            "names no supported database",
            "Write memory, sqlite:///var/lib/nightlatch.sqlite or postgres://user:password@host:5432/name.",
        )
    return Secret(url)


def _sqlite(path: str, options: str) -> str:
    """The path behind sqlite:// is the file's, as Kratos reads it: three slashes begin an absolute path, two a relative
    one. The options behind ? have no counterpart here. What comes back is absolute in every reading of such URLs."""
    if path in _MEMORY or "mode=memory" in options.split("&"):
        return "memory"
    file = re.sub("^/+", "/", unquote(path.removeprefix("file:")))
    return "sqlite:///" + quote(str(Path(file).absolute()))


def _read_schema(value: Any) -> SchemaSource:
    if not isinstance(value, dict):
        refuse("must have an id and a url", "Write it as - id: NAME and below that url: file:///path.")
    id_, url = each_read([("id", read_text, value.get("id")), ("url", _read_schema_url, value.get("url"))])
    return SchemaSource(id_, url)


def _read_schema_url(value: Any) -> str:
    url = read_text(value)
    scheme, separator, rest = url.partition("://")
    if separator and scheme in {"http", "https", "base64"}:
        return url
    if separator and scheme != "file":
        refuse("must be a file, base64, http or https URL", "Write it like file:///etc/nightlatch/schema.json.")
    return f"file://{Path(rest if separator else url).absolute()}"


def _read_hook(value: Any) -> str:
    name = value.get("hook") if isinstance(value, dict) else None
    if name not in _HOOKS:
        refuse("names no known hook", "Write it as - hook: session.")
    return str(name)


def _read_relay(value: Any) -> Relay:
    cure = "Write it like smtps://user:password@mail.example.com:465, with special characters as %40."
    try:
        parts = urlsplit(read_text(value))
        host, port = parts.hostname, parts.port
        options = (
            {name: values == ["true"] for name, values in parse_qs(parts.query, strict_parsing=True).items()}
            if parts.query
            else {}
        )
    except ValueError:
        refuse("is no URL", cure)
    if parts.scheme not in {"smtp", "smtps"} or not host or port == 0 or parts.path.strip("/") or parts.fragment:
        refuse("names no mail server", cure)
    if not options.keys() <= {"disable_starttls", "skip_ssl_verify", "legacy_ssl"}:
        refuse("has an option that is not known", "Of options there are disable_starttls and skip_ssl_verify.")
    tls = "tls" if parts.scheme == "smtps" else "none" if options.get("disable_starttls") else "starttls"
    return Relay(
        host,
        port or (465 if tls == "tls" else 587),
        tls,
        not options.get("skip_ssl_verify"),
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


def _read_gateway(value: Any) -> Gateway:
    cure = "Write it as url: https://host/path and below that headers, each a name and a text."
    if not isinstance(value, dict):
        refuse("must have a url", cure)
    if not value.keys() <= {"url", "method", "headers", "body"} or value.get("method", "POST") != "POST":
        refuse("holds what is not done", "Of url, headers and method: POST; put what authorizes you into the headers.")
    url, headers = read_text(value.get("url")), value.get("headers") or {}
    if not url.startswith(("https://", "http://")) or not isinstance(headers, dict):
        refuse("has no http or https url, or no mapping of headers", cure)
    return Gateway(url, {read_text(name): read_text(text) for name, text in headers.items()})


def _read_channel(value: Any) -> Gateway:
    if not isinstance(value, dict) or value.get("id") != "sms" or value.get("type", "http") != "http":
        refuse("is no channel for sms by http", "Write it as - id: sms, type: http and request_config.")
    return _read_gateway(value.get("request_config"))


def _mapping_from_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


_SECRETS = ("k7Qw2ZrT9xLmV4sNbH6p", "uE3yGf8JcD1aXo5WiR0t")
SECRET = Kind("secret", _read_secret, _SECRETS)
DSN = Kind("database URL", _read_dsn, ("memory", "postgres://user:password@localhost:5432/nightlatch"))
SCHEMA = Kind(
    "identity schema",
    _read_schema,
    ({"id": "default", "url": "file:///etc/nightlatch/schema.json"}, {"id": "employee", "url": "base64://e30="}),
)
HOOK = Kind("hook", _read_hook, ({"hook": "session"}, {"hook": "show_verification_ui"}))
RELAY = Kind("SMTP URL", _read_relay, ("smtp://mail.example.com:587", "smtps://user:password@mail.example.com:465"))
_POSTED = ({"url": "https://sms.example.com/send"}, {"url": "https://mail.example.com/v1", "headers": {"X-Key": "k"}})
GATEWAY = Kind("HTTP request", _read_gateway, _POSTED, _mapping_from_text)
CHANNEL = Kind(
    "channel",
    _read_channel,
    (
        {"id": "sms", "type": "http", "request_config": _POSTED[0]},
        {"id": "sms", "type": "http", "request_config": _POSTED[1]},
    ),
)
_read_email = matching(
    r"[^\s<>@,]+@[^\s<>@,]+",
    "must be one email address",
    "Write it like no-reply@example.com; the name has a key of its own.",
)
EMAIL = Kind("email address", _read_email, ("no-reply@example.com", "accounts@example.org"))
