"""Access key rows."""

import msgspec

from nightlatch.core.access.model import AccessKey
from nightlatch.stores.sql.statement import Connection, Row, sql

_COLUMNS = "id, organization_id, name, token_hash, scopes, created_at, expires_at, revoked_at"
ADD = sql(f"insert into access_keys ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8)")
BY_TOKEN = sql(f"select {_COLUMNS} from access_keys where token_hash = $1")
LIST = sql(f"select {_COLUMNS} from access_keys where organization_id = $1 order by id")
REVOKE = sql("update access_keys set revoked_at = $3 where organization_id = $1 and id = $2 and revoked_at is null")


class SqlAccessKeys:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, key: AccessKey) -> None:
        scopes = msgspec.json.encode(key.scopes).decode()
        await self._connection.run(
            ADD,
            key.id,
            key.organization,
            key.name,
            key.token_hash,
            scopes,
            key.created_at,
            key.expires_at,
            key.revoked_at,
        )

    async def by_token(self, token_hash: bytes) -> AccessKey | None:
        row = await self._connection.row(BY_TOKEN, token_hash)
        return _key(row) if row else None

    async def list(self, organization: bytes) -> list[AccessKey]:
        return [_key(row) for row in await self._connection.rows(LIST, organization)]

    async def revoke(self, organization: bytes, key_id: bytes, now: int) -> bool:
        return await self._connection.run(REVOKE, organization, key_id, now) > 0


def _key(row: Row) -> AccessKey:
    fields = list(row)
    fields[4] = msgspec.json.decode(fields[4], type=tuple[str, ...])
    return AccessKey(*fields)
