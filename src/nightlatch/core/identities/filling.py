"""Identities that were written before a trait was marked are found by it, too, once all have been looked at.

A server says at its start which marks it writes by; housekeeping goes along all identities. Until that is done a filter
may not name the new ones: it would miss people. Whoever still writes by other marks has it begin anew.
"""

from nightlatch.core.identities.model import Filling, Searchable
from nightlatch.core.identities.schemas import Schemas
from nightlatch.core.identities.store import Tx
from nightlatch.core.questions import TRAITS
from nightlatch.kernel.filters import Filter, comparisons
from nightlatch.problems import FilterInvalid

FIRST = bytes(16)


async def want(tx: Tx, schemas: Schemas) -> None:
    """From now on identities are written by the marks of these schemas."""
    before = await tx.searchable.hold()
    if before.wanted == schemas.marks:
        return
    kept = tuple(mark for mark in schemas.marks if mark in before.filled)
    if kept == schemas.marks or not await tx.searchable.next(FIRST, 1):
        await tx.searchable.save(Filling(schemas.marks, schemas.marks))
    else:
        await tx.searchable.save(Filling(schemas.marks, kept, FIRST))


async def fill(tx: Tx, schemas: Schemas, most: int) -> int:
    """Has the next `most` identities found by their traits; how many there were. None are when other marks are wanted
    than ours."""
    filling = await tx.searchable.hold()
    if filling.after is None or filling.wanted != schemas.marks:
        return 0
    people = await tx.searchable.next(filling.after, most)
    await tx.searchable.put([(p, Searchable(schemas.marks, schemas.searched(p.schema_id, p.traits))) for p in people])
    done = len(people) < most
    filled = filling.wanted if done else filling.filled
    await tx.searchable.save(Filling(filling.wanted, filled, None if done else people[-1].id))
    return len(people)


async def check_filled(tx: Tx, where: Filter | None) -> None:
    """FilterInvalid when it names a trait by which not all are found yet."""
    named = [each for each in comparisons(where) if each.path.startswith(TRAITS)]
    if not named:
        return
    filling = await tx.searchable.filling()
    whole = {TRAITS + name for _, name, _ in filling.wanted}
    whole -= {TRAITS + name for _, name, _ in {*filling.wanted} - {*filling.filled}}
    for each in named:
        if each.path not in whole:
            raise FilterInvalid(
                f"Column {each.column}: {each.path} is not filled in yet for all identities. Ask again later.",
                each.column,
            )
