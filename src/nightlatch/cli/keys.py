"""nightlatch keys create | list | revoke"""

from typing import Annotated

import typer

from nightlatch.cli.opened import Database, Json, asks, given_id
from nightlatch.cli.printing import moment, print_rows
from nightlatch.config import keys_of
from nightlatch.core.access import rules
from nightlatch.core.access.model import EVERYTHING, SCOPES, AccessKey
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.kernel.durations import parse_duration
from nightlatch.kernel.ids import id_text
from nightlatch.problems import FieldInvalid, NotFound

app = typer.Typer(help="Access keys: who may use the admin port, and for what.", no_args_is_help=True)
_COLUMNS = ("id", "name", "scopes", "access_key_id", "created_at", "expires_at", "revoked_at")


@app.command()
@asks
def create(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for; shown in lists.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"What it may do, once for each: {', '.join(SCOPES)}; NOUN:* or, by default, * for all."),
    ] = None,
    expires_in: Annotated[
        str | None, typer.Option(help="How long it is good for, as in 720h; for ever by default.")
    ] = None,
    pair: Annotated[
        bool, typer.Option("--pair", help="A pair of id and secret, for clients that sign their requests.")
    ] = False,
    security_token: Annotated[
        bool,
        typer.Option("--security-token", help="With --pair and --expires-in: a token that every request must bring."),
    ] = False,
    database: Database,
    json: Json = False,
) -> None:
    """Make a key. It is shown once; only its hash is kept, or of a pair a ciphertext."""
    lifespan = parse_duration(expires_in) if expires_in else None
    if expires_in and (lifespan is None or lifespan <= 0):
        raise typer.BadParameter(f"{expires_in} is not a duration like 720h", param_hint="--expires-in")
    scopes = tuple(scope) if scope else EVERYTHING
    try:
        rules.check_scopes(scopes)
    except FieldInvalid as problem:
        raise typer.BadParameter(problem.reason, param_hint="--scope") from None
    if security_token and not (pair and lifespan):
        raise typer.BadParameter("it needs --pair and --expires-in", param_hint="--security-token")
    keys = keys_of(database.settings.secrets.cipher, rules.PURPOSE)

    async def unit(tx: Tx, act: Act) -> tuple[AccessKey, dict[str, str | None]]:
        until = act.now + lifespan if lifespan else None
        if not pair:
            key, token = await rules.create(tx, act, name, scopes, until)
            return key, {"key": token}
        key, shown = await rules.create_pair(tx, act, keys, name, scopes, until, security_token=security_token)
        return key, {"access_key_id": shown.id, "secret": shown.secret, "security_token": shown.security_token}

    key, secrets = database.write(unit)
    if json:
        print_rows([_row(key) | secrets], _COLUMNS, as_json=True)
    else:
        print("\n".join(each for each in secrets.values() if each))


@app.command("list")
@asks
def list_(*, database: Database, json: Json = False) -> None:
    """List the keys; never what they are."""
    found = database.every(lambda tx, act, after, size: tx.access_keys.list(act.organization, after, size))
    print_rows([_row(key) for key in found], _COLUMNS, as_json=json)


@app.command()
@asks
def revoke(
    *, key_id: Annotated[str, typer.Argument(metavar="ID", help="As keys list shows it.")], database: Database
) -> None:
    """Revoke a key: its next request is refused."""
    found = given_id(key_id)
    try:
        database.write(lambda tx, act: rules.revoke(tx, act, found))
    except NotFound:
        raise NotFound(f"There is no key {key_id}, or it was revoked before.") from None


def _row(key: AccessKey) -> dict[str, object]:
    times = {name: moment(getattr(key, name)) for name in ("created_at", "expires_at", "revoked_at")}
    pair_id = key.pair.id if key.pair else None
    return {"id": id_text(key.id), "name": key.name, "scopes": key.scopes, "access_key_id": pair_id, **times}
