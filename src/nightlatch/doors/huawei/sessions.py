"""The operations on the login sessions of a user, who is in the identity store of the key."""

import json

import msgspec

from nightlatch.core.flows.store import Tx
from nightlatch.core.organizations.model import Alias, AliasKind
from nightlatch.core.organizations.rules import check_addressed
from nightlatch.core.sessions.model import Filter, How, Standing, Where
from nightlatch.core.sessions.rules import end
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.huawei import shapes
from nightlatch.kernel.ids import parse_id
from nightlatch.problems import FieldInvalid, IdentityNotFound, Invalid

MOST = 1000
"""Sessions that one request ends, or that a list shows: it has no pages."""


async def batch_delete_sessions(call: Call[Shared]) -> Answer:
    session_ids = await _session_ids(call)

    async def unit(tx: Tx) -> None:
        identity_id = await _user(tx, call)
        await end(tx, call.act, Where(identity_id=identity_id, session_ids=session_ids), How.DELETE, "admin")

    await call.door.store.write(unit)
    return Answer(200, msgspec.json.encode(shapes.BatchDeleteSessionsResponse()))


async def list_sessions(call: Call[Shared]) -> Answer:
    act = call.act

    async def unit(tx: Tx) -> list[Standing]:
        mine = Filter(await _user(tx, call), active=True, idle=call.door.lifetime.idle)
        return list(await tx.sessions.list(act.organization, mine, act.now, None, 0, MOST))

    rows = await call.door.store.scan(unit)
    return Answer(200, msgspec.json.encode(shapes.ListSessionsResponse([shapes.session(row) for row in rows])))


async def _user(tx: Tx, call: Call[Shared]) -> bytes:
    """The identity that the path names. OrganizationNotFound for another's store, IdentityNotFound."""
    store = call.path("identity_store_id")
    if parse_id(store) != call.act.organization:
        await check_addressed(tx, call.act, Alias(AliasKind.IDENTITY_STORE, store))
    identity_id = parse_id(call.path("user_id"))
    if identity_id is None or await tx.sessions.epochs(call.act.organization, identity_id) is None:
        raise IdentityNotFound("There is no such user in the identity store.")
    return identity_id


async def _session_ids(call: Call[Shared]) -> tuple[bytes, ...]:
    try:
        given = msgspec.json.decode(await call.body(), type=shapes.BatchDeleteSessionsReqBody).session_ids
    except msgspec.DecodeError as error:
        raise Invalid(f"{error}.") from None
    if not 0 < len(given) <= MOST:
        raise FieldInvalid("session_ids", f"session_ids must hold 1 to {MOST} ids.")
    return tuple({_session_id(text): None for text in given})


def _session_id(text: str) -> bytes:
    session_id = parse_id(text)
    if session_id is None:
        raise FieldInvalid("session_ids", f"session_ids holds {json.dumps(text[:64])}, which is no id of a session.")
    return session_id
