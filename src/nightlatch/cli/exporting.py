"""Writing down every identity. Imported by that command alone: the others do not wait for it."""

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from nightlatch.cli.opened import REFUSED, Database, complain, private_file
from nightlatch.core.administration.identities import exported
from nightlatch.core.credentials.methods import METHODS
from nightlatch.core.credentials.model import Credential
from nightlatch.core.credentials.person import Vault
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Filter, Identity
from nightlatch.core.store import Store
from nightlatch.doors.kratos.shapes import Render, encode
from nightlatch.kernel.ids import id_text
from nightlatch.wiring import vault_of

_PAGE = 500


def export(database: Database, file: Path | None, with_credentials: bool) -> int:
    """Writes all identities to `file`, or to standard output, oldest first; the exit code."""
    vault = vault_of(database.settings)
    render = Render(database.settings.serve.public.base_url, vault)
    configs = tuple(METHODS) if with_credentials else ()

    async def work(store: Store, act: Act) -> int:
        sealed, after = 0, None
        with _opened(file) as out:
            if with_credentials:
                await store.write(lambda tx: exported(tx, act))
            while page := await store.scan(lambda tx, after=after: _page(tx, act, after, with_credentials)):  # type: ignore[misc]
                for identity, credentials in page:
                    sealed += _sealed(vault, identity, credentials)
                    shown = encode(render.identity(identity, admin=True, credentials=credentials, configs=configs))
                    if b"\n" in shown:  # traits and metadata are as they were given, over several lines maybe
                        shown = msgspec.json.format(shown, indent=-1)
                    out.write(shown + b"\n")
                after = page[-1][0].id
        return REFUSED if sealed else 0

    if with_credentials:
        complain("what is written holds password hashes and other secrets.")
    try:
        return database.ask(work)
    except OSError as error:
        complain(str(error))
        return REFUSED


async def _page(
    tx: Tx, act: Act, after: bytes | None, with_credentials: bool
) -> list[tuple[Identity, Sequence[Credential]]]:
    rows = await tx.identities.list(act.organization, Filter(), after, 0, _PAGE)
    held: Mapping[bytes, Sequence[Credential]] = {}
    if rows and with_credentials:
        held = await tx.credentials.of([row.id for row in rows])
    return [(row, held.get(row.id, ())) for row in rows]


def _sealed(vault: Vault, identity: Identity, credentials: Sequence[Credential]) -> int:
    """How many no configured secret opens; each is named."""
    lost = [each.type for each in credentials if METHODS[each.type].sealed and not vault.open(each)]
    for type_ in lost:
        complain(f"{id_text(identity.id)}: no secret in secrets.cipher opens its {type_}; it is left out.")
    return len(lost)


@contextlib.contextmanager
def _opened(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with private_file(path) as file:
        yield file
