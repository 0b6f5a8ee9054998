"""What a store that several processes share tells each of them about changes, so that answers may be kept."""

from typing import Protocol

BUCKETS = 65_536


def bucket(id_: bytes) -> int:
    """Where the generation of an identity or organization is."""
    return id_[-2] << 8 | id_[-1]


class Generations(Protocol):
    """Which version of what is stored is the present one, by `bucket` of an identity's or organization's id, over all
    processes. Even, and larger after each change; odd while it is not known."""

    @property
    def cells(self) -> "memoryview[int]": ...

    def trusted(self) -> bool:
        """Whether they are the present ones now. To be asked after the request has come."""

    def doubt(self) -> None:
        """Somebody met an odd one: it will be settled."""

    def lost(self) -> bool:
        """Whether the processes do not share them any more. Then nothing that was kept may be used."""
