"""People are told of a sign-in on a device that they had not used, with a link that ends it."""

import re

import msgspec

from nightlatch.core.courier.model import Template
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Identity, Kind
from nightlatch.core.identities.notices import tell
from nightlatch.core.means import Means
from nightlatch.core.sessions.model import Device, Filter, How, Session, Where
from nightlatch.core.sessions.rules import end
from nightlatch.kernel.clock import DAY
from nightlatch.kernel.secrets import Keys
from nightlatch.problems import Invalid

_LOOKED_AT, _GOOD_FOR = 50, 7 * DAY
_NUMBERS = re.compile(r"[\d._]+", re.ASCII)


class _Ending(msgspec.Struct, frozen=True, array_like=True):
    """What a link holds: which session it ends, and until when it is good."""

    organization: bytes
    session_id: bytes
    until: int


async def is_new(tx: Tx, act: Act, identity: Identity, device: Device) -> bool:
    """Whether none of the person's newest sessions was on a device like it. Who has no session yet has no device that
    could be new, and who has no verified address is not told."""
    if not any(address.verified for address in identity.of_kind(Kind.VERIFIABLE)):
        return False
    mine = Filter(identity_id=identity.id)
    before = await tx.sessions.list(act.organization, mine, act.now, None, 0, _LOOKED_AT)
    return bool(before) and all(_likeness(each.session.device) != _likeness(device) for each in before)


async def tell_of(tx: Tx, act: Act, means: Means, identity: Identity, session: Session) -> None:
    """Writes of the session to the person."""
    token = means.post.endings.seal(_Ending(session.organization, session.id, act.now + _GOOD_FOR))
    link = means.post.url("device", {"token": token})
    await tell(tx, act, means.vault.keys, identity, Template.NEW_DEVICE, ip=session.device.ip or "", link=link)


async def end_by_link(tx: Tx, act: Act, keys: Keys, token: str) -> None:
    """Ends the session that the link of a letter is about, if it has not ended. Invalid for a link that is over or none
    of ours."""
    ending = keys.unseal(token, _Ending)
    if ending is None or ending.until <= act.now:
        raise Invalid("The link is over, or it is none of ours.")
    act = msgspec.structs.replace(act, organization=ending.organization)
    await end(tx, act, Where(session_id=ending.session_id), How.DISABLE, "own_link")


def _likeness(device: Device) -> tuple[str, str]:
    """What does not change with an update of the same browser on the same device."""
    return device.kind, _NUMBERS.sub("", device.user_agent or "")
