"""Secrets of flows, sent to people's addresses."""

from typing import Any

import msgspec

from nightlatch.core.courier.model import Template
from nightlatch.core.courier.rules import send
from nightlatch.core.events.model import Act
from nightlatch.core.flows.codes import may_send, new_code
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
    ip: str | None,
    *,
    tell_unknown: bool = False,
    traits: Any = None,
) -> bool:
    """Sends a new secret of `flow`, by which the one before is void; it was asked for from `ip`, None for what follows
    another act. For an address that nobody has there is one too, but only who registers, with `traits`, is told it:
    known and unknown behave alike. False when the address was sent too many."""
    via, value = to
    if not await may_send(tx, act, means.throttling, f"{via}:{value}", ip):
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
    if traits is not None:
        given["traits"] = msgspec.json.encode(traits).decode()
    await send(tx, act, means.vault.keys, Template(f"{flow.act}_{method}"), via, value, identity_id, **given)
    return True
