"""A job: one act on very many rows, and how far it is."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from nightlatch.core.questions import Place
from nightlatch.core.sessions.model import How

TAIL = 4  # bytes of an id, all random: one in 400,000 new ones is taken for one of 10,000
MOST_FAILURES = 100


class Kind(StrEnum):
    END_SESSIONS = "sessions.end"
    DEACTIVATE = "identities.deactivate"
    DELETE = "identities.delete"


class Status(StrEnum):
    """`failed` is of the whole job: what it is to find can no longer be asked. Single failures end none."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Which(msgspec.Struct, frozen=True, omit_defaults=True):
    """The rows that an act is about, as of `at`: those that fit `filter`, or of `ids`, or, with neither, all of the
    organization. Of those, with `by`, what was made until then, and with `tails`, what was shown: each by the end of
    its id."""

    at: int
    filter: str | None = None
    ids: tuple[bytes, ...] | None = None
    how: How = How.DISABLE
    idle: int | None = None
    allow_scan: bool = False
    by: int | None = None
    tails: bytes | None = None

    def shown(self, found: Sequence[Place]) -> Sequence[Place]:
        """Those of `found` that were. When they were made does not tell: who was signing in then was not seen."""
        if self.tails is None:
            return found
        known = {self.tails[n : n + TAIL] for n in range(0, len(self.tails), TAIL)}
        return [each for each in found if each[1][-TAIL:] in known]


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """A row that could not be dealt with, and the code of the problem that it was."""

    id: bytes
    problem: str
    reason: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """`done` of `total` rows are dealt with, and `failed` could not be, of which the first hundred are in `failures`.
    `after` is the place of the last of them in the list that it goes through."""

    id: bytes
    organization: bytes
    kind: Kind
    actor: str
    reason: str
    which: Which
    total: int
    created_at: int
    updated_at: int
    status: Status = Status.RUNNING
    done: int = 0
    failed: int = 0
    failures: tuple[Failure, ...] = ()
    after: Place | None = None
    ended_at: int | None = None

    @property
    def left(self) -> int:
        return self.total - self.done - self.failed
