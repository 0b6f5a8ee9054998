"""Identity schemas: JSON Schema documents that say what traits an identity has and what each is used for.

Loaded and compiled once, at start. A schema validates {"traits": …}; references to other documents are not followed.
"""

import asyncio
import binascii
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path as File
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import msgspec

from nightlatch.core.identities import extension
from nightlatch.core.identities.complaints import Path, complaint, refusal
from nightlatch.core.identities.marks import EMAIL, Found
from nightlatch.core.identities.model import Kind, Marks, Name, Trait
from nightlatch.core.identities.normal import phone_number
from nightlatch.core.identities.searching import Searched, names
from nightlatch.core.questions import TRAITS, Attribute
from nightlatch.kernel.outbound import OutboundRefused
from nightlatch.problems import SchemaNotFound, SchemaUnknown

Fetch = Callable[[str], Awaitable[bytes]]

_OLD_DRAFTS = (jsonschema_rs.Draft4Validator, jsonschema_rs.Draft6Validator, jsonschema_rs.Draft7Validator)
# Collecting all errors takes 12 µs each, and one trait can hold as many as a body has room for.
_EXPLAINED = 1000


@dataclass(frozen=True, slots=True)
class Derived:
    """What traits amount to. Identifiers by credential type and (via, value) pairs are in normal form; `labels` are
    the names to show for totp and passkey, `searchable` what filters find. `changed`: `traits` are not those given, a
    phone number became E.164."""

    traits: Any
    changed: bool
    identifiers: Mapping[str, tuple[str, ...]]
    code_addresses: tuple[tuple[str, str], ...]
    verifiable: tuple[tuple[str, str], ...]
    recovery: tuple[tuple[str, str], ...]
    labels: Mapping[str, str]
    searchable: tuple[Trait, ...] = ()

    def names(self) -> list[Name]:
        """What only one identity may hold of it."""
        addresses = ((Kind.VERIFIABLE, self.verifiable), (Kind.RECOVERY, self.recovery))
        return [Name(type_, value) for type_, values in self.identifiers.items() for value in values] + [
            Name(f"{kind}:{via}", value) for kind, pairs in addresses for via, value in pairs
        ]


class Schema:
    """One identity schema: `document` as it was given, `content` as it reads. `by_code`: it has an address that signs
    in by code. `searchable`: the traits that filters may name."""

    __slots__ = ("_marks", "_validator", "by_code", "content", "document", "id", "searchable")

    def __init__(self, schema_id: str, document: bytes) -> None:
        """ValueError when `document` is not an identity schema."""
        self.id, self.document = schema_id, document
        self.content: dict[str, Any] = msgspec.json.decode(document, type=dict[str, Any])
        options: dict[str, Any] = {
            "offline": True,  # or a reference in a schema would have us read files, and call servers
            "validate_formats": True,  # drafts from 2019 on leave it out by themselves
            "email_options": EMAIL,
            # Patterns in use look ahead, which the linear engine cannot; some would go back for ever.
            "pattern_options": jsonschema_rs.FancyRegexOptions(backtrack_limit=10_000),
            "formats": {"tel": lambda text: phone_number(text) is not None},
        }
        dialect = {"$schema": "http://json-schema.org/draft-07/schema#"} | self.content
        self._validator = jsonschema_rs.validator_for(dialect, **options)
        if "traits" not in self.content.get("properties", ()):
            raise ValueError("it has no properties.traits")
        map_of_parts = partial(jsonschema_rs.validator_map_for, dialect, **options)
        self._marks = extension.read(
            self.content,
            ("properties", "traits"),
            siblings=not isinstance(self._validator, _OLD_DRAFTS),
            validator=lambda pointer: map_of_parts()[pointer],
        )
        self.by_code = any(mark.code for mark in extension.marks(self._marks))
        self.searchable = names(self._marks)

    def derive(self, traits: Any) -> Derived:
        """Checks `traits` and says what identifiers and addresses they hold. TraitsInvalid names all that is wrong."""
        found = Found()
        self._marks.walk(traits, ("traits",), found)
        for path, number in found.rewrites:
            traits = _replaced(traits, path[1:], number)
        self._check(traits)
        searched = self._searched(traits)
        if complaints := found.complaints + searched.complaints:
            raise refusal(complaints)
        codes = tuple(sorted(found.codes, key=lambda code: (code[1], code[0])))
        identifiers = {kind: tuple(values) for kind, values in found.identifiers.items()}
        if codes:
            identifiers["code"] = tuple(dict.fromkeys(address for _, address in codes))
        return Derived(
            traits=traits,
            changed=bool(found.rewrites),
            identifiers=identifiers,
            code_addresses=codes,
            verifiable=tuple(found.verifiable),
            recovery=tuple(found.recovery),
            labels=found.labels,
            searchable=tuple(searched.traits),
        )

    def searched(self, traits: Any) -> tuple[Trait, ...]:
        """What filters find of `traits`, which need not fit: too long and too many values are left out."""
        return tuple(self._searched(traits).traits)

    def _searched(self, traits: Any) -> Searched:
        searched = Searched(self.searchable)
        if self.searchable:
            self._marks.walk(traits, ("traits",), searched)
        return searched

    def _check(self, traits: Any) -> None:
        instance = {"traits": traits}
        if self._validator.is_valid(instance):
            return
        if _parts(traits) <= _EXPLAINED:
            raise refusal([complaint(error) for error in self._validator.iter_errors(instance)])
        try:
            self._validator.validate(instance)
        except jsonschema_rs.ValidationError as error:
            raise refusal([complaint(error)]) from None


class Schemas:
    """The configured schemas, in the order of the configuration; the attributes that filters may name by them."""

    def __init__(self, schemas: Sequence[Schema], default_id: str) -> None:
        """ValueError when a trait is of one kind here and of another there."""
        self._schemas = {schema.id: schema for schema in schemas}
        self.default_id = default_id
        self.traits: dict[str, Attribute] = {}
        for schema in schemas:
            for name, kind in schema.searchable.items():
                if self.traits.setdefault(TRAITS + name, Attribute(kind)).kind is not kind:
                    raise ValueError(f"the schema {schema.id} cannot be used: another has {name} of another type")
        self.marks: Marks = tuple(
            sorted(
                (schema.id, name, kind.name.lower()) for schema in schemas for name, kind in schema.searchable.items()
            )
        )

    def __iter__(self) -> Iterator[Schema]:
        return iter(self._schemas.values())

    def __len__(self) -> int:
        return len(self._schemas)

    def chosen(self, schema_id: str) -> Schema:
        """The schema that a writer names, plain or as base64url; the default one for "". SchemaUnknown."""
        if schema := self._find(schema_id or self.default_id):
            return schema
        raise SchemaUnknown(schema_id)

    def get(self, schema_id: str) -> Schema:
        """The schema that a reader asks for, plain or as base64url. SchemaNotFound."""
        if schema := self._find(schema_id):
            return schema
        raise SchemaNotFound(schema_id)

    def searched(self, schema_id: str, traits: str) -> tuple[Trait, ...]:
        """What filters find of traits, as JSON, by the schema of this id; nothing when there is none."""
        schema = self._schemas.get(schema_id)
        return schema.searched(msgspec.json.decode(traits)) if schema else ()

    def _find(self, schema_id: str) -> Schema | None:
        if schema := self._schemas.get(schema_id):
            return schema
        try:
            plain = urlsafe_b64decode(schema_id.encode("ascii") + b"=" * (-len(schema_id) % 4)).decode()
        except ValueError:
            return None
        return self._schemas.get(plain)


class SchemasBroken(ValueError):
    """`errors` are sentences for the operator, each with the configuration key that it is about."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = list(errors)


async def load_schemas(sources: Sequence[tuple[str, str]], default_id: str, fetch: Fetch) -> Schemas:
    """Reads (id, url) pairs: file://, base64://, others through `fetch`. SchemasBroken. Of the ids, no two are the same
    and one is the default: the configuration is checked for that."""
    schemas: list[Schema] = []
    errors: list[str] = []
    for number, (schema_id, url) in enumerate(sources):
        try:
            schemas.append(Schema(schema_id, await _document(url, fetch)))
        except (OSError, ValueError, OutboundRefused) as error:
            reason = str(error).partition("\n")[0]
            errors.append(f"identity.schemas.{number}.url: the schema {schema_id} cannot be used: {reason}")
    if errors:
        raise SchemasBroken(errors)
    try:
        return Schemas(schemas, default_id)
    except ValueError as error:
        raise SchemasBroken([f"identity.schemas: {error}"]) from None


async def _document(url: str, fetch: Fetch) -> bytes:
    scheme, _, rest = url.partition("://")
    if scheme == "base64":
        return _decoded(rest)
    if scheme == "file":
        return await asyncio.to_thread(File(unquote(rest)).read_bytes)
    return await fetch(url)


def _decoded(text: str) -> bytes:
    alphabet = b"-_" if set(text) & set("-_") else None
    try:
        return b64decode(text + "=" * (-len(text) % 4), altchars=alphabet, validate=True)
    except binascii.Error as error:
        raise ValueError(f"what follows base64:// is not base64: {error}") from None


def _replaced(value: Any, path: Path, leaf: str) -> Any:
    """A copy of `value` with `leaf` at `path`; what is beside the way is shared."""
    if not path:
        return leaf
    copy = value.copy()
    copy[path[0]] = _replaced(value[path[0]], path[1:], leaf)
    return copy


def _parts(value: Any) -> int:
    """How many values `value` is made of; counting ends soon after the limit of what is explained."""
    count, waiting = 0, [value]
    while waiting and count <= _EXPLAINED:
        each = waiting.pop()
        count += 1
        if isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return count
