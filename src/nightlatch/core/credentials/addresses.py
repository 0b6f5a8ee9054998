"""What is known of a person's addresses: that a message went there, that it is theirs."""

import msgspec

from nightlatch.core.credentials.person import Person, change
from nightlatch.core.credentials.store import Tx
from nightlatch.core.events.model import Act
from nightlatch.core.identities.model import Address, Kind


async def mark(tx: Tx, act: Act, person: Person, to: tuple[str, str], *, verified: bool) -> Person:
    """The person, whose verifiable address `to` is `verified` now or was sent a message. What is verified stays so, and
    an address that the person does not have changes nothing."""
    identity = person.identity
    addresses = tuple(
        _marked(act, each, verified=verified) if (each.via, each.value) == to else each for each in identity.addresses
    )
    if addresses == identity.addresses:
        return person
    changed = msgspec.structs.replace(identity, addresses=addresses, version=identity.version + 1, updated_at=act.now)
    after = msgspec.structs.replace(person, identity=changed)
    await change(tx, act, person, after)
    return after


def _marked(act: Act, address: Address, *, verified: bool) -> Address:
    if address.kind is not Kind.VERIFIABLE or address.verified:
        return address
    if verified:
        return msgspec.structs.replace(
            address, status="completed", verified=True, verified_at=act.now, updated_at=act.now
        )
    return address if address.status == "sent" else msgspec.structs.replace(address, status="sent", updated_at=act.now)
