"""nightlatch audit list | verify"""

from collections.abc import Sequence
from typing import Annotated

import typer

from nightlatch.cli.opened import REFUSED, AllowScan, Database, Filter, Json, asks
from nightlatch.cli.printing import moment, print_rows
from nightlatch.config import keys_of
from nightlatch.core.administration.audit import page
from nightlatch.core.events.model import Logged, Seal
from nightlatch.core.events.question import Question, filter_of
from nightlatch.core.events.seals import PURPOSE, START, Checked, check
from nightlatch.core.events.store import Tx
from nightlatch.core.store import Store
from nightlatch.kernel.ids import id_text
from nightlatch.kernel.secrets import Keys

app = typer.Typer(help="The log of what happened.", no_args_is_help=True)
_COLUMNS = ("position", "at", "name", "actor", "reason", "amount", "identity_id", "session_id")
_SHOWN = 10


@app.command("list")
@asks
def list_(
    *,
    filter: Filter = None,
    allow_scan: AllowScan = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 250,
    database: Database,
    json: Json = False,
) -> None:
    """List what happened, the newest first."""
    where = None if filter is None else filter_of(filter)
    scan = allow_scan or filter is None
    found = database.read(lambda tx, act: page(tx, Question(act.organization, where), None, limit, allow_scan=scan))
    print_rows([_row(each) for each in found], _COLUMNS, as_json=json)


@app.command()
@asks
def verify(
    *,
    head: Annotated[
        str | None, typer.Option(metavar="POSITION:DIGEST", help="What it printed before: that must still be there.")
    ] = None,
    database: Database,
) -> None:
    """Check that no sealed event was changed, added or taken away (exit code 1), and print how far the log goes."""
    keys = keys_of(database.settings.secrets.default, PURPOSE)

    wrong, last, unsealed = database.ask(lambda store, _: verified(store, keys, head))
    for line in wrong[:_SHOWN]:
        print(line)
    if len(wrong) > _SHOWN:
        print(f"and {len(wrong) - _SHOWN} more")
    print(f"sealed: {_head(last)} at {moment(last.sealed_at)}" if last.position else "sealed: nothing")
    print(f"not sealed yet: {unsealed}")
    if wrong:
        raise typer.Exit(REFUSED)


async def verified(store: Store, keys: Keys, head: str | None = None) -> tuple[list[str], Seal, int]:
    """What is wrong with the log, a line each; its newest seal; and how many events are not sealed yet."""
    last, heads, wrong = START, set[str](), list[str]()
    while True:
        step, strays, unsealed = await store.scan(lambda tx, last=last: _step(tx, keys, last))  # type: ignore[misc]
        wrong += [f"event {position} is under no seal" for position in strays]
        if step is None:
            break
        wrong += [] if step.genuine else [f"the seal at {step.seal.position} is not as it was made"]
        wrong += [f"event {position} is not as it was sealed" for position in step.wrong]
        last = step.seal
        heads.add(_head(last))
    if head is not None and head not in heads:
        wrong.append(f"there is no seal {head}")
    return wrong, last, unsealed


def _row(logged: Logged) -> dict[str, object]:
    e = logged.event
    ids = {"identity_id": e.identity_id, "session_id": e.session_id}
    return {
        "id": id_text(e.id),
        "at": moment(e.at),
        "name": e.name,
        "actor": e.actor,
        "reason": e.reason,
        **{name: each and id_text(each) for name, each in ids.items()},
        "amount": e.amount,
        "position": logged.position,
        "data": e.data,
    }


async def _step(tx: Tx, keys: Keys, last: Seal) -> tuple[Checked | None, Sequence[int], int]:
    """The next seal; or when there is none, in one snapshot with that, what is under none."""
    checked = await check(tx, keys, last)
    if checked is not None:
        return checked, (), 0
    return None, await tx.events.stray(last.position), await tx.events.count_unsealed()


def _head(seal: Seal) -> str:
    return f"{seal.position}:{seal.digest.hex()}"
