"""nightlatch sessions list | end"""

from typing import Annotated

import typer

from nightlatch.cli.jobs import finish
from nightlatch.cli.opened import AllowScan, Database, Filter, Json, asks, given_id
from nightlatch.cli.printing import moment, print_rows
from nightlatch.core.administration import sessions as rules
from nightlatch.core.administration.work import matching
from nightlatch.core.events.model import Act
from nightlatch.core.flows.store import Tx
from nightlatch.core.jobs.model import Which
from nightlatch.core.sessions.model import How, Standing, Where
from nightlatch.core.sessions.question import Question, State, filter_of, state_of
from nightlatch.core.sessions.rules import end
from nightlatch.kernel.filters import All, Comparison, Op
from nightlatch.kernel.filters import Filter as Tree
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
    filter: Filter = None,
    allow_scan: AllowScan = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 250,
    database: Database,
    json: Json = False,
) -> None:
    """List sessions, newest first."""
    terms = [] if filter is None else [filter_of(filter, database.traits(filter))]
    if identity is not None:
        terms.append(Comparison("identity.id", Op.EQ, given_id(identity)))
    if active is not None:
        terms.append(Comparison("state", Op.EQ if active else Op.NE, State.ACTIVE))

    async def unit(tx: Tx, act: Act) -> list[dict[str, object]]:
        question = _question(database, act, All(tuple(terms)) if terms else None)
        found = await rules.page(tx, question, None, limit, allow_scan=allow_scan or filter is None)
        return [_row(standing, question) for standing in found]

    print_rows(database.read(unit), _COLUMNS, as_json=json)


@app.command("end")
@asks
def end_(
    *,
    session_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The session to end.")] = None,
    identity: _Identity = None,
    filter: Filter = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Of a filter: show what would end, and end nothing.")
    ] = False,
    allow_scan: AllowScan = False,
    delete: Annotated[bool, typer.Option(help="Delete them instead of keeping the rows of what was.")] = False,
    reason: Annotated[
        str | None, typer.Option(help="Why; kept with the event. A filter needs one, else it is operator.")
    ] = None,
    database: Database,
) -> None:
    """End one session, all of an identity, or those that a filter picks. They are refused from then on. More than
    10,000 are a job; the command waits for it, and it goes on without the command."""
    if [session_id, identity, filter].count(None) != 2:
        raise typer.BadParameter("name one session, or an identity with --identity, or say which with --filter")
    how = How.DELETE if delete else How.DISABLE
    if filter is not None:
        _end_matching(database, filter, how, reason, dry_run=dry_run, allow_scan=allow_scan)
        return
    if dry_run:
        raise typer.BadParameter("--dry-run goes with --filter")
    where = Where(given_id(session_id) if session_id else None, given_id(identity) if identity else None)
    revocation = database.write(lambda tx, act: end(tx, act, where, how, reason or "operator"))
    if not revocation.known:
        raise (
            SessionNotFound(f"There is no session {session_id}.")
            if session_id
            else IdentityNotFound(f"There is no identity {identity}.")
        )
    print(f"ended: {revocation.count}" + (" and more, which are being counted" if revocation.more else ""))


def _end_matching(
    database: Database, text: str, how: How, reason: str | None, *, dry_run: bool, allow_scan: bool
) -> None:
    if not (reason or dry_run):
        raise typer.BadParameter("say why with --reason")
    traits = database.traits(text)
    filter_of(text, traits)

    def which(act: Act) -> Which:
        idle = database.settings.nightlatch.session.idle
        return Which(act.now, text, how=how, idle=idle, allow_scan=allow_scan)

    if not dry_run:
        finish(database, lambda store, act: rules.end_matching(store, act, which(act), traits, reason or ""), "ended")
        return

    async def unit(tx: Tx, act: Act) -> tuple[int, list[dict[str, object]]]:
        _, total = await matching(tx, rules.WORK, act.organization, which(act), traits)
        question = rules.question_of(act.organization, which(act), traits)
        sample = await tx.questions.list(question, None, None, min(total, 10))
        return total, [_row(standing, question) for standing in sample]

    count, sample = database.read(unit)
    if sample:
        print_rows(sample, _COLUMNS, as_json=False)
    print(f"would end: {count}")


def _question(database: Database, act: Act, where: Tree | None) -> Question:
    return Question(act.organization, act.now, database.settings.nightlatch.session.idle, where)


def _row(standing: Standing, question: Question) -> dict[str, object]:
    s = standing.session
    times = {name: moment(getattr(s, name)) for name in ("issued_at", "last_seen", "expires_at")}
    ids = {"id": id_text(s.id), "identity_id": id_text(s.identity_id)}
    return {
        **ids,
        "active": state_of(standing, question.idle, question.now) is State.ACTIVE,
        "device": s.device.kind,
        "ip": s.device.ip,
        "user_agent": s.device.user_agent,
        **times,
    }
