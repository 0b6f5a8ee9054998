"""A question over the sessions of an organization."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from nightlatch.core.identities.model import State as IdentityState
from nightlatch.core.questions import Attribute, Kind, Reach, reach, typed
from nightlatch.core.sessions.model import How, Standing
from nightlatch.kernel.filters import Comparison, Filter


class State(StrEnum):
    """What a session is at some time: in force; ended by somebody; over by time; or its identity is inactive."""

    ACTIVE = "active"
    ENDED = "ended"
    EXPIRED = "expired"
    INACTIVE = "inactive"


ATTRIBUTES = {
    "id": Attribute(Kind.ID),
    "number": Attribute(Kind.NUMBER),
    "state": Attribute(Kind.CHOICE, tuple(State)),
    "organization": Attribute(Kind.ID),
    "identity.id": Attribute(Kind.ID),
    "identity.state": Attribute(Kind.CHOICE, tuple(IdentityState)),
    "identity.schema": Attribute(Kind.TEXT),
    "identity.external_id": Attribute(Kind.TEXT),
    "device.kind": Attribute(Kind.CHOICE, ("web", "mobile", "desktop", "other")),
    "device.ip": Attribute(Kind.CASELESS),
    "device.user_agent": Attribute(Kind.CASELESS),
    "device.location": Attribute(Kind.CASELESS),
    "methods": Attribute(Kind.LIST),
    "aal": Attribute(Kind.NUMBER),
    "created_at": Attribute(Kind.TIME),
    "issued_at": Attribute(Kind.TIME),
    "authenticated_at": Attribute(Kind.TIME),
    "expires_at": Attribute(Kind.TIME),
    "last_seen": Attribute(Kind.TIME),
}
_NARROW = {"id", "number", "identity.id", "identity.external_id"}


class Question(msgspec.Struct, frozen=True):
    """Which sessions, as of `now`: those that fit `where`, all of them when it is None. Of those that `how` would end,
    if it is given; of those issued by `issued_by`. Lists go by creation: the newest first, or the oldest. `idle` as in
    a list. `few` is a term of it, over a trait, that is known to find few."""

    organization: bytes
    now: int
    idle: int | None
    where: Filter | None = None
    oldest_first: bool = False
    how: How | None = None
    issued_by: int | None = None
    few: Comparison | None = None

    @property
    def reach(self) -> Reach:
        return reach(self.where, _NARROW, "created_at", self.few)


def filter_of(text: str, traits: Mapping[str, Attribute] = {}) -> Filter:
    """The tree of a filter over sessions, and these traits of who they are of. FilterInvalid."""
    return typed(text, {**ATTRIBUTES, **traits}, "a session")


def state_of(standing: Standing, idle: int | None, now: int) -> State:
    """What the session is at `now`."""
    session = standing.session
    if standing.ended:
        return State.ENDED
    if session.expires_at <= now or session.idle_too_long(idle, now):
        return State.EXPIRED
    return State.ACTIVE if standing.identity.state is IdentityState.ACTIVE else State.INACTIVE
