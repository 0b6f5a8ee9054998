"""The environment: a key in capitals with `_` for `.`, as Kratos has it (`SERVE_PUBLIC_PORT`). It wins over the file.

A list is its entries with commas between, a JSON list, or given entry by entry (`SECRETS_DEFAULT_0`,
`IDENTITY_SCHEMAS_0_URL`). An empty variable counts as not set. A variable of no setting is somebody else's, unless it
begins with `NIGHTLATCH_`.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from nightlatch.config.declare import Setting
from nightlatch.config.found import Found, Given
from nightlatch.config.settings import SETTINGS

_VARIABLES = {each.variable: each for each in SETTINGS.values()}
_ENTRY = re.compile(r"(\w+?)_([0-9]+)(?:_(\w+))?", re.ASCII)
_OURS = "NIGHTLATCH_"
# Kubernetes gives every container such variables for a service that is called nightlatch or nightlatch-something.
_SERVICE = re.compile(
    r"\w+_(?:SERVICE_HOST|SERVICE_PORT\w*|PORT_[0-9]+_(?:TCP|UDP|SCTP)\w*)=.*|\w+_PORT=(?:tcp|udp|sctp)://.*", re.ASCII
)


def read_environment(environ: Mapping[str, str], found: Found) -> None:
    """Adds what the environment holds to `found`, in place of what the file said."""
    entries: dict[str, dict[int, Any]] = {}
    for name, text in sorted(environ.items()):
        if not text:
            continue
        if (setting := _VARIABLES.get(name)) is not None:
            found.given[setting.key] = Given(name, setting.kind.from_text(text))
        elif (
            not _take_entry(name, text, entries) and name.startswith(_OURS) and not _SERVICE.fullmatch(f"{name}={text}")
        ):
            found.wrong(name, "is not a known variable", _nearest(name))
    for variable, numbered in entries.items():
        _join(_VARIABLES[variable], numbered, found)


def _take_entry(name: str, text: str, entries: dict[str, dict[int, Any]]) -> bool:
    """Whether `name` is that of a list's entry, or of a key of one; if so, it goes into `entries`."""
    match = _ENTRY.fullmatch(name)
    setting = _VARIABLES.get(match[1]) if match else None
    if match is None or setting is None or setting.kind.entries is None:
        return False
    number, key = int(match[2]), (match[3] or "").lower()
    numbered = entries.setdefault(setting.variable, {})
    if not setting.kind.entries and not key:
        numbered[number] = text
    elif key in setting.kind.entries:
        numbered.setdefault(number, {})[key] = text
    else:
        return False
    return True


def _join(setting: Setting, numbered: dict[int, Any], found: Found) -> None:
    name = setting.variable
    if setting.key in found.given and found.given[setting.key].name == name:
        found.wrong(name, f"is set, and {name}_{min(numbered)} too", "Give the whole list or its entries.")
    elif sorted(numbered) != list(range(len(numbered))):
        found.wrong(name, "lacks an entry", f"Number the entries from {name}_0 on without a gap.")
    else:
        found.given[setting.key] = Given(name, [numbered[number] for number in range(len(numbered))])


def _nearest(name: str) -> str:
    near = get_close_matches(name, [each for each in _VARIABLES if each.startswith(_OURS)], 1)
    return f"Did you mean {near[0]}?" if near else "Unset it; docs/settings.md lists the variables."
