"""The log of events, sealed: each row gets a position, and each batch of rows a keyed hash of it and of all before it.

Without the key nobody can change, add or take away a sealed row unseen. Only the end of the log can be cut off with its
seals: against that, its head must be noted elsewhere.
"""

import hashlib

import msgspec

from nightlatch.core.events.model import Act, Seal
from nightlatch.core.events.store import Row, Tx
from nightlatch.kernel.secrets import Keys, same

PURPOSE = "seals of events"
START = Seal(0, b"", bytes(32), 0)
_HASH = 16


class Checked(msgspec.Struct, frozen=True):
    """A seal, whether it is as it was made, and the positions of its rows that are not as they were, are gone or were
    added."""

    seal: Seal
    genuine: bool
    wrong: tuple[int, ...]


async def seal(tx: Tx, act: Act, keys: Keys, most: int) -> int:
    """Seals the next `most` events; how many there were. Those whose count is still growing wait until it is known."""
    rows = await tx.events.unsealed(most)
    if rows:
        last = await tx.events.seal_after(None) or START
        hashes = b"".join(map(_hash, rows))
        made = Seal(last.position + len(rows), hashes, b"", act.now)
        made = msgspec.structs.replace(made, digest=keys.macs(_sealed(last, made))[0])
        await tx.events.add_seal(made, [(row[0], last.position + n) for n, row in enumerate(rows, 1)])
    return len(rows)


async def check(tx: Tx, keys: Keys, last: Seal) -> Checked | None:
    """What has become of the rows under the seal after `last`; None when that was the newest."""
    found = await tx.events.seal_after(last.position)
    if found is None:
        return None
    genuine = any([same(mac, found.digest) for mac in keys.macs(_sealed(last, found))])  # noqa: C419
    starts = range(0, len(found.hashes), _HASH)
    sealed = {n: [found.hashes[at : at + _HASH]] for n, at in enumerate(starts, last.position + 1)}
    there: dict[int, list[bytes]] = {}
    for position, row in await tx.events.positioned(last.position, found.position):
        there.setdefault(position, []).append(_hash(row))
    wrong = (n for n in sorted({*sealed, *there}) if sealed.get(n) != there.get(n))
    return Checked(found, genuine, tuple(wrong))


def _sealed(last: Seal, this: Seal) -> bytes:
    """What the digest of `this` is over. Its position is, or rows could be pushed in between two seals."""
    return last.digest + msgspec.msgpack.encode((this.position, this.sealed_at)) + this.hashes


def _hash(row: Row) -> bytes:
    return hashlib.sha256(msgspec.msgpack.encode(row)).digest()[:_HASH]
