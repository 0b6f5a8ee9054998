"""The configuration file: YAML in the shape of Kratos' own.

A key is ours (taken), known to Kratos (set aside as unused), or unknown (an error that names the nearest known one).
`$schema`, `version` and anything that begins with `x-` is left alone.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from nightlatch.config.errors import ConfigError, ConfigErrors
from nightlatch.config.found import Found, Given
from nightlatch.config.settings import DATA, SETTINGS

Known = dict[str, Any]  # a tree of names; `#` an entry of a list, `*` any name, `**` anything below

_IGNORED = {"$schema", "version"}
_NAME = re.compile(r"[\w$-]{1,60}", re.ASCII)
_INDEX = re.compile(r"\.[0-9]+(?=\.)", re.ASCII)
_ENTRY_KEYS = {f"{each.key}.#.{name}" for each in SETTINGS.values() for name in each.kind.entries or ()}


def read_file(path: Path, found: Found) -> None:
    """Adds what the file at `path` holds to `found`. ConfigErrors, at once, when it is no readable YAML mapping."""
    try:
        content = _parsed(path.read_bytes(), found)
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise ConfigErrors([ConfigError(str(path), problem, "Name a file that is there and readable.")]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigErrors([ConfigError(str(path), f"is not valid YAML{_where(error)}", "Mend it there.")]) from None
    if not isinstance(content, dict):
        raise ConfigErrors([ConfigError(str(path), "is no mapping", "Write key: value lines.")])
    _walk(content, _known(), "", found)
    found.unused = list(dict.fromkeys(map(_highest, found.unused)))


def _parsed(raw: bytes, found: Found) -> Any:
    loader = yaml.CSafeLoader(raw)
    try:
        root = loader.get_single_node()
        if root is None:
            return {}
        for key, line in _repeated(root, "", set()):
            found.wrong(key, f"is set a second time in line {line}", "Remove one of the two.")
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _repeated(node: yaml.Node, prefix: str, seen: set[int]) -> Iterator[tuple[str, int]]:
    """The keys that a mapping has twice, and the line of the second. YAML's reader would take the last in silence."""
    if id(node) in seen:  # an alias may name what it stands in
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, entry in enumerate(node.value):
            yield from _repeated(entry, f"{prefix}{number}.", seen)
    elif isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode) and name.value in names:
                yield prefix + _shown(name.value), name.start_mark.line + 1
            names.add(str(name.value))
            yield from _repeated(value, f"{prefix}{_shown(name.value)}.", seen)


def _shown(name: Any) -> str:
    """`name` if it looks like one: in {admin_key:VALUE}, where a space is missing, the name holds the secret."""
    return name if isinstance(name, str) and _NAME.fullmatch(name) else "?"


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"


def _known() -> Known:
    tree: Known = {}
    theirs = (DATA / "kratos_config_keys.txt").read_text(encoding="utf-8").split()
    for key in (*theirs, *SETTINGS, *_ENTRY_KEYS):
        branch = tree
        for name in key.split("."):
            branch = branch.setdefault(name, {})
    return tree


def _walk(content: dict[Any, Any], known: Known, prefix: str, found: Found) -> None:
    for name, value in content.items():
        key = f"{prefix}{name}"
        if key in _IGNORED or str(name).startswith("x-"):
            continue
        below = known.get(str(name), known.get("*"))
        if below is None:
            found.wrong(prefix + _shown(name), "is not a known key", _nearest(str(name), known, prefix))
        elif key in SETTINGS:
            found.given[key] = Given(key, value)
            _entries(value, below, key, found)
        elif _INDEX.sub(".#", key) not in _ENTRY_KEYS:
            _branch(value, below, key, found)


def _branch(value: Any, below: Known, key: str, found: Found) -> None:
    named = below.keys() - {"#", "**"}
    if isinstance(value, dict) and named:
        _walk(value, below, f"{key}.", found)
    elif isinstance(value, list) and "#" in below:
        found.unused.append(key)
        _entries(value, below, key, found)
    elif value is not None and named and _holds_ours(key):
        found.wrong(key, "must hold keys of its own", "Write them below it, indented.")
    elif value is not None or not named:
        found.unused.append(key)


def _entries(value: Any, below: Known, key: str, found: Found) -> None:
    if isinstance(value, list) and "#" in below:
        for number, entry in enumerate(value):
            if isinstance(entry, dict):
                _walk(entry, below["#"], f"{key}.{number}.", found)


def _holds_ours(key: str) -> bool:
    return any(each.startswith(f"{key}.") for each in SETTINGS)


def _nearest(name: str, known: Known, prefix: str) -> str:
    """A known key near `name`: one beside it, or one of that name elsewhere."""
    beside = [prefix + near for near in get_close_matches(name, known.keys() - {"#", "*"}, 1)]
    elsewhere = [key for key in SETTINGS if key.split(".")[-1] == name]
    for near in beside or elsewhere[:1]:
        return f"Did you mean {near}?"
    return "Remove it; docs/settings.md lists the keys."


def _highest(key: str) -> str:
    """The highest part of `key` that holds no setting of ours: one name stands for a whole subject that is not here."""
    names = key.split(".")
    for length in range(1, len(names)):
        part = ".".join(names[:length])
        if part not in SETTINGS and not names[length - 1].isdigit() and not _holds_ours(part):
            return part
    return key
