"""What every command that asks the database opens: the configuration, the store, an act of the operator."""

import asyncio
import functools
import getpass
import inspect
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NoReturn, Protocol, TypeVar

import msgspec
import typer

from nightlatch.config import Config, ConfigErrors, load
from nightlatch.core.access.model import EVERYTHING
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.schemas import Schemas, SchemasBroken, load_schemas
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.organizations.rules import named
from nightlatch.core.questions import TRAITS, Traits
from nightlatch.core.store import Store
from nightlatch.kernel.clock import SystemClock
from nightlatch.kernel.ids import parse_id
from nightlatch.kernel.outbound import Outbound
from nightlatch.stores.opening import open_store


class Row(Protocol):
    @property
    def id(self) -> bytes: ...


T = TypeVar("T")
R = TypeVar("R", bound=Row)
_PAGE = 500
REFUSED, USAGE, CONFIG_WRONG, DATABASE_DOWN = 1, 2, 3, 4

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="The configuration file. The environment alone will do, too.")
]
Dev = Annotated[bool, typer.Option("--dev", help="Defaults for trying it out: SQLite in var/, a built-in secret.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]

Filter = Annotated[
    str | None, typer.Option("--filter", help="Those that it picks, in the grammar of docs/dialects/native.md.")
]
AllowScan = Annotated[
    bool, typer.Option("--allow-scan", help="Read as many rows as it takes, though no index serves the filter.")
]

InOrganization = Annotated[
    str | None, typer.Option("--organization", help="The organization, by id or name; the default one otherwise.")
]


def configuration(path: Path | None, dev: bool) -> Config:
    """The configuration, or every error in it on standard error and exit code 3."""
    try:
        return load(path, os.environ, dev)
    except ConfigErrors as errors:
        refuse([str(error) for error in errors.errors])


def check_schemas(config: Config) -> Schemas:
    """The identity schemas, read as a worker will; what is wrong with any on standard error and exit code 3."""
    try:
        return asyncio.run(load_schemas(config.identity.schemas, config.identity.default_schema_id, Outbound().get))
    except SchemasBroken as broken:
        refuse(broken.errors)


def database(config: Config) -> str:
    """The DSN of a database that outlives a process; exit code 3 for one that does not."""
    dsn = config.dsn.reveal()
    if dsn == "memory":
        refuse(["dsn is memory, which only the server that opened it can reach. Name a file or PostgreSQL."])
    return dsn


def with_store(config: Config | str, work: Callable[[Store, Act], Awaitable[T]], organization: str | None = None) -> T:
    """Runs `work` with the store of a configuration or DSN, as an act of whoever typed the command in the organization
    of this id or name, or the default one. OrganizationNotFound."""
    dsn = config if isinstance(config, str) else database(config)
    act = Act(DEFAULT, f"cli:{getpass.getuser()}", SystemClock().now(), os.urandom, EVERYTHING)  # noqa: TID251

    async def run() -> T:
        store = await open_store(dsn)
        try:
            if organization is None:
                return await work(store, act)
            found = await store.read(lambda tx: named(tx, organization))
            return await work(store, msgspec.structs.replace(act, organization=found.id))
        finally:
            await store.close()

    return asyncio.run(run())


@dataclass(frozen=True)
class Database:
    """The options that say which database, and which organization in it. It is opened for each question."""

    organization: InOrganization = None
    config: ConfigFile = None
    dev: Dev = False

    @functools.cached_property
    def settings(self) -> Config:
        return configuration(self.config, self.dev)

    @functools.cached_property
    def schemas(self) -> Schemas:
        return check_schemas(self.settings)

    def traits(self, text: str) -> Traits:
        """The traits that the filter `text` may name; the schemas are read for one that names any."""
        return self.schemas.traits if TRAITS in text.lower() else {}

    def ask(self, work: Callable[[Store, Act], Awaitable[T]]) -> T:
        return with_store(self.settings, work, self.organization)

    def write(self, unit: Callable[[Tx, Act], Awaitable[T]]) -> T:
        return self.ask(lambda store, act: store.write(lambda tx: unit(tx, act)))

    def read(self, unit: Callable[[Tx, Act], Awaitable[T]]) -> T:
        return self.ask(lambda store, act: store.scan(lambda tx: unit(tx, act)))

    def every(
        self, page: Callable[[Tx, Act, bytes | None, int], Awaitable[Sequence[R]]], most: int = sys.maxsize
    ) -> list[R]:
        """All rows, or the first `most`, of a list whose pages begin after an id and hold so many."""

        async def work(store: Store, act: Act) -> list[R]:
            found: list[R] = []
            while size := min(_PAGE, most - len(found)):
                after = found[-1].id if found else None
                rows = await store.scan(lambda tx, after=after, size=size: page(tx, act, after, size))  # type: ignore[misc]
                found += rows
                if len(rows) < size:
                    break
            return found

        return self.ask(work)


def asks(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of a Database where it has a parameter of that name."""
    options = [each.replace(kind=each.KEYWORD_ONLY) for each in inspect.signature(Database).parameters.values()]
    taken = inspect.signature(command).parameters.values()
    shown = [option for each in taken for option in (options if each.name == "database" else [each])]

    @functools.wraps(command)
    def asked(**given: Any) -> None:
        command(database=Database(**{option.name: given.pop(option.name) for option in options}), **given)

    # What typer makes the options from.
    asked.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    asked.__annotations__ = {each.name: each.annotation for each in shown}
    return asked


def given_id(text: str) -> bytes:
    """The id that an argument spells, or exit code 2."""
    found = parse_id(text)
    if found is None:
        raise typer.BadParameter(f"{text} is not a UUID")
    return found


def private_file(path: Path) -> BinaryIO:
    """`path` for writing anew. Its owner alone may read it. OSError."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    if path.is_file():  # and no device; one that was there keeps its mode otherwise
        os.fchmod(file, 0o600)
    return os.fdopen(file, "wb")


def complain(text: str) -> None:
    print(f"nightlatch: {text}", file=sys.stderr)


def refuse(errors: Sequence[str]) -> NoReturn:
    """Ends the command with everything that is wrong with its configuration."""
    for error in errors:
        complain(error)
    raise typer.Exit(CONFIG_WRONG)
