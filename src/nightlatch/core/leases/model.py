"""A node as the others see it: the lease under which one process keeps answers to session checks."""

from typing import NamedTuple


class Lease(NamedTuple):
    """`applied` is how far in the feed of changes it has come, and `behind` how much is left; `renewed` counts. One
    that is `closed` cannot be renewed: somebody waits for its end."""

    id: bytes
    node: str
    applied: int
    behind: int
    renewed: int
    closed: bool


class Joining(NamedTuple):
    """How a process is a node; times in microseconds of its own steady clock. It trusts its lease for `trust` from
    before it asked, and whoever closes it waits for `wait` from after; `grace` is what an ending leaves others to catch
    up in. One that is `fenced` reads nothing without a lease."""

    name: str
    trust: int = 1_000_000
    wait: int = 1_250_000
    grace: int = 300_000
    renew: int = 250_000
    fenced: bool = True
