"""nightlatch migrate"""

import asyncio

from nightlatch.cli.opened import ConfigFile, Dev, configuration
from nightlatch.kernel.clock import SystemClock
from nightlatch.stores import opening


def migrate(config: ConfigFile = None, dev: Dev = False) -> None:
    """Bring the database up to date."""
    for name in run(configuration(config, dev).dsn.reveal()):
        print(f"migrated: {name}")


def run(dsn: str) -> list[str]:
    """Runs what has not run yet; the names of what ran. StoreDown."""
    return asyncio.run(opening.migrate(dsn, SystemClock().now()))
