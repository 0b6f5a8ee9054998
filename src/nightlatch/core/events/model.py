"""An act and the event that it leaves."""

from typing import Any

import msgspec

from nightlatch.kernel.ids import Entropy, new_id


class Act(msgspec.Struct, frozen=True):
    """Who does something, in which organization, when, and the randomness for it. Every rule that writes takes one.
    `scopes` are those of an administrator, who gives no key more than these."""

    organization: bytes
    actor: str
    now: int
    entropy: Entropy
    scopes: tuple[str, ...] = ()

    def new_id(self) -> bytes:
        return new_id(self.now, self.entropy)


class Event(msgspec.Struct, frozen=True):
    """`name` is noun.verb, as in session.ended. `amount` counts what it happened to."""

    id: bytes
    organization: bytes
    at: int
    name: str
    actor: str
    identity_id: bytes | None = None
    session_id: bytes | None = None
    reason: str | None = None
    amount: int = 1
    data: dict[str, Any] | None = None


class Logged(msgspec.Struct, frozen=True):
    """An event in the log. `position` is None until it is sealed."""

    event: Event
    position: int | None


class Seal(msgspec.Struct, frozen=True):
    """Over the events after the seal before it, up to `position`: the hash of each, and one of all that is keyed."""

    position: int
    hashes: bytes
    digest: bytes
    sealed_at: int


def event(
    act: Act,
    name: str,
    *,
    identity_id: bytes | None = None,
    session_id: bytes | None = None,
    reason: str | None = None,
    amount: int = 1,
    data: dict[str, Any] | None = None,
) -> Event:
    """The event of `act`."""
    return Event(
        act.new_id(), act.organization, act.now, name, act.actor, identity_id, session_id, reason, amount, data
    )
