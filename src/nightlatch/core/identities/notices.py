"""What the person behind an identity is told of it."""

from nightlatch.core.courier.model import Message, Template
from nightlatch.core.courier.rules import send
from nightlatch.core.courier.store import Tx
from nightlatch.core.events.model import Act
from nightlatch.core.identities.model import Identity, Kind
from nightlatch.core.identities.store import Tx as IdentitiesTx
from nightlatch.kernel.secrets import Keys


async def tell(tx: Tx, act: Act, keys: Keys, identity: Identity, template: Template, **data: str) -> None:
    """Writes to every address that is known to be the person's own. Of what was changed, `identity` is the one before:
    whoever takes an account over would put an address of their own first."""
    for address in identity.of_kind(Kind.VERIFIABLE):
        if address.verified:
            await send(tx, act, keys, template, address.via, address.value, identity.id, **data)


async def reader(tx: IdentitiesTx, message: Message) -> str | None:
    """The traits, in JSON, of whom a message is written to; None of who has no account."""
    if message.identity_id is None:
        return None
    identity = await tx.identities.get(message.organization, message.identity_id)
    return identity.traits if identity else None
