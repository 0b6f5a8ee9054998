"""Signing in with a password, in three steps so that no transaction is open while a hash is computed.

The attempt is counted before the hash and committed apart, so that no race and no rollback gives a guess for nothing.
What was read before the hash decides: an ending, a new password or a deactivation in between refuses the sign-in.
"""

import msgspec

from nightlatch.core.attempts.model import Throttling
from nightlatch.core.attempts.rules import PASSWORD, check_network, forgive, reserve
from nightlatch.core.credentials.model import Credential
from nightlatch.core.credentials.person import find, with_config
from nightlatch.core.events.model import Act, event
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Identity, Name, State
from nightlatch.core.identities.normal import normal_identifier
from nightlatch.core.login.devices import is_new, tell_of
from nightlatch.core.means import Floor, Means
from nightlatch.core.sessions.model import Device, Method, Session, Standing
from nightlatch.core.sessions.rules import PREFIX, issue, renew, replace
from nightlatch.core.verification.rules import require
from nightlatch.kernel.secrets import new_token
from nightlatch.problems import FlowExpired, SessionsFull


class SignedIn(msgspec.Struct, frozen=True):
    """`token` is shown once; None when an app's session was refreshed."""

    session: Session
    identity: Identity
    token: str | None


class Proof(msgspec.Struct, frozen=True):
    """What a password is checked against, and the state of things when that was read."""

    flow: Flow
    identity: Identity | None = None
    credential: Credential | None = None
    epochs: tuple[int, int, int, int] | None = None


async def sign_in(
    means: Means,
    act: Act,
    flow_id: bytes,
    identifier: str,
    password: str,
    device: Device,
    current: Standing | None = None,
) -> SignedIn | Flow:
    """A session of the person of that identifier and password, or the flow with why not, or one of verification where
    that must come first. With `current`, a session of the same person, that one is refreshed, and in a browser gets a
    new token; there, one of somebody else ends. FlowNotFound, FlowExpired, Throttled, Busy."""
    floor = means.floor(password)
    outcome = await _prove(means, act, flow_id, identifier, password, device, current, floor)
    if isinstance(outcome, Flow):
        await floor.reached()
    return outcome


async def _prove(
    means: Means,
    act: Act,
    flow_id: bytes,
    identifier: str,
    password: str,
    device: Device,
    current: Standing | None,
    floor: Floor,
) -> SignedIn | Flow:
    store, hasher = means.store, means.hasher
    name = Name("password", normal_identifier("password", identifier))
    proof = await store.read(lambda tx: _read(tx, act, flow_id, name))
    hashed = means.vault.open(proof.credential).get("hashed_password") if proof.credential else None
    # Before the attempt is counted: nobody pays with one for finding no room.
    async with hasher.turn() as turn:
        if not await store.write(lambda tx: _reserve(tx, act, means.throttling, proof, name, device)):
            # It waits for its turn as if it would hash, and does not.
            await turn.idle(floor.later)
            return await store.write(lambda tx: _refuse(tx, act, proof.flow, identifier, "locked"))
        # A name that nobody has costs as much as a wrong password: who is known here must not be told.
        if not await turn.verify(password, hashed or None, floor.later):
            return await store.write(lambda tx: _refuse(tx, act, proof.flow, identifier, "credentials_wrong"))
        better = await turn.hash(password) if hasher.weaker(hashed or "") else None
    try:
        return await store.write(lambda tx: _conclude(tx, act, means, proof, identifier, better, device, current))
    except SessionsFull:
        return await store.write(lambda tx: _no_room(tx, act, proof, identifier))


async def _reserve(tx: Tx, act: Act, throttling: Throttling, proof: Proof, name: Name, device: Device) -> bool:
    await check_network(tx, act, "sign_in", device.ip, throttling.proofs)
    who = proof.identity.id if proof.identity else throttling.of_nobody(act.organization, name.value)
    return await reserve(tx, act, PASSWORD, who, throttling.passwords) == 0


async def _read(tx: Tx, act: Act, flow_id: bytes, name: Name) -> Proof:
    flow = await flows.find(tx, act, Kind.LOGIN, flow_id)
    flows.check_open(flow, act.now)
    identity_id = await tx.identities.holder(act.organization, name)
    person = await find(tx, act.organization, identity_id) if identity_id else None
    if identity_id is None or person is None:
        return Proof(flow)
    return Proof(
        flow,
        person.identity,
        person.credentials.get("password"),
        await tx.sessions.epochs(act.organization, identity_id),
    )


async def _refuse(tx: Tx, act: Act, flow: Flow, identifier: str, code: str) -> Flow:
    # A lock looks like a wrong password: it must tell nobody that an account is worth guessing at.
    shown = "credentials_wrong" if code == "locked" else code
    facts = msgspec.structs.replace(flow.facts, identifier=identifier, problems=({"code": shown},))
    await tx.events.add([event(act, "login.refused", reason=code)])
    return await flows.move(tx, flow, method="password", facts=facts)


async def _no_room(tx: Tx, act: Act, proof: Proof, identifier: str) -> Flow:
    """The password was right, so it is no guess."""
    assert proof.identity is not None
    await forgive(tx, proof.identity.id, PASSWORD)
    return await _refuse(tx, act, proof.flow, identifier, "sessions_full")


async def _conclude(
    tx: Tx,
    act: Act,
    means: Means,
    proof: Proof,
    identifier: str,
    better: str | None,
    device: Device,
    current: Standing | None,
) -> SignedIn | Flow:
    assert proof.identity is not None
    assert proof.credential is not None
    assert proof.epochs is not None
    person = await find(tx, act.organization, proof.identity.id, lock=True)
    credential = person.credentials.get("password") if person else None
    epochs = await tx.sessions.epochs(act.organization, proof.identity.id)
    if (
        person is None
        or credential is None
        or credential.revision != proof.credential.revision
        or epochs != proof.epochs
    ):
        return await _refuse(tx, act, proof.flow, identifier, "credentials_wrong")
    if person.identity.state is not State.ACTIVE:
        return await _refuse(tx, act, proof.flow, identifier, "identity_disabled")
    await forgive(tx, person.identity.id, PASSWORD)
    if unverified := await require(tx, act, means, person, proof.flow):
        return unverified
    await flows.move(tx, proof.flow, method="password", identity_id=person.identity.id, used_at=act.now)
    if better is not None:
        config = {"hashed_password": better}
        await tx.credentials.put(
            [with_config(act, means.vault, credential, person.identity.id, "password", config, credential.identifiers)]
        )
    method, in_browser = Method("password", 1, act.now), proof.flow.type == "browser"
    if current is not None and current.identity.id == person.identity.id:
        # Apps go on with the token that they have; a browser is handed another (OWASP ASVS 7.2.4).
        token = new_token(PREFIX, act.entropy) if in_browser else None
        session = await renew(tx, act, current.session.id, method, means.lifetime, token)
        if session is None:
            raise FlowExpired
        return SignedIn(session, person.identity, token)
    stranger = await is_new(tx, act, person.identity, device)
    session, token = await issue(tx, act, person.identity, (method,), device, means.lifetime, proof.epochs)
    if current is not None and in_browser:
        await replace(tx, act, current)
    if stranger:
        await tell_of(tx, act, means, person.identity, session)
    return SignedIn(session, person.identity, token)
