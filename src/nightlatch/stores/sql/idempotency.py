"""Rows of idempotency keys."""

from nightlatch.core.access.model import Entry
from nightlatch.stores.sql.statement import FIRST, Row, Rows, purge, sql

_COLUMNS = "id, actor, fingerprint, holder, held_until, expires_at, acted, answer"
GET = sql(f"select {_COLUMNS} from idempotency_keys where id = $1")
# Two may come at once and find none: what the second of them finds decides.
TAKE = sql(f"""insert into idempotency_keys ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, 0, null)
    on conflict (id) do update set fingerprint = excluded.fingerprint, holder = excluded.holder,
    held_until = excluded.held_until, expires_at = excluded.expires_at, acted = 0, answer = null
    where idempotency_keys.expires_at <= $7 or (idempotency_keys.acted = 0 and idempotency_keys.answer is null
    and idempotency_keys.held_until <= $7)""")
MARK = sql("update idempotency_keys set acted = 1 where id = $1 and holder = $2")
KEEP = sql("update idempotency_keys set answer = $3 where id = $1 and holder = $2")
RELEASE = sql("delete from idempotency_keys where id = $1 and holder = $2 and acted = 0")
NTH_EXPIRY = sql("""select expires_at from idempotency_keys where actor = $1 and expires_at > $2
    order by expires_at desc limit 1 offset $3""")
PURGE = purge("idempotency_keys")


class SqlIdempotencyKeys(Rows):
    async def get(self, id_: bytes) -> Entry | None:
        return await self._one(_entry, GET, id_)

    async def take(self, entry: Entry, now: int) -> bool:
        e = entry
        fields = (e.id, e.actor, e.fingerprint, e.holder, e.held_until, e.expires_at)
        return await self._connection.run(TAKE, *fields, now) > 0

    async def mark(self, id_: bytes, holder: bytes) -> bool:
        return await self._connection.run(MARK, id_, holder) > 0

    async def keep(self, id_: bytes, holder: bytes, answer: bytes) -> None:
        await self._connection.run(KEEP, id_, holder, answer)

    async def release(self, id_: bytes, holder: bytes) -> None:
        await self._connection.run(RELEASE, id_, holder)

    async def nth_expiry(self, actor: str, now: int, n: int) -> int | None:
        return await self._one(FIRST, NTH_EXPIRY, actor, now, n - 1)

    async def purge(self, before: int, most: int) -> int:
        return await self._connection.run(PURGE, before, most)


def _entry(row: Row) -> Entry:
    fields = list(row)
    fields[6] = bool(fields[6])
    return Entry(*fields)
