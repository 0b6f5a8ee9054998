"""The rules of a session's life. `end` is the one rule that ends any: every path calls it.

A session is in force while nobody ended it, its time is not over, it was not idle too long, and its identity is
active. All of that is decided when it is asked, from stored values; no cleaner has to have run.
"""

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import msgspec

from nightlatch.core.events.model import Act, event
from nightlatch.core.identities.model import Identity, State
from nightlatch.core.sessions.marking import begin
from nightlatch.core.sessions.model import (
    IDLE_GRACE,
    NO_POLICY,
    AtLimit,
    Device,
    Ending,
    Filter,
    Governed,
    How,
    Method,
    Policy,
    Revocation,
    Session,
    Standing,
    Where,
)
from nightlatch.core.sessions.store import Tx
from nightlatch.kernel.ids import id_text, new_number
from nightlatch.kernel.secrets import digest, new_token
from nightlatch.problems import AssuranceTooLow, SessionEnded, SessionNotFound, SessionRequired, SessionsFull

T = TypeVar("T")

PREFIX = "ory_st_"  # what clients and secret scanners know a session token by


class Lifetime(msgspec.Struct, frozen=True):
    """How long sessions live, in microseconds, where no policy says otherwise. `extend_within`: only one with less than
    that left is extended. `idle` ends what was not seen for so long. `most` is how many one identity may have; the
    oldest give way, or, with `refuse`, no more is issued. With `sliding`, use prolongs a session, until so long after
    its person was last proved. One that is issued `alone` has all others give way, whatever a policy says."""

    lifespan: int
    extend_within: int
    idle: int | None = None
    most: int = 100
    refuse: bool = False
    sliding: int | None = None
    alone: bool = False

    def under(self, policy: Policy) -> "Lifetime":
        """As the policy has it, where that says anything."""
        return msgspec.structs.replace(
            self,
            lifespan=policy.lifespan or self.lifespan,
            idle=policy.idle or self.idle,
            most=1 if self.alone else policy.max_per_identity or self.most,
            refuse=not self.alone and (self.refuse if policy.at_limit is None else policy.at_limit is AtLimit.REFUSE),
        )


def in_force(standing: Standing, lifetime: Lifetime, now: int) -> bool:
    """Whether the session is good now."""
    s = standing.session
    if standing.ended or s.expires_at <= now or standing.identity.state is not State.ACTIVE:
        return False
    return not s.idle_too_long(lifetime.idle, now)


def slides_to(standing: Standing, lifetime: Lifetime, now: int) -> int | None:
    """The new end of a session that is used now; None where it stays as it is, or would gain too little for a write."""
    # The lifespan of a policy is absolute.
    if lifetime.sliding is None or standing.session.policy.lifespan is not None:
        return None
    end = min(now + lifetime.lifespan, standing.session.authenticated_at + lifetime.sliding)
    return end if end - standing.session.expires_at > lifetime.lifespan // 10 else None


def holds_until(standing: Standing, lifetime: Lifetime) -> int:
    """When time alone may first change what `check` and `slides_to` say of a session that is in force, as it stands."""
    s = standing.session
    ends = [s.expires_at]
    if idle := s.policy.idle or lifetime.idle:
        ends.append(s.last_seen + idle + IDLE_GRACE)
    if lifetime.sliding is not None and s.policy.lifespan is None:
        least = lifetime.lifespan // 10
        if s.authenticated_at + lifetime.sliding - s.expires_at > least:
            ends.append(s.expires_at + least - lifetime.lifespan + 1)
    return min(ends)


async def check(tx: Tx, token: str, lifetime: Lifetime, now: int, *, highest: bool = False) -> Standing:
    """The session of `token`. SessionRequired when it is not in force; with `highest`, AssuranceTooLow when a second
    factor exists and was not used."""
    standing = await tx.sessions.by_token(digest(token))
    if standing is None or not in_force(standing, lifetime, now):
        raise SessionRequired
    if highest and standing.second_factor and standing.session.aal < 2:
        raise AssuranceTooLow
    return standing


async def issue(
    tx: Tx,
    act: Act,
    identity: Identity,
    methods: tuple[Method, ...],
    device: Device,
    lifetime: Lifetime,
    epochs: tuple[int, int, int, int],
) -> tuple[Session, str]:
    """A new session and its token, which is shown once. `epochs` are those read before the proof was checked: an ending
    in between ends this one too. SessionsFull."""
    token = new_token(PREFIX, act.entropy)
    governed = await tx.policies.of(identity.organization, [identity.id])
    policy = governed.get(identity.id, Governed(NO_POLICY, NO_POLICY)).effective
    lifetime = lifetime.under(policy)
    session = Session(
        id=act.new_id(),
        number=new_number(act.entropy),
        organization=identity.organization,
        identity_id=identity.id,
        token_hash=digest(token),
        aal=assurance(methods),
        methods=methods,
        created_at=act.now,
        issued_at=act.now,
        authenticated_at=act.now,
        expires_at=act.now + lifetime.lifespan,
        ended_at=None,
        last_seen=act.now,
        device_id=act.new_id(),
        device=device,
        epochs=epochs,
        policy=policy,
    )
    await _make_room(tx, act, identity.id, lifetime)
    while not await tx.sessions.add(session):
        session = msgspec.structs.replace(session, number=new_number(act.entropy))
    await tx.events.add([event(act, "session.issued", identity_id=identity.id, session_id=session.id)])
    return session, token


def assurance(methods: tuple[Method, ...]) -> int:
    """The authenticator assurance level of methods used together: 2 for a first and a second factor."""
    levels = {method.aal for method in methods}
    if not levels:
        return 0
    return 2 if levels >= {1, 2} else 1


async def end(tx: Tx, act: Act, where: Where, how: How, reason: str) -> Revocation:
    """Ends sessions, durably once the transaction commits: however many they are, none is accepted from then on. Ending
    what has ended is a no-op of count 0."""
    if where.number is not None:
        standing = await tx.sessions.by_number(act.organization, where.number)
        where = msgspec.structs.replace(where, session_id=standing.session.id if standing else bytes(16))
    named = where.session_ids if where.session_id is None else (where.session_id,)
    name = "session.ended" if how is How.DISABLE else "session.deleted"
    told = event(act, name, session_id=_the_one(named or ()), reason=reason, data=_said(where))
    if named is not None:
        revocation = await _end_named(tx, act, where, named, how)
    elif where.kinds:
        revocation = await _end_kinds(tx, act, where, how)
    else:
        revocation = await _end_all(tx, act, where, how, told.id)
    if revocation.count or (revocation.known and named is None):
        told = msgspec.structs.replace(told, identity_id=revocation.identity_id, amount=revocation.count)
        await tx.events.add([told])
    return revocation


async def replace(tx: Tx, act: Act, current: Standing) -> None:
    """Ends the session of a browser in which somebody else came in, maybe in another organization."""
    theirs = msgspec.structs.replace(act, organization=current.session.organization)
    await end(tx, theirs, Where(session_id=current.session.id), How.DISABLE, "replaced")


async def extend(tx: Tx, act: Act, session_id: bytes, lifetime: Lifetime) -> Standing:
    """The session with a lifespan from now, if little enough of the old one is left; the lifespan of a policy counts
    from when its person was proved. SessionNotFound; SessionEnded for one that is not in force."""
    standing = await tx.sessions.get(act.organization, session_id)
    if standing is None:
        raise SessionNotFound
    if not in_force(standing, lifetime, act.now):
        raise SessionEnded
    session = standing.session
    since = act.now if session.policy.lifespan is None else session.authenticated_at
    expires_at = since + lifetime.under(session.policy).lifespan
    if session.expires_at - act.now > lifetime.extend_within or session.expires_at >= expires_at:
        return standing
    longer = msgspec.structs.replace(session, expires_at=expires_at)
    await tx.sessions.renew(longer)
    await tx.events.add([event(act, "session.extended", identity_id=session.identity_id, session_id=session.id)])
    return msgspec.structs.replace(standing, session=longer)


async def renew(
    tx: Tx, act: Act, session_id: bytes, method: Method, lifetime: Lifetime, token: str | None = None
) -> Session | None:
    """The session after its person proved themselves again: same id, a new lifespan, and `token` in place of its own,
    if there is one. The method stands there once, with its last time. None when it is not in force any more."""
    standing = await tx.sessions.get(act.organization, session_id)
    if standing is None or not in_force(standing, lifetime, act.now):
        return None
    others = (each for each in standing.session.methods if (each.method, each.aal) != (method.method, method.aal))
    methods = (*others, method)
    session = msgspec.structs.replace(
        standing.session,
        methods=methods,
        aal=assurance(methods),
        issued_at=act.now,
        authenticated_at=act.now,
        expires_at=max(act.now + lifetime.under(standing.session.policy).lifespan, standing.session.expires_at),
    )
    await tx.sessions.renew(session)
    if token is not None:
        if not await tx.sessions.retoken(session, digest(token)):
            return None
        session = msgspec.structs.replace(session, token_hash=digest(token))
    await tx.events.add([event(act, "session.renewed", identity_id=session.identity_id, session_id=session.id)])
    return session


async def _make_room(tx: Tx, act: Act, identity_id: bytes, lifetime: Lifetime) -> None:
    mine = Filter(identity_id=identity_id, active=True, idle=lifetime.idle)
    while surplus := await tx.sessions.list(act.organization, mine, act.now, None, lifetime.most - 1, 100):
        if lifetime.refuse:
            raise SessionsFull
        for standing in surplus:
            await end(tx, act, Where(session_id=standing.session.id), How.DISABLE, "limit")


async def _end_named(tx: Tx, act: Act, where: Where, named: Sequence[bytes], how: How) -> Revocation:
    found = await tx.endings.find(act.organization, named)
    mine = {f.id: f for f in found if where.identity_id in {None, f.identity_id}}
    ends = [f.id for f in mine.values() if how is How.DELETE or not f.over]
    count = await tx.endings.end(ends, how, act.now, where.issued_by)
    missing = tuple(each for each in named if each not in mine)
    return Revocation(count, bool(mine), _the_one({f.identity_id for f in mine.values()}), missing=missing)


async def _end_kinds(tx: Tx, act: Act, where: Where, how: How) -> Revocation:
    there = await tx.endings.hold(act.organization, where.identities)
    found = await tx.endings.of_kinds(there, where.kinds, how)
    count = await tx.endings.end([f.id for f in found if f.id != where.but], how, act.now)
    missing = tuple(each for each in where.identities if each not in set(there))
    return Revocation(count, bool(there), _the_one(there), missing=missing)


async def _end_all(tx: Tx, act: Act, where: Where, how: How, event_id: bytes) -> Revocation:
    # The epochs go first: they end a session that is being issued, whose row nobody can see yet.
    closed = await tx.endings.close(act.organization, where, how)
    count, more = await begin(
        tx, [Ending(act.new_id(), act.organization, who, how, act.now, event_id, issued) for who, issued in closed]
    )
    there = {who for who, _ in closed}
    missing = tuple(each for each in where.identities if each not in there)
    return Revocation(count, bool(closed), _the_one(there), more, missing)


def _the_one(identity_ids: Collection[T]) -> T | None:
    return next(iter(identity_ids)) if len(identity_ids) == 1 else None


def _said(where: Where) -> dict[str, Any] | None:
    """What the event says of an ending that is not of one session or one identity."""
    said: dict[str, Any] = {}
    if where.session_ids and len(where.session_ids) > 1:
        said["sessions"] = [id_text(each) for each in where.session_ids]
    if where.identity_ids:
        said["identities"] = [id_text(each) for each in where.identity_ids]
    if where.filter is not None:
        said["filter"] = where.filter
    if where.kinds:
        said["kinds"] = where.kinds
    return said | ({"everybody": True} if where.everybody else {}) or None
