"""What a job of any kind is made of, and a trial of one: what it would be done to, shown before it is done."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.jobs.model import TAIL, Failure, Job, Kind, Which
from nightlatch.core.questions import Place, Traits
from nightlatch.kernel.clock import MINUTE
from nightlatch.problems import FieldInvalid

KNOWN_MOST = 10_000
"""So many can be known one by one, or dealt with while somebody waits."""
GOOD_FOR = 10 * MINUTE
_UNDER_WAY = MINUTE  # longer than a row is on its way from the time in it to where others see it


class Found(NamedTuple):
    """The next rows, and from where to go on; None there when these are the last."""

    places: Sequence[Place]
    next: Place | None


class Work(NamedTuple):
    """How the rows of an organization are found, at most so many after a place; how many they are; and what is done to
    some of them in one unit of `size`: to how many, and which it could not be done to. With `again`, what it was done
    to is not found any more."""

    find: Callable[[Tx, bytes, Which, Traits, Place | None, int], Awaitable[Found]]
    total: Callable[[Tx, bytes, Which, Traits], Awaitable[int]]
    do: Callable[[Tx, Act, Job, Sequence[bytes]], Awaitable[tuple[int, list[Failure]]]]
    size: int
    again: bool


class Trial(msgspec.Struct, frozen=True, array_like=True):
    """What somebody was shown of an act, and how many that was."""

    actor: str
    organization: bytes
    kind: Kind
    which: Which
    total: int


def in_units(places: Sequence[Place], size: int, *, scattered: bool) -> Iterator[Sequence[Place]]:
    """Those, so many at a time at most; `scattered`, so that neighbours are in different units."""
    count = -(-len(places) // size)
    for n in range(count):
        yield places[n::count] if scattered else places[n * size : (n + 1) * size]


async def matching(tx: Tx, work: Work, organization: bytes, which: Which, traits: Traits) -> tuple[list[Place], int]:
    """The first 10,000 of those, and how many they are in all."""
    places: list[Place] = []
    after: Place | None = None
    while len(places) <= KNOWN_MOST:
        found = await work.find(tx, organization, which, traits, after, KNOWN_MOST + 1 - len(places))
        places, after = [*places, *which.shown(found.places)], found.next
        if after is None:
            return places, len(places)
    return places[:KNOWN_MOST], await work.total(tx, organization, which, traits)


async def attempt(tx: Tx, act: Act, kind: Kind, work: Work, which: Which, traits: Traits) -> tuple[Trial, list[Place]]:
    """A trial, and the first of what it would be done to."""
    places, total = await matching(tx, work, act.organization, which, traits)
    by, tails = which.at, b"".join(key[-TAIL:] for _, key in places)
    if total > KNOWN_MOST:
        # They are too many to be known one by one, and what is being written now is seen only later.
        by -= _UNDER_WAY
        which = msgspec.structs.replace(which, by=by)
        places, total = await matching(tx, work, act.organization, which, traits)
    shown = msgspec.structs.replace(which, by=by, tails=tails if total <= KNOWN_MOST else None)
    return Trial(act.actor, act.organization, kind, shown, total), places


def check_trial(act: Act, kind: Kind, tried: Trial | None) -> Trial:
    """FieldInvalid when it is not one of who acts, or is ten minutes old."""
    mine = tried is not None and (tried.actor, tried.organization, tried.kind) == (act.actor, act.organization, kind)
    if tried is None or not mine or act.now >= tried.which.at + GOOD_FOR:
        raise FieldInvalid("token", "The token is not one of a trial by you in the last ten minutes.")
    return tried
