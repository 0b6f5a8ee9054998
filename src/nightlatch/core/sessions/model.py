"""A session: one sign-in on one device."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from nightlatch.core.identities.model import Identity
from nightlatch.kernel.clock import SECOND

SEEN_FLUSH = 10 * SECOND
IDLE_GRACE = 2 * SEEN_FLUSH
"""What was seen lately may not be written yet, here or in another worker."""


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


class AtLimit(StrEnum):
    """What a sign-in beyond the most sessions does."""

    OLDEST_ENDS = "oldest ends"
    REFUSE = "refuse"


class Policy(msgspec.Struct, frozen=True):
    """How sessions live where that is not as configured; None where it is. `lifespan` and `idle` are in microseconds;
    `end_others`: whether other sessions end when a person changes a credential."""

    lifespan: int | None = None
    idle: int | None = None
    max_per_identity: int | None = None
    at_limit: AtLimit | None = None
    end_others: bool | None = None
    ends_with_browser: bool | None = None


NO_POLICY = Policy()


class Governed(NamedTuple):
    """An identity's own policy, and that policy over its organization's."""

    own: Policy
    effective: Policy


class Session(msgspec.Struct, frozen=True):
    """`ended_at` is the act of ending; expiry is only a comparison. `epochs` are those that it was issued under:
    the identity's ended_before and deleted_before, then the organization's. `policy` is what it lives under now, and
    `expires_at` is no later than that has it, whatever the row says."""

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
    policy: Policy = NO_POLICY

    def idle_too_long(self, idle: int | None, now: int) -> bool:
        """Whether it was not used for as long as its policy has it, or else for `idle`, if that is not None."""
        limit = self.policy.idle or idle
        return limit is not None and self.last_seen + limit + IDLE_GRACE <= now


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


REASONS = {
    "admin", "limit", "logout", "own", "own_link", "own_others", "recovery", "replaced", "identity_deactivated",
    "identity_deleted", "credential_changed", "credential_deleted", "profile_changed",
}  # fmt: skip
"""Why sessions end, where nobody says it in their own words."""


class Where(msgspec.Struct, frozen=True):
    """Which sessions to end: by `session_id`, `session_ids` (1,000 at most) or `number`, and with `identity_id` only if
    that one's; or all of an identity, of several, or of `everybody` in the organization. Of identities, `kinds` chooses
    devices, and `but` is spared. `filter` tells how `session_ids` were found; who signed in again after `issued_by` is
    spared."""

    session_id: bytes | None = None
    identity_id: bytes | None = None
    but: bytes | None = None
    session_ids: tuple[bytes, ...] | None = None
    number: int | None = None
    identity_ids: tuple[bytes, ...] = ()
    everybody: bool = False
    kinds: tuple[str, ...] = ()
    filter: str | None = None
    issued_by: int | None = None

    @property
    def identities(self) -> tuple[bytes, ...]:
        return self.identity_ids or (() if self.identity_id is None else (self.identity_id,))


class Revocation(msgspec.Struct, frozen=True):
    """What an ending did: how many sessions, and of whom if they are one identity's. With `more`, others that ended too
    are counted when their rows are marked: `count` is at least. `missing` are the ids asked for that do not exist;
    `known` is false when none does."""

    count: int
    known: bool
    identity_id: bytes | None
    more: bool = False
    missing: tuple[bytes, ...] = ()


class Found(msgspec.Struct, frozen=True):
    """A session to be ended; `over` when it was ended before, by itself or with many."""

    id: bytes
    identity_id: bytes
    over: bool


class Filter(msgspec.Struct, frozen=True):
    """Which sessions of a list: of one identity; in force (`active`), over, or either; all but one. Those are over that
    were not used for `idle`, where no policy says otherwise."""

    identity_id: bytes | None = None
    active: bool | None = None
    but: bytes | None = None
    idle: int | None = None


class Position(NamedTuple):
    """The last row of a page: lists go by creation downwards, then id upwards."""

    created_at: int
    id: bytes


TOP = Position(2**63 - 1, bytes(16))

Issued = tuple[int | None, int | None, int | None, int | None]
"""The epochs under which sessions were issued that ended together; None where any will do."""


class Ending(msgspec.Struct, frozen=True):
    """All sessions of an identity, or of the organization where that is None, which ended when its epoch moved. Their
    rows are marked down to `after`, and counted with the event."""

    id: bytes
    organization: bytes
    identity_id: bytes | None
    how: How
    at: int
    event_id: bytes
    issued: Issued
    after: Position = TOP


class Step(msgspec.Struct, frozen=True):
    """So many rows were looked at, so many of them ended; None in `after` when none are left."""

    looked: int
    ended: int
    after: Position | None
