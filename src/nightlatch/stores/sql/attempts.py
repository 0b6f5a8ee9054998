"""Attempt rows, by kind and subject in one key."""

from collections.abc import Collection

from nightlatch.core.attempts.model import Attempts
from nightlatch.stores.sql.statement import Rows, purge, sql

# The update changes nothing: it takes the row's lock, and gives the row whether or not it was there.
HOLD = sql("""insert into attempts (key, since, recent, in_row, not_before, expires_at)
    values ($1, $2, 0, 0, 0, $2) on conflict (key) do update set key = excluded.key
    returning key, since, recent, in_row, not_before""")
SAVE = sql("""update attempts set since = $2, recent = $3, in_row = $4, not_before = $5, expires_at = $6
    where key = $1""")
REMOVE = sql("delete from attempts where key = $1")
PURGE = purge("attempts", "key")


class SqlAttempts(Rows):
    async def hold(self, key: bytes, now: int) -> Attempts:
        row = await self._connection.row(HOLD, key, now)
        assert row is not None
        return Attempts(*row)

    async def save(self, attempts: Attempts, expires_at: int) -> None:
        a = attempts
        await self._connection.run(SAVE, a.key, a.since, a.recent, a.in_row, a.not_before, expires_at)

    async def remove(self, keys: Collection[bytes]) -> int:
        return sum([await self._connection.run(REMOVE, key) for key in keys])

    async def purge(self, before: int, most: int) -> int:
        return await self._connection.run(PURGE, before, most)
