"""nightlatch audit verify"""

import asyncio
import os
import time

from tests.cli.command import Command

from nightlatch.core.events.model import Act
from nightlatch.core.events.seals import PURPOSE
from nightlatch.core.housekeeping import seal_events
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.kernel.secrets import Keys
from nightlatch.stores.opening import open_store
from nightlatch.stores.sql.statement import sql

KEYS = Keys([b"a secret of the tests, 32 bytes."], PURPOSE)


def on_store(dsn: str, change: str | None = None) -> None:
    """Seals what has happened, as the server does, or makes a change that goes around it."""

    async def work() -> None:
        store = await open_store(dsn)
        if change is None:
            await seal_events(store, Act(DEFAULT, "x", time.time_ns() // 1000, os.urandom), b"x", KEYS)
        else:
            await store.write(lambda tx: tx.sessions._connection.run(sql(change)))  # type: ignore[attr-defined]
        await store.close()

    asyncio.run(work())


def test_W21_the_log_is_verified_up_to_its_head_and_a_changed_event_is_named(nightlatch: Command, dsn: str) -> None:
    assert nightlatch("audit", "verify") == "sealed: nothing\nnot sealed yet: 0\n"
    nightlatch("organizations", "create", "one")
    assert nightlatch("audit", "verify") == "sealed: nothing\nnot sealed yet: 1\n"
    on_store(dsn)
    head = nightlatch("audit", "verify").split()[1]
    assert head.startswith("1:")
    nightlatch("organizations", "create", "two")
    assert nightlatch("audit", "verify", "--head", head).splitlines()[1] == "not sealed yet: 1"
    on_store(dsn)
    assert nightlatch("audit", "verify", "--head", head).startswith("sealed: 2:")
    on_store(dsn, "update events set actor = 'nobody' where position = 2")
    done = nightlatch.run("audit", "verify")
    assert (done.code, done.out.splitlines()[0]) == (1, "event 2 is not as it was sealed")
    on_store(dsn, "delete from seals where position = 2")
    done = nightlatch.run("audit", "verify", "--head", f"2:{head[2:]}")
    assert done.code == 1
    assert done.out.splitlines()[:2] == ["event 2 is under no seal", f"there is no seal 2:{head[2:]}"]


def test_W21_of_very_many_that_are_wrong_the_first_are_named(nightlatch: Command, dsn: str) -> None:
    for n in range(12):
        nightlatch("organizations", "create", f"number {n}")
    on_store(dsn)
    on_store(dsn, "update events set actor = 'nobody'")
    done = nightlatch.run("audit", "verify")
    assert (done.code, len(done.out.splitlines())) == (1, 13)
    assert done.out.splitlines()[10] == "and 2 more"


def test_the_log_is_listed_newest_first_and_by_a_filter(nightlatch: Command, dsn: str) -> None:
    for name in ("one", "two"):
        nightlatch("organizations", "create", name)
    nightlatch("keys", "create", "a key")
    on_store(dsn)
    rows = nightlatch.rows("audit", "list")
    assert [(row["name"], row["position"]) for row in rows] == [
        ("access_key.created", 3), ("organization.created", 2), ("organization.created", 1),
    ]  # fmt: skip
    made = nightlatch.rows("audit", "list", "--filter", 'name sw "organization."', "--limit", "1")
    assert made == [rows[1]]
    assert rows[1]["actor"].startswith("cli:")
    lines = nightlatch("audit", "list", "--filter", "position eq 3").splitlines()
    assert [line.split()[0] for line in lines] == ["position", "3"]
    done = nightlatch.run("audit", "list", "--filter", "position eq x")
    assert (done.code, "Column 13" in done.err) == (1, True)
