"""What is wrong with a configuration, each fault with its key and its cure. No text here holds a value: any value
may turn out to be a secret in the wrong place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class ConfigError:
    """One fault. `key` is the path in the file, or the environment variable that set the value."""

    key: str
    problem: str
    cure: str

    def __str__(self) -> str:
        return f"{self.key} {self.problem}. {self.cure}"


class ConfigErrors(Exception):
    """Everything that is wrong with a configuration, so that one reading mends it."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        self.errors = list(errors)
        super().__init__("\n".join(map(str, errors)))


class Refused(Exception):
    """A value is not of its kind: (problem, cure), for a list once for each wrong entry."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        self.faults = faults
        super().__init__()


def refuse(problem: str, cure: str) -> NoReturn:
    """Raises Refused with one fault."""
    raise Refused((problem, cure))
