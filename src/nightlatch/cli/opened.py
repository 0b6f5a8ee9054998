"""What every command that asks the database opens: the configuration, the store, an act of the operator."""

import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from nightlatch.config import Config, ConfigErrors, load
from nightlatch.core.events.model import Act
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.store import Store
from nightlatch.kernel.clock import SystemClock
from nightlatch.kernel.ids import parse_id
from nightlatch.stores.opening import open_store

T = TypeVar("T")

REFUSED, USAGE, CONFIG_WRONG, DATABASE_DOWN = 1, 2, 3, 4

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="The configuration file. The environment alone will do, too.")
]
Dev = Annotated[bool, typer.Option("--dev", help="Defaults for trying it out: SQLite in var/, a built-in secret.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]


def configuration(path: Path | None, dev: bool) -> Config:
    """The configuration, or every error in it on standard error and exit code 3."""
    try:
        return load(path, os.environ, dev)
    except ConfigErrors as errors:
        for error in errors.errors:
            complain(str(error))
        raise typer.Exit(CONFIG_WRONG) from None


def with_store(config: Config | str, work: Callable[[Store, Act], Awaitable[T]]) -> T:
    """Runs `work` with the store of a configuration or DSN, as an act of whoever typed the command."""
    act = Act(DEFAULT, f"cli:{getpass.getuser()}", SystemClock().now(), os.urandom)  # noqa: TID251 - see app.py

    async def run() -> T:
        store = await open_store(config if isinstance(config, str) else config.dsn.reveal())
        try:
            return await work(store, act)
        finally:
            await store.close()

    return asyncio.run(run())


def given_id(text: str) -> bytes:
    """The id that an argument spells, or exit code 2."""
    found = parse_id(text)
    if found is None:
        raise typer.BadParameter(f"{text} is not a UUID")
    return found


def complain(text: str) -> None:
    print(f"nightlatch: {text}", file=sys.stderr)
