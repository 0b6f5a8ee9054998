"""From a file and the environment to a Config, or to everything that is wrong with them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nightlatch.config.check import conflicts, examples, missing
from nightlatch.config.declare import Follows, assemble
from nightlatch.config.environment import read_environment
from nightlatch.config.errors import ConfigErrors, Refused
from nightlatch.config.found import Found
from nightlatch.config.settings import SETTINGS, Config

_METHOD = re.compile(r"selfservice\.methods\.(?!profile)(\w+)")
_HOOKS = [key for key in SETTINGS if key.endswith(".hooks")]
# Those that have an effect after a flow.
_DONE = {
    "login": {"revoke_active_sessions", "require_verified_address", "show_verification_ui"},
    "registration": {"session", "verification", "show_verification_ui"},
    "recovery": {"revoke_active_sessions"},
    "settings": {"revoke_active_sessions", "verification", "show_verification_ui"},
}


def load(path: Path | None, environ: Mapping[str, str], dev: bool) -> Config:
    """The configuration of the file at `path` (None: no file) and of the environment, which wins. ConfigErrors with
    every error at once; what only deserves a word is in `warnings`."""
    found = Found()
    if path is not None:
        from nightlatch.config.file import read_file  # reading YAML is half of the start of a command without a file

        read_file(path, found)
    read_environment(environ, found)
    read = _read(found)
    values = _completed(read)
    _judge(values, read, found, dev)
    if found.errors:
        raise ConfigErrors(found.errors)
    return assemble(Config, values | {"dev": dev, "warnings": tuple(_warnings(read, found.unused))})


def _read(found: Found) -> dict[str, Any]:
    """The values that are of their kind; the others are errors."""
    read = {}
    for key, given in found.given.items():
        try:
            read[key] = SETTINGS[key].kind.read(given.raw)
        except Refused as refused:
            for fault in refused.faults:
                found.wrong(given.name, *fault)
    return read


def _completed(read: Mapping[str, Any]) -> dict[str, Any]:
    """A value for every setting: first the defaults that stand alone, then those that follow from others."""
    values = dict(read)
    for setting in sorted(SETTINGS.values(), key=lambda each: isinstance(each.default, Follows)):
        if setting.key not in values:
            values[setting.key] = setting.value_unset(values)
    return values


def _judge(values: Mapping[str, Any], read: Mapping[str, Any], found: Found, dev: bool) -> None:
    unread = found.given.keys() - read.keys()
    known_to_all = [] if dev else [*examples(values, read)]
    for keys, problem, cure in [*conflicts(values), *known_to_all]:
        if not unread.intersection(keys):
            found.wrong(found.name_of(keys[0]), problem, cure)
    if not dev:
        found.errors += missing(found.given)


def _warnings(read: Mapping[str, Any], unused: list[str]) -> Iterator[str]:
    methods = {key: found[1] for key in unused if (found := _METHOD.fullmatch(key))}
    if methods:
        yield f"Methods that are not offered yet, whatever is configured: {', '.join(methods.values())}."
    hooks = [f"{key} ({name})" for key in _HOOKS for name in read.get(key, ()) if name not in _DONE[key.split(".")[2]]]
    if without_effect := [key for key in [*unused, *hooks] if key not in {"hashers", *methods}]:
        yield f"Known, but without effect here yet: {', '.join(without_effect)}."
    if "hashers" in unused:
        yield "New hashes are argon2id whatever hashers says."
