"""Access key rows."""

import msgspec

from nightlatch.core.access.model import AccessKey, Pair
from nightlatch.stores.sql.statement import Row, Rows, sql

_COLUMNS = """id, organization_id, name, token_hash, scopes, created_at, expires_at, revoked_at,
    pair_id, pair_secret, security_token_hash"""
ADD = sql(f"insert into access_keys ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
BY_TOKEN = sql(f"select {_COLUMNS} from access_keys where token_hash = $1")
BY_PAIR = sql(f"select {_COLUMNS} from access_keys where pair_id = $1")
LIST = sql(f"select {_COLUMNS} from access_keys where organization_id = $1 and id > $2 order by id limit $3")
ANY_GOOD = sql("""select 1 from access_keys where organization_id = $1 and revoked_at is null
    and (expires_at is null or expires_at > $2) order by id limit 1""")
REVOKE = sql("update access_keys set revoked_at = $3 where organization_id = $1 and id = $2 and revoked_at is null")


class SqlAccessKeys(Rows):
    async def add(self, key: AccessKey) -> None:
        *fields, pair = msgspec.structs.astuple(key)
        fields[4] = msgspec.json.encode(key.scopes).decode()
        await self._connection.run(ADD, *fields, *(msgspec.structs.astuple(pair) if pair else (None, None, None)))

    async def by_token(self, token_hash: bytes) -> AccessKey | None:
        return await self._one(_key, BY_TOKEN, token_hash)

    async def by_pair(self, pair_id: str) -> AccessKey | None:
        return await self._one(_key, BY_PAIR, pair_id)

    async def list(self, organization: bytes, after: bytes | None, limit: int) -> list[AccessKey]:
        return await self._all(_key, LIST, organization, after or bytes(16), limit)

    async def any_good(self, organization: bytes, now: int) -> bool:
        return await self._connection.row(ANY_GOOD, organization, now) is not None

    async def revoke(self, organization: bytes, key_id: bytes, now: int) -> bool:
        return await self._connection.run(REVOKE, organization, key_id, now) > 0


def _key(row: Row) -> AccessKey:
    *fields, pair_id, secret, security_token_hash = row
    fields[4] = msgspec.json.decode(fields[4], type=tuple[str, ...])
    fields.append(Pair(pair_id, secret, security_token_hash) if pair_id else None)
    return AccessKey(*fields)
