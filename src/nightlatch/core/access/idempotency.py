"""Acts that are done once, however often they are asked for under one key (draft-ietf-httpapi-idempotency-key-header).

A key is held for its request before the act. The transaction of the act marks it, if it is held still, so no two of one
key commit; the answer is kept afterwards. A server that dies between the two leaves a key that says that the act was
done, and not how it was answered.
"""

from hashlib import sha256

from nightlatch.core.access.model import Entry
from nightlatch.core.access.store import Tx
from nightlatch.core.events.model import Act
from nightlatch.kernel.clock import DAY, MINUTE, SECOND
from nightlatch.kernel.secrets import Keys
from nightlatch.problems import AnswerLost, IdempotencyKeyBusy, IdempotencyKeyReused, Throttled

KEPT = DAY
MOST = 1_000
"""Keys that one who asks may have at a time."""
LARGEST = 128 * 1024
"""The longest answer that is kept, in bytes."""
_HELD = MINUTE


async def hold(tx: Tx, act: Act, key: str, fingerprint: bytes) -> Entry:
    """The entry of this request, with its answer or held for whoever asks. IdempotencyKeyReused for another request,
    IdempotencyKeyBusy while one is under way, AnswerLost, Throttled."""
    now, id_ = act.now, sha256(f"{act.actor} {key}".encode()).digest()
    found = await tx.idempotency_keys.get(id_)
    if found is None or found.expires_at <= now:
        await _check_room(tx, act)
    elif found.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    elif found.answer is not None:
        return found
    elif found.held_until <= now and found.acted:
        raise AnswerLost
    entry = Entry(id_, act.actor, fingerprint, act.entropy(16), now + _HELD, now + KEPT)
    if not await tx.idempotency_keys.take(entry, now):
        raise IdempotencyKeyBusy
    return entry


async def mark(tx: Tx, entry: Entry) -> None:
    """For the transaction of the act. IdempotencyKeyBusy when somebody else holds the key by now."""
    if not await tx.idempotency_keys.mark(entry.id, entry.holder):
        raise IdempotencyKeyBusy


async def keep(tx: Tx, act: Act, keys: Keys, entry: Entry, answer: bytes) -> None:
    """Keeps the answer for who asks again, unless it is too long."""
    if len(answer) <= LARGEST:
        await tx.idempotency_keys.keep(entry.id, entry.holder, keys.encrypt(answer, entry.id, act.entropy))


async def release(tx: Tx, entry: Entry) -> None:
    """Gives the key back after an act that was refused and left nothing."""
    await tx.idempotency_keys.release(entry.id, entry.holder)


async def _check_room(tx: Tx, act: Act) -> None:
    expires_at = await tx.idempotency_keys.nth_expiry(act.actor, act.now, MOST)
    if expires_at is not None:
        seconds = (expires_at - act.now) // SECOND + 1
        raise Throttled(seconds, f"{MOST} idempotency keys of this access key are kept, which is the most.")
