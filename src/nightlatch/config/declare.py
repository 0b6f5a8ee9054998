"""How a setting is declared, found and given its value: a dataclass field that carries its kind, default and help."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar, TypeVar, dataclass_transform

from nightlatch.config.kinds import Kind

T = TypeVar("T")
S = TypeVar("S", bound="Subject")


@dataclass(frozen=True, slots=True)
class Follows:
    """A default that follows from other settings (all known by their keys) or from the machine; `text` says how.
    `required`: with --dev only; otherwise the operator must give the value."""

    text: str
    value: Callable[[Mapping[str, Any], str], Any]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """One declaration. `default` is as YAML would give it, None (not set), or a Follows."""

    key: str
    kind: Kind[Any]
    default: Any
    help: str

    @property
    def variable(self) -> str:
        """The environment variable that overrides the file."""
        return self.key.upper().replace(".", "_")

    @property
    def required(self) -> bool:
        """Whether nothing starts without it outside --dev."""
        return isinstance(self.default, Follows) and self.default.required

    def value_unset(self, known: Mapping[str, Any]) -> Any:
        """The value when nobody sets it; `known` holds those of the settings declared before it."""
        if isinstance(self.default, Follows):
            return self.default.value(known, self.key)
        return None if self.default is None else self.kind.read(self.default)


@dataclass_transform(frozen_default=True, kw_only_default=True, eq_default=False)
class Subject:
    """A branch of the configuration: a frozen dataclass of settings and of further branches."""

    __dataclass_fields__: ClassVar[dict[str, "Field[Any]"]]

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True, eq=False)(cls)


def setting(kind: Kind[T], default: Any, text: str) -> T:
    """A dataclass field that is a setting."""
    made: T = field(metadata={"kind": kind, "default": default, "help": text})
    return made


def same_as(key: str) -> Follows:
    """The default that another setting has as its value."""
    return Follows(f"`{key}`", lambda known, _: known[key])


def declared(subject: type[Subject], prefix: str = "") -> Iterator[Setting]:
    """Every setting of the tree below `subject`, in order."""
    for each in fields(subject):
        if each.metadata:
            yield Setting(prefix + each.name, **each.metadata)
        elif (branch := _branch(each)) is not None:
            yield from declared(branch, f"{prefix}{each.name}.")


def assemble(subject: type[S], values: Mapping[str, Any], prefix: str = "") -> S:
    """The tree of `subject`, from the values by key."""
    arguments = {}
    for each in fields(subject):
        key, branch = prefix + each.name, _branch(each)
        arguments[each.name] = values[key] if branch is None else assemble(branch, values, key + ".")
    return subject(**arguments)


def _branch(each: "Field[Any]") -> type[Subject] | None:
    return each.type if isinstance(each.type, type) and issubclass(each.type, Subject) else None
