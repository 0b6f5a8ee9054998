"""Secrets of flows, sent to people's addresses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nightlatch.core.courier.model import Template
from nightlatch.core.courier.rules import send
from nightlatch.core.events.model import Act
from nightlatch.core.flows.codes import new_code
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.flows.store import Tx
from nightlatch.kernel.clock import MINUTE
from nightlatch.kernel.ids import id_text
from nightlatch.kernel.secrets import Keys


@dataclass(frozen=True, slots=True)
class Post:
    """What codes are kept under and messages sealed with; how long, in microseconds, a `code` and a `link` are good;
    where a link leads: to a place (an act, or `device`), with a query."""

    codes: Keys
    messages: Keys
    lifespans: Mapping[str, int]
    url: Callable[[str, Mapping[str, str]], str]


async def post(
    tx: Tx,
    act: Act,
    by: Post,
    flow: Flow,
    method: str,
    to: tuple[str, str],
    identity_id: bytes | None,
    *,
    tell_unknown: bool = False,
) -> None:
    """Sends a new secret of `flow`, by which the one before is void. For an address that nobody has there is one too,
    but nobody is told it: known and unknown behave alike."""
    via, value = to
    expires_at = min(act.now + by.lifespans[method], flow.expires_at)
    secret = await new_code(tx, act, by.codes, flow, method, expires_at, identity_id, f"{via}:{value}")
    if identity_id is None:
        if tell_unknown:
            await send(tx, act, by.messages, Template(f"{flow.act}_unknown"), via, value)
        return
    given = {"minutes": str((expires_at - act.now) // MINUTE)} | ({"code": secret} if method == "code" else {})
    # A code that recovers is of use only in the browser that asked for it.
    if method == "link" or flow.act is Kind.VERIFICATION:
        key = "token" if method == "link" else "code"
        given["link"] = by.url(flow.act, {"flow": id_text(flow.id), key: secret})
    await send(tx, act, by.messages, Template(f"{flow.act}_{method}"), via, value, identity_id, **given)
