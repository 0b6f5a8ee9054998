"""What is counted, and how much of it is allowed."""

import msgspec

from nightlatch.kernel.secrets import Keys


class Limit(msgspec.Struct, frozen=True):
    """`most` attempts in `window`, then none for `lock` (without it: until the window ends). Past `free` of them each
    has to wait twice as long as the one before. After `ever` in a row there are none until they are forgiven. With
    `quiet`, a window ends only when nothing was tried for its length: around its end are no more than in it."""

    most: int
    window: int
    lock: int | None = None
    free: int | None = None
    ever: int | None = None
    quiet: bool = False


class Attempts(msgspec.Struct, frozen=True):
    """Those of one kind on one subject. `recent` are of the window that began at `since`, `in_row` all since it last
    succeeded."""

    key: bytes
    since: int
    recent: int
    in_row: int
    not_before: int


class Throttling(msgspec.Struct, frozen=True):
    """The limits: on one account's passwords and codes, on one network's proofs and new flows, on the messages with
    secrets to one address. A refused sign-in, and whoever asks for a message, takes `floor` microseconds at least, so
    that the time does not tell why. `keys` hide names that nobody has: people type passwords there."""

    passwords: Limit
    codes: Limit
    proofs: Limit
    flows: Limit
    messages: Limit
    floor: int
    keys: Keys

    def of_nobody(self, organization: bytes, name: str) -> bytes:
        """What attempts on a name are counted by that nobody has."""
        return self.keys.macs(organization + name.encode("utf-8", "surrogatepass"))[0]
