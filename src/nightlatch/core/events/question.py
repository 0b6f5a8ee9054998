"""A question over the events of an organization."""

import msgspec

from nightlatch.core.questions import Attribute, Kind, Reach, reach, typed
from nightlatch.kernel.filters import Filter

ATTRIBUTES = {
    "id": Attribute(Kind.ID),
    "at": Attribute(Kind.TIME),
    "name": Attribute(Kind.TEXT),
    "actor": Attribute(Kind.TEXT),
    "reason": Attribute(Kind.TEXT),
    "identity.id": Attribute(Kind.ID),
    "session.id": Attribute(Kind.ID),
    "amount": Attribute(Kind.NUMBER),
    "position": Attribute(Kind.NUMBER),
}


class Question(msgspec.Struct, frozen=True):
    """Which events: those that fit `where`, all of them when it is None. The newest first, or the oldest."""

    organization: bytes
    where: Filter | None = None
    oldest_first: bool = False

    @property
    def reach(self) -> Reach:
        return reach(self.where, {"id", "position"}, "at")


def filter_of(text: str) -> Filter:
    """The tree of a filter over events. FilterInvalid."""
    return typed(text, ATTRIBUTES, "an event")
