"""An identity: a person or a machine that can sign in.

Traits and metadata are kept as the JSON text that was given and are given back so.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

import msgspec

from nightlatch.core.questions import BIGGEST, lowered


class State(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"


class Kind(StrEnum):
    """What an address is for."""

    VERIFIABLE = "verifiable"
    RECOVERY = "recovery"


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where an identity can be reached; `via` is email or sms, `value` is in normal form. Times as everywhere. One that
    is there `by_administrator` is nobody's mere claim, verified or not."""

    id: bytes
    kind: Kind
    via: str
    value: str
    created_at: int
    updated_at: int
    status: str = "pending"
    verified: bool = False
    verified_at: int | None = None
    by_administrator: bool = False


class Identity(msgspec.Struct, frozen=True):
    """`version` grows with each change. `ended_before` and `deleted_before` are the epochs of its sessions."""

    id: bytes
    organization: bytes
    schema_id: str
    state: State
    state_changed_at: int
    traits: str
    metadata_public: str | None
    metadata_admin: str | None
    external_id: str | None
    addresses: tuple[Address, ...]
    version: int
    ended_before: int
    deleted_before: int
    created_at: int
    updated_at: int

    def of_kind(self, kind: Kind) -> Iterator[Address]:
        return (address for address in self.addresses if address.kind is kind)


class Name(msgspec.Struct, frozen=True):
    """Something that only one identity of an organization may hold: a credential's identifier (kind = its type),
    an address (verifiable:email …) or the external id (external_id)."""

    kind: str
    value: str


class Trait(NamedTuple):
    """A value by which filters find an identity; `name` is the path of it in the traits, in lower case."""

    name: str
    value: str


Marks = tuple[tuple[str, str, str], ...]
"""The traits that filters may name: schema, name and kind of each."""


class Searchable(msgspec.Struct, frozen=True):
    """What an identity is found by, according to these marks."""

    marks: Marks
    traits: tuple[Trait, ...]


class Filling(msgspec.Struct, frozen=True):
    """By which marks identities are written (`wanted`), and for which of them all identities have been; the others are
    being looked at, up to the id `after`."""

    wanted: Marks = ()
    filled: Marks = ()
    after: bytes | None = None


def indexed(value: str | int | bool) -> str:
    """The text under which a value is found; those of one kind are in its order."""
    if isinstance(value, str):
        return lowered(value)
    return str(value).lower() if isinstance(value, bool) else f"{value + BIGGEST:020d}"


class Filter(msgspec.Struct, frozen=True):
    """Which identities; all that are given must hold. Of `identifiers` and `prefixes`, one of each will do."""

    ids: tuple[bytes, ...] | None = None
    identifiers: tuple[Name, ...] | None = None
    prefixes: tuple[Name, ...] | None = None
    schema_id: str | None = None
