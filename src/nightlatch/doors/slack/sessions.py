"""Sessions: one ended, all of a person or of many, and listed."""

from collections.abc import Sequence

from nightlatch.core.flows.store import Tx
from nightlatch.core.sessions.model import Filter, How, Position, Revocation, Standing, Where
from nightlatch.core.sessions.rules import end
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.slack import names, shapes
from nightlatch.doors.slack.arguments import arguments
from nightlatch.doors.slack.errors import Said, SomeUsersNotFound
from nightlatch.kernel.ids import id_text
from nightlatch.problems import IdentityNotFound, PageTokenInvalid, SessionEnded, SessionNotFound

_REASON = "admin"


async def invalidate(call: Call[Shared]) -> Answer:
    asked = await arguments(call, shapes.InvalidateArguments)
    act = call.act

    async def unit(tx: Tx) -> Revocation:
        await names.check_team(tx, act, asked.team_id)
        whose = await names.user(tx, act, asked.user_id) if asked.user_id is not None else None
        return await end(tx, act, Where(number=asked.session_id, identity_id=whose), How.DISABLE, _REASON)

    revocation = await call.door.store.write(unit)
    if not revocation.known:
        raise SessionNotFound
    if revocation.count == 0:
        raise SessionEnded("The session has ended already.")
    return shapes.done()


async def reset(call: Call[Shared]) -> Answer:
    asked = await arguments(call, shapes.ResetArguments)

    async def unit(tx: Tx) -> Revocation:
        where = Where(identity_id=await names.user(tx, call.act, asked.user_id), kinds=asked.kinds)
        return await end(tx, call.act, where, How.DISABLE, _REASON)

    revocation = await call.door.store.write(unit)
    if not revocation.known:
        raise IdentityNotFound
    return shapes.done()


async def reset_bulk(call: Call[Shared]) -> Answer:
    asked = await arguments(call, shapes.ResetBulkArguments)

    async def unit(tx: Tx) -> set[str]:
        found = await names.users(tx, call.act, asked.user_ids)
        if found:
            where = Where(identity_ids=tuple(set(found.values())), kinds=asked.kinds)
            await end(tx, call.act, where, How.DISABLE, _REASON)
        return set(found)

    found = await call.door.store.write(unit)
    failed = [user_id for user_id in dict.fromkeys(asked.user_ids) if user_id not in found]
    if failed:
        raise SomeUsersNotFound(failed)
    return shapes.done()


async def list_sessions(call: Call[Shared]) -> Answer:
    asked = await arguments(call, shapes.ListArguments)
    _both_or_none(asked)
    act = call.act

    async def ask(tx: Tx) -> tuple[Sequence[Standing], str, str]:
        await names.check_team(tx, act, asked.team_id)
        whose = await names.user(tx, act, asked.user_id) if asked.user_id is not None else None
        kind = f"active sessions {act.organization.hex()} {whose.hex() if whose else ''}"
        after = _after(call, asked.cursor, kind)
        where = Filter(whose, active=True, idle=call.door.lifetime.idle)
        rows = await tx.sessions.list(act.organization, where, act.now, after, 0, asked.limit + 1)
        return rows, kind, await names.team_of(tx, act)

    rows, kind, team_id = await call.door.store.scan(ask)
    if not rows and asked.cursor is None:
        raise Said("no_active_sessions")
    page = rows[: asked.limit]
    shown = [shapes.active_session(row, id_text(row.identity.id), team_id) for row in page]
    last = page[-1].session if len(rows) > asked.limit else None
    cursor = call.door.page_keys.seal((kind, Position(last.created_at, last.id))) if last else ""
    return shapes.answered(shapes.ListAnswer(active_sessions=shown, response_metadata=shapes.Cursor(cursor)))


def _both_or_none(asked: shapes.ListArguments) -> None:
    if asked.user_id is None and asked.team_id is not None:
        raise Said("missing_user", "user_id goes with team_id.")
    if asked.team_id is None and asked.user_id is not None:
        raise Said("missing_team", "team_id goes with user_id.")


def _after(call: Call[Shared], cursor: str | None, kind: str) -> Position | None:
    if cursor is None:
        return None
    opened = call.door.page_keys.unseal(cursor, tuple[str, Position])
    if opened is None or opened[0] != kind:
        raise PageTokenInvalid
    return opened[1]
