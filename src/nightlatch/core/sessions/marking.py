"""The rows of sessions that ended with many, marked in bounded steps after they ended.

They are over before: their epochs say so to every read. Marking keeps the tables small and counts what ended.
"""

from collections.abc import Sequence

import msgspec

from nightlatch.core.sessions.model import Ending, Step
from nightlatch.core.sessions.store import Tx

AT_ONCE = 1000
OF_EVERYBODY = 100  # whoever ends all sessions waits for no more: PostgreSQL marks a thousand rows in 40 ms


async def begin(tx: Tx, endings: Sequence[Ending]) -> tuple[int, bool]:
    """Marks the first 1,000 rows of these, of everybody's 100, and keeps the rest for `mark`: how many ended, and
    whether more are left."""
    everybody = any(ending.identity_id is None for ending in endings)
    # Rows that an earlier ending has yet to mark would be counted with a later one of everybody.
    waits = everybody and await tx.endings.oldest() is not None
    count, room, left = 0, 0 if waits else min(AT_ONCE, OF_EVERYBODY) if everybody else AT_ONCE, []
    for ending in endings:
        step = await tx.endings.step(ending, room) if room else Step(0, 0, ending.after)
        count, room = count + step.ended, room - step.looked
        if step.after is not None:
            left.append(msgspec.structs.replace(ending, after=step.after))
    await tx.endings.save(left)
    return count, bool(left)


async def mark(tx: Tx, most: int) -> int:
    """Marks the next rows of the oldest ending, adds them to its event, and forgets it when it is through. Gives how
    many rows it looked at, at most `most` and 1,000; 0 when nothing is left to do."""
    while (ending := await tx.endings.oldest()) is not None:
        step = await tx.endings.step(ending, min(most, AT_ONCE))
        if step.ended:
            await tx.events.add_amount(ending.event_id, step.ended)
        if step.after is None:
            await tx.endings.remove(ending)
        else:
            await tx.endings.save([msgspec.structs.replace(ending, after=step.after)])
        if step.looked:
            return step.looked
    return 0
