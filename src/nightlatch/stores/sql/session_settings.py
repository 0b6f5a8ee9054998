"""Rows of how the sessions of an identity live. Where there is none, the configuration decides.

They are read with the identity (identities.py), so that signing in asks no more than before.
"""

from collections.abc import Sequence

from nightlatch.core.sessions.model import Settings
from nightlatch.stores.sql.statement import Connection, sql

OF = sql("""select c.identity_id, c.lifespan, c.ends_with_browser from session_settings c
    join identities i on i.id = c.identity_id
    where i.organization_id = $1 and c.identity_id in (select value from carray($2))""")
PUT = sql("""insert into session_settings (identity_id, lifespan, ends_with_browser, updated_at) values ($1, $2, $3, $4)
    on conflict (identity_id) do update set lifespan = excluded.lifespan,
    ends_with_browser = excluded.ends_with_browser, updated_at = excluded.updated_at""")
TIGHTEN = sql("""update sessions set expires_at = issued_at + $2
    where identity_id in (select value from carray($1)) and ended_at is null and expires_at > issued_at + $2""")
REMOVE = sql("delete from session_settings where identity_id in (select value from carray($1))")


class SqlSessionSettings:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def of(self, organization: bytes, identity_ids: Sequence[bytes]) -> dict[bytes, Settings]:
        rows = await self._connection.rows(OF, organization, self._connection.array(identity_ids))
        return {row[0]: Settings(row[1], bool(row[2])) for row in rows}

    async def put(self, identity_ids: Sequence[bytes], settings: Settings, now: int) -> None:
        values = (settings.lifespan, int(settings.ends_with_browser), now)
        await self._connection.many(PUT, [(each, *values) for each in identity_ids])
        if settings.lifespan is not None:
            await self._connection.run(TIGHTEN, self._connection.array(identity_ids), settings.lifespan)

    async def remove(self, identity_ids: Sequence[bytes]) -> None:
        await self._connection.run(REMOVE, self._connection.array(identity_ids))
