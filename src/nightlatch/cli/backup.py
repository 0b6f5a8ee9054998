"""nightlatch backup | restore"""

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from nightlatch.cli.audit import verified
from nightlatch.cli.opened import REFUSED, ConfigFile, Dev, complain, configuration, database, with_store
from nightlatch.config import keys_of
from nightlatch.core.events.model import Act, event
from nightlatch.core.events.seals import PURPOSE
from nightlatch.core.flows.store import Tx
from nightlatch.core.sessions.model import How, Where
from nightlatch.core.sessions.rules import end
from nightlatch.core.store import Store
from nightlatch.kernel.clock import SystemClock
from nightlatch.stores import opening
from nightlatch.stores.backups import Unrestorable

_MOST = 500
_FOR_EVER = 2**62


def backup(
    file: Annotated[Path, typer.Argument(help="Where to; nothing may be there yet.")],
    config: ConfigFile = None,
    dev: Dev = False,
) -> None:
    """Write the whole database, as it is at one moment, to a file for restore. Servers go on meanwhile."""
    dsn = database(configuration(config, dev))
    try:
        asyncio.run(opening.back_up(dsn, file, SystemClock().now()))
    except (OSError, Unrestorable) as error:
        complain(str(error))
        raise typer.Exit(REFUSED) from None


def restore(
    file: Annotated[Path, typer.Argument(help="What backup wrote, on whichever database.")],
    replace: Annotated[bool, typer.Option("--replace", help="Give up what is in the database now.")] = False,
    keep_sessions: Annotated[
        bool,
        typer.Option("--keep-sessions", help="Leave in force what was, though some may have ended since the backup."),
    ] = False,
    ignore_seals: Annotated[
        bool, typer.Option("--ignore-seals", help="Take a log of events that is not as it was sealed.")
    ] = False,
    config: ConfigFile = None,
    dev: Dev = False,
) -> None:
    """Put a backup in the place of the database, whole or not at all; no server may run. All sessions in it end: the
    backup does not know which of them ended since."""
    settings = configuration(config, dev)
    dsn, now = database(settings), SystemClock().now()
    keys = keys_of(settings.secrets.default, PURPOSE)

    async def prepare(store: Store, act: Act) -> list[str]:
        wrong, _, _ = await verified(store, keys)
        if ignore_seals or not wrong:
            wrong = []
            await store.write(lambda tx: tx.events.add([event(act, "database.restored")]))
            if not keep_sessions:
                await _end_everything(store, act)
        return wrong

    try:
        with opening.unpacked(file, dsn, now) as copy:
            if wrong := with_store(copy, prepare):
                raise Unrestorable(f"{wrong[0]}: the log is not as it was sealed with secrets.default")
            asyncio.run(opening.take_over(copy, dsn, now, replace=replace))
    except (OSError, Unrestorable) as error:
        complain(str(error))
        raise typer.Exit(REFUSED) from None


async def _end_everything(store: Store, act: Act) -> None:
    """All sessions of all organizations, and what was begun: a code that was used since would be good once more."""
    after: bytes | None = None
    while found := await store.scan(lambda tx, after=after: tx.organizations.list(after, _MOST)):  # type: ignore[misc]
        for each in found:
            await store.write(lambda tx, who=each.id: _end_all(tx, act, who))  # type: ignore[misc]
        after = found[-1].id
    while await store.write(lambda tx: tx.flows.purge(_FOR_EVER, _MOST)):
        pass


async def _end_all(tx: Tx, act: Act, organization: bytes) -> None:
    theirs = msgspec.structs.replace(act, organization=organization)
    await end(tx, theirs, Where(everybody=True), How.DISABLE, "restored")
