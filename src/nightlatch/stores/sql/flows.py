"""Flow rows and code rows."""

import msgspec

from nightlatch.core.flows.model import Act, Code, Facts, Flow
from nightlatch.stores.sql.statement import Row, Rows, purge, sql

_COLUMNS = """id, organization_id, act, type, state, method, identity_id, request_url, return_to, facts,
    issued_at, expires_at, used_at"""
ADD = sql(f"insert into flows ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
GET = sql(f"select {_COLUMNS} from flows where id = $1")
SAVE = sql("""update flows set state = $2, method = $3, identity_id = $4, facts = $5, used_at = $6
    where id = $1 and used_at is null""")
PURGE = purge("flows")
CLOSE = sql("update flows set used_at = $2 where identity_id = $1 and used_at is null and id <> $3")
VOID_CODES = sql("update codes set used_at = $2 where identity_id = $1 and used_at is null")
VOID_SHOWN_CODES = sql("""update codes set used_at = $3
    where identity_id = $1 and purpose = $2 and address is null and used_at is null""")
_CODE = "id, organization_id, identity_id, flow_id, purpose, secret_hash, expires_at, tries, used_at, address"
PUT_CODE = sql(f"""insert into codes ({_CODE}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (flow_id) do update set id = excluded.id, identity_id = excluded.identity_id,
    purpose = excluded.purpose, secret_hash = excluded.secret_hash, expires_at = excluded.expires_at,
    tries = excluded.tries, used_at = excluded.used_at, address = excluded.address""")
TRY_CODE = sql(f"""update codes set tries = tries + 1
    where flow_id = $1 and used_at is null and expires_at > $2 and tries < $3 returning {_CODE}""")
IS_SPENT = sql("select 1 from codes where flow_id = $1 and tries >= $2")
USE_CODE = sql("update codes set used_at = $2 where id = $1 and used_at is null")


class SqlFlows(Rows):
    async def add(self, flow: Flow) -> None:
        fields = list(msgspec.structs.astuple(flow))
        fields[9] = _text(flow.facts)
        await self._connection.run(ADD, *fields)

    async def get(self, flow_id: bytes) -> Flow | None:
        return await self._one(_flow, GET, flow_id)

    async def save(self, flow: Flow) -> bool:
        f = flow
        return await self._connection.run(SAVE, f.id, f.state, f.method, f.identity_id, _text(f.facts), f.used_at) > 0

    async def close(self, identity_id: bytes, now: int, but: bytes | None = None) -> None:
        await self._connection.run(CLOSE, identity_id, now, but or bytes(16))
        await self._connection.run(VOID_CODES, identity_id, now)

    async def put_code(self, code: Code) -> None:
        await self._connection.run(PUT_CODE, *msgspec.structs.astuple(code))

    async def void_codes(self, identity_id: bytes, purpose: str, now: int) -> None:
        await self._connection.run(VOID_SHOWN_CODES, identity_id, purpose, now)

    async def try_code(self, flow_id: bytes, most: int, now: int) -> Code | None:
        return await self._one(lambda row: Code(*row), TRY_CODE, flow_id, now, most)

    async def is_spent(self, flow_id: bytes, most: int) -> bool:
        return await self._one(lambda row: bool(row[0]), IS_SPENT, flow_id, most) or False

    async def purge(self, before: int, most: int) -> int:
        return await self._connection.run(PURGE, before, most)

    async def use_code(self, code_id: bytes, now: int) -> bool:
        return await self._connection.run(USE_CODE, code_id, now) > 0


def _text(facts: Facts) -> str:
    return msgspec.json.encode(facts).decode()


def _flow(row: Row) -> Flow:
    fields = list(row)
    fields[2], fields[9] = Act(fields[2]), msgspec.json.decode(fields[9], type=Facts)
    return Flow(*fields)
