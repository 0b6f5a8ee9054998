"""Questions over events as each store answers them."""

import itertools
import random
from typing import Any

import msgspec
import pytest
from tests.database import Database
from tests.plain_filters import holds, spelled
from tests.stores.rows import NOW, an_id

from nightlatch.core.events.model import Event, Seal
from nightlatch.core.events.question import ATTRIBUTES, Question, filter_of
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.questions import OPS, Kind, Place
from nightlatch.kernel.clock import moment
from nightlatch.kernel.filters import Comparison, Op
from nightlatch.kernel.ids import id_text
from nightlatch.problems import FilterInvalid

SOME = [an_id() for _ in range(3)]
WORDS = ["session.ended", "session.issued", "Session.ended", "é", "key:1", ""]


@pytest.fixture
def rows(db: Database) -> dict[bytes, dict[str, Any]]:
    """Thirty events, of which the first ten are sealed, and one of another organization."""
    source = random.Random(3)
    events = [
        Event(
            an_id(), DEFAULT, NOW + source.randrange(4), source.choice(WORDS), source.choice(WORDS),
            source.choice([*SOME, None]), source.choice([*SOME, None]), source.choice([*WORDS, None]),
            source.randrange(3), source.choice([None, {"filter": "é"}]),
        )
        for _ in range(30)
    ]  # fmt: skip
    elsewhere = msgspec.structs.replace(events[0], id=an_id(), organization=an_id())
    db.write(lambda tx: tx.events.add([*events, elsewhere]))
    positions = {event.id: n for n, event in enumerate(events[:10], 1)}
    db.write(lambda tx: tx.events.add_seal(Seal(10, b"", b"", NOW), list(positions.items())))
    return {event.id: row_of(event, positions.get(event.id)) for event in events}


def row_of(event: Event, position: int | None) -> dict[str, Any]:
    ids = {"id": event.id, "identity.id": event.identity_id, "session.id": event.session_id}
    plain = {name: getattr(event, name) for name in ("at", "name", "actor", "reason", "amount")}
    return {**plain, **{name: each and id_text(each) for name, each in ids.items()}, "position": position}


def picked(db: Database, text: str) -> set[bytes]:
    found = db.scan(lambda tx: tx.log.list(Question(DEFAULT, filter_of(text)), None, None, 100))
    return {each.event.id for each in found}


def test_W2_every_attribute_of_an_event_is_asked_in_every_way_that_it_can_be(
    db: Database, rows: dict[bytes, dict[str, Any]]
) -> None:
    hit: set[tuple[str, Op]] = set()
    for (name, attribute), op in itertools.product(ATTRIBUTES.items(), Op):
        near = sorted({row[name] for row in rows.values()} - {None}, key=str)[:5]
        for value in [None] if op is Op.PR else [*near, None]:
            shown = moment(value).isoformat() if attribute.kind is Kind.TIME and value is not None else value
            text = spelled(Comparison(name, op, shown), random.Random(1))
            if op not in OPS[attribute.kind] or (value is None and op not in {Op.EQ, Op.NE, Op.PR}):
                with pytest.raises(FilterInvalid):
                    filter_of(text)
                continue
            for tree, said in ((Comparison(name, op, value), text), (None, f"not ({text})")):
                fits = {each for each, row in rows.items() if holds(Comparison(name, op, value), row)}
                expected = fits if tree else set(rows) - fits
                assert picked(db, said) == expected, said
                if fits:
                    hit.add((name, op))
    assert {(name, op) for name, attribute in ATTRIBUTES.items() for op in OPS[attribute.kind]} == hit


@pytest.mark.parametrize("text", [None, 'actor eq "key:1" or amount ge 1', "at pr"])
def test_pages_of_the_log_hold_everything_once_in_either_order(
    db: Database, rows: dict[bytes, dict[str, Any]], text: str | None
) -> None:
    def pages(question: Question, size: int) -> list[bytes]:
        found: list[bytes] = []
        after: Place | None = None
        while page := db.scan(lambda tx, after=after: tx.log.list(question, after, None, size)):  # type: ignore[misc]
            found += [each.event.id for each in page]
            after = (page[-1].event.at, page[-1].event.id)
        return found

    where = text and filter_of(text)
    newest, oldest = (Question(DEFAULT, where or None, each) for each in (False, True))
    whole = pages(newest, 100)
    assert set(whole) == (picked(db, text) if text else set(rows))
    assert [rows[each]["at"] for each in whole] == sorted((rows[each]["at"] for each in whole), reverse=True)
    assert pages(newest, 7) == whole
    assert pages(oldest, 7) == whole[::-1]


def test_an_event_is_read_as_it_happened_with_its_position(db: Database, rows: dict[bytes, dict[str, Any]]) -> None:
    found = db.scan(lambda tx: tx.log.list(Question(DEFAULT), None, None, 100))
    assert {each.event.id: row_of(each.event, each.position) for each in found} == rows
    assert {str(each.event.data) for each in found} == {"None", "{'filter': 'é'}"}


def test_the_horizon_of_the_log_is_where_so_many_were_read(db: Database) -> None:
    times = [NOW + n for n in range(20)]
    db.write(lambda tx: tx.events.add([Event(an_id(), DEFAULT, at, "x", "y") for at in times]))

    def horizon(text: str, most: int, after: Place | None = None, **more: Any) -> Any:
        return db.scan(lambda tx: tx.log.horizon(Question(DEFAULT, filter_of(text), **more), after, most))

    unserved = 'actor eq "x"'
    assert horizon(unserved, 5) == times[-6]
    assert horizon(unserved, 5, oldest_first=True) == times[5]
    assert horizon(unserved, 20) is None
    assert horizon(unserved, 5, (times[10], bytes(16))) == times[4]
    assert horizon(f'{unserved} and at ge "{moment(times[14]).isoformat()}"', 5) == times[14]
    assert horizon(f"{unserved} and position eq 3", 5) is None
