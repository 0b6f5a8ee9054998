"""Event rows."""

from collections.abc import Sequence

import msgspec

from nightlatch.core.events.model import Event
from nightlatch.stores.sql.statement import Connection, Rows, insert, sql

ADD = insert(
    "events",
    """id uuid, organization_id uuid, at bigint, name text, actor text, identity_id uuid, session_id uuid, reason text,
    amount bigint, data text""",
)

ADD_AMOUNT = sql("update events set amount = amount + $2 where id = $1")


class SqlEvents(Rows):
    def __init__(self, connection: Connection, happened: list[Event]) -> None:
        super().__init__(connection)
        self._happened = happened

    async def add(self, events: Sequence[Event]) -> None:
        await self._connection.many(ADD, [_row(event) for event in events])
        self._happened.extend(events)

    async def add_amount(self, event_id: bytes, more: int) -> None:
        await self._connection.run(ADD_AMOUNT, event_id, more)


def _row(event: Event) -> tuple[object, ...]:
    *fields, data = msgspec.structs.astuple(event)
    return *fields, None if data is None else msgspec.json.encode(data).decode()
