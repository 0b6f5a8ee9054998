"""nightlatch identities get | list | delete"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from nightlatch.cli.opened import ConfigFile, Dev, InOrganization, Json, configuration, every, given_id, with_store
from nightlatch.cli.printing import moment, print_json, print_rows
from nightlatch.core.administration.identities import delete as delete_identity
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
def delete(identity_id: _Id, organization: InOrganization = None, config: ConfigFile = None, dev: Dev = False) -> None:
    """Delete an identity with its sessions and all else. It cannot be brought back."""
    found = given_id(identity_id)

    async def work(store: Store, act: Act) -> bool:
        return await store.write(lambda tx: delete_identity(tx, act, found))

    if not with_store(configuration(config, dev), work, organization):
        raise IdentityNotFound(f"There is no identity {identity_id}.")


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
