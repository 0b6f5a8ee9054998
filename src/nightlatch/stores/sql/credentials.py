"""Credential rows."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from nightlatch.core.credentials.model import Credential
from nightlatch.stores.sql.statement import Row, Rows, insert, sql

_COLUMNS = "identity_id, type, identifiers, config, first_factors, second_factors, revision, created_at, updated_at"
_OF = f"select {_COLUMNS} from credentials where identity_id %s order by identity_id, type"
OF = sql(_OF % "in (select value from carray($1))", _OF % "= any($1)")
ADD = insert("credentials", _COLUMNS)
PUT = sql(f"""insert into credentials ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (identity_id, type) do update set identifiers = excluded.identifiers, config = excluded.config,
    first_factors = excluded.first_factors, second_factors = excluded.second_factors, revision = excluded.revision,
    updated_at = excluded.updated_at""")
REMOVE = sql("delete from credentials where identity_id = $1 and type = $2")

_decode = msgspec.json.Decoder(tuple[str, ...]).decode


class SqlCredentials(Rows):
    async def of(self, identity_ids: Collection[bytes]) -> dict[bytes, list[Credential]]:
        found: dict[bytes, list[Credential]] = defaultdict(list)
        for row in await self._connection.rows(OF, self._connection.array(list(identity_ids))):
            found[row[0]].append(_credential(row))
        return found

    async def add(self, credentials: Sequence[Credential]) -> None:
        await self._connection.many(ADD, [_row(credential) for credential in credentials])

    async def put(self, credentials: Sequence[Credential]) -> None:
        await self._connection.many(PUT, [_row(credential) for credential in credentials])

    async def remove(self, identity_id: bytes, types: Collection[str]) -> None:
        await self._connection.many(REMOVE, [(identity_id, type_) for type_ in types])


def _row(credential: Credential) -> list[Any]:
    fields = list(msgspec.structs.astuple(credential))
    fields[2] = msgspec.json.encode(credential.identifiers).decode()
    return fields


def _credential(row: Row) -> Credential:
    return Credential(row[0], row[1], _decode(row[2]), *row[3:])
