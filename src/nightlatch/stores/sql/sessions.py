"""Session rows, read with their identity and with both epochs compared. How they end is in endings.py."""

from collections.abc import Mapping

import msgspec

from nightlatch.core.sessions.model import Device, Filter, Method, Position, Session, Standing
from nightlatch.stores.sql.feed import QUIETLY
from nightlatch.stores.sql.identities import COLUMNS as IDENTITY
from nightlatch.stores.sql.identities import identity_of
from nightlatch.stores.sql.policies import EFFECTIVE, ENDS, IDLE, WIDTH, idle, policy_of
from nightlatch.stores.sql.statement import FIRST, Conditions, Connection, Row, Rows, purge, sql

COLUMNS = """id, number, organization_id, identity_id, token_hash, aal, methods, created_at, issued_at,
    authenticated_at, expires_at, ended_at, last_seen, device_id, ip, user_agent, location, device_kind,
    identity_ended, identity_deleted, organization_ended, organization_deleted"""
_WIDTH = 22
# What the check of a session reads, in BY_TOKEN: table, whose row it is, and which acts can change an answer that
# somebody has already. When a session was last seen is not shown.
SHOWN = {
    "sessions": ("identity_id", ("update", "delete")),
    "identities": ("id", ("update", "delete")),
    "organizations": ("id", ("update", "delete")),
    "credentials": ("identity_id", ("insert", "update", "delete")),
}
UNSHOWN = {("sessions", "last_seen")}
ENDED = "(s.ended_at is not null or s.identity_ended <> i.ended_before or s.organization_ended <> o.ended_before)"
JOINS = """join identities i on i.id = s.identity_id and i.deleted_before = s.identity_deleted
    join organizations o on o.id = s.organization_id and o.deleted_before = s.organization_deleted"""
_FROM = f"from sessions s {JOINS}"
# Not `exists`: for a page of a list, PostgreSQL would read all credentials of all identities into a hash first.
_SECOND_FACTOR = "(coalesce((select max(second_factors) from credentials where identity_id = s.identity_id), 0) > 0)"
_OWN = ", ".join("s." + column.strip() for column in COLUMNS.split(",")).replace("s.expires_at", ENDS)
STANDING = f"{_OWN}, {ENDED}, {_SECOND_FACTOR}, {EFFECTIVE}, {IDENTITY}"
# SQLite reads each column of a row that an index found in a join as if for the first time: 37 µs. Taken out of the
# join, the same row costs 6 µs.
_ONE = f"select {STANDING} from (select * from sessions where %s limit 1) s {JOINS}"

BY_TOKEN = sql(_ONE % "token_hash = $1")
# A write that finds nothing to end by these may be the second of two: the first may not have been answered.
GET = sql(_ONE % "organization_id = $1 and id = $2")._replace(ends=True)
BY_NUMBER = sql(_ONE % "organization_id = $1 and number = $2")._replace(ends=True)
EPOCHS = sql("""select i.ended_before, i.deleted_before, o.ended_before, o.deleted_before from identities i
    join organizations o on o.id = i.organization_id where i.organization_id = $1 and i.id = $2""")
ADD = sql(f"""insert into sessions ({COLUMNS}) values ({", ".join(f"${n}" for n in range(1, _WIDTH + 1))})
    on conflict (number) do nothing""")
RENEW = sql("""update sessions set aal = $2, methods = $3, issued_at = $4, authenticated_at = $5, expires_at = $6
    where id = $1 and ended_at is null""")
_PROLONG = "update sessions set expires_at = $2 where id = $1 and expires_at = $3"
# Nobody keeps an answer for longer than until a use may prolong its session.
PROLONG = sql(_PROLONG, f"{_PROLONG} and {QUIETLY}")._replace(ends=False)
RETOKEN = sql("update sessions set token_hash = $3 where id = $1 and token_hash = $2 and ended_at is null")
SEEN = sql("update sessions set last_seen = $2 where id = $1 and last_seen < $2")._replace(
    bulk="""update sessions s set last_seen = seen.at from unnest($1::uuid[], $2::bigint[]) as seen (id, at)
    where s.id = seen.id and s.last_seen < seen.at""",
    ends=False,
)

# Their time was over long ago: nobody keeps anything of them.
PURGE = purge("sessions", also=QUIETLY)._replace(ends=False)

_decode_methods = msgspec.json.Decoder(tuple[Method, ...]).decode


class SqlSessions(Rows):
    async def by_token(self, token_hash: bytes) -> Standing | None:
        return await self._one(standing_of, BY_TOKEN, token_hash)

    async def get(self, organization: bytes, session_id: bytes) -> Standing | None:
        return await self._one(standing_of, GET, organization, session_id)

    async def by_number(self, organization: bytes, number: int) -> Standing | None:
        return await self._one(standing_of, BY_NUMBER, organization, number)

    async def list(
        self, organization: bytes, where: Filter, now: int, after: Position | None, skip: int, limit: int
    ) -> list[Standing]:
        conditions = _conditions(self._connection, organization, where, now)
        if after is not None:
            conditions.add("s.created_at <= {}", after.created_at)
            conditions.add("(s.created_at < {} or s.id > {})", after.created_at, after.id)
        end = f"limit {conditions.parameter(limit)} offset {conditions.parameter(skip)}"
        statement = conditions.statement(f"select {STANDING} {_FROM} where %s order by s.created_at desc, s.id {end}")
        return await self._all(standing_of, statement, *conditions.arguments)

    async def count(self, organization: bytes, where: Filter, now: int) -> int:
        conditions = _conditions(self._connection, organization, where, now)
        statement = conditions.statement(f"select count(*) {_FROM} where %s")
        return await self._one(FIRST, statement, *conditions.arguments) or 0

    async def epochs(self, organization: bytes, identity_id: bytes) -> tuple[int, int, int, int] | None:
        row = await self._connection.row(EPOCHS, organization, identity_id)
        return (row[0], row[1], row[2], row[3]) if row else None

    async def add(self, session: Session) -> bool:
        *fields, device, epochs, _ = msgspec.structs.astuple(session)
        fields[6] = msgspec.json.encode(session.methods).decode()
        return await self._connection.run(ADD, *fields, *msgspec.structs.astuple(device), *epochs) > 0

    async def renew(self, session: Session) -> None:
        s = session
        methods = msgspec.json.encode(s.methods).decode()
        await self._connection.run(RENEW, s.id, s.aal, methods, s.issued_at, s.authenticated_at, s.expires_at)

    async def prolong(self, session: Session, expires_at: int) -> bool:
        return await self._connection.run(PROLONG, session.id, expires_at, session.expires_at) > 0

    async def retoken(self, session: Session, token_hash: bytes) -> bool:
        return await self._connection.run(RETOKEN, session.id, session.token_hash, token_hash) > 0

    async def purge(self, before: int, most: int) -> int:
        return await self._connection.run(PURGE, before, most)

    async def seen(self, times: Mapping[bytes, int]) -> None:
        await self._connection.many(SEEN, sorted(times.items()))


def standing_of(row: Row) -> Standing:
    fields = [*row[:14], Device(*row[14:18]), tuple(row[18:22]), policy_of(row[24 : 24 + WIDTH])]
    fields[6] = _decode_methods(fields[6])
    return Standing(Session(*fields), bool(row[22]), identity_of(row[24 + WIDTH :]), bool(row[23]))


def _conditions(connection: Connection, organization: bytes, where: Filter, now: int) -> Conditions:
    conditions = Conditions(connection)
    if where.identity_id is None:
        conditions.add("s.organization_id = {}", organization)
    else:
        # Asked of the identity: SQLite would walk all sessions of the organization, whose index is in the same order.
        conditions.add("i.organization_id = {} and s.identity_id = {}", organization, where.identity_id)
    if where.but is not None:
        conditions.add("s.id <> {}", where.but)
    if where.active is not None:
        tests = f"not {ENDED} and {ENDS} > {{}} and i.state = 'active' and not {IDLE}"
        conditions.add(f"({tests})" if where.active else f"not ({tests})", now, *idle(where.idle, now))
    return conditions
