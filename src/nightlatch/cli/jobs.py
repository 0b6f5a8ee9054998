"""nightlatch jobs list | show | cancel, and a job done while its command waits."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nightlatch.cli.opened import REFUSED, Database, Json, asks, complain, given_id
from nightlatch.cli.printing import moment, print_json, print_rows
from nightlatch.core.administration.jobs import advance
from nightlatch.core.events.model import Act
from nightlatch.core.jobs import rules
from nightlatch.core.jobs.model import Job, Status
from nightlatch.core.questions import Traits
from nightlatch.core.store import Store
from nightlatch.kernel.clock import SystemClock
from nightlatch.kernel.ids import id_text

app = typer.Typer(help="Jobs: acts on very many sessions or identities, and how far they are.", no_args_is_help=True)
_COLUMNS = ("id", "kind", "status", "done", "failed", "total", "reason", "created_at")
_Id = Annotated[str, typer.Argument(metavar="ID", help="As jobs list shows it.")]


@app.command("list")
@asks
def list_(
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    database: Database,
    json: Json = False,
) -> None:
    """List jobs, newest first."""
    found = database.read(lambda tx, act: tx.jobs.list(act.organization, None, limit))
    print_rows([_row(job) for job in found], _COLUMNS, as_json=json)


@app.command()
@asks
def show(*, job_id: _Id, database: Database) -> None:
    """Print how far a job is, as JSON."""
    found = given_id(job_id)
    print_json(_row(database.read(lambda tx, act: rules.get(tx, act.organization, found))))


@app.command()
@asks
def cancel(*, job_id: _Id, database: Database) -> None:
    """Have a job do no more. What it has done stays done."""
    found = given_id(job_id)
    print(database.write(lambda tx, act: rules.cancel(tx, act, found)).status)


def finish(database: Database, begin: Callable[[Store, Act], Awaitable[int | Job]], done: str) -> None:
    """Does what `begin` began, or watches who does it, and prints how many were `done`; exit code 1 when some were
    not. A number was done at once."""

    begun = database.ask(begin)
    if isinstance(begun, int):
        print(f"{done}: {begun}")
        return
    traits = database.schemas.traits  # of any filter: the oldest job comes first, whoever began it
    job = database.ask(lambda store, act: _follow(store, act, begun, traits))
    print(f"{done}: {job.done}")
    for failure in job.failures:
        complain(f"{id_text(failure.id)}: {failure.reason}")
    if job.failed or job.status is not Status.DONE:
        complain(f"the job {id_text(job.id)} is {job.status}; {job.failed} failed")
        raise typer.Exit(REFUSED)


async def _follow(store: Store, act: Act, job: Job, traits: Traits) -> Job:
    """The job when it is over. A server that runs does it, too: whoever has the lease."""
    clock, holder = SystemClock(), os.urandom(16)  # noqa: TID251
    with _bar(job) as shown:
        while job.ended_at is None:
            doing = lambda: msgspec.structs.replace(act, now=clock.now())  # noqa: E731
            if await advance(store, doing, holder, traits, shown) is None:
                await asyncio.sleep(0.1)
            job = await store.read(lambda tx, job=job: rules.get(tx, act.organization, job.id))  # type: ignore[misc]
            shown(job)
    return job


@contextlib.contextmanager
def _bar(job: Job) -> Iterator[Callable[[Job], None]]:
    """Shows how far it is; on a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{job.kind} {id_text(job.id)}", total=job.total)

        def show(moved: Job) -> None:
            if moved.id == job.id:
                progress.update(task, completed=moved.done + moved.failed)

        yield show


def _row(j: Job) -> dict[str, object]:
    failures: Sequence[dict[str, str]] = [
        {"id": id_text(each.id), "problem": each.problem, "detail": each.reason} for each in j.failures
    ]
    times = {name: moment(getattr(j, name)) for name in ("created_at", "updated_at", "ended_at")}
    said = {name: getattr(j, name) for name in ("kind", "status", "done", "failed", "total", "actor", "reason")}
    return {"id": id_text(j.id), **said, "filter": j.which.filter, "failures": failures, **times}
