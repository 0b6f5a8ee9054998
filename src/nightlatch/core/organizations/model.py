"""A tenant, and the names by which others know it."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

DEFAULT = bytes(15) + b"\x01"
"""The organization that is always there. Doors show its id as absent: who has one tenant never meets the word."""


class AliasKind(StrEnum):
    """What kind of id an alias is: an integer for a workspace, else a short text."""

    WORKSPACE = "workspace"
    TEAM = "team"
    IDENTITY_STORE = "identity_store"


class Alias(NamedTuple):
    """One organization has it at most."""

    kind: AliasKind
    value: str


class Organization(msgspec.Struct, frozen=True):
    """Its name is unique, and so is each of its aliases."""

    id: bytes
    name: str
    created_at: int
    aliases: tuple[Alias, ...] = ()
