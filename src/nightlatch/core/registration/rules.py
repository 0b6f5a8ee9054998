"""Signing up with a password: in two steps, traits first, or in one for who sends all at once."""

from typing import Any

import msgspec

from nightlatch.core.attempts.rules import check_network
from nightlatch.core.credentials.person import Profile, add, compose
from nightlatch.core.credentials.policy import Policy, check_password
from nightlatch.core.events.model import Act, event
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Identity
from nightlatch.core.identities.schemas import Schemas
from nightlatch.core.means import Means
from nightlatch.core.sessions.model import Device, Method, Session
from nightlatch.core.sessions.rules import issue
from nightlatch.core.store import Store
from nightlatch.core.verification.rules import After, follow
from nightlatch.problems import Conflict, PasswordRefused, Problem, SessionNotFound, TraitsInvalid


class Rules(msgspec.Struct, frozen=True):
    """What a new password must be, and whether who registers is signed in at once."""

    password: Policy = Policy()
    session: bool = True


class Registered(msgspec.Struct, frozen=True):
    """`session` and `token` are None where registering does not sign in; `verifications` wait for what was sent."""

    identity: Identity
    session: Session | None
    token: str | None
    verifications: tuple[Flow, ...] = ()


async def give_profile(store: Store, schemas: Schemas, act: Act, flow_id: bytes, traits: Any) -> Flow:
    """The first step of two: the flow with the traits, asking for a credential, or with what is wrong with them.
    FlowNotFound, FlowExpired."""
    flow = await store.read(lambda tx: _usable(tx, act, flow_id))
    try:
        schemas.chosen(schemas.default_id).derive(traits)
    except TraitsInvalid as problem:
        return await store.write(lambda tx, problem=problem: _refuse(tx, flow, traits, problem))  # type: ignore[misc]
    facts = msgspec.structs.replace(flow.facts, step="credential", traits=traits, problems=())
    return await store.write(lambda tx: flows.move(tx, flow, method="profile", facts=facts))


async def step_back(store: Store, act: Act, flow_id: bytes) -> Flow:
    """The flow at its first step again, with the traits that were given. FlowNotFound, FlowExpired."""
    flow = await store.read(lambda tx: _usable(tx, act, flow_id))
    facts = msgspec.structs.replace(flow.facts, step="start", problems=())
    return await store.write(lambda tx: flows.move(tx, flow, facts=facts))


async def register(
    means: Means,
    schemas: Schemas,
    act: Act,
    flow_id: bytes,
    traits: Any,
    password: str,
    device: Device,
    rules: Rules,
    after: After = After(),  # noqa: B008 - it is frozen
) -> Registered | Flow:
    """The new identity, signed in where the rules say so, or the flow with why not. FlowNotFound, FlowExpired,
    Throttled, Busy."""
    store = means.store
    flow = await store.read(lambda tx: _usable(tx, act, flow_id))
    profile = Profile(schemas.default_id, msgspec.json.encode(traits).decode())
    try:
        identifiers = schemas.chosen(schemas.default_id).derive(traits).identifiers.get("password", ())
        check_password(password, identifiers, rules.password)
    except (TraitsInvalid, PasswordRefused) as problem:
        return await store.write(lambda tx, problem=problem: _refuse(tx, flow, traits, problem))  # type: ignore[misc]
    async with means.hasher.turn() as turn:
        await store.write(lambda tx: check_network(tx, act, "registration", device.ip, means.throttling.proofs))
        hashed = await turn.hash(password)
    profile = msgspec.structs.replace(profile, credentials={"password": {"hashed_password": hashed}})
    person = compose(act, schemas, means.vault, profile)

    async def conclude(tx: Tx) -> Registered | Flow:
        outcome = (await add(tx, act, [person]))[0]
        if isinstance(outcome, Conflict):
            return await _refuse(tx, flow, traits, outcome)
        verified, begun = await follow(tx, act, means, outcome, flow, after)
        identity = verified.identity
        await flows.move(tx, flow, method="password", identity_id=identity.id, used_at=act.now)
        await tx.events.add([event(act, "identity.registered", identity_id=identity.id)])
        if not rules.session:
            return Registered(identity, None, None, begun)
        epochs = await tx.sessions.epochs(act.organization, identity.id)
        if epochs is None:
            raise SessionNotFound
        session, token = await issue(
            tx, act, identity, (Method("password", 1, act.now),), device, means.lifetime, epochs
        )
        return Registered(identity, session, token, begun)

    return await store.write(conclude)


async def _usable(tx: Tx, act: Act, flow_id: bytes) -> Flow:
    flow = await flows.find(tx, act, Kind.REGISTRATION, flow_id)
    flows.check_open(flow, act.now)
    return flow


async def _refuse(tx: Tx, flow: Flow, traits: Any, problem: Problem) -> Flow:
    step = "credential" if isinstance(problem, PasswordRefused) else flow.facts.step
    facts = msgspec.structs.replace(flow.facts, step=step, traits=traits, problems=flows.problems_of(problem))
    return await flows.move(tx, flow, facts=facts)
