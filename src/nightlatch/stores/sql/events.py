"""Event rows."""

from collections.abc import Sequence

import msgspec

from nightlatch.core.events.model import Event
from nightlatch.stores.sql.statement import Connection, sql

ADD = sql("""insert into events (id, organization_id, at, name, actor, identity_id, session_id, reason, amount, data)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""")

ADD_AMOUNT = sql("update events set amount = amount + $2 where id = $1")


class SqlEvents:
    def __init__(self, connection: Connection, happened: list[Event]) -> None:
        self._connection = connection
        self._happened = happened

    async def add(self, events: Sequence[Event]) -> None:
        await self._connection.many(ADD, [_row(event) for event in events])
        self._happened.extend(events)

    async def add_amount(self, event_id: bytes, more: int) -> None:
        await self._connection.run(ADD_AMOUNT, event_id, more)


def _row(e: Event) -> tuple[object, ...]:
    data = None if e.data is None else msgspec.json.encode(e.data).decode()
    return e.id, e.organization, e.at, e.name, e.actor, e.identity_id, e.session_id, e.reason, e.amount, data
