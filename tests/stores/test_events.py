"""What every store does with events: keeps them with the act, and tells of them once they are durable."""

import json
from typing import Any

import msgspec
import pytest
from tests.database import Database
from tests.stores.rows import NOW, add_person, an_id

from nightlatch.core.events.model import Event
from nightlatch.core.organizations.model import DEFAULT

COLUMNS = "id, organization_id, at, name, actor, identity_id, session_id, reason, amount, data"


def made(**changes: Any) -> Event:
    return msgspec.structs.replace(Event(an_id(), DEFAULT, NOW, "session.ended", "key:1"), **changes)


def kept(db: Database) -> dict[bytes, tuple[Any, ...]]:
    rows = db.sql(f"select {COLUMNS} from events")
    return {row[0]: (*row[:9], json.loads(row[9]) if row[9] is not None else None) for row in rows}


def test_events_are_kept_as_they_were_added(db: Database) -> None:
    full = made(identity_id=an_id(), session_id=an_id(), reason="admin", amount=7, data={"é": [1, None]})
    bare = made(actor="anonymous")
    db.write(lambda tx: tx.events.add([full, bare]))
    assert kept(db) == {e.id: tuple(getattr(e, name) for name in Event.__struct_fields__) for e in (full, bare)}


def test_adding_none_adds_none(db: Database) -> None:
    db.write(lambda tx: tx.events.add([]))
    assert kept(db) == {}
    assert db.happened == []


def test_events_are_told_in_order_after_their_commit(db: Database) -> None:
    first, second, third = made(), made(), made()

    async def unit(tx: Any) -> None:
        await tx.events.add([first])
        await tx.events.add([second])

    db.write(unit)
    db.write(lambda tx: tx.events.add([third]))
    assert db.happened == [first, second, third]


def test_the_events_of_a_unit_that_fails_are_neither_kept_nor_told(db: Database) -> None:
    async def unit(tx: Any) -> None:
        await tx.events.add([made()])
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        db.write(unit)
    assert kept(db) == {}
    assert db.happened == []


def test_events_outlive_the_identity_that_they_are_about(db: Database) -> None:
    person = add_person(db)
    about = made(identity_id=person.id)
    db.write(lambda tx: tx.events.add([about]))
    db.write(lambda tx: tx.identities.remove(DEFAULT, person.id))
    assert list(kept(db)) == [about.id]
