"""A secret asked for at an address, and the proof that it arrived there. Nothing here tells whether anybody has the
address: not the answer, not what is counted, and not the time, which is a floor for all."""

import msgspec

from nightlatch.core.attempts.model import Throttling
from nightlatch.core.attempts.rules import check_network
from nightlatch.core.credentials.addresses import mark
from nightlatch.core.credentials.person import find as find_person
from nightlatch.core.events.model import Act, event
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.codes import is_right, try_code
from nightlatch.core.flows.model import SENT, Code, Flow
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.post import EXHAUSTED, post
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Kind as Use
from nightlatch.core.identities.model import Name
from nightlatch.core.identities.normal import recipient
from nightlatch.core.means import Means
from nightlatch.problems import FlowSpent

_ADDRESSES = {Kind.RECOVERY: Use.RECOVERY, Kind.VERIFICATION: Use.VERIFIABLE}


class Asked(msgspec.Struct, frozen=True):
    """The address as it was typed, `code` or `link`, and from where. With `tell_unknown`, an address that nobody has is
    written to as well."""

    address: str
    method: str
    ip: str | None
    tell_unknown: bool = False


async def ask(means: Means, act: Act, kind: Kind, flow_id: bytes, asked: Asked) -> Flow:
    """The flow: SENT, or with why not. FlowNotFound, FlowExpired, Throttled."""
    floor = means.floor("")
    flow = await means.store.write(lambda tx: _ask(tx, act, means, kind, flow_id, asked))
    await floor.reached()
    return flow


async def prove(
    means: Means, act: Act, kind: Kind, flow_id: bytes, secret: str, purpose: str, ip: str | None, most: int
) -> Code | None:
    """The flow's code if `secret` is it and may be used, else None: a wrong, used or over one, or too many tries of the
    account, look alike. Too many tries of the code end the flow. FlowNotFound, FlowExpired, FlowSpent, Throttled."""
    code, spent = await means.store.write(lambda tx: _try(tx, act, means.throttling, kind, flow_id, ip, most))
    if spent:
        raise FlowSpent
    return code if code and code.purpose == purpose and is_right(means.code_keys, code, secret) else None


async def _ask(tx: Tx, act: Act, means: Means, kind: Kind, flow_id: bytes, asked: Asked) -> Flow:
    flow = await flows.find_open(tx, act, kind, flow_id)
    await check_network(tx, act, kind, asked.ip, means.throttling.proofs)
    to = recipient(asked.address)
    if to is None:
        return await _refuse(tx, flow, asked, "address_invalid")
    holder = await tx.identities.holder(act.organization, Name(f"{_ADDRESSES[kind]}:{to[0]}", to[1]))
    if not await post(tx, act, means, flow, asked.method, to, holder, asked.ip, tell_unknown=asked.tell_unknown):
        return await _refuse(tx, flow, asked, EXHAUSTED)
    if holder and kind is Kind.VERIFICATION and (person := await find_person(tx, act.organization, holder, lock=True)):
        await mark(tx, act, person, to, verified=False)
    await tx.events.add([event(act, f"{kind}.asked", identity_id=holder, reason=None if holder else "unknown")])
    facts = msgspec.structs.replace(flow.facts, identifier=to[1], problems=())
    return await flows.move(tx, flow, state=SENT, method=asked.method, facts=facts)


async def _refuse(tx: Tx, flow: Flow, asked: Asked, code: str) -> Flow:
    problem = {"code": code} | ({"field": "email"} if code == "address_invalid" else {})
    facts = msgspec.structs.replace(flow.facts, identifier=flow.facts.identifier or asked.address, problems=(problem,))
    return await flows.move(tx, flow, facts=facts)


async def _try(
    tx: Tx, act: Act, throttling: Throttling, kind: Kind, flow_id: bytes, ip: str | None, most: int
) -> tuple[Code | None, bool]:
    flow = await flows.find_open(tx, act, kind, flow_id)
    code = await try_code(tx, act, throttling, flow, ip, most)
    spent = code is None and await tx.flows.is_spent(flow.id, most)
    if spent:
        await tx.events.add([event(act, f"{kind}.refused", identity_id=flow.identity_id, reason="spent")])
        await flows.move(tx, flow, used_at=act.now)
    return code, spent
