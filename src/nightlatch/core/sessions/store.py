"""What the sessions need of a store.

Every read compares epochs: a session that was ended or deleted with many is over, or gone, before its row is marked.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from nightlatch.core.credentials.store import Tx as CredentialsTx
from nightlatch.core.questions import Place, Summary
from nightlatch.core.sessions.model import (
    Ending,
    Filter,
    Found,
    Governed,
    How,
    Issued,
    Policy,
    Position,
    Session,
    Standing,
    Step,
    Where,
)
from nightlatch.core.sessions.question import Question


class Sessions(Protocol):
    async def by_token(self, token_hash: bytes) -> Standing | None:
        """The session of a token, over or not; None when there is none."""

    async def get(self, organization: bytes, session_id: bytes) -> Standing | None: ...

    async def by_number(self, organization: bytes, number: int) -> Standing | None: ...

    async def list(
        self, organization: bytes, where: Filter, now: int, after: Position | None, skip: int, limit: int
    ) -> Sequence[Standing]:
        """A page by creation downwards, then id upwards: those after `after`, past the first `skip` of them."""

    async def count(self, organization: bytes, where: Filter, now: int) -> int: ...

    async def epochs(self, organization: bytes, identity_id: bytes) -> tuple[int, int, int, int] | None:
        """Those that a session issued now carries; None when there is no such identity."""

    async def add(self, session: Session) -> bool:
        """False when its number is taken; Conflict when its id or token is."""

    async def renew(self, session: Session) -> None:
        """Writes what proving oneself again, or an extension, changes: methods, level and times."""

    async def prolong(self, session: Session, expires_at: int) -> bool:
        """Has it end then; false when its end was moved since it was read."""

    async def retoken(self, session: Session, token_hash: bytes) -> bool:
        """Has it found by that hash from now on; false when it has ended, or has another than `session` says."""

    async def purge(self, before: int, most: int) -> int:
        """Removes at most `most` of those whose time was over before then, ended or not; how many."""

    async def seen(self, times: Mapping[bytes, int]) -> None:
        """Moves last_seen of these sessions forward; never back."""


class Endings(Protocol):
    """What `end` and `mark` are made of; no other rule asks for these."""

    async def find(self, organization: bytes, session_ids: Sequence[bytes]) -> Sequence[Found]: ...

    async def hold(self, organization: bytes, identity_ids: Sequence[bytes]) -> Sequence[bytes]:
        """Those that exist; none of them signs in before the commit."""

    async def of_kinds(self, identity_ids: Sequence[bytes], kinds: Sequence[str], how: How) -> Sequence[Found]:
        """Their sessions on such devices that `how` has not ended."""

    async def end(self, session_ids: Sequence[bytes], how: How, at: int, issued_by: int | None = None) -> int:
        """How many it ended: of those issued until then, however late they were issued anew."""

    async def close(self, organization: bytes, where: Where, how: How) -> Sequence[tuple[bytes | None, Issued]]:
        """Moves the epoch of the identities, or of the organization for everybody: all their sessions are over, those
        that are being issued too. Gives who there was and what had been issued; `but` is carried over."""

    async def step(self, ending: Ending, most: int) -> Step:
        """Marks or deletes the next rows of it; looks at `most`."""

    async def save(self, endings: Sequence[Ending]) -> None: ...

    async def oldest(self) -> Ending | None: ...

    async def remove(self, ending: Ending) -> None: ...


class Questions(Protocol):
    """Any question over the sessions of an organization; each reads as many rows as it takes."""

    async def horizon(self, question: Question, after: Place | None, most: int) -> int | None:
        """When the session was created to which `most` of the stretch that the question spans are read, in its order
        past `after`; None when there are no more than that."""

    async def list(
        self, question: Question, after: Place | None, horizon: int | None, limit: int
    ) -> Sequence[Standing]:
        """The first that fit, past `after` and before the horizon."""

    async def places(self, question: Question, after: Place | None, horizon: int | None, limit: int) -> Sequence[Place]:
        """Of the same."""

    async def summary(self, question: Question, methods: Sequence[str] = ()) -> Summary:
        """Of all that fit; by kinds of device and these methods, if there are any."""


class Policies(Protocol):
    """Every read of sessions has the policy of their identity over that of the organization. What either had ended by
    `now` stays so, whatever is put in its place; `idle` is what is configured."""

    async def of(self, organization: bytes, identity_ids: Sequence[bytes]) -> Mapping[bytes, Governed]:
        """Of those who exist."""

    async def put(self, identity_ids: Sequence[bytes], policy: Policy, idle: int | None, now: int) -> None: ...

    async def of_organization(self, organization: bytes) -> Policy | None:
        """None when there is none."""

    async def put_organization(self, organization: bytes, policy: Policy, idle: int | None, now: int) -> None: ...


class Tx(CredentialsTx, Protocol):
    @property
    def sessions(self) -> Sessions: ...

    @property
    def endings(self) -> Endings: ...

    @property
    def questions(self) -> Questions: ...

    @property
    def policies(self) -> Policies: ...
