"""The operations on identities."""

from nightlatch.core.administration.identities import unlock
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.problems import IdentityNotFound


async def unlock_identity(call: Call[Shared]) -> Answer:
    identity_id = call.path_id("id", IdentityNotFound)
    await call.door.store.write(lambda tx: unlock(tx, call.act, identity_id))
    return Answer(204)
