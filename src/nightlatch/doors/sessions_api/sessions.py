"""The operations of this dialect."""

from nightlatch.core.flows.store import Tx
from nightlatch.core.sessions.model import Filter, How, Standing, Where
from nightlatch.core.sessions.policies import MOST
from nightlatch.core.sessions.rules import end, in_force
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.sessions_api import parameters
from nightlatch.doors.sessions_api.shapes import SessionResponse, encode, session
from nightlatch.problems import SessionNotFound

_MOST = 1000


async def get_session(call: Call[Shared]) -> Answer:
    session_id, user_id = parameters.path_id(call.request, "session_id"), parameters.user(call.request)
    standing = await call.door.store.read(lambda tx: tx.sessions.get(call.act.organization, session_id))
    if standing is None or user_id not in {None, standing.session.identity_id}:
        raise SessionNotFound
    return _shown(encode(_rendered(call, standing)))


async def get_user_sessions(call: Call[Shared]) -> Answer:
    """Those in force, all of them, and then the newest of those that are over, up to 1,000: there are no pages."""
    identity_id, user_id = parameters.path_id(call.request, "user_id"), parameters.user(call.request)
    act, lifetime = call.act, call.door.lifetime
    if user_id not in {None, identity_id}:
        raise SessionNotFound

    async def ask(tx: Tx) -> list[Standing]:
        found: list[Standing] = []
        for active in (True, False):
            where = Filter(identity_id, active, None, lifetime.idle)
            room = MOST if active else max(_MOST - len(found), 0)
            found += await tx.sessions.list(act.organization, where, act.now, None, 0, room)
        return found

    return _shown(encode([_rendered(call, standing) for standing in await call.door.store.scan(ask)]))


async def delete_session(call: Call[Shared]) -> Answer:
    session_id, user_id = parameters.path_id(call.request, "session_id"), parameters.user(call.request)
    where = Where(session_id=session_id, identity_id=user_id)
    revocation = await call.door.store.write(lambda tx: end(tx, call.act, where, How.DELETE, "admin"))
    if not revocation.known:
        raise SessionNotFound
    return Answer(204)


def _rendered(call: Call[Shared], standing: Standing) -> SessionResponse:
    return session(standing, active=in_force(standing, call.door.lifetime, call.act.now))


def _shown(body: bytes) -> Answer:
    return Answer(200, body, media_type="application/json")
