"""What was found in the file and the environment, before any of it is judged by its kind."""

from dataclasses import dataclass, field
from typing import Any

from nightlatch.config.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Given:
    """A raw value and how its giver names the setting: the key, or the variable."""

    name: str
    raw: Any


@dataclass(slots=True)
class Found:
    """Values by key; keys that Kratos knows and that do nothing here; what is wrong already."""

    given: dict[str, Given] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    errors: list[ConfigError] = field(default_factory=list)

    def wrong(self, key: str, problem: str, cure: str) -> None:
        self.errors.append(ConfigError(key, problem, cure))

    def name_of(self, key: str) -> str:
        """The name that whoever set `key` knows it by."""
        return self.given[key].name if key in self.given else key
