"""nightlatch organizations create | get | list | rename | alias"""

from typing import Annotated

import typer

from nightlatch.cli.opened import ConfigFile, Database, Dev, Json
from nightlatch.cli.printing import moment, print_json, print_rows
from nightlatch.core.events.model import Act
from nightlatch.core.organizations import rules
from nightlatch.core.organizations.model import AliasKind, Organization
from nightlatch.core.organizations.store import Tx
from nightlatch.kernel.ids import id_text

app = typer.Typer(
    help="Organizations: tenants, each with people, keys and sessions of its own. There is always one.",
    no_args_is_help=True,
)
_Organization = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="Its id or name.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="What it is called; no two have the same name.")]
_COLUMNS = ("id", "name", "aliases", "created_at")


@app.command()
def create(name: _Name, config: ConfigFile = None, dev: Dev = False) -> None:
    """Make an organization, and print its id."""
    made = Database(None, config, dev).write(lambda tx, act: rules.create(tx, act, name))
    print(id_text(made.id))


@app.command()
def get(organization: _Organization, config: ConfigFile = None, dev: Dev = False) -> None:
    """Print one organization as JSON."""
    print_json(_row(Database(None, config, dev).read(lambda tx, _: rules.named(tx, organization))))


@app.command("list")
def list_(config: ConfigFile = None, dev: Dev = False, json: Json = False) -> None:
    """List the organizations with their aliases, the default one first."""
    found = Database(None, config, dev).every(lambda tx, _, after, size: tx.organizations.list(after, size))
    print_rows([_row(organization) for organization in found], _COLUMNS, as_json=json)


@app.command()
def rename(organization: _Organization, name: _Name, config: ConfigFile = None, dev: Dev = False) -> None:
    """Give an organization another name."""

    async def unit(tx: Tx, act: Act) -> None:
        await rules.rename(tx, act, (await rules.named(tx, organization)).id, name)

    Database(None, config, dev).write(unit)


@app.command()
def alias(
    organization: _Organization,
    kind: Annotated[AliasKind, typer.Argument(help="What kind of id the alias is.")],
    value: Annotated[str, typer.Argument(help="An integer for a workspace; else letters, digits and . _ -")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the alias away instead of giving it.")] = False,
    config: ConfigFile = None,
    dev: Dev = False,
) -> None:
    """Give an organization an alias, by which clients of other APIs name it."""
    change = rules.remove_alias if remove else rules.add_alias

    async def unit(tx: Tx, act: Act) -> None:
        found = await rules.named(tx, organization)
        await change(tx, act, found.id, rules.alias_of(kind, value))

    Database(None, config, dev).write(unit)


def _row(organization: Organization) -> dict[str, object]:
    return {
        "id": id_text(organization.id),
        "name": organization.name,
        "aliases": [f"{alias.kind}:{alias.value}" for alias in organization.aliases],
        "created_at": moment(organization.created_at),
    }
