"""Anybody can sign up with the address of somebody else, and wait. Whoever proves it is whose account it is, and what
was set up before by who never did is gone. An address that an administrator gave is no such claim."""

import msgspec

from nightlatch.core.courier.model import Template
from nightlatch.core.credentials.model import Credential
from nightlatch.core.credentials.person import Person, change, with_config
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Identity, Kind
from nightlatch.core.identities.notices import tell
from nightlatch.core.means import Means
from nightlatch.core.sessions.model import How, Where
from nightlatch.core.sessions.rules import end


async def claim(tx: Tx, act: Act, means: Means, before: Identity, person: Person, session_id: bytes) -> Person:
    """The person, who was `before` that session was issued. If it was the first time that an address was proved, and
    they had put it there themselves, other sessions end, flows and codes are void, and the password is gone, of which
    they are told."""
    proved = [address for address in person.identity.of_kind(Kind.VERIFIABLE) if address.verified]
    if _is_proved(before) or all(address.by_administrator for address in proved):
        return person
    old = person.credentials.get("password")
    if old and old.first_factors:
        person = await _without_password(tx, act, means, person, old)
    await end(tx, act, Where(identity_id=person.identity.id, but=session_id), How.DISABLE, "credential_changed")
    await tx.flows.close(person.identity.id, act.now)
    return person


async def _without_password(tx: Tx, act: Act, means: Means, person: Person, old: Credential) -> Person:
    identity = msgspec.structs.replace(person.identity, version=person.identity.version + 1)
    # Without a hash, and still there: nobody else may take the name.
    none = with_config(act, means.vault, old, identity.id, "password", {}, old.identifiers)
    after = Person(identity, person.credentials | {"password": none})
    await change(tx, act, person, after)
    await tell(tx, act, means.vault.keys, identity, Template.CREDENTIAL_CHANGED)
    return after


def _is_proved(identity: Identity) -> bool:
    return any(address.verified for address in identity.of_kind(Kind.VERIFIABLE))
