"""Signing out of the session of a token, and ending one's own other sessions."""

import msgspec

from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.sessions.model import How, Revocation, Standing, Where
from nightlatch.core.sessions.rules import end
from nightlatch.kernel.secrets import digest
from nightlatch.problems import FieldInvalid, TokenForeign


async def sign_out(tx: Tx, act: Act, token: str) -> None:
    """Ends the session of `token`; a no-op when it has ended. TokenForeign when there is no such session."""
    standing = await tx.sessions.by_token(digest(token))
    if standing is None:
        raise TokenForeign
    theirs = msgspec.structs.replace(act, organization=standing.identity.organization)
    await end(tx, theirs, Where(session_id=standing.session.id), How.DISABLE, "logout")


async def end_mine(tx: Tx, act: Act, mine: Standing, session_id: bytes) -> None:
    """Ends another session of the same identity. A foreign, unknown or ended one is a no-op: nothing is told.
    FieldInvalid for the session that asks."""
    if session_id == mine.session.id:
        raise FieldInvalid("id", "cannot revoke current session")
    standing = await tx.sessions.get(act.organization, session_id)
    if standing is not None and standing.identity.id == mine.identity.id:
        await end(tx, act, Where(session_id=session_id), How.DISABLE, "own")


async def end_others(tx: Tx, act: Act, mine: Standing) -> Revocation:
    """Ends all other sessions of the same identity."""
    return await end(tx, act, Where(identity_id=mine.identity.id, but=mine.session.id), How.DISABLE, "own_others")
