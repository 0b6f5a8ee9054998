"""How the sessions of an identity live, in its own row and read with it (identities.py); null where the configuration
decides.
"""

from collections.abc import Sequence

from nightlatch.core.sessions.model import Settings
from nightlatch.stores.sql.statement import Rows, sql

OF = sql("""select id, session_lifespan, session_ends_with_browser from identities
    where organization_id = $1 and id in (select value from carray($2)) and session_ends_with_browser is not null""")
PUT = sql("""update identities set session_lifespan = $2, session_ends_with_browser = $3
    where id in (select value from carray($1))""")
TIGHTEN = sql("""update sessions set expires_at = issued_at + $2
    where identity_id in (select value from carray($1)) and ended_at is null and expires_at > issued_at + $2""")


class SqlSessionSettings(Rows):
    async def of(self, organization: bytes, identity_ids: Sequence[bytes]) -> dict[bytes, Settings]:
        rows = await self._connection.rows(OF, organization, self._connection.array(identity_ids))
        return {row[0]: Settings(row[1], bool(row[2])) for row in rows}

    async def put(self, identity_ids: Sequence[bytes], settings: Settings | None) -> None:
        ids = self._connection.array(identity_ids)
        lifespan = settings.lifespan if settings else None
        await self._connection.run(PUT, ids, lifespan, int(settings.ends_with_browser) if settings else None)
        if lifespan is not None:
            await self._connection.run(TIGHTEN, ids, lifespan)
