"""The connections that are kept: how many, who gets them, and what becomes of those that break."""

import asyncio
from typing import Any

import pytest
from tests.postgres import Postgres

from nightlatch.problems import StoreDown
from nightlatch.stores import postgres_pool
from nightlatch.stores.opening import migrate
from nightlatch.stores.postgres import PostgresStore, connect
from nightlatch.stores.sql.statement import sql

MOST = 3
BACKENDS = sql("select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")


async def rows(tx: Any, text: str) -> list[Any]:
    return [tuple(row) for row in await tx.sessions._connection.rows(sql(text))]


async def backend(store: PostgresStore, seconds: float = 0) -> int:
    found = await store.read(lambda tx: rows(tx, f"select pg_backend_pid(), pg_sleep({seconds})::text"))
    return int(found[0][0])


@pytest.fixture
def dsn(postgres: Postgres) -> str:
    made = postgres.create_database()
    asyncio.run(migrate(made, 0))
    return made


def test_as_many_are_opened_as_are_needed_at_once_and_no_more(dsn: str) -> None:
    async def scenario() -> None:
        store = await connect(dsn, lambda _: None, MOST)
        assert len({await backend(store) for _ in range(5)}) == 1
        assert len(set(await asyncio.gather(*(backend(store, 0.01) for _ in range(40))))) == MOST
        await store.close()

    asyncio.run(scenario())


def test_one_that_the_server_closed_is_given_to_nobody(dsn: str) -> None:
    async def scenario() -> None:
        store = await connect(dsn, lambda _: None, 1)
        other = await connect(dsn, lambda _: None, 1)
        for _ in range(3):
            before = await backend(store)
            await other.read(lambda tx, before=before: rows(tx, f"select pg_terminate_backend({before})"))  # type: ignore[misc]
            await asyncio.sleep(0.05)
            assert await backend(store) != before
        await store.close()
        await other.close()

    asyncio.run(scenario())


def test_whoever_leaves_while_they_wait_or_ask_takes_no_room_with_them(dsn: str) -> None:
    async def scenario() -> None:
        store = await connect(dsn, lambda _: None, MOST)
        asking = [asyncio.ensure_future(backend(store, 0.2)) for _ in range(4 * MOST)]
        await asyncio.sleep(0.05)
        for each in asking:
            each.cancel()
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
        async with asyncio.timeout(5):
            assert len(set(await asyncio.gather(*(backend(store, 0.01) for _ in range(40))))) == MOST
        await store.close()

    asyncio.run(scenario())


def test_who_waits_too_long_is_told_that_the_database_is_down(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(postgres_pool, "_PATIENCE", 0.02)
        store = await connect(dsn, lambda _: None, 1)
        slow = asyncio.ensure_future(backend(store, 0.5))
        await asyncio.sleep(0.05)
        with pytest.raises(StoreDown):
            await backend(store)
        await slow
        assert await backend(store) == await slow
        await store.close()

    asyncio.run(scenario())


def test_closing_leaves_none_open(dsn: str) -> None:
    async def scenario() -> None:
        store, other = await connect(dsn, lambda _: None, MOST), await connect(dsn, lambda _: None, 1)
        await asyncio.gather(*(backend(store, 0.01) for _ in range(9)))
        late = asyncio.ensure_future(backend(store, 0.1))
        await asyncio.sleep(0.03)
        await store.close()
        await late
        async with asyncio.timeout(5):
            while await other.read(lambda tx: rows(tx, BACKENDS.postgres)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await other.close()

    asyncio.run(scenario())
