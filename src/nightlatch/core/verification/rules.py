"""An address proved to be a person's: by a secret that was sent there. Whoever has the secret may prove it, wherever
they are and signed in or not."""

import msgspec

from nightlatch.core.credentials.addresses import mark
from nightlatch.core.credentials.person import Person, find
from nightlatch.core.events.model import Act, event
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.asking import SENT, prove
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts, Flow
from nightlatch.core.flows.post import post
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Address
from nightlatch.core.identities.model import Kind as Use
from nightlatch.core.means import Means

PASSED = "passed_challenge"  # the state of a flow whose address is verified


class Verifying(msgspec.Struct, frozen=True):
    """How addresses are verified that nobody asked for: by `code` or `link`, in a flow of that lifespan."""

    method: str
    lifespan: int


class After(msgspec.Struct, frozen=True):
    """What a verification follows: a flow, in a browser (as a flow remembers it), and the place that it leads to."""

    flow: Flow
    browser: bytes | None = None
    return_to: str | None = None


async def confirm(
    means: Means, act: Act, flow_id: bytes, secret: str, ip: str | None, tries: int, *, purpose: str = "code"
) -> Flow:
    """The flow: PASSED, its address verified, or with why not: a wrong, used or over secret, or too many tries, look
    alike. FlowNotFound, FlowExpired, Throttled."""
    code = await prove(means, act, Kind.VERIFICATION, flow_id, secret, purpose, ip, tries)

    async def conclude(tx: Tx) -> Flow:
        flow = await flows.find(tx, act, Kind.VERIFICATION, flow_id)
        person = await find(tx, act.organization, code.identity_id, lock=True) if code and code.identity_id else None
        if code is None or person is None or not _has(person, code.address or ""):
            await tx.events.add([event(act, "verification.refused", identity_id=flow.identity_id)])
            problem = {"code": f"verification_{purpose}_wrong"}
            return await flows.move(tx, flow, facts=msgspec.structs.replace(flow.facts, problems=(problem,)))
        via, _, value = (code.address or "").partition(":")
        await tx.flows.use_code(code.id, act.now)
        await mark(tx, act, person, (via, value), verified=True)
        await tx.events.add([event(act, "identity.verified", identity_id=person.identity.id)])
        facts = msgspec.structs.replace(flow.facts, problems=())
        return await flows.move(tx, flow, state=PASSED, used_at=act.now, facts=facts)

    return await means.store.write(conclude)


async def begin(tx: Tx, act: Act, means: Means, how: Verifying, person: Person, address: Address, after: After) -> Flow:
    """A flow that waits for the secret that `address` is sent, written with the act that it follows."""
    flow = await flows.open_flow(
        tx,
        act,
        Kind.VERIFICATION,
        how.lifespan,
        after.flow.request_url,
        type_=after.flow.type,
        state=SENT,
        method=how.method,
        return_to=after.return_to,
        facts=Facts(identifier=address.value, browser=after.browser),
    )
    to = (address.via, address.value)
    await post(tx, act, means.post, flow, how.method, to, person.identity.id)
    await mark(tx, act, person, to, verified=False)
    return flow


def unverified(person: Person, before: Person | None = None) -> list[Address]:
    """The addresses that are to be verified; of a person changed, those that are new."""
    known = {(a.via, a.value) for a in before.identity.of_kind(Use.VERIFIABLE)} if before else set()
    mine = person.identity.of_kind(Use.VERIFIABLE)
    return [each for each in mine if not each.verified and (each.via, each.value) not in known]


def _has(person: Person, address: str) -> bool:
    return address in {f"{each.via}:{each.value}" for each in person.identity.of_kind(Use.VERIFIABLE)}
