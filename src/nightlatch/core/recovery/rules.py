"""Recovery by a one-time secret: a session, and the flow in which a new password is set."""

import msgspec

from nightlatch.core.attempts.rules import forgive
from nightlatch.core.courier.model import Template
from nightlatch.core.credentials.addresses import mark
from nightlatch.core.credentials.person import Person, find
from nightlatch.core.events.model import Act, event
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.asking import prove
from nightlatch.core.flows.codes import new_code
from nightlatch.core.flows.model import RECOVERED, Code, Facts, Flow
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Identity, State
from nightlatch.core.identities.model import Kind as Use
from nightlatch.core.identities.notices import tell
from nightlatch.core.means import Means
from nightlatch.core.sessions.model import Device, How, Method, Session, Standing, Where
from nightlatch.core.sessions.rules import end, issue, replace
from nightlatch.core.verification.claiming import claim
from nightlatch.kernel.clock import DAY
from nightlatch.kernel.secrets import Keys
from nightlatch.problems import FieldInvalid, IdentityNotFound

LONGEST = 30 * DAY


class Made(msgspec.Struct, frozen=True):
    """`secret` is the code or the link's token; it is shown once."""

    flow: Flow
    secret: str
    expires_at: int


class Recovered(msgspec.Struct, frozen=True):
    """`settings` is the flow in which a new password can be set."""

    flow: Flow
    session: Session
    identity: Identity
    token: str
    settings: Flow


class Redeeming(msgspec.Struct, frozen=True):
    """How codes are redeemed: tries of each, how long the settings flow lives, whether other sessions end."""

    tries: int
    settings_lifespan: int
    end_others: bool = True


async def make_code(
    tx: Tx,
    act: Act,
    keys: Keys,
    identity_id: bytes,
    lifespan: int,
    request_url: str,
    *,
    purpose: str = "code",
    flow_type: str = "browser",
    return_to: str | None = None,
) -> Made:
    """A recovery code for the identity (or with the purpose link, a link's token); its earlier ones are void.
    IdentityNotFound; FieldInvalid beyond 30 days."""
    if lifespan > LONGEST:
        raise FieldInvalid("expires_in", "Recovery codes and links live 30 days at most.")
    if await tx.identities.get(act.organization, identity_id) is None:
        raise IdentityNotFound("could not find identity")
    flow = await flows.open_flow(
        tx,
        act,
        Kind.RECOVERY,
        lifespan,
        request_url,
        type_=flow_type,
        state="sent_email",
        method=purpose,
        identity_id=identity_id,
        return_to=return_to,
    )
    await tx.flows.void_codes(identity_id, purpose, act.now)
    secret = await new_code(tx, act, keys, flow, purpose, flow.expires_at, identity_id)
    await tx.events.add([event(act, f"recovery_{purpose}.created", identity_id=identity_id)])
    return Made(flow, secret, flow.expires_at)


class At(msgspec.Struct, frozen=True):
    """The browser that a code is redeemed in: what its settings flow is bound to, and whose session it has now."""

    browser: bytes
    current: Standing | None


async def redeem(
    means: Means,
    act: Act,
    flow_id: bytes,
    secret: str,
    device: Device,
    redeeming: Redeeming,
    at: At | None = None,
    *,
    purpose: str = "code",
) -> Recovered | Flow:
    """A session and a settings flow for the right code (or link's token), or the flow with why not: a wrong, used or
    over code, or too many tries of it or of the account, look alike. FlowNotFound, FlowExpired, Throttled."""
    code = await prove(means, act, Kind.RECOVERY, flow_id, secret, purpose, device.ip, redeeming.tries)
    if code is None:
        return await means.store.write(lambda tx: _refuse(tx, act, flow_id, f"{purpose}_wrong"))
    return await means.store.write(lambda tx: _conclude(tx, act, means, code, device, redeeming, at))


def _recovers(person: Person, address: str | None) -> bool:
    """Whether the person comes in by what was sent there. An administrator's code was sent nowhere."""
    mine = person.identity.of_kind(Use.RECOVERY)
    return address is None or address in {f"{each.via}:{each.value}" for each in mine}


async def _conclude(
    tx: Tx, act: Act, means: Means, code: Code, device: Device, redeeming: Redeeming, at: At | None
) -> Recovered | Flow:
    flow = await flows.find(tx, act, Kind.RECOVERY, code.flow_id)
    person = await find(tx, act.organization, code.identity_id, lock=True) if code.identity_id else None
    if person is not None and person.identity.state is not State.ACTIVE:
        return await _refuse(tx, act, flow.id, "identity_disabled")
    if person is None or not _recovers(person, code.address) or not await tx.flows.use_code(code.id, act.now):
        return await _refuse(tx, act, flow.id, f"{code.purpose}_wrong")
    before = person.identity
    if code.address:
        via, _, value = code.address.partition(":")
        person = await mark(tx, act, person, (via, value), verified=True)
    identity = person.identity
    if redeeming.end_others:
        await end(tx, act, Where(identity_id=identity.id), How.DISABLE, "recovery")
    if at is not None and at.current is not None and at.current.identity.id != identity.id:
        await replace(tx, act, at.current)
    await tx.flows.close(identity.id, act.now, but=flow.id)
    epochs = await tx.sessions.epochs(act.organization, identity.id)
    assert epochs is not None
    await forgive(tx, identity.id)
    passed = await flows.move(
        tx,
        flow,
        state="passed_challenge",
        identity_id=identity.id,
        used_at=act.now,
        facts=msgspec.structs.replace(flow.facts, problems=()),
    )
    how = (Method(f"{code.purpose}_recovery", 1, act.now),)
    session, token = await issue(tx, act, identity, how, device, means.lifetime, epochs)
    identity = (await claim(tx, act, means, before, person, session.id)).identity
    settings = await flows.open_flow(
        tx,
        act,
        Kind.SETTINGS,
        redeeming.settings_lifespan,
        flow.request_url,
        type_="browser" if at else "api",
        state="show_form",
        identity_id=identity.id,
        return_to=flow.return_to,
        facts=Facts(step=RECOVERED, browser=at.browser if at else None),
    )
    await tell(tx, act, means.vault.keys, before, Template.RECOVERED, ip=device.ip or "")
    await tx.events.add([event(act, "identity.recovered", identity_id=identity.id, session_id=session.id)])
    return Recovered(passed, session, identity, token, settings)


async def _refuse(tx: Tx, act: Act, flow_id: bytes, code: str) -> Flow:
    flow = await flows.find(tx, act, Kind.RECOVERY, flow_id)
    await tx.events.add([event(act, "recovery.refused", identity_id=flow.identity_id, reason=code)])
    return await flows.move(tx, flow, facts=msgspec.structs.replace(flow.facts, problems=({"code": code},)))
