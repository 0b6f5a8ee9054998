"""Recovery codes and links. Each is on a flow of its own, hashed at rest, good once, for a time, and for five tries.

A code is too short to be kept under a plain hash: it is keyed, with the flow's id as salt.
"""

import msgspec

from nightlatch.core.events.model import Act, event
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Code, Facts, Flow
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Identity, State
from nightlatch.core.sessions.model import Device, How, Method, Session, Where
from nightlatch.core.sessions.rules import Lifetime, end, issue
from nightlatch.kernel.clock import DAY
from nightlatch.kernel.secrets import Keys, digest, new_digits, new_token, same
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
    flow_type: str,
    request_url: str,
    return_to: str | None = None,
) -> Made:
    """A recovery code for the identity; its earlier ones are void. IdentityNotFound; FieldInvalid beyond 30 days."""
    code = new_digits(act.entropy)
    return await _make(tx, act, identity_id, lifespan, flow_type, request_url, return_to, "code", code, keys)


async def make_link(
    tx: Tx, act: Act, keys: Keys, identity_id: bytes, lifespan: int, request_url: str, return_to: str | None = None
) -> Made:
    """The same with a token for a link, in a browser flow."""
    token = new_token("", act.entropy)
    return await _make(tx, act, identity_id, lifespan, "browser", request_url, return_to, "link", token, keys)


async def redeem(
    tx: Tx, act: Act, keys: Keys, flow_id: bytes, code: str, device: Device, lifetime: Lifetime, redeeming: Redeeming
) -> Recovered | Flow:
    """A session and a settings flow for the right code, or the flow with why not: a wrong, used or over code, or too
    many tries, look alike. The try is counted whatever comes of it. FlowNotFound, FlowExpired."""
    flow = await flows.find(tx, act, Kind.RECOVERY, flow_id)
    flows.check_open(flow, act.now)
    stored = await tx.flows.try_code(flow_id, redeeming.tries, act.now)
    if stored is None or stored.purpose != "code" or not _right(keys, flow_id, code, stored.secret_hash):
        return await _refuse(tx, act, flow, "code_wrong")
    identity = await tx.identities.lock(act.organization, stored.identity_id)
    epochs = await tx.sessions.epochs(act.organization, stored.identity_id)
    if (
        identity is None
        or epochs is None
        or identity.state is not State.ACTIVE
        or not await tx.flows.use_code(stored.id, act.now)
    ):
        return await _refuse(tx, act, flow, "identity_disabled")
    if redeeming.end_others:
        await end(tx, act, Where(identity_id=identity.id), How.DISABLE, "recovery")
        epochs = await tx.sessions.epochs(act.organization, identity.id) or epochs
    passed = await flows.move(
        tx, flow, state="passed_challenge", identity_id=identity.id, used_at=act.now, facts=Facts()
    )
    session, token = await issue(tx, act, identity, (Method("code_recovery", 1, act.now),), device, lifetime, epochs)
    settings = await flows.open_flow(
        tx,
        act,
        Kind.SETTINGS,
        redeeming.settings_lifespan,
        flow.request_url,
        state="show_form",
        identity_id=identity.id,
        return_to=flow.return_to,
    )
    await tx.events.add([event(act, "identity.recovered", identity_id=identity.id, session_id=session.id)])
    return Recovered(passed, session, identity, token, settings)


async def _make(
    tx: Tx,
    act: Act,
    identity_id: bytes,
    lifespan: int,
    flow_type: str,
    request_url: str,
    return_to: str | None,
    purpose: str,
    secret: str,
    keys: Keys,
) -> Made:
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
    secret_hash = _keyed(keys, flow.id, secret) if purpose == "code" else digest(secret)
    await tx.flows.add_code(
        Code(act.new_id(), act.organization, identity_id, flow.id, purpose, secret_hash, flow.expires_at), act.now
    )
    await tx.events.add([event(act, f"recovery_{purpose}.created", identity_id=identity_id)])
    return Made(flow, secret, flow.expires_at)


async def _refuse(tx: Tx, act: Act, flow: Flow, code: str) -> Flow:
    await tx.events.add([event(act, "recovery.refused", identity_id=flow.identity_id, reason=code)])
    return await flows.move(tx, flow, facts=Facts(problems=({"code": code},)))


def _keyed(keys: Keys, flow_id: bytes, code: str) -> bytes:
    return keys.macs(flow_id + code.encode())[0]


def _right(keys: Keys, flow_id: bytes, code: str, stored: bytes) -> bool:
    # Every key is compared: which of them fits must not show in the time.
    return any([same(mac, stored) for mac in keys.macs(flow_id + code.encode())])  # noqa: C419
