"""A question over the identities of an organization."""

from collections.abc import Mapping

import msgspec

from nightlatch.core.identities.model import State
from nightlatch.core.questions import Attribute, Kind, Reach, reach, typed
from nightlatch.kernel.filters import Comparison, Filter

ATTRIBUTES = {
    "id": Attribute(Kind.ID),
    "organization": Attribute(Kind.ID),
    "state": Attribute(Kind.CHOICE, tuple(State)),
    "schema": Attribute(Kind.TEXT),
    "external_id": Attribute(Kind.TEXT),
    "created_at": Attribute(Kind.TIME),
    "updated_at": Attribute(Kind.TIME),
    "state_changed_at": Attribute(Kind.TIME),
}


class Question(msgspec.Struct, frozen=True):
    """Which identities: those that fit `where`, all of them when it is None. Lists go by creation: the newest first, or
    the oldest. `few` is a term of it, over a trait, that is known to find few."""

    organization: bytes
    where: Filter | None = None
    oldest_first: bool = False
    few: Comparison | None = None

    @property
    def reach(self) -> Reach:
        return reach(self.where, {"id", "external_id"}, "created_at", self.few)


def filter_of(text: str, traits: Mapping[str, Attribute] = {}) -> Filter:
    """The tree of a filter over identities, and these traits of theirs. FilterInvalid."""
    return typed(text, {**ATTRIBUTES, **traits}, "an identity")
