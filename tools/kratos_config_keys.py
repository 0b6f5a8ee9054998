"""Lists every key path of Kratos' published configuration schema, one a line.

    python tools/kratos_config_keys.py config.schema.json > src/nightlatch/data/kratos_config_keys.txt

`#` stands for an entry of a list, `*` for a name of the operator's choice, `**` for anything below.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ALTERNATIVES = ("allOf", "anyOf", "oneOf")
_CONDITIONS = ("if", "then", "else")


def paths(schema: dict[str, Any]) -> list[str]:
    """The paths of all leaves, sorted."""
    leaves = {".".join(path).removesuffix(".#") for path in _below(schema, schema, ())}
    inner = {leaf[:at] for leaf in leaves for at, letter in enumerate(leaf) if letter == "."}
    return sorted(leaves - inner - {""})


def _below(root: dict[str, Any], node: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    children, parts = list(_children(node)), _parts(root, node)
    if not children and not parts:
        yield (*path, "**") if _is_open(node) else path
    for name, child in children:
        yield from _below(root, child, (*path, name))
    for part in parts:
        yield from _below(root, part, path)


def _children(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    named = [*node.get("properties", {}).items()]
    named += [("*", child) for child in node.get("patternProperties", {}).values()]
    named.append(("*", node.get("additionalProperties")))
    items = node.get("items", [])
    named += [("#", child) for child in (items if isinstance(items, list) else [items])]
    return ((name, child) for name, child in named if isinstance(child, dict))


def _is_open(node: dict[str, Any]) -> bool:
    return node.get("type") == "object" and node.get("additionalProperties") is not False


def _parts(root: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas that `node` is made of besides its own words."""
    parts = [part for word in _ALTERNATIVES for part in node.get(word, [])]
    parts += [node[word] for word in _CONDITIONS if isinstance(node.get(word), dict)]
    if "$ref" in node:
        parts.append(_resolved(root, node["$ref"]))
    return parts


def _resolved(root: dict[str, Any], reference: str) -> dict[str, Any]:
    if not reference.startswith("#/"):
        return {"type": "object"}  # another document: whatever it allows
    node = root
    for name in reference[2:].split("/"):
        node = node[name]
    return node


if __name__ == "__main__":
    sys.stdout.writelines(path + "\n" for path in paths(json.loads(Path(sys.argv[1]).read_text())))
