"""Whether the code that runs is inside a unit of work, where nothing slow may happen."""

from contextvars import ContextVar

inside_unit: ContextVar[bool] = ContextVar("inside_unit", default=False)


def outside(what: str) -> None:
    """RuntimeError when called inside a unit of work: a hash, a sleep or an outbound call would hold its locks."""
    if inside_unit.get():
        raise RuntimeError(f"{what} inside a transaction")
