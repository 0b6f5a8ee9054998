"""Where in traits the marks of a schema apply (draft 7 and later keywords; local references).

read     each schema node that can reach a mark becomes a Node, once, when the schema is loaded
walk     a value goes down the nodes; anyOf, oneOf and if lead on only where the value fits
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any, Protocol
from urllib.parse import unquote

import msgspec
from jsonschema_rs import Validator

from nightlatch.core.identities.complaints import Path, pointer
from nightlatch.core.identities.marks import NAME, SEARCHABLE, Mark, read_mark

_NOT_WALKED = (
    "additionalItems", "additionalProperties", "contains", "dependencies", "dependentSchemas", "not",
    "patternProperties", "propertyNames", "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip


class Seeker(Protocol):
    """Who is shown what is marked."""

    def take(self, mark: Mark, value: Any, path: Path) -> None: ...


@dataclass(slots=True, eq=False)
class Node:
    """A schema node from which a mark can be reached."""

    mark: Mark | None = None
    same: "list[Node]" = field(default_factory=list)
    choices: "list[tuple[Validator, bool, Node]]" = field(default_factory=list)
    properties: "dict[str, Node]" = field(default_factory=dict)
    prefix: "list[Node]" = field(default_factory=list)
    items: "Node | None" = None

    def walk(self, value: Any, path: Path, found: Seeker) -> None:
        """Shows `found` every marked part of `value`, which need not fit the schema."""
        if self.mark is not None:
            found.take(self.mark, value, path)
        for node in self.same:
            node.walk(value, path, found)
        for validator, wanted, node in self.choices:
            if validator.is_valid(value) is wanted:
                node.walk(value, path, found)
        if isinstance(value, dict):
            for name, node in self.properties.items():
                if name in value:
                    node.walk(value[name], (*path, name), found)
        elif isinstance(value, list) and (self.items is not None or self.prefix):
            self._walk_items(value, path, found)

    def _walk_items(self, value: list[Any], path: Path, found: Seeker) -> None:
        for index, item in enumerate(value):
            node = self.prefix[index] if index < len(self.prefix) else self.items
            if node is not None:
                node.walk(item, (*path, index), found)

    def here(self) -> "Iterator[Node]":
        """The nodes that look at the same value."""
        yield from self.same
        yield from (node for _, _, node in self.choices)

    def below(self) -> "Iterator[Node]":
        """The nodes that look at parts of the value."""
        yield from self.properties.values()
        yield from self.prefix
        if self.items is not None:
            yield self.items

    def keep(self, useful: "set[Node]") -> None:
        """Forgets the ways to nodes that are not `useful`. Items before a useful one keep their place."""
        self.same = [node for node in self.same if node in useful]
        self.choices = [choice for choice in self.choices if choice[2] in useful]
        self.properties = {name: node for name, node in self.properties.items() if node in useful}
        if not useful.intersection(self.prefix):
            self.prefix = self.prefix if self.items in useful else []
        self.items = self.items if self.items in useful else None


def read(document: Mapping[str, Any], start: Path, siblings: bool, validator: Callable[[str], Validator]) -> Node:
    """The node at `start`. `siblings`: the draft heeds what stands beside a $ref. `validator` is asked for the
    validator of a JSON pointer. ValueError when a mark is malformed or stands where it would have no effect."""
    reader = _Reader(document, siblings, validator)
    node = reader.at(start)
    nodes = reader.nodes.values()
    TopologicalSorter({node: list(node.here()) for node in nodes}).prepare()
    useful = {node for node in nodes if node.mark is not None}
    while more := {node for node in nodes if not useful.isdisjoint((*node.here(), *node.below()))} - useful:
        useful |= more
    for each in nodes:
        each.keep(useful)
    return node


def marks(start: Node) -> list[Mark]:
    """Those that can be reached from `start`, to which the way may lead back."""
    seen, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        new = {*node.here(), *node.below()} - seen
        seen |= new
        waiting += new
    return [node.mark for node in seen if node.mark is not None]


class _Reader:
    def __init__(self, document: Mapping[str, Any], siblings: bool, validator: Callable[[str], Validator]) -> None:
        self.nodes: dict[Path, Node] = {}
        self._document, self._siblings, self._validator = document, siblings, validator

    def at(self, path: Path) -> Node:
        """The node of the schema at `path`, made when it is new: a schema may refer to itself."""
        if path in self.nodes:
            return self.nodes[path]
        node = self.nodes[path] = Node()
        schema = self._schema(path)
        if not isinstance(schema, dict):
            return node
        if "$ref" in schema:
            node.same.append(self.at(_target(schema["$ref"], path)))
        if "$ref" not in schema or self._siblings:
            self._fill(node, schema, path)
        return node

    def _fill(self, node: Node, schema: dict[str, Any], path: Path) -> None:
        for keyword in _NOT_WALKED:
            text = msgspec.json.encode(schema[keyword]).decode() if keyword in schema else ""
            for name in (NAME, SEARCHABLE):
                if name in text:
                    raise ValueError(f"{name} has no effect in #{pointer((*path, keyword))}")
        node.mark = read_mark(schema, path)
        node.same += [self.at((*path, "allOf", i)) for i in range(len(schema.get("allOf", ())))]
        for keyword in ("anyOf", "oneOf"):
            for i in range(len(schema.get(keyword, ()))):
                self._choose(node, (*path, keyword, i), (*path, keyword, i), wanted=True)
        if "if" in schema:
            for keyword in ("if", "then", "else"):
                if keyword in schema:
                    self._choose(node, (*path, "if"), (*path, keyword), wanted=keyword != "else")
        node.properties = {name: self.at((*path, "properties", name)) for name in schema.get("properties", {})}
        self._fill_items(node, schema, path)

    def _fill_items(self, node: Node, schema: dict[str, Any], path: Path) -> None:
        if isinstance(schema.get("items"), list):
            node.prefix = [self.at((*path, "items", i)) for i in range(len(schema["items"]))]
            return
        node.prefix = [self.at((*path, "prefixItems", i)) for i in range(len(schema.get("prefixItems", ())))]
        if "items" in schema:
            node.items = self.at((*path, "items"))

    def _choose(self, node: Node, condition: Path, path: Path, *, wanted: bool) -> None:
        node.choices.append((self._validator(f"#{pointer(condition)}"), wanted, self.at(path)))

    def _schema(self, path: Path) -> Any:
        schema: Any = self._document
        for step in path:
            schema = schema[int(step) if isinstance(schema, list) else step]
        return schema


def _target(ref: str, path: Path) -> Path:
    if ref != "#" and not ref.startswith("#/"):
        raise ValueError(f"only a $ref of the form #/… is followed, not {ref} in #{pointer(path)}")
    return tuple(unquote(step).replace("~1", "/").replace("~0", "~") for step in ref.split("/")[1:])
