"""Sessions ended: one small write for all of somebody, the marking of their rows after it, and endings row by row."""

from collections.abc import Sequence

from nightlatch.core.sessions.model import Ending, Found, How, Issued, Position, Step, Where
from nightlatch.stores.sql.sessions import ENDED, JOINS
from nightlatch.stores.sql.statement import FIRST, Row, Rows, sql

_FOUND = f"select s.id, s.identity_id, {ENDED} from %s s {JOINS}"
# Out of the join by its limit: in it, SQLite would go through all sessions of the organization.
_NAMED = "(select * from sessions where id in (select value from carray($2)) limit 1000)"
# These find nothing to end where another is about to have ended it, whose answer may still be on its way.
FIND = sql(f"{_FOUND % _NAMED} where s.organization_id = $1")._replace(ends=True)
_HOLD = "select id from identities where organization_id = $1 and id in (select value from carray($2)) order by id"
HOLD = sql(_HOLD, _HOLD + " for update")._replace(ends=True)
_OF_KINDS = f"""{_FOUND % "sessions"} where s.identity_id in (select value from carray($1))
    and s.device_kind in (select value from carray($2))"""
OF_KINDS = {How.DISABLE: sql(f"{_OF_KINDS} and not {ENDED}"), How.DELETE: sql(_OF_KINDS)}

_CLOSE = """update identities set {0} = {0} + 1 where organization_id = $1 and id in (select value from carray($2))
    returning id, """
CLOSE = {
    How.DISABLE: sql(_CLOSE.format("ended_before") + "ended_before - 1, deleted_before"),
    How.DELETE: sql(_CLOSE.format("deleted_before") + "ended_before, deleted_before - 1"),
}
_CLOSE_ALL = "update organizations set {0} = {0} + 1 where id = $1 returning "
CLOSE_ALL = {
    How.DISABLE: sql(_CLOSE_ALL.format("ended_before") + "ended_before - 1, deleted_before"),
    How.DELETE: sql(_CLOSE_ALL.format("deleted_before") + "ended_before, deleted_before - 1"),
}
EPOCHS_OF_ALL = sql("select ended_before, deleted_before from organizations where id = $1")
# Only a session of the epoch just closed is carried over: an older one is over already.
_KEEP = """update sessions set identity_{0} = identity_{0} + 1
    where organization_id = $1 and identity_id = $2 and id = $3 and ended_at is null
    and identity_{0} = (select {0}_before - 1 from identities where id = $2)"""
KEEP = {How.DISABLE: sql(_KEEP.format("ended")), How.DELETE: sql(_KEEP.format("deleted"))}

_NEXT = """select created_at, id from sessions where {} = $1
    and created_at <= $2 and (created_at < $2 or id > $3) order by created_at desc, id limit $4"""
NEXT = sql(_NEXT.format("identity_id"))
NEXT_OF_ALL = sql(_NEXT.format("organization_id"))
# What was issued under other epochs lives, or was ended, and is counted, by another ending.
_ISSUED = (
    "identity_deleted = coalesce({}, identity_deleted) and organization_deleted = coalesce({}, organization_deleted)"
)
MARK = sql(f"""update sessions set ended_at = $2 where id in (select value from carray($1)) and ended_at is null
    and identity_ended = coalesce($3, identity_ended) and organization_ended = coalesce($5, organization_ended)
    and {_ISSUED.format("$4", "$6")} and issued_at <= coalesce($7, issued_at)""")
DELETE = sql(f"""delete from sessions where id in (select value from carray($1)) and {_ISSUED.format("$2", "$3")}
    and issued_at <= coalesce($4, issued_at)""")

_COLUMNS = """id, organization_id, identity_id, how, at, event_id, identity_ended, identity_deleted, organization_ended,
    organization_deleted, after_created_at, after_id"""
SAVE = sql(f"""insert into endings ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (id) do update set after_created_at = excluded.after_created_at, after_id = excluded.after_id""")
OLDEST = sql(f"select {_COLUMNS} from endings order by id limit 1")
REMOVE = sql("delete from endings where id = $1")
_ANY: Issued = (None, None, None, None)


class SqlEndings(Rows):
    async def find(self, organization: bytes, session_ids: Sequence[bytes]) -> list[Found]:
        return await self._all(_found, FIND, organization, self._connection.array(session_ids))

    async def hold(self, organization: bytes, identity_ids: Sequence[bytes]) -> list[bytes]:
        return await self._all(FIRST, HOLD, organization, self._connection.array(identity_ids))

    async def of_kinds(self, identity_ids: Sequence[bytes], kinds: Sequence[str], how: How) -> list[Found]:
        array = self._connection.array
        return await self._all(_found, OF_KINDS[how], array(identity_ids), array(kinds))

    async def end(self, session_ids: Sequence[bytes], how: How, at: int, issued_by: int | None = None) -> int:
        return await self._end(session_ids, how, at, _ANY, issued_by)

    async def close(self, organization: bytes, where: Where, how: How) -> list[tuple[bytes | None, Issued]]:
        if where.everybody:
            rows = await self._connection.rows(CLOSE_ALL[how], organization)
            return [(None, (None, None, row[0], row[1])) for row in rows]
        rows = await self._connection.rows(CLOSE[how], organization, self._connection.array(where.identities))
        if where.but is not None:
            await self._connection.run(KEEP[how], organization, where.identity_id, where.but)
        of_all = await self._connection.row(EPOCHS_OF_ALL, organization) or (0, 0)
        return [(row[0], (row[1], row[2], of_all[0], of_all[1])) for row in rows]

    async def step(self, ending: Ending, most: int) -> Step:
        statement = NEXT_OF_ALL if ending.identity_id is None else NEXT
        whose = ending.organization if ending.identity_id is None else ending.identity_id
        rows = await self._connection.rows(statement, whose, ending.after.created_at, ending.after.id, most)
        ended = await self._end([row[1] for row in rows], ending.how, ending.at, ending.issued)
        return Step(len(rows), ended, Position(*rows[-1]) if rows and len(rows) == most else None)

    async def save(self, endings: Sequence[Ending]) -> None:
        await self._connection.many(SAVE, [_row(ending) for ending in endings])

    async def oldest(self) -> Ending | None:
        return await self._one(_ending, OLDEST)

    async def remove(self, ending: Ending) -> None:
        await self._connection.run(REMOVE, ending.id)

    async def _end(
        self, session_ids: Sequence[bytes], how: How, at: int, issued: Issued, issued_by: int | None = None
    ) -> int:
        if not session_ids:
            return 0
        ids = self._connection.array(session_ids)
        if how is How.DISABLE:
            return await self._connection.run(MARK, ids, at, *issued, issued_by)
        return await self._connection.run(DELETE, ids, issued[1], issued[3], issued_by)


def _found(row: Row) -> Found:
    return Found(row[0], row[1], bool(row[2]))


def _row(e: Ending) -> tuple[object, ...]:
    place = (e.after.created_at, e.after.id)
    return (e.id, e.organization, e.identity_id, e.how, e.at, e.event_id, *e.issued, *place)


def _ending(row: Row) -> Ending:
    issued = (row[6], row[7], row[8], row[9])
    return Ending(row[0], row[1], row[2], How(row[3]), row[4], row[5], issued, Position(row[10], row[11]))
