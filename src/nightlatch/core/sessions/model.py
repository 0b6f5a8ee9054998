"""A session: one sign-in on one device."""

from enum import StrEnum

import msgspec

from nightlatch.core.identities.model import Identity


class Method(msgspec.Struct, frozen=True, omit_defaults=True):
    """A method that was used: which, when, and the assurance level that it gives alone (1 or 2)."""

    method: str
    aal: int
    completed_at: int


class Device(msgspec.Struct, frozen=True):
    """Where it was seen from. `kind` is web, mobile, desktop or other."""

    ip: str | None
    user_agent: str | None
    location: str | None
    kind: str


class Session(msgspec.Struct, frozen=True):
    """`ended_at` is the act of ending; expiry is only a comparison. `epochs` are those that it was issued under:
    the identity's ended_before and deleted_before, then the organization's."""

    id: bytes
    number: int
    organization: bytes
    identity_id: bytes
    token_hash: bytes
    aal: int
    methods: tuple[Method, ...]
    created_at: int
    issued_at: int
    authenticated_at: int
    expires_at: int
    ended_at: int | None
    last_seen: int
    device_id: bytes
    device: Device
    epochs: tuple[int, int, int, int]


class Standing(msgspec.Struct, frozen=True):
    """A session as it stands now. `ended` is true when it was ended, one by one or with many (never by time);
    `second_factor` when its identity has one to use."""

    session: Session
    ended: bool
    identity: Identity
    second_factor: bool


class How(StrEnum):
    """Disabled sessions stay as rows that are over; deleted ones are gone."""

    DISABLE = "disable"
    DELETE = "delete"


class Where(msgspec.Struct, frozen=True):
    """Which sessions to end: one, or all of an identity; `but` is spared."""

    session_id: bytes | None = None
    identity_id: bytes | None = None
    but: bytes | None = None


class Revocation(msgspec.Struct, frozen=True):
    """What an ending did: how many sessions of whom. `known` is false when the one asked for does not exist."""

    count: int
    known: bool
    identity_id: bytes | None


class Filter(msgspec.Struct, frozen=True):
    """Which sessions of a list: of one identity; in force (`active`), over, or either; all but one. Those last seen at
    `idle_since` or before are over."""

    identity_id: bytes | None = None
    active: bool | None = None
    but: bytes | None = None
    idle_since: int | None = None


class Position(msgspec.Struct, frozen=True, array_like=True):
    """The last row of a page: lists go by creation downwards, then id upwards."""

    created_at: int
    id: bytes
