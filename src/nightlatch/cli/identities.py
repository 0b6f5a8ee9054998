"""nightlatch identities get | list | unlock | delete | import | export"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from nightlatch.cli.opened import ConfigFile, Dev, InOrganization, Json, configuration, every, given_id, with_store
from nightlatch.cli.printing import moment, print_json, print_rows
from nightlatch.config import Config
from nightlatch.core.administration.identities import delete as delete_identity
from nightlatch.core.administration.identities import unlock as unlock_identity
from nightlatch.core.events.model import Act
from nightlatch.core.identities.model import Filter, Identity, Name
from nightlatch.core.identities.normal import normal_identifier
from nightlatch.core.store import Store
from nightlatch.kernel.ids import id_text
from nightlatch.problems import IdentityNotFound

app = typer.Typer(help="Identities: people and machines that can sign in.", no_args_is_help=True)
_Id = Annotated[str, typer.Argument(metavar="ID", help="As identities list shows it.")]
_COLUMNS = ("id", "state", "schema_id", "addresses", "created_at")


@app.command()
def get(identity_id: _Id, organization: InOrganization = None, config: ConfigFile = None, dev: Dev = False) -> None:
    """Print one identity as JSON."""
    found = given_id(identity_id)

    async def work(store: Store, act: Act) -> Identity | None:
        return await store.read(lambda tx: tx.identities.get(act.organization, found))

    identity = with_store(configuration(config, dev), work, organization)
    if identity is None:
        raise IdentityNotFound(f"There is no identity {identity_id}.")
    print_json(_row(identity))


@app.command("list")
def list_(
    identifier: Annotated[str | None, typer.Option(help="Only who signs in with this identifier.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 250,
    organization: InOrganization = None,
    config: ConfigFile = None,
    dev: Dev = False,
    json: Json = False,
) -> None:
    """List identities, oldest first."""
    where = Filter(identifiers=_names(identifier) if identifier else None)

    async def work(store: Store, act: Act) -> list[Identity]:
        async def ask(after: bytes | None, size: int) -> Sequence[Identity]:
            return await store.scan(lambda tx: tx.identities.list(act.organization, where, after, 0, size))

        return await every(ask, limit)

    found = with_store(configuration(config, dev), work, organization)
    print_rows([_row(identity) for identity in found], _COLUMNS, as_json=json)


@app.command()
def unlock(identity_id: _Id, organization: InOrganization = None, config: ConfigFile = None, dev: Dev = False) -> None:
    """Forget the wrong passwords and codes of an identity: it can sign in again at once."""
    found = given_id(identity_id)

    async def work(store: Store, act: Act) -> bool:
        return await store.write(lambda tx: unlock_identity(tx, act, found))

    try:
        print("unlocked" if with_store(configuration(config, dev), work, organization) else "was not locked")
    except IdentityNotFound:
        raise IdentityNotFound(f"There is no identity {identity_id}.") from None


@app.command()
def delete(identity_id: _Id, organization: InOrganization = None, config: ConfigFile = None, dev: Dev = False) -> None:
    """Delete an identity with its sessions and all else. It cannot be brought back."""
    found = given_id(identity_id)

    async def work(store: Store, act: Act) -> bool:
        return await store.write(lambda tx: delete_identity(tx, act, found))

    if not with_store(configuration(config, dev), work, organization):
        raise IdentityNotFound(f"There is no identity {identity_id}.")


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="JSON lines or an array of what export writes or POST takes; - for standard input.",
        ),
    ],
    refused: Annotated[
        Path | None,
        typer.Option(help="Where those go that cannot be imported; FILE.refused.jsonl by default."),
    ] = None,
    organization: InOrganization = None,
    config: ConfigFile = None,
    dev: Dev = False,
) -> None:
    """Bring in people with the passwords that they have. It can be run again: who is here already is left alone."""
    if str(file) != "-" and (file.is_dir() or not file.exists()):
        raise typer.BadParameter(f"{file} is no file")
    others = refused or Path("refused.jsonl" if str(file) == "-" else f"{file}.refused.jsonl")
    if others.exists() and file.exists() and others.samefile(file):
        raise typer.BadParameter("it is the file that is imported", param_hint="--refused")
    raise typer.Exit(_movers()[0](configuration(config, dev), file, others, organization))


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Where to; standard output by default.")] = None,
    with_credentials: Annotated[
        bool, typer.Option("--with-credentials", help="Password hashes and other secrets, too.")
    ] = False,
    organization: InOrganization = None,
    config: ConfigFile = None,
    dev: Dev = False,
) -> None:
    """Write all identities as JSON lines, oldest first, as import takes them."""
    raise typer.Exit(_movers()[1](configuration(config, dev), file, with_credentials, organization))


def _movers() -> tuple[
    Callable[[Config, Path, Path, str | None], int], Callable[[Config, Path | None, bool, str | None], int]
]:
    from nightlatch.cli import exporting, importing  # the other commands do not wait for what these need

    return importing.bring, exporting.export


def _names(identifier: str) -> tuple[Name, ...]:
    types = ("password", "webauthn", "code", "oidc")
    return tuple(Name(type_, normal_identifier(type_, identifier)) for type_ in types)


def _row(i: Identity) -> dict[str, object]:
    return {
        "id": id_text(i.id),
        "state": i.state,
        "schema_id": i.schema_id,
        "external_id": i.external_id,
        "addresses": sorted({a.value for a in i.addresses}),
        "traits": msgspec.Raw(i.traits),
        "created_at": moment(i.created_at),
        "updated_at": moment(i.updated_at),
    }
