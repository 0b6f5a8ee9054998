"""One-time secrets of flows: codes to type in, and tokens of links. Each is good once, for a time, and for a few tries.
A try is counted, on its network, its account and itself, before it is looked at.

A code is too short to be kept under a plain hash: it is keyed, with the flow's id as salt.
"""

import msgspec

from nightlatch.core.attempts.model import Limit, Throttling
from nightlatch.core.attempts.rules import CODE, MESSAGE, check_network, forgive, network_of, reserve
from nightlatch.core.events.model import Act
from nightlatch.core.flows.model import Code, Flow
from nightlatch.core.flows.store import Tx
from nightlatch.kernel.secrets import Keys, digest, new_digits, new_token, same


async def new_code(
    tx: Tx,
    act: Act,
    keys: Keys,
    flow: Flow,
    purpose: str,
    expires_at: int,
    identity_id: bytes | None,
    address: str | None = None,
) -> str:
    """A secret for `flow`, whose earlier one is void: six digits, or with the purpose link a token."""
    is_code = purpose == "code"
    secret = new_digits(act.entropy) if is_code else new_token("", act.entropy)
    hashed = keys.macs(flow.id + secret.encode())[0] if is_code else digest(secret)
    await tx.flows.put_code(
        Code(act.new_id(), flow.organization, identity_id, flow.id, purpose, hashed, expires_at, address=address)
    )
    return secret


async def may_send(tx: Tx, act: Act, throttling: Throttling, address: str, ip: str | None) -> bool:
    """Counts a message to `address`, and whose network it was that asked for it; False, and not counted there, when
    that was too much."""
    for subject, limit in _subjects(act, throttling, address, ip):
        if await reserve(tx, act, MESSAGE, subject, limit):
            return False
    return True


async def arrived(tx: Tx, act: Act, throttling: Throttling, address: str, ip: str | None) -> None:
    """A code that was sent there came back: who reads it wants it."""
    for subject, _ in _subjects(act, throttling, address, ip):
        await forgive(tx, subject, MESSAGE)


def _subjects(act: Act, throttling: Throttling, address: str, ip: str | None) -> list[tuple[bytes, Limit]]:
    """What messages to `address` are counted by. Anybody can have them sent: of all that it may be sent, one network
    has a share, or it could keep the owner waiting for a code for ever."""
    whole = throttling.of_nobody(act.organization, address), throttling.messages
    if ip is None:
        return [whole]
    share = msgspec.structs.replace(throttling.messages, most=max(1, throttling.messages.most * 2 // 3))
    return [(throttling.of_nobody(act.organization, f"{address} {network_of(ip).hex()}"), share), whole]


async def try_code(tx: Tx, act: Act, throttling: Throttling, flow: Flow, ip: str | None, most: int) -> Code | None:
    """The flow's secret, with the try counted; None when it may not be tried: it is used or over, or had `most` tries,
    or, of a code, its account had too many. Throttled. To be committed before `is_right` is asked."""
    await check_network(tx, act, flow.act, ip, throttling.proofs)
    code = await tx.flows.try_code(flow.id, most, act.now)
    # Nobody guesses the token of a link: counted on the account, tries would only keep its owner out.
    if code is None or code.purpose == "link":
        return code
    subject = code.identity_id or throttling.of_nobody(flow.organization, code.address or "")
    return None if await reserve(tx, act, CODE, subject, throttling.codes) else code


def is_right(keys: Keys, code: Code, secret: str) -> bool:
    """Whether that is the secret."""
    if code.purpose != "code":
        return same(digest(secret), code.secret_hash)
    # Every key is compared: which of them fits must not show in the time.
    return any([same(mac, code.secret_hash) for mac in keys.macs(code.flow_id + secret.encode())])  # noqa: C419
