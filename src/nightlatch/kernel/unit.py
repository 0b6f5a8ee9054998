"""Whether the code that runs is inside a unit of work, where nothing slow may happen."""

from contextvars import ContextVar
from typing import NamedTuple

inside_unit: ContextVar[bool] = ContextVar("inside_unit", default=False)


def outside(what: str) -> None:
    """RuntimeError when called inside a unit of work: a hash, a sleep or an outbound call would hold its locks."""
    if inside_unit.get():
        raise RuntimeError(f"{what} inside a transaction")


class Waited(NamedTuple):
    """What a write waited for: how many other nodes there were, how many of them had to be closed, microseconds."""

    nodes: int
    closed: int
    time: int


waited: ContextVar[list[Waited] | None] = ContextVar("waited", default=None)
"""Where a request has one, the store notes there what its writes waited for."""
