"""nightlatch policies show | set | clear"""

from typing import Annotated, Any

import msgspec
import typer

from nightlatch.cli.opened import Database, Json, asks, given_id
from nightlatch.cli.printing import print_rows
from nightlatch.config import Config
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.sessions import policies as rules
from nightlatch.core.sessions.model import NO_POLICY, AtLimit, Policy
from nightlatch.kernel.durations import duration_text, parse_duration
from nightlatch.problems import IdentityNotFound

app = typer.Typer(
    help="Policies: how sessions live of an organization's people, or of one identity, where not as configured.",
    no_args_is_help=True,
)
_COLUMNS = ("setting", "effective", "identity", "organization", "configured")


def _duration(text: str) -> int:
    time = parse_duration(text)
    if time is None:
        raise typer.BadParameter("write it like 90m or 8h")
    return time


_Identity = Annotated[str | None, typer.Option("--identity", help="Of this identity, not of all of the organization.")]
_Duration = typer.Option(parser=_duration, metavar="DURATION")


@app.command()
@asks
def show(*, identity: _Identity = None, database: Database, json: Json = False) -> None:
    """Show what counts and where it is set: by the identity, else its organization, else the configuration."""

    async def unit(tx: Tx, act: Act) -> tuple[Policy, Policy]:
        own = NO_POLICY if identity is None else await _own(tx, act, identity)
        return own, await rules.of_organization(tx, act.organization)

    shown = [_shown(policy) for policy in (*database.read(unit), _configured(database.settings))]
    rows = [
        {"setting": name, "effective": next((each[name] for each in shown if each[name] is not None), None)}
        | dict(zip(_COLUMNS[2:], (each[name] for each in shown), strict=True))
        for name in Policy.__struct_fields__
    ]
    print_rows(rows, _COLUMNS, as_json=json)


@app.command("set")
@asks
def set_(
    *,
    identity: _Identity = None,
    lifespan: Annotated[int | None, _Duration] = None,
    idle: Annotated[int | None, _Duration] = None,
    max_per_identity: Annotated[int | None, typer.Option(help="The most sessions of one identity.")] = None,
    at_limit: Annotated[AtLimit | None, typer.Option(help="What a sign-in beyond that does.")] = None,
    end_others: Annotated[
        bool | None, typer.Option("--end-others/--keep-others", help="Of who changes a credential: the other sessions.")
    ] = None,
    ends_with_browser: Annotated[
        bool | None,
        typer.Option("--ends-with-browser/--outlives-browser", help="When a browser is closed."),
    ] = None,
    database: Database,
) -> None:
    """Set what is named and leave the rest. What is shorter than before counts at the next check of a session."""
    given = (lifespan, idle, max_per_identity, at_limit, end_others, ends_with_browser)
    named = zip(Policy.__struct_fields__, given, strict=True)
    said: dict[str, Any] = {name: value for name, value in named if value is not None}
    if not said:
        raise typer.BadParameter("name something to set")
    _change(database, identity, lambda policy: msgspec.structs.replace(policy, **said))


@app.command()
@asks
def clear(*, identity: _Identity = None, database: Database) -> None:
    """Take the policy away. Sessions that are over stay so."""
    _change(database, identity, lambda _: NO_POLICY)


def _change(database: Database, identity: str | None, changed: rules.Change) -> None:
    idle = database.settings.nightlatch.session.idle

    async def unit(tx: Tx, act: Act) -> None:
        if identity is None:
            await rules.change_organization(tx, act, changed, idle)
        elif not await rules.change(tx, act, [given_id(identity)], changed, idle):
            raise IdentityNotFound(f"There is no identity {identity}.")

    database.write(unit)


async def _own(tx: Tx, act: Act, identity: str) -> Policy:
    try:
        return await rules.of_identity(tx, act, given_id(identity))
    except IdentityNotFound:
        raise IdentityNotFound(f"There is no identity {identity}.") from None


def _configured(settings: Config) -> Policy:
    session, limits = settings.session, settings.nightlatch.session
    at_limit = AtLimit(limits.at_limit)
    return Policy(
        session.lifespan,
        limits.idle,
        limits.max_per_identity,
        at_limit,
        end_others=True,
        ends_with_browser=not session.cookie.persistent,
    )


def _shown(policy: Policy) -> dict[str, object]:
    times = {name: duration_text(time) for name in ("lifespan", "idle") if (time := getattr(policy, name)) is not None}
    return msgspec.structs.asdict(policy) | times
