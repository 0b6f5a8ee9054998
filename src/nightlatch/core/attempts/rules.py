"""Attempts reserved before the check and committed apart from it, so that neither a race nor a rollback loses one.

An account is counted by its identity, whichever of its names was typed; a name that nobody has by its keyed hash, so
that it behaves alike. A network is an IPv4 address or an IPv6 /64. What is refused is not counted: a lock ends.
"""

from ipaddress import IPv6Address, ip_address

import msgspec

from nightlatch.core.attempts.model import Attempts, Limit
from nightlatch.core.attempts.store import Tx
from nightlatch.core.events.model import Act, event
from nightlatch.kernel.clock import DAY, SECOND
from nightlatch.problems import Throttled

PASSWORD, CODE, MESSAGE = "password", "code", "message"
_REMEMBERED = 30 * DAY  # how long attempts in a row on an identity add up
_FOR_GOOD = 1 << 62


async def reserve(tx: Tx, act: Act, kind: str, subject: bytes, limit: Limit) -> int:
    """0 when the attempt may be made, and is counted; else how long it has to wait, in microseconds, and it is not."""
    before = await tx.attempts.hold(_key(kind, subject), act.now)
    if wait := _wait(before, limit, act.now):
        return wait
    after = _counted(before, limit, act.now)
    await tx.attempts.save(after, _expiry(after, subject, limit, act.now))
    if limit.lock and after.not_before >= act.now + limit.lock and _is_identity(subject):
        await tx.events.add([event(act, "identity.locked", identity_id=subject, reason=kind)])
    return 0


async def check_network(tx: Tx, act: Act, kind: str, address: str | None, limit: Limit) -> None:
    """Counts something of `address`'s network. Throttled when that was too much."""
    if wait := await reserve(tx, act, f"network:{kind}", network_of(address), limit):
        raise Throttled(-(-wait // SECOND))


async def forgive(tx: Tx, identity_id: bytes, *kinds: str) -> bool:
    """Forgets the attempts on an identity; whether there were any."""
    return await tx.attempts.remove([_key(kind, identity_id) for kind in kinds or (PASSWORD, CODE)]) > 0


def network_of(address: str | None) -> bytes:
    """The IPv4 address, or the /64 of an IPv6 address, packed; empty for none. One spelling for what one subscriber
    has."""
    if not address:
        return b""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        return parsed.ipv4_mapped.packed if parsed.ipv4_mapped else parsed.packed[:8]
    return parsed.packed


def _wait(before: Attempts, limit: Limit, now: int) -> int:
    if limit.ever and before.in_row >= limit.ever:
        return DAY  # until it is forgiven
    wait = before.not_before - now
    return wait if 0 < wait <= _believable(limit) else 0


def _believable(limit: Limit) -> int:
    """How far ahead a stored time may be. Those who count at once do not come in the order of their clocks, so a little
    is usual; more than any lock means that the clock was set back, and no lock must stick."""
    return 2 * max(limit.lock or 0, limit.window)


def _counted(before: Attempts, limit: Limit, now: int) -> Attempts:
    over = now >= before.since + limit.window or before.since - now > _believable(limit)
    since, recent = (now, 1) if over else (max(now, before.since) if limit.quiet else before.since, before.recent + 1)
    not_before = 0
    if recent >= limit.most:
        not_before = now + limit.lock if limit.lock else since + limit.window
        if limit.lock:
            since, recent = not_before, 0
    elif limit.free is not None and recent >= limit.free:
        not_before = now + min(SECOND << (recent - limit.free), limit.lock or limit.window)
    return msgspec.structs.replace(before, since=since, recent=recent, in_row=before.in_row + 1, not_before=not_before)


def _expiry(after: Attempts, subject: bytes, limit: Limit, now: int) -> int:
    if not limit.ever or not _is_identity(subject):
        return now + limit.window + (limit.lock or 0)
    return _FOR_GOOD if after.in_row >= limit.ever else now + _REMEMBERED


def _key(kind: str, subject: bytes) -> bytes:
    return kind.encode() + b":" + subject


def _is_identity(subject: bytes) -> bool:
    return len(subject) == 16
