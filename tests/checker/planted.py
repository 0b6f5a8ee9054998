"""Bugs that the checker has to find: each is patched into a server that is about to start."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tests.checker import power

_cache: dict[str, tuple[float, Any]] = {}
_tries: Counter[bytes] = Counter()


def plant(names: Sequence[str]) -> None:
    for name in names:
        PLANTED[name]()


def _cached_for_a_second() -> None:
    from nightlatch.core.sessions import rules

    check = rules.check

    async def cached(tx: Any, token: str, *arguments: Any, **more: Any) -> Any:
        at, found = _cache.get(token, (0.0, None))
        if time.monotonic() - at > 1:
            at, found = _cache[token] = time.monotonic(), await check(tx, token, *arguments, **more)
        return found

    rules.check = cached


def _answered_before_the_commit() -> None:
    from nightlatch.stores.postgres import PostgresStore
    from nightlatch.stores.sqlite import SqliteStore

    def early(write: Callable[..., Any], *, pauses: bool) -> Callable[..., Any]:
        async def told(self: Any, unit: Any) -> Any:
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[Any] = loop.create_future()

            async def unit_that_tells(tx: Any) -> Any:
                value = await unit(tx)
                loop.call_soon_threadsafe(lambda: answer.done() or answer.set_result(value))
                # As slow as a disk that is busy.
                await asyncio.sleep(0.01) if pauses else time.sleep(0.01)  # noqa: ASYNC251 - on its writer thread
                return value

            writing = loop.create_task(write(self, unit_that_tells))
            await asyncio.wait([writing, answer], return_when=asyncio.FIRST_COMPLETED)
            return answer.result() if answer.done() else writing.result()

        return told

    PostgresStore.write = early(PostgresStore.write, pauses=True)  # type: ignore[method-assign]
    SqliteStore.write = early(SqliteStore.write, pauses=False)  # type: ignore[method-assign]


def _looked_at_before_it_is_used() -> None:
    """A code that is found unused is used, and so is its flow: another who looked meanwhile does the same."""
    from nightlatch.stores.sql import flows

    whoever_comes = flows.SAVE, flows.USE_CODE
    flows.SAVE, flows.USE_CODE = (_unguarded(each) for each in whoever_comes)


def _unguarded(statement: Any) -> Any:
    from nightlatch.stores.sql.statement import sql

    return sql(statement.postgres.replace(" and used_at is null", ""))


def _not_synced() -> None:
    from nightlatch.stores import postgres, sqlite_file

    pragmas = tuple(each.replace("synchronous=full", "synchronous=normal") for each in sqlite_file._PRAGMAS)
    sqlite_file._PRAGMAS = pragmas
    postgres._SETTINGS["synchronous_commit"] = "off"


def _counted_in_memory() -> None:
    from nightlatch.core.flows.model import Code
    from nightlatch.stores.sql import flows
    from nightlatch.stores.sql.statement import sql

    read = sql(f"select {flows._CODE} from codes where flow_id = $1 and used_at is null and expires_at > $2")

    async def try_code(self: Any, flow_id: bytes, most: int, now: int) -> Code | None:
        _tries[flow_id] += 1
        found = await self._one(lambda row: Code(*row), read, flow_id, now)
        return found if _tries[flow_id] <= most else None

    flows.SqlFlows.try_code = try_code  # type: ignore[method-assign]


PLANTED: dict[str, Callable[[], None]] = {
    "power": power.install,
    "cache": _cached_for_a_second,
    "early": _answered_before_the_commit,
    "looked": _looked_at_before_it_is_used,
    "unsynced": _not_synced,
    "memory": _counted_in_memory,
}
