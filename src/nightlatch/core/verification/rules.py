"""An address proved to be a person's: by a secret that was sent there. Whoever has the secret may prove it, wherever
they are and signed in or not."""

import msgspec

from nightlatch.core.credentials.addresses import mark
from nightlatch.core.credentials.person import Person, find
from nightlatch.core.events.model import Act, event
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.asking import prove
from nightlatch.core.flows.model import SENT, Facts, Flow
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.post import EXHAUSTED, post
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Address
from nightlatch.core.identities.model import Kind as Use
from nightlatch.core.means import Means

UNVERIFIED = "address_unverified"  # why somebody without any address does not sign in
PASSED = "passed_challenge"  # the state of a flow whose address is verified


class After(msgspec.Struct, frozen=True):
    """Where a verification goes on that follows another act: in a browser (as a flow remembers it), and to a place."""

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
        # Once more: a new password or a newer secret may have made this one void since it was tried.
        if (
            code is None
            or person is None
            or not _has(person, code.address or "")
            or not await tx.flows.use_code(code.id, act.now)
        ):
            await tx.events.add([event(act, "verification.refused", identity_id=flow.identity_id)])
            problem = {"code": f"verification_{purpose}_wrong"}
            return await flows.move(tx, flow, facts=msgspec.structs.replace(flow.facts, problems=(problem,)))
        via, _, value = (code.address or "").partition(":")
        await mark(tx, act, person, (via, value), verified=True)
        await tx.events.add([event(act, "identity.verified", identity_id=person.identity.id)])
        facts = msgspec.structs.replace(flow.facts, problems=())
        return await flows.move(tx, flow, state=PASSED, used_at=act.now, facts=facts)

    return await means.store.write(conclude)


async def follow(
    tx: Tx, act: Act, means: Means, person: Person, parent: Flow, after: After, before: Person | None = None
) -> tuple[Person, tuple[Flow, ...]]:
    """The person, and a flow for each address of theirs that was sent a secret, all written with the act of `parent`:
    of somebody new, the first that is not verified; of somebody changed, those that are new."""
    wanted = unverified(person, before) if means.post.verifying else []
    begun = []
    for address in wanted if before else wanted[:1]:
        person, flow = await _begin(tx, act, means, person, address, parent, after)
        begun.append(flow)
    return person, tuple(begun)


async def require(tx: Tx, act: Act, means: Means, person: Person, parent: Flow, by: str) -> Flow | None:
    """None when the person may sign in by that method; else a flow that waits for the secret of one of their addresses,
    which was sent there. Who has no address at all may not: there is nothing that could be proved."""
    verifying, mine = means.post.verifying, person.identity.of_kind(Use.VERIFIABLE)
    if verifying is None or by not in verifying.required or any(address.verified for address in mine):
        return None
    addresses = unverified(person)
    if not addresses:
        return await flows.move(
            tx, parent, facts=msgspec.structs.replace(parent.facts, problems=({"code": UNVERIFIED},))
        )
    after = After(parent.facts.browser, parent.return_to)
    return (await _begin(tx, act, means, person, addresses[0], parent, after))[1]


async def offer(
    tx: Tx, act: Act, means: Means, person: Person, parent: Flow, by: str, after: After
) -> tuple[Person, tuple[Flow, ...]]:
    """As `follow`, for somebody who signed in by that method."""
    verifying = means.post.verifying
    offered = verifying is not None and by in verifying.offered
    return await follow(tx, act, means, person, parent, after) if offered else (person, ())


def unverified(person: Person, before: Person | None = None) -> list[Address]:
    """The addresses that are to be verified; of a person changed, those that are new."""
    known = {(a.via, a.value) for a in before.identity.of_kind(Use.VERIFIABLE)} if before else set()
    mine = person.identity.of_kind(Use.VERIFIABLE)
    return [each for each in mine if not each.verified and (each.via, each.value) not in known]


async def _begin(
    tx: Tx, act: Act, means: Means, person: Person, address: Address, parent: Flow, after: After
) -> tuple[Person, Flow]:
    how = means.post.verifying
    assert how is not None
    flow = await flows.open_flow(
        tx,
        act,
        Kind.VERIFICATION,
        how.lifespan,
        parent.request_url,
        type_=parent.type,
        state=SENT,
        method=how.method,
        return_to=after.return_to,
        facts=Facts(identifier=address.value, browser=after.browser),
    )
    to = (address.via, address.value)
    if not await post(tx, act, means, flow, how.method, to, person.identity.id, None):
        facts = msgspec.structs.replace(flow.facts, problems=({"code": EXHAUSTED},))
        return person, await flows.move(tx, flow, facts=facts)
    return await mark(tx, act, person, to, verified=False), flow


def _has(person: Person, address: str) -> bool:
    return address in {f"{each.via}:{each.value}" for each in person.identity.of_kind(Use.VERIFIABLE)}
