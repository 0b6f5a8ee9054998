"""A signed-in person changes their traits or their password.

Whatever could lock the owner out (a password, an identifier, an address) is changed only by who proved themselves
lately, and it ends their other sessions (unless a policy keeps them) and all that was pending. The flow stays open: it
is of no use without the session, and people save more than once.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from nightlatch.core.attempts.rules import PASSWORD, check_network, forgive
from nightlatch.core.courier.model import Template
from nightlatch.core.credentials.model import Config
from nightlatch.core.credentials.person import Person, change, compose, find, kept
from nightlatch.core.credentials.policy import Policy, check_password
from nightlatch.core.events.model import Act
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Facts, Flow
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Identity
from nightlatch.core.identities.notices import tell
from nightlatch.core.identities.schemas import Schemas
from nightlatch.core.means import Means
from nightlatch.core.sessions.model import Device, How, Session, Standing, Where
from nightlatch.core.sessions.rules import end, in_force
from nightlatch.core.verification.rules import After, follow
from nightlatch.problems import (
    Conflict,
    FieldInvalid,
    FlowForeign,
    PasswordRefused,
    ReauthenticationRequired,
    SessionRequired,
    TraitsInvalid,
)

SHOW, SAVED = "show_form", "success"  # the states of the flow


class Rules(msgspec.Struct, frozen=True):
    """What a new password must be; for how long after a proof, in microseconds, a person is trusted to change
    credentials; whether other sessions end with any other change as well."""

    password: Policy
    privileged: int
    always_end_others: bool = False


class Settled(msgspec.Struct, frozen=True):
    """The flow, SAVED or with why not, the person as they are now, and what waits for the secrets that new addresses
    were sent."""

    flow: Flow
    identity: Identity
    verifications: tuple[Flow, ...] = ()


async def find_mine(tx: Tx, act: Act, mine: Standing, flow_id: bytes) -> Flow:
    """The flow, whether or not it is over. FlowNotFound, FlowForeign."""
    flow = await flows.find(tx, act, Kind.SETTINGS, flow_id)
    if flow.identity_id != mine.identity.id:
        raise FlowForeign
    return flow


async def change_password(
    means: Means,
    schemas: Schemas,
    act: Act,
    mine: Standing,
    flow_id: bytes,
    password: str,
    device: Device,
    rules: Rules,
) -> Settled:
    """A new password, or the first. FlowNotFound, FlowForeign, FlowExpired, ReauthenticationRequired, SessionRequired,
    Throttled, Busy."""
    store, identity = means.store, mine.identity
    person = await store.read(lambda tx: _read(tx, act, mine, flow_id))
    _check_privileged(mine.session, act, rules)
    await store.write(lambda tx: check_network(tx, act, "settings", device.ip, means.throttling.proofs))
    old = person.credentials.get("password")
    hashed = means.vault.open(old).get("hashed_password") if old else None
    try:
        derived = schemas.chosen(identity.schema_id).derive(msgspec.json.decode(identity.traits))
        check_password(password, derived.identifiers.get("password", ()), rules.password)
        async with means.hasher.turn() as turn:
            if hashed and await turn.verify(password, hashed):
                raise PasswordRefused("unchanged", "The new password must be different from the old password.")
            new = {"password": {"hashed_password": await turn.hash(password)}}
        return await store.write(lambda tx: _settle(tx, means, schemas, act, mine, flow_id, rules, None, new))
    except (TraitsInvalid, PasswordRefused) as problem:
        why = Facts(problems=flows.problems_of(problem))
        return await store.write(lambda tx: _refuse(tx, act, mine, flow_id, "password", why))


async def change_traits(
    means: Means, schemas: Schemas, act: Act, mine: Standing, flow_id: bytes, traits: Any, device: Device, rules: Rules
) -> Settled:
    """All traits in place of the old ones; identifiers and addresses follow. Problems as `change_password`, but for
    Busy."""
    store = means.store
    await store.write(lambda tx: check_network(tx, act, "settings", device.ip, means.throttling.proofs))
    text = msgspec.json.encode(traits).decode()
    try:
        return await store.write(lambda tx: _settle(tx, means, schemas, act, mine, flow_id, rules, text, {}))
    except ReauthenticationRequired:
        # The form is filled in again when the person is back from proving themselves.
        await store.write(lambda tx: _refuse(tx, act, mine, flow_id, "profile", Facts(traits=traits)))
        raise
    except (TraitsInvalid, FieldInvalid, Conflict) as problem:
        why = Facts(traits=traits, problems=flows.problems_of(problem))
        return await store.write(lambda tx: _refuse(tx, act, mine, flow_id, "profile", why))


async def _read(tx: Tx, act: Act, mine: Standing, flow_id: bytes) -> Person:
    flows.check_open(await find_mine(tx, act, mine, flow_id), act.now)
    person = await find(tx, act.organization, mine.identity.id)
    if person is None:
        raise SessionRequired
    return person


def _check_privileged(session: Session, act: Act, rules: Rules) -> None:
    if session.authenticated_at + rules.privileged <= act.now:
        raise ReauthenticationRequired


async def _settle(
    tx: Tx,
    means: Means,
    schemas: Schemas,
    act: Act,
    mine: Standing,
    flow_id: bytes,
    rules: Rules,
    traits: str | None,
    credentials: Mapping[str, Config],
) -> Settled:
    flow = await find_mine(tx, act, mine, flow_id)
    flows.check_open(flow, act.now)
    before = await find(tx, act.organization, mine.identity.id, lock=True)
    # Once more, now that the person is held: the session may have ended while the password was hashed.
    standing = await tx.sessions.get(act.organization, mine.session.id)
    if before is None or standing is None or not in_force(standing, means.lifetime, act.now):
        raise SessionRequired
    profile = kept(before.identity, credentials)
    if traits is not None:
        profile = msgspec.structs.replace(profile, traits=traits)
    after = compose(act, schemas, means.vault, profile, before)
    sensitive = bool(credentials) or _reached_by(before) != _reached_by(after)
    if sensitive:
        _check_privileged(standing.session, act, rules)
    await change(tx, act, before, after)
    if credentials:
        await forgive(tx, after.identity.id, PASSWORD)
    if rules.always_end_others or (sensitive and standing.session.policy.end_others is not False):
        reason = "credential_changed" if credentials else "profile_changed"
        await end(tx, act, Where(identity_id=after.identity.id, but=standing.session.id), How.DISABLE, reason)
    if sensitive:
        await tx.flows.close(after.identity.id, act.now, but=flow.id)
        await tell(tx, act, means.vault.keys, before.identity, Template.CREDENTIAL_CHANGED)
    method = "password" if credentials else "profile"
    facts = Facts(browser=flow.facts.browser)
    after, begun = await follow(tx, act, means, after, flow, After(flow.facts.browser), before)
    return Settled(await flows.move(tx, flow, state=SAVED, method=method, facts=facts), after.identity, begun)


def _reached_by(person: Person) -> tuple[object, object]:
    """What signs the person in, and where they are written to."""
    addresses = {(a.kind, a.via, a.value) for a in person.identity.addresses}
    return addresses, {type_: set(c.identifiers) for type_, c in person.credentials.items() if any(c.identifiers)}


async def _refuse(tx: Tx, act: Act, mine: Standing, flow_id: bytes, method: str, why: Facts) -> Settled:
    flow = await find_mine(tx, act, mine, flow_id)
    flows.check_open(flow, act.now)
    facts = msgspec.structs.replace(why, step=flow.facts.step, browser=flow.facts.browser)
    return Settled(await flows.move(tx, flow, state=SHOW, method=method, facts=facts), mine.identity)
