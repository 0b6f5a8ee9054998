"""nightlatch sessions list | end"""

from typing import Annotated

import typer

from nightlatch.cli.opened import Database, Json, asks, given_id
from nightlatch.cli.printing import moment, print_rows
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.sessions.model import Filter, How, Standing, Where
from nightlatch.core.sessions.rules import Lifetime, end, idle_since, in_force
from nightlatch.kernel.ids import id_text
from nightlatch.problems import IdentityNotFound, SessionNotFound

app = typer.Typer(help="Sessions: who is signed in where.", no_args_is_help=True)
_COLUMNS = ("id", "identity_id", "active", "device", "ip", "issued_at", "last_seen", "expires_at")
_Identity = Annotated[str | None, typer.Option("--identity", help="Those of this identity.")]


@app.command("list")
@asks
def list_(
    *,
    identity: _Identity = None,
    active: Annotated[
        bool | None, typer.Option("--active/--over", help="Only those in force, or only those over.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 250,
    database: Database,
    json: Json = False,
) -> None:
    """List sessions, newest first."""
    identity_id = given_id(identity) if identity else None
    settings = database.settings
    lifetime = Lifetime(settings.session.lifespan, 0, settings.nightlatch.session.idle)

    async def unit(tx: Tx, act: Act) -> list[dict[str, object]]:
        where = Filter(identity_id=identity_id, active=active, idle_since=idle_since(lifetime, act.now))
        found = await tx.sessions.list(act.organization, where, act.now, None, 0, limit)
        return [_row(standing, in_force(standing, lifetime, act.now)) for standing in found]

    print_rows(database.read(unit), _COLUMNS, as_json=json)


@app.command("end")
@asks
def end_(
    *,
    session_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The session to end.")] = None,
    identity: _Identity = None,
    delete: Annotated[bool, typer.Option(help="Delete them instead of keeping the rows of what was.")] = False,
    reason: Annotated[str, typer.Option(help="Why; kept with the event.")] = "operator",
    database: Database,
) -> None:
    """End one session, or all of an identity. They are refused from then on."""
    if (session_id is None) == (identity is None):
        raise typer.BadParameter("name one session, or an identity with --identity")
    where = Where(given_id(session_id) if session_id else None, given_id(identity) if identity else None)
    how = How.DELETE if delete else How.DISABLE
    revocation = database.write(lambda tx, act: end(tx, act, where, how, reason))
    if not revocation.known:
        raise (
            SessionNotFound(f"There is no session {session_id}.")
            if session_id
            else IdentityNotFound(f"There is no identity {identity}.")
        )
    print(f"ended: {revocation.count}" + (" and more, which are being counted" if revocation.more else ""))


def _row(standing: Standing, active: bool) -> dict[str, object]:
    s = standing.session
    times = {name: moment(getattr(s, name)) for name in ("issued_at", "last_seen", "expires_at")}
    ids = {"id": id_text(s.id), "identity_id": id_text(s.identity_id)}
    return {
        **ids,
        "active": active,
        "device": s.device.kind,
        "ip": s.device.ip,
        "user_agent": s.device.user_agent,
        **times,
    }
