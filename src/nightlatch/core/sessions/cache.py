"""Answers to session checks, kept for as long as they are true: docs/security/never-stale.md.

An answer rests on the row of its session, of its identity and of its organization. It is good while the generations of
both are still those that were loaded *before* the rows were read, and within a time in which the clock alone changes
nothing. Whose generations those are is not known before the first read; so the first check of a session only says
whose it is, and the second is kept.
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from nightlatch.core.sessions.generations import Generations, bucket
from nightlatch.core.sessions.model import Standing
from nightlatch.core.sessions.seen import LastSeen
from nightlatch.kernel.recent import Recent

T = TypeVar("T")

_WHOSE = 350  # bytes of an entry without an answer, with its key and its place
_KEPT = 900  # and of one with an answer, without the answer itself


class Stamp(NamedTuple):
    """The settled generations of an identity and its organization at one moment."""

    identity: int
    organization: int


_NEVER = Stamp(1, 1)  # odd: equal to none that is settled, and its time is over


class Entry(Generic[T]):
    """What is known of the session of one token: whose it is, and the `answer` where it is kept."""

    __slots__ = (
        "_cells", "_checks", "_identity", "_organization", "_session", "_since", "_stamp", "_until", "answer",
        "last_asked",
    )  # fmt: skip

    def __init__(
        self,
        checks: "Checks[T]",
        standing: Standing,
        stamp: Stamp = _NEVER,
        answer: T | None = None,
        since: int = 0,
        until: int = 0,
    ) -> None:
        self._checks, self._cells = checks, checks.generations.cells
        self._identity, self._organization = map(bucket, (standing.identity.id, standing.identity.organization))
        self._session = standing.session.id
        self._stamp, self._since, self._until = stamp, since, until
        self.answer = answer
        self.last_asked = b""

    def use(self) -> bool:
        """Whether the answer is good now; the session was seen now, then. To be asked after the request has come."""
        cells, stamp = self._cells, self._stamp
        if cells[self._identity] != stamp[0] or cells[self._organization] != stamp[1]:
            return False
        checks = self._checks
        now = checks.now()
        if not checks.trusted() or not self._since <= now < self._until:
            return False
        checks.seen.note(self._session, now)
        return True

    def stamp(self) -> Stamp | None:
        """The present generations, for an answer whose rows are read after this; None while one is in doubt."""
        stamp = Stamp(self._cells[self._identity], self._cells[self._organization])
        if stamp[0] & 1 or stamp[1] & 1:
            self._checks.generations.doubt()
            return None
        return stamp


class Checks(Generic[T]):
    """The entries of this process, by the hash of the token, in at most so many bytes. Refusals are not kept."""

    def __init__(self, generations: Generations, seen: LastSeen, now: Callable[[], int], most: int) -> None:
        self.generations, self.trusted = generations, generations.trusted
        self.seen = seen
        self.now = now
        self._entries: Recent[Entry[T]] = Recent(most)

    def find(self, token_hash: bytes) -> Entry[T] | None:
        return self._entries.get(token_hash)

    def meet(self, token_hash: bytes, standing: Standing) -> None:
        """Notes whose session it is."""
        self._entries.put(token_hash, Entry(self, standing), _WHOSE)

    def keep(
        self, token_hash: bytes, standing: Standing, stamp: Stamp, answer: T, size: int, since: int, until: int
    ) -> Entry[T]:
        """Keeps an `answer` of `size` bytes, whose rows were read after `stamp` was taken, for its time."""
        # A new one each time: somebody may hold the former, with the answer that it was for.
        entry = Entry(self, standing, stamp, answer, since, until)
        self._entries.put(token_hash, entry, _KEPT + size)
        return entry
