"""Event rows."""

from collections.abc import Sequence

import msgspec

from nightlatch.core.events.model import Event, Seal
from nightlatch.stores.sql.statement import FIRST, Connection, Rows, insert, sql

COLUMNS = "id, organization_id, at, name, actor, identity_id, session_id, reason, amount, data"

ADD = insert("events", COLUMNS)
ADD_AMOUNT = sql("update events set amount = amount + $2 where id = $1")
UNSEALED = sql(f"""select {COLUMNS} from events where position is null
    and not exists (select 1 from endings where event_id = events.id) order by id limit $1""")
COUNT_UNSEALED = sql("select count(*) from events where position is null")
POSITIONED = sql(f"select position, {COLUMNS} from events where position > $1 and position <= $2 order by position")
STRAY = sql("""select position from events where position <= 0
    union all select position from events where position > $1""")
POSITION = sql("update events set position = $2 where id = $1")._replace(
    bulk="""update events set position = given.position from unnest($1::uuid[], $2::bigint[]) given (id, position)
    where events.id = given.id"""
)
ADD_SEAL = sql("insert into seals (position, hashes, digest, sealed_at) values ($1, $2, $3, $4)")
_SEAL = "select position, hashes, digest, sealed_at from seals"
SEAL_AFTER = sql(f"{_SEAL} where position > $1 order by position limit 1")
NEWEST_SEAL = sql(f"{_SEAL} where position = (select max(position) from seals)")


class SqlEvents(Rows):
    def __init__(self, connection: Connection, happened: list[Event]) -> None:
        super().__init__(connection)
        self._happened = happened

    async def add(self, events: Sequence[Event]) -> None:
        await self._connection.many(ADD, [_row(event) for event in events])
        self._happened.extend(events)

    async def add_amount(self, event_id: bytes, more: int) -> None:
        await self._connection.run(ADD_AMOUNT, event_id, more)

    async def unsealed(self, most: int) -> list[tuple[object, ...]]:
        return await self._all(tuple, UNSEALED, most)

    async def count_unsealed(self) -> int:
        return await self._one(FIRST, COUNT_UNSEALED) or 0

    async def positioned(self, after: int, to: int) -> list[tuple[int, tuple[object, ...]]]:
        return await self._all(lambda row: (row[0], tuple(row)[1:]), POSITIONED, after, to)

    async def stray(self, last: int) -> list[int]:
        return await self._all(FIRST, STRAY, last)

    async def add_seal(self, seal: Seal, positions: Sequence[tuple[object, int]]) -> None:
        await self._connection.many(POSITION, positions)
        await self._connection.run(ADD_SEAL, *msgspec.structs.astuple(seal))

    async def seal_after(self, position: int | None) -> Seal | None:
        asked = (NEWEST_SEAL,) if position is None else (SEAL_AFTER, position)
        return await self._one(lambda row: Seal(*row), *asked)


def _row(event: Event) -> tuple[object, ...]:
    *fields, data = msgspec.structs.astuple(event)
    return *fields, None if data is None else msgspec.json.encode(data).decode()
