"""The admin operations on sessions."""

from nightlatch.core.flows.store import Tx
from nightlatch.core.sessions.model import Filter, How, Position, Standing, Where
from nightlatch.core.sessions.rules import end, extend, in_force
from nightlatch.doors.http.routing import MIB, Answer, Call
from nightlatch.doors.kratos import paging
from nightlatch.doors.kratos.bodies import ManageSessions, decode, path_id
from nightlatch.doors.kratos.errors import Malformed
from nightlatch.doors.kratos.forms import TRUE
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.shapes import Processed, Session, encode
from nightlatch.problems import IdentityNotFound, Invalid, SessionNotFound

_FALSE = {"0", "f", "F", "FALSE", "false", "False"}
_MOST = 1000
_MOST_NAMED = 500


async def get_session(call: Call[Parts]) -> Answer:
    expand = _expand(call)
    session_id = path_id(call.path("id"))
    standing = await call.door.store.read(lambda tx: tx.sessions.get(call.act.organization, session_id))
    if standing is None:
        raise SessionNotFound
    return Answer(200, encode(_shown(call, standing, expand)))


async def list_sessions(call: Call[Parts]) -> Answer:
    active, expand = _active(call), _expand(call)
    page = paging.asked(call, _MOST, numbered=False)
    after = paging.read_token(call, page, "sessions", Position)
    where, act = in_list(call, active=active), call.act
    rows = await call.door.store.scan(
        lambda tx: tx.sessions.list(act.organization, where, act.now, after, 0, page.size + 1)
    )
    headers = paging.token_link(call, page, "sessions", rows, _position)
    return Answer(200, encode([_shown(call, row, expand) for row in rows[: page.size]]), headers)


async def list_identity_sessions(call: Call[Parts]) -> Answer:
    where = in_list(call, identity_id=path_id(call.path("id")), active=_active(call))
    return await list_of_identity(call, where, admin=True)


def in_list(
    call: Call[Parts], *, active: bool | None, identity_id: bytes | None = None, but: bytes | None = None
) -> Filter:
    """Which sessions a list holds; those idle too long are over there as they are in a check."""
    return Filter(identity_id, active, but, call.door.lifetime.idle)


async def list_of_identity(call: Call[Parts], where: Filter, *, admin: bool) -> Answer:
    """A page of one identity's sessions, by number or by token."""
    page = paging.asked(call, _MOST, numbered=True)
    kind = f"sessions of {(where.identity_id or b'').hex()}"
    after = paging.read_token(call, page, kind, Position)
    act = call.act

    async def ask(tx: Tx) -> tuple[list[Standing], int]:
        rows = await tx.sessions.list(act.organization, where, act.now, after, page.skip, page.size + 1)
        return list(rows), 0 if page.number is None else await tx.sessions.count(act.organization, where, act.now)

    rows, total = await call.door.store.scan(ask)
    if page.number is not None:
        headers = paging.number_link(call, page, total)
    else:
        headers = paging.token_link(call, page, kind, rows, _position)
    both = (True, True)
    return Answer(200, encode([_shown(call, row, both, admin=admin) for row in rows[: page.size]]), headers)


async def manage_sessions(call: Call[Parts]) -> Answer:
    """Ends those that are named, all of those identities, or everybody's: all of them in this one call."""
    try:
        body = decode(await call.body(MIB), ManageSessions)
    except Invalid:
        raise Invalid("Invalid JSON body.") from None
    if body.action not in list(How):
        raise Invalid("The 'action' field must be one of 'disable' or 'delete'.")
    if bool(body.identities) == bool(body.sessions):
        raise Invalid("Exactly one of 'identities' or 'sessions' must be a non-empty array.")
    if body.identities == ["*"]:
        where = Where(everybody=True)
    elif body.identities:
        where = Where(identity_ids=_ids("identities", body.identities))
    else:
        where = Where(session_ids=_ids("sessions", body.sessions or []))
    how = How(body.action)
    done = await call.door.store.write(lambda tx: end(tx, call.act, where, how, "admin"))
    return Answer(200, encode(Processed(done.count, more=False)))


def _ids(field: str, texts: list[str]) -> tuple[bytes, ...]:
    if len(texts) > _MOST_NAMED:
        raise Invalid(f"Could not parse '{field}' field: at most {_MOST_NAMED} ids are allowed")
    try:
        return tuple(map(path_id, texts))
    except Malformed as problem:
        raise Invalid(f"Could not parse '{field}' field: {problem.message}") from None


async def disable_session(call: Call[Parts]) -> Answer:
    session_id = path_id(call.path("id"))
    where = Where(session_id=session_id)
    revocation = await call.door.store.write(lambda tx: end(tx, call.act, where, How.DISABLE, "admin"))
    if not revocation.known:
        raise SessionNotFound
    return Answer(204)


async def delete_identity_sessions(call: Call[Parts]) -> Answer:
    where = Where(identity_id=path_id(call.path("id")))
    revocation = await call.door.store.write(lambda tx: end(tx, call.act, where, How.DELETE, "admin"))
    if not revocation.known:
        raise IdentityNotFound
    return Answer(204)


async def extend_session(call: Call[Parts]) -> Answer:
    session_id = path_id(call.path("id"))
    standing = await call.door.store.write(lambda tx: extend(tx, call.act, session_id, call.door.lifetime))
    if call.door.faster_extend:
        return Answer(204)
    return Answer(200, encode(_shown(call, standing, (True, True))))


def _shown(call: Call[Parts], standing: Standing, expand: tuple[bool, bool], *, admin: bool = True) -> Session:
    active = in_force(standing, call.door.lifetime, call.act.now)
    return call.door.render.session(standing, active=active, admin=admin, identity=expand[0], devices=expand[1])


def _position(standing: Standing) -> Position:
    return Position(standing.session.created_at, standing.session.id)


def _active(call: Call[Parts]) -> bool | None:
    text = call.query("active")
    if text is None or text == "":
        return None
    if text not in TRUE | _FALSE:
        raise Malformed("could not parse parameter active")
    return text in TRUE


def _expand(call: Call[Parts]) -> tuple[bool, bool]:
    """Whether identity and devices are shown. Clients that cannot ask need the identity: without a word it is there."""
    asked = [text for text in call.queries("expand") if text]
    for text in asked:
        if text.lower() not in {"identity", "devices"}:
            raise Invalid(f"Could not parse expand option: {text}")
    wanted = {text.lower() for text in asked}
    return not asked or "identity" in wanted, "devices" in wanted
