"""Secrets of flows, sent to people's addresses."""

from nightlatch.core.attempts.rules import MESSAGE, reserve
from nightlatch.core.courier.model import Template
from nightlatch.core.courier.rules import send
from nightlatch.core.events.model import Act
from nightlatch.core.flows.codes import new_code
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.flows.store import Tx
from nightlatch.core.means import Means
from nightlatch.kernel.clock import MINUTE
from nightlatch.kernel.ids import id_text

EXHAUSTED = "messages_exhausted"  # why no more is sent to an address for a while


async def post(
    tx: Tx,
    act: Act,
    means: Means,
    flow: Flow,
    method: str,
    to: tuple[str, str],
    identity_id: bytes | None,
    *,
    tell_unknown: bool = False,
) -> bool:
    """Sends a new secret of `flow`, by which the one before is void. For an address that nobody has there is one too,
    but only who registers is told it: known and unknown behave alike. False when the address was sent too many."""
    via, value = to
    # Anybody can have messages sent to anybody.
    subject = means.throttling.of_nobody(act.organization, f"{via}:{value}")
    if await reserve(tx, act, MESSAGE, subject, means.throttling.messages):
        return False
    expires_at = min(act.now + means.post.lifespans[method], flow.expires_at)
    secret = await new_code(tx, act, means.code_keys, flow, method, expires_at, identity_id, f"{via}:{value}")
    if identity_id is None and flow.act is not Kind.REGISTRATION:
        if tell_unknown:
            await send(tx, act, means.vault.keys, Template(f"{flow.act}_unknown"), via, value)
        return True
    given = {"minutes": str((expires_at - act.now) // MINUTE)} | ({"code": secret} if method == "code" else {})
    # A code that recovers is of use only in the browser that asked for it.
    if method == "link" or flow.act is Kind.VERIFICATION:
        key = "token" if method == "link" else "code"
        given["link"] = means.post.url(flow.act, {"flow": id_text(flow.id), key: secret})
    await send(tx, act, means.vault.keys, Template(f"{flow.act}_{method}"), via, value, identity_id, **given)
    return True
