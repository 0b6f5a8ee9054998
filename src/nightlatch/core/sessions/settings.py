"""How the sessions of one identity live, where that is not as configured.

A lifespan governs those that are there at once, and those to come. A door bounds what may be asked for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from nightlatch.core.events.model import Act, event
from nightlatch.core.sessions.model import Settings
from nightlatch.core.sessions.store import Tx
from nightlatch.kernel.ids import id_text


async def settings_of(tx: Tx, organization: bytes, identity_ids: Sequence[bytes]) -> Mapping[bytes, Settings]:
    """The settings of those that have any."""
    return await tx.session_settings.of(organization, identity_ids)


async def put_settings(tx: Tx, act: Act, identity_ids: Sequence[bytes], settings: Settings) -> Sequence[bytes]:
    """Settings for all of these, in place of what they had: those of them that exist. Their sessions end no later than
    a lifespan after they were issued; none is prolonged."""
    # Held, so that nobody signs in under what was: the session would be written after these are shortened.
    there = await tx.endings.hold(act.organization, identity_ids)
    await tx.session_settings.put(there, settings)
    await _tell(tx, act, "session_settings.changed", there, settings)
    return there


async def clear_settings(tx: Tx, act: Act, identity_ids: Sequence[bytes]) -> Sequence[bytes]:
    """Back to what is configured: those of them that exist. Sessions that are there keep their end."""
    there = await tx.endings.hold(act.organization, identity_ids)
    await tx.session_settings.put(there, None)
    await _tell(tx, act, "session_settings.cleared", there)
    return there


async def _tell(tx: Tx, act: Act, name: str, there: Sequence[bytes], settings: Settings | None = None) -> None:
    said: dict[str, Any] = {} if settings is None else msgspec.structs.asdict(settings)
    if len(there) > 1:
        said["identities"] = [id_text(each) for each in there]
    one = there[0] if len(there) == 1 else None
    if there:
        await tx.events.add([event(act, name, identity_id=one, amount=len(there), data=said or None)])
