"""nightlatch identities get | list | unlock | deactivate | delete | import | export"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from nightlatch.cli.jobs import finish
from nightlatch.cli.opened import AllowScan, Database, Filter, Json, asks, given_id
from nightlatch.cli.printing import moment, print_json, print_rows
from nightlatch.core.administration import identities as admin
from nightlatch.core.administration import many
from nightlatch.core.administration.finding import page
from nightlatch.core.administration.work import matching
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities import model
from nightlatch.core.identities.model import Identity, Name
from nightlatch.core.identities.normal import normal_identifier
from nightlatch.core.identities.question import Question, filter_of
from nightlatch.core.jobs.model import Kind, Which
from nightlatch.kernel.ids import id_text
from nightlatch.problems import IdentityNotFound

app = typer.Typer(help="Identities: people and machines that can sign in.", no_args_is_help=True)
_Id = Annotated[str, typer.Argument(metavar="ID", help="As identities list shows it.")]
_Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="As identities list shows them.")]
_All = Annotated[bool, typer.Option("--all", help="All of the organization.")]
_Trial = Annotated[bool, typer.Option("--dry-run", help="Show whom it would be, and change nothing.")]
_Why = Annotated[str | None, typer.Option("--reason", help="Why; kept with the events. --all and --filter need one.")]
_COLUMNS = ("id", "state", "schema_id", "addresses", "created_at")


@app.command()
@asks
def get(*, identity_id: _Id, database: Database) -> None:
    """Print one identity as JSON."""
    found = given_id(identity_id)
    identity = database.read(lambda tx, act: tx.identities.get(act.organization, found))
    if identity is None:
        raise IdentityNotFound(f"There is no identity {identity_id}.")
    print_json(_row(identity))


@app.command("list")
@asks
def list_(
    *,
    identifier: Annotated[str | None, typer.Option(help="Only who signs in with this identifier.")] = None,
    filter: Filter = None,
    allow_scan: AllowScan = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 250,
    database: Database,
    json: Json = False,
) -> None:
    """List identities, oldest first."""
    if filter is not None and identifier is not None:
        raise typer.BadParameter("name an identifier, or say which with --filter")
    if filter is not None:
        where = filter_of(filter, database.traits(filter))
        found: Sequence[Identity] = database.read(
            lambda tx, act: page(
                tx, Question(act.organization, where, oldest_first=True), None, limit, allow_scan=allow_scan
            )
        )
    else:
        by_name = model.Filter(identifiers=_names(identifier) if identifier else None)
        found = database.every(
            lambda tx, act, after, size: tx.identities.list(act.organization, by_name, after, 0, size), limit
        )
    print_rows([_row(identity) for identity in found], _COLUMNS, as_json=json)


@app.command()
@asks
def unlock(*, identity_id: _Id, database: Database) -> None:
    """Forget the wrong passwords and codes of an identity: it can sign in again at once."""
    found = given_id(identity_id)
    try:
        print("unlocked" if database.write(lambda tx, act: admin.unlock(tx, act, found)) else "was not locked")
    except IdentityNotFound:
        raise IdentityNotFound(f"There is no identity {identity_id}.") from None


@app.command()
@asks
def deactivate(
    *,
    identities: _Ids = None,
    all: _All = False,
    filter: Filter = None,
    dry_run: _Trial = False,
    allow_scan: AllowScan = False,
    reason: _Why = None,
    database: Database,
) -> None:
    """Shut accounts: they cannot sign in, and their sessions end. Several are a job."""
    _change(Kind.DEACTIVATE, database, _about(identities or [], filter, allow_scan, all=all), reason, dry_run=dry_run)


@app.command()
@asks
def delete(
    *,
    identities: _Ids = None,
    all: _All = False,
    filter: Filter = None,
    dry_run: _Trial = False,
    allow_scan: AllowScan = False,
    reason: _Why = None,
    database: Database,
) -> None:
    """Delete identities with their sessions and all else. They cannot be brought back. Several are a job."""
    _change(Kind.DELETE, database, _about(identities or [], filter, allow_scan, all=all), reason, dry_run=dry_run)


@app.command("import")
@asks
def import_(
    *,
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
    database: Database,
) -> None:
    """Bring in people with the passwords that they have. It can be run again: who is here already is left alone."""
    if str(file) != "-" and (file.is_dir() or not file.exists()):
        raise typer.BadParameter(f"{file} is no file")
    others = refused or Path("refused.jsonl" if str(file) == "-" else f"{file}.refused.jsonl")
    if others.exists() and file.exists() and others.samefile(file):
        raise typer.BadParameter("it is the file that is imported", param_hint="--refused")
    raise typer.Exit(_movers()[0](database, file, others))


@app.command()
@asks
def export(
    *,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Where to; standard output by default.")] = None,
    with_credentials: Annotated[
        bool, typer.Option("--with-credentials", help="Password hashes and other secrets, too.")
    ] = False,
    database: Database,
) -> None:
    """Write all identities as JSON lines, oldest first, as import takes them."""
    raise typer.Exit(_movers()[1](database, file, with_credentials))


def _movers() -> tuple[Callable[[Database, Path, Path], int], Callable[[Database, Path | None, bool], int]]:
    from nightlatch.cli import exporting, importing  # the other commands do not wait for what these need

    return importing.bring, exporting.export


def _about(ids: list[str], filter: str | None, allow_scan: bool, *, all: bool) -> Which:
    named = tuple(dict.fromkeys(map(given_id, ids)))
    if [bool(named), all, filter is not None].count(True) != 1:
        raise typer.BadParameter("name identities, say which with --filter, or say --all")
    return Which(0, filter, named or None, allow_scan=allow_scan)


def _change(kind: Kind, database: Database, about: Which, reason: str | None, *, dry_run: bool) -> None:
    if not (about.ids or reason or dry_run):
        raise typer.BadParameter("say why with --reason")
    traits = database.traits(about.filter or "")

    def which(act: Act) -> Which:
        return msgspec.structs.replace(about, at=act.now)

    if about.ids and len(about.ids) == 1 and not dry_run:
        [only] = about.ids
        try:
            database.write(lambda tx, act: many.RULES[kind](tx, act, only, reason))
        except IdentityNotFound:
            raise IdentityNotFound(f"There is no identity {id_text(only)}.") from None
        return

    if not dry_run:
        verb = "deactivated" if kind is Kind.DEACTIVATE else "deleted"
        why = reason or "operator"
        finish(database, lambda store, act: many.begin(store, act, kind, which(act), traits, why), verb)
        return

    async def unit(tx: Tx, act: Act) -> tuple[int, list[Identity]]:
        places, total = await matching(tx, many.WORK[kind], act.organization, which(act), traits)
        return total, await many.sample(tx, act.organization, places)

    count, sample = database.read(unit)
    print_rows([_row(identity) for identity in sample], _COLUMNS, as_json=False)
    print(f"would be {kind.partition('.')[2]}d: {count}")


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
