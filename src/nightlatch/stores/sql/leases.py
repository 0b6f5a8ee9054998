"""Lease rows."""

from nightlatch.stores.sql.statement import Rows, sql

TAKE = sql("""insert into leases (name, holder, until) values ($1, $2, $4)
    on conflict (name) do update set holder = excluded.holder, until = excluded.until
    where leases.holder = excluded.holder or leases.until <= $3""")


class SqlLeases(Rows):
    async def take(self, name: str, holder: bytes, now: int, until: int) -> bool:
        return await self._connection.run(TAKE, name, holder, now, until) > 0
