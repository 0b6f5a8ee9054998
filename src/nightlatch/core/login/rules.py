"""Signing in, by whatever proves somebody, in three steps so that no transaction is open while a secret is checked.

What was read before the check decides: an ending, a changed credential or a deactivation in between refuses the
sign-in.
"""

import msgspec

from nightlatch.core.attempts.rules import forgive
from nightlatch.core.authentication.authenticator import Attempt, Authenticator, Proof, is_active, unchanged
from nightlatch.core.events.model import Act, event
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import SENT, Flow
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Identity
from nightlatch.core.login.devices import is_new, tell_of
from nightlatch.core.means import Means
from nightlatch.core.sessions.model import Method, Session
from nightlatch.core.sessions.rules import PREFIX, issue, renew, replace
from nightlatch.core.verification.claiming import claim
from nightlatch.core.verification.rules import offer, require
from nightlatch.kernel.secrets import new_token
from nightlatch.problems import FlowExpired, SessionsFull


class SignedIn(msgspec.Struct, frozen=True):
    """`token` is shown once; None when an app's session was refreshed. `verifications` wait for what was sent."""

    session: Session
    identity: Identity
    token: str | None
    verifications: tuple[Flow, ...] = ()


async def sign_in(means: Means, act: Act, by: Authenticator, attempt: Attempt) -> SignedIn | Flow:
    """A session of whoever the attempt proves, or the flow with why not, or one of verification where that must come
    first. With `current`, a session of the same person, that one is refreshed, and in a browser gets a new token;
    there, one of somebody else ends. FlowNotFound, FlowExpired, Throttled, Busy."""
    floor = means.floor(attempt.secret)
    proof = await by.verify(means, act, attempt, floor)
    outcome = await _outcome(means, act, by, attempt, proof)
    if isinstance(outcome, Flow):
        await floor.reached()
    return outcome


async def _outcome(means: Means, act: Act, by: Authenticator, attempt: Attempt, proof: Proof) -> SignedIn | Flow:
    why = proof.refused
    if why is not None:
        return await means.store.write(lambda tx: _refuse(tx, act, by, attempt, proof, why))
    try:
        return await means.store.write(lambda tx: _conclude(tx, means, act, by, attempt, proof))
    except SessionsFull:
        return await means.store.write(lambda tx: _no_room(tx, act, by, attempt, proof))


async def _refuse(tx: Tx, act: Act, by: Authenticator, attempt: Attempt, proof: Proof, why: str) -> Flow:
    # A lock looks like a wrong password: it must tell nobody that an account is worth guessing at.
    shown = "credentials_wrong" if why == "locked" else why
    flow = proof.flow
    waiting = flow.state == SENT and flow.method == by.type
    facts = msgspec.structs.replace(
        flow.facts,
        identifier=flow.facts.identifier if waiting else attempt.identifier,
        problems=({"code": shown},),
    )
    await tx.events.add([event(act, "login.refused", reason=why)])
    state = SENT if waiting else "choose_method"
    return await flows.move(tx, flow, method=by.type, state=state, facts=facts)


async def _no_room(tx: Tx, act: Act, by: Authenticator, attempt: Attempt, proof: Proof) -> Flow:
    """The secret was right, so it is no guess."""
    assert proof.identity is not None
    await forgive(tx, proof.identity.id, by.type)
    return await _refuse(tx, act, by, attempt, proof, "sessions_full")


async def _conclude(
    tx: Tx, means: Means, act: Act, by: Authenticator, attempt: Attempt, proof: Proof
) -> SignedIn | Flow:
    person = held = await unchanged(tx, act, proof, by.type)
    if person is not None and not is_active(person):
        return await _refuse(tx, act, by, attempt, proof, "identity_disabled")
    if person is not None and proof.settle is not None:
        person = await proof.settle(tx, person)
    if held is None or person is None or proof.epochs is None:
        return await _refuse(tx, act, by, attempt, proof, by.wrong)
    await forgive(tx, person.identity.id, by.type)
    if unverified := await require(tx, act, means, person, proof.flow, by.type):
        return unverified
    await flows.move(
        tx, proof.flow, state="passed_challenge", method=by.type, identity_id=person.identity.id, used_at=act.now
    )
    current, method = attempt.current, Method(by.type, by.aal, act.now)
    in_browser = proof.flow.type == "browser"
    if current is not None and current.identity.id == person.identity.id:
        # Apps go on with the token that they have; a browser is handed another (OWASP ASVS 7.2.4).
        token = new_token(PREFIX, act.entropy) if in_browser else None
        session = await renew(tx, act, current.session.id, method, means.lifetime, token)
        if session is None:
            raise FlowExpired
        return SignedIn(session, person.identity, token)
    stranger = await is_new(tx, act, person.identity, attempt.device)
    session, token = await issue(tx, act, person.identity, (method,), attempt.device, means.lifetime, proof.epochs)
    person = await claim(tx, act, means, held.identity, person, session.id)
    if current is not None and in_browser:
        await replace(tx, act, current)
    if stranger:
        await tell_of(tx, act, means, person.identity, session)
    person, begun = await offer(tx, act, means, person, proof.flow, by.type, attempt.after)
    return SignedIn(session, person.identity, token, begun)
