"""The values that are more than a text or a number: secrets, the database, identity schemas, hooks."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from nightlatch.config.errors import Refused, refuse
from nightlatch.config.kinds import Kind, read_text

MAKE_ONE = "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'."
_LEAST_SECRET = 16
_HOOKS = (
    "session",
    "revoke_active_sessions",
    "require_verified_address",
    "show_verification_ui",
    "verification",
    "verify_new_address",
    "notify_previous_addresses",
    "web_hook",
    "b2b_sso",
)
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


@dataclass(frozen=True, slots=True)
class SchemaSource:
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
    faults: list[tuple[str, str]] = []
    read: dict[str, str] = {}
    for key, reader in (("id", read_text), ("url", _read_schema_url)):
        try:
            read[key] = reader(value.get(key))
        except Refused as refused:
            faults += [(f"{key} {problem}", cure) for problem, cure in refused.faults]
    if faults:
        raise Refused(*faults)
    return SchemaSource(**read)


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


_SECRETS = ("k7Qw2ZrT9xLmV4sNbH6p", "uE3yGf8JcD1aXo5WiR0t")
SECRET = Kind("secret", _read_secret, _SECRETS)
DSN = Kind("database URL", _read_dsn, ("memory", "postgres://user:password@localhost:5432/nightlatch"))
SCHEMA = Kind(
    "identity schema",
    _read_schema,
    ({"id": "default", "url": "file:///etc/nightlatch/schema.json"}, {"id": "employee", "url": "base64://e30="}),
)
HOOK = Kind("hook", _read_hook, ({"hook": "session"}, {"hook": "show_verification_ui"}))
