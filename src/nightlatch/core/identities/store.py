"""What the identities need of a store."""

from collections.abc import Collection, Sequence
from typing import Protocol

from nightlatch.core.identities.model import Filling, Filter, Identity, Name, Searchable
from nightlatch.core.identities.question import Question
from nightlatch.core.organizations.store import Tx as OrganizationsTx
from nightlatch.core.questions import Place, Summary
from nightlatch.kernel.filters import Comparison


class Identities(Protocol):
    """Identities with their unique names. Everything is within one organization, named first."""

    async def get(self, organization: bytes, identity_id: bytes) -> Identity | None: ...

    async def lock(self, organization: bytes, identity_id: bytes) -> Identity | None:
        """As `get`; nobody else changes the row until the transaction ends."""

    async def holder(self, organization: bytes, name: Name) -> bytes | None:
        """The id of the identity that holds `name`."""

    async def list(
        self, organization: bytes, where: Filter, after: bytes | None, skip: int, limit: int
    ) -> list[Identity]:
        """A page by id upwards: those after `after` (all, when None), past the first `skip` of them."""

    async def count(self, organization: bytes, where: Filter) -> int: ...

    async def holders(self, organization: bytes, names: Collection[Name]) -> dict[Name, bytes]:
        """Those of `names` that somebody holds, each with the id of that identity."""

    async def add(self, new: Sequence[tuple[Identity, Collection[Name]]]) -> None:
        """Conflict when a name is taken."""

    async def change(self, identity: Identity, names: Collection[Name]) -> None:
        """Writes the row (not its epochs) and makes `names` all that it holds. Conflict when one is taken."""

    async def remove(self, organization: bytes, identity_id: bytes) -> bool:
        """Removes it and all that hangs on it; false when there is none."""


class IdentityQuestions(Protocol):
    """Any question over the identities of an organization; each reads as many rows as it takes."""

    async def horizon(self, question: Question, after: Place | None, most: int) -> int | None:
        """When the identity was created to which `most` of the stretch that the question spans are read, in its order
        past `after`; None when there are no more than that."""

    async def list(
        self, question: Question, after: Place | None, horizon: int | None, limit: int
    ) -> Sequence[Identity]:
        """The first that fit, past `after` and before the horizon."""

    async def places(self, question: Question, after: Place | None, horizon: int | None, limit: int) -> Sequence[Place]:
        """Of the same."""

    async def summary(self, question: Question, schemas: Sequence[str] = ()) -> Summary:
        """Of all that fit; by state and by these schemas, if there are any."""


class SearchableTraits(Protocol):
    """What identities are found by besides their columns."""

    async def put(self, of: Sequence[tuple[Identity, Searchable]], *, new: bool = False) -> None:
        """Makes this all that each is found by; `new` ones had nothing. Where other marks are wanted than theirs, all
        identities are to be looked at again."""

    async def few(self, organization: bytes, term: Comparison, most: int) -> bool:
        """Whether at most `most` values are such."""

    async def filling(self) -> Filling: ...

    async def hold(self) -> Filling:
        """As `filling`; nobody else changes it until the transaction ends."""

    async def save(self, filling: Filling) -> None: ...

    async def next(self, after: bytes, most: int) -> Sequence[Identity]:
        """By id, past `after`, of all organizations; nobody else changes them until the transaction ends."""


class Tx(OrganizationsTx, Protocol):
    @property
    def identities(self) -> Identities: ...

    @property
    def identity_questions(self) -> IdentityQuestions: ...

    @property
    def searchable(self) -> SearchableTraits: ...
