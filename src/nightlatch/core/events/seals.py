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
    """A seal, whether it is as it was made, and the positions of its rows that are not as they were or are gone."""

    seal: Seal
    genuine: bool
    wrong: tuple[int, ...]


async def seal(tx: Tx, act: Act, keys: Keys, most: int) -> int:
    """Seals the next `most` events; how many there were. Those whose count is still growing wait until it is known."""
    rows = await tx.events.unsealed(most)
    if rows:
        last = await tx.events.seal_after(None) or START
        hashes = b"".join(map(_hash, rows))
        made = Seal(last.position + len(rows), hashes, keys.macs(last.digest + hashes)[0], act.now)
        await tx.events.add_seal(made, [(row[0], last.position + n) for n, row in enumerate(rows, 1)])
    return len(rows)


async def check(tx: Tx, keys: Keys, last: Seal) -> Checked | None:
    """What has become of the rows under the seal after `last`; None when that was the newest."""
    found = await tx.events.seal_after(last.position)
    if found is None:
        return None
    genuine = any([same(mac, found.digest) for mac in keys.macs(last.digest + found.hashes)])  # noqa: C419
    hashes = [found.hashes[at : at + _HASH] for at in range(0, len(found.hashes), _HASH)]
    rows = {position: _hash(row) for position, row in await tx.events.positioned(last.position, found.position)}
    wrong = tuple(n for n, sealed in enumerate(hashes, last.position + 1) if rows.get(n) != sealed)
    return Checked(found, genuine, wrong)


def _hash(row: Row) -> bytes:
    return hashlib.sha256(msgspec.msgpack.encode(row)).digest()[:_HASH]
