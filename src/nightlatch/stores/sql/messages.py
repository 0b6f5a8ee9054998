"""Message rows."""

import msgspec

from nightlatch.core.courier.model import Dispatch, Filter, Message, Status
from nightlatch.stores.sql.statement import Conditions, Row, Rows, purge, sql

_COLUMNS = """id, organization_id, identity_id, channel, recipient, template, data, created_at, updated_at, next_at,
    done_at, status, send_count, dispatches"""
ADD = sql(f"""insert into messages ({_COLUMNS})
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)""")
GET = sql(f"select {_COLUMNS} from messages where organization_id = $1 and id = $2")
ANY_DUE = sql("select 1 from messages where next_at <= $1 order by next_at limit 1")
# What is due is asked again of the row itself: on PostgreSQL another may have claimed it since it was found.
_CLAIM = f"""update messages set status = 'processing', send_count = send_count + 1, next_at = $2, updated_at = $1
    where id %s and next_at <= $1 returning {_COLUMNS}"""
_DUE = "select id from messages where next_at <= $1 order by next_at limit $3"
CLAIM = sql(_CLAIM % f"in ({_DUE})", _CLAIM % f"= any(array({_DUE} for update skip locked))")
SETTLE = sql("""update messages set status = $3, next_at = $4, done_at = $5, dispatches = $6, updated_at = $7
    where id = $1 and send_count = $2 and status = 'processing'""")
PURGE = purge("messages", since="done_at")


class SqlMessages(Rows):
    async def add(self, message: Message) -> None:
        *fields, dispatches = msgspec.structs.astuple(message)
        await self._connection.run(ADD, *fields, msgspec.json.encode(dispatches).decode())

    async def get(self, organization: bytes, message_id: bytes) -> Message | None:
        return await self._one(_message, GET, organization, message_id)

    async def page(self, organization: bytes, where: Filter, before: bytes | None, limit: int) -> list[Message]:
        conditions = Conditions(self._connection)
        conditions.add("organization_id = {}", organization)
        conditions.add("id < {}", before or b"\xff" * 16)
        if where.status is not None:
            conditions.add("status = {}", where.status)
        if where.recipient is not None:
            conditions.add("recipient = {}", where.recipient)
        most = conditions.parameter(limit)
        statement = conditions.statement(f"select {_COLUMNS} from messages where %s order by id desc limit {most}")
        return await self._all(_message, statement, *conditions.arguments)

    async def any_due(self, now: int) -> bool:
        return await self._connection.row(ANY_DUE, now) is not None

    async def claim(self, now: int, until: int, most: int) -> list[Message]:
        return await self._all(_message, CLAIM, now, until, most)

    async def settle(self, message: Message) -> bool:
        m, dispatches = message, msgspec.json.encode(message.dispatches).decode()
        values = (m.id, m.send_count, m.status, m.next_at, m.done_at, dispatches, m.updated_at)
        return await self._connection.run(SETTLE, *values) > 0

    async def purge(self, before: int, most: int) -> int:
        return await self._connection.run(PURGE, before, most)


def _message(row: Row) -> Message:
    fields = list(row)
    fields[11] = Status(fields[11])
    fields[13] = msgspec.json.decode(fields[13], type=tuple[Dispatch, ...])
    return Message(*fields)
