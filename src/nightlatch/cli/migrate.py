"""nightlatch migrate"""

import asyncio

import typer

from nightlatch.cli.opened import DATABASE_DOWN, ConfigFile, Dev, complain, configuration, database
from nightlatch.kernel.clock import SystemClock
from nightlatch.stores import opening


def migrate(config: ConfigFile = None, dev: Dev = False) -> None:
    """Bring the database up to date."""
    ran = run(database(configuration(config, dev)))
    for name in ran:
        print(f"migrated: {name}")
    if not ran:
        print("The database is up to date.")


def run(dsn: str) -> list[str]:
    """Runs what has not run yet; the names of what ran. StoreDown, or exit code 4 when the file cannot be made."""
    try:
        return asyncio.run(opening.migrate(dsn, SystemClock().now()))
    except OSError as error:
        complain(f"dsn: the database cannot be written: {error}")
        raise typer.Exit(DATABASE_DOWN) from None
