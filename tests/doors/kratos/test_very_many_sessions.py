"""Ending the sessions of somebody who has very many of them."""

import time
import uuid
from typing import Any

import pytest
from tests.doors.kratos.in_process import Doors
from tests.stores.rows import an_id, bits

from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.marking import mark
from nightlatch.stores.sql.sessions import ADD
from nightlatch.stores.sql.statement import sql

AMOUNTS = sql("select amount from events where name in ('session.ended', 'session.deleted')")
BATCH = 10_000


def fill(doors: Doors, identity: str, count: int) -> None:
    """So many sessions in force, whose tokens are nobody's."""
    now, owner = doors.clock.now(), uuid.UUID(identity).bytes
    device = (None, None, None, "web")
    for start in range(0, count, BATCH):
        rows = [
            (an_id(), n, DEFAULT, owner, bits(), 1, "[]", now - n, now, now, now + 10**12, None, now, owner, *device)
            for n in range(start + 1, start + BATCH + 1)
        ]

        async def unit(tx: Any, rows: Any = rows) -> None:
            await tx.sessions._connection.many(ADD, [(*row, 0, 0, 0, 0) for row in rows])

        doors.write(unit)


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("whose", ["ada's", "my others", "everybody's"])
def test_F24_very_many_sessions_end_in_under_a_second_and_none_is_accepted(
    doors_of_each: Doors, count: int, whose: str
) -> None:
    doors = doors_of_each
    ada, bob = (str(doors.person(name)["id"]) for name in ("ada", "bob"))
    first, mine, theirs = (doors.session(identity)[1] for identity in (ada, ada, bob))
    fill(doors, ada, count)
    began = time.perf_counter()
    if whose == "ada's":
        doors.admin("DELETE", f"/admin/identities/{ada}/sessions").ok(204)
    elif whose == "my others":
        doors.public("DELETE", "/sessions", token=mine).ok()
    else:
        doors.admin("POST", "/admin/sessions", {"action": "delete", "identities": ["*"]}).ok()
    assert time.perf_counter() - began < 1
    accepted = [doors.public("GET", "/sessions/whoami", token=token).status == 200 for token in (first, mine, theirs)]
    assert accepted == [False, whose == "my others", whose != "everybody's"]
    while doors.write(lambda tx: mark(tx, doors.clock.now(), 1000)):
        pass
    rows = doors.read(lambda tx: tx.sessions._connection.rows(AMOUNTS))
    assert [row[0] for row in rows] == [count + {"ada's": 2, "my others": 1, "everybody's": 3}[whose]]
