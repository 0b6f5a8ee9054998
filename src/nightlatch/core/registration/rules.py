"""Signing up, by whatever will prove somebody: in two steps, traits first, or in one for who sends all at once."""

from functools import partial
from typing import Any

import msgspec

from nightlatch.core.authentication.authenticator import Attempt, Authenticator
from nightlatch.core.credentials.person import Profile, add, compose, names_of
from nightlatch.core.events.model import Act, event
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Identity
from nightlatch.core.identities.schemas import Schemas
from nightlatch.core.means import Means
from nightlatch.core.sessions.model import Method, Session
from nightlatch.core.sessions.rules import issue
from nightlatch.core.store import Store
from nightlatch.core.verification.rules import follow
from nightlatch.problems import Conflict, PasswordRefused, Problem, SessionNotFound, TraitsInvalid


class Registered(msgspec.Struct, frozen=True):
    """`session` and `token` are None where registering does not sign in; `verifications` wait for what was sent."""

    identity: Identity
    session: Session | None
    token: str | None
    verifications: tuple[Flow, ...] = ()


async def give_profile(store: Store, schemas: Schemas, act: Act, flow_id: bytes, traits: Any) -> Flow:
    """The first step of two: the flow with the traits, asking for a credential, or with what is wrong with them.
    FlowNotFound, FlowExpired."""
    flow = await store.read(lambda tx: flows.find_open(tx, act, Kind.REGISTRATION, flow_id))
    try:
        schemas.chosen(schemas.default_id).derive(traits)
    except TraitsInvalid as problem:
        return await store.write(partial(_refuse, flow, traits, problem))
    facts = msgspec.structs.replace(flow.facts, step="credential", traits=traits, problems=())
    return await store.write(lambda tx: flows.move(tx, flow, state="choose_method", method="profile", facts=facts))


async def step_back(store: Store, act: Act, flow_id: bytes) -> Flow:
    """The flow at its first step again, with the traits that were given. FlowNotFound, FlowExpired."""
    flow = await store.read(lambda tx: flows.find_open(tx, act, Kind.REGISTRATION, flow_id))
    facts = msgspec.structs.replace(flow.facts, step="start", problems=())
    return await store.write(lambda tx: flows.move(tx, flow, state="choose_method", facts=facts))


async def register(
    means: Means, schemas: Schemas, act: Act, by: Authenticator, attempt: Attempt, *, session: bool = True
) -> Registered | Flow:
    """The new identity, with a `session` or without, or the flow with why not. FlowNotFound, FlowExpired, Throttled,
    Busy."""
    store, traits = means.store, attempt.traits
    flow = await store.read(lambda tx: flows.find_open(tx, act, Kind.REGISTRATION, attempt.flow_id))
    try:
        derived = schemas.chosen(schemas.default_id).derive(traits)
        enrolment = await by.enrol(means, act, flow, derived, attempt)
    except (TraitsInvalid, PasswordRefused) as problem:
        return await store.write(partial(_refuse, flow, traits, problem))
    if enrolment.refused is not None:
        why = ({"code": enrolment.refused},)
        return await store.write(lambda tx: flows.explain(tx, flow, why))
    profile = Profile(
        schemas.default_id,
        msgspec.json.encode(traits).decode(),
        addresses=enrolment.addresses,
        credentials=enrolment.credentials,
    )
    person = compose(act, schemas, means.vault, profile)

    async def conclude(tx: Tx) -> Registered | Flow:
        outcome = (await add(tx, act, [(person, names_of(person))]))[0]
        if isinstance(outcome, Conflict):
            return await _refuse(flow, traits, outcome, tx)
        verified, begun = await follow(tx, act, means, outcome, flow, attempt.after)
        identity = verified.identity
        await flows.move(tx, flow, state="passed_challenge", method=by.type, identity_id=identity.id, used_at=act.now)
        await tx.events.add([event(act, "identity.registered", identity_id=identity.id)])
        if not session:
            return Registered(identity, None, None, begun)
        epochs = await tx.sessions.epochs(act.organization, identity.id)
        if epochs is None:
            raise SessionNotFound
        how = (Method(by.type, by.aal, act.now),)
        return Registered(identity, *await issue(tx, act, identity, how, attempt.device, means.lifetime, epochs), begun)

    return await store.write(conclude)


async def _refuse(flow: Flow, traits: Any, problem: Problem, tx: Tx) -> Flow:
    step = "credential" if isinstance(problem, PasswordRefused) else flow.facts.step
    facts = msgspec.structs.replace(flow.facts, step=step, traits=traits, problems=flows.problems_of(problem))
    return await flows.move(tx, flow, state="choose_method", facts=facts)
