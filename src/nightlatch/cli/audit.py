"""nightlatch audit verify"""

from typing import Annotated

import typer

from nightlatch.cli.opened import REFUSED, ConfigFile, Dev, configuration, with_store
from nightlatch.cli.printing import moment
from nightlatch.config import keys_of
from nightlatch.core.events.model import Act, Seal
from nightlatch.core.events.seals import PURPOSE, START, check
from nightlatch.core.store import Store

app = typer.Typer(help="The log of what happened.", no_args_is_help=True)
_SHOWN = 10
_LAST = 2**63 - 1


@app.callback()
def _group() -> None:
    """Makes `verify` a command of the group, and not the group itself."""


@app.command()
def verify(
    head: Annotated[
        str | None, typer.Option(metavar="POSITION:DIGEST", help="What it printed before: that must still be there.")
    ] = None,
    config: ConfigFile = None,
    dev: Dev = False,
) -> None:
    """Check that no sealed event was changed, added or taken away (exit code 1), and print how far the log goes."""
    settings = configuration(config, dev)
    keys = keys_of(settings.secrets.default, PURPOSE)

    async def work(store: Store, _act: Act) -> tuple[list[str], Seal, int]:
        last, heads, wrong = START, set[str](), list[str]()
        while (step := await store.scan(lambda tx, last=last: check(tx, keys, last))) is not None:  # type: ignore[misc]
            wrong += [] if step.genuine else [f"the seal at {step.seal.position} is not as it was made"]
            wrong += [f"event {position} is not as it was sealed" for position in step.wrong]
            last = step.seal
            heads.add(_head(last))
        beyond = await store.scan(lambda tx: tx.events.positioned(last.position, _LAST))
        wrong += [f"event {position} is under no seal" for position, _ in beyond]
        if head is not None and head not in heads:
            wrong.append(f"there is no seal {head}")
        return wrong, last, await store.scan(lambda tx: tx.events.count_unsealed())

    wrong, last, unsealed = with_store(settings, work)
    for line in wrong[:_SHOWN]:
        print(line)
    if len(wrong) > _SHOWN:
        print(f"and {len(wrong) - _SHOWN} more")
    print(f"sealed: {_head(last)} at {moment(last.sealed_at)}" if last.position else "sealed: nothing")
    print(f"not sealed yet: {unsealed}")
    if wrong:
        raise typer.Exit(REFUSED)


def _head(seal: Seal) -> str:
    return f"{seal.position}:{seal.digest.hex()}"
