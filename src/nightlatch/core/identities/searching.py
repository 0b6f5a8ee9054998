"""Traits that filters may name (`nightlatch/searchable` in a schema): what they are called, and which values there are.

Those of a list are one attribute with several values. A name has no capitals, as filters have none.
"""

import re
from collections.abc import Mapping
from typing import Any

from nightlatch.core.identities.complaints import Complaint, Path
from nightlatch.core.identities.extension import Node
from nightlatch.core.identities.marks import SEARCHABLE, Mark
from nightlatch.core.identities.model import Trait, indexed
from nightlatch.core.identities.normal import LONGEST
from nightlatch.core.questions import BIGGEST, Kind

_MOST_NAMES, _MOST_VALUES = 64, 256
_PART = re.compile(r"[a-z_$][\w$-]*", re.ASCII)


def names(start: Node) -> dict[str, Kind]:
    """The searchable traits of a schema, by name. ValueError when a filter cannot name one, they are too many, or two
    of one name are of two kinds. What holds itself is named once."""
    found: dict[str, Kind] = {}

    def go(node: Node, path: tuple[str, ...], above: frozenset[Node]) -> None:
        if node in above:
            return
        if node.mark is not None and node.mark.searchable is not None:
            _add(found, path, node.mark.searchable)
        above |= {node}
        for same in (*node.here(), *node.prefix, *([node.items] if node.items else ())):
            go(same, path, above)
        for name, below in node.properties.items():
            go(below, (*path, name.lower()), above)

    go(start, (), frozenset())
    return found


def _add(found: dict[str, Kind], path: tuple[str, ...], kind: Kind) -> None:
    name = ".".join(path)
    if not path or not all(map(_PART.fullmatch, path)):
        raise ValueError(f"{SEARCHABLE}: a filter cannot name the trait {name}")
    if found.setdefault(name, kind) is not kind:
        raise ValueError(f"{SEARCHABLE}: the trait {name} is of two types")
    if len(found) > _MOST_NAMES:
        raise ValueError(f"{SEARCHABLE}: more than {_MOST_NAMES} traits are marked")


class Searched:
    """The values of one set of traits that are found, and what is wrong with others."""

    def __init__(self, known: Mapping[str, Kind]) -> None:
        self._known = known
        self.traits: dict[Trait, None] = {}
        self.complaints: list[Complaint] = []

    def take(self, mark: Mark, value: Any, path: Path) -> None:
        if mark.searchable is None or (form := _form(mark.searchable, value)) is None:
            return
        trait = Trait(".".join(part.lower() for part in path[1:] if isinstance(part, str)), form)
        if trait.name not in self._known:
            return
        if len(form.encode()) > LONGEST:
            self.complaints.append(Complaint(path, mark.at, f"length must be <= {LONGEST} bytes"))
        elif len(self.traits) == _MOST_VALUES:
            self.complaints.append(Complaint(path, mark.at, f"more than {_MOST_VALUES} values that filters may name"))
        else:
            self.traits[trait] = None


def _form(kind: Kind, value: Any) -> str | None:
    match kind, value:
        case (Kind.CASELESS, str()) | (Kind.FLAG, bool()):
            return indexed(value)
        case Kind.NUMBER, int() | float() if not isinstance(value, bool) and abs(value) < BIGGEST:
            return indexed(int(value)) if value == int(value) else None
    return None
