"""Every way to choose which sessions end, and the endings of more than can be marked at once, on both databases."""

import itertools
from typing import Any

import pytest
from tests.database import Database
from tests.stores.rows import NOW, add_organization, add_people, add_person, add_session, add_sessions, an_id, bits

from nightlatch.core.events.model import Act
from nightlatch.core.identities.model import Identity
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.marking import AT_ONCE, OF_EVERYBODY, mark
from nightlatch.core.sessions.model import Device, Filter, How, Revocation, Session, Where
from nightlatch.core.sessions.rules import end
from nightlatch.kernel.ids import id_text

HOWS = pytest.mark.parametrize("how", list(How))
_moments = itertools.count(NOW + 9, 1000)
MANY = 2 * AT_ONCE + 345


def ending(db: Database, how: How = How.DISABLE, organization: bytes = DEFAULT, **where: Any) -> Revocation:
    """At a moment of its own, so that events and endings have an order."""
    act = Act(organization, "test", next(_moments), bits)
    return db.write(lambda tx: end(tx, act, Where(**where), how, "a reason"))


def living(db: Database, organization: bytes = DEFAULT, **where: Any) -> set[bytes]:
    """The ids of all sessions in force, on which all reads must agree."""
    rows = db.scan(lambda tx: tx.sessions.list(organization, Filter(active=True, **where), NOW, None, 0, 9999))
    assert db.scan(lambda tx: tx.sessions.count(organization, Filter(active=True, **where), NOW)) == len(rows)
    return {row.session.id for row in rows}


def kept(db: Database, organization: bytes = DEFAULT) -> int:
    """How many sessions any read still shows, over or not."""
    return int(db.scan(lambda tx: tx.sessions.count(organization, Filter(), NOW)))


def over(db: Database, one: Session) -> bool:
    found = [
        db.read(lambda tx: tx.sessions.by_token(one.token_hash)),
        db.read(lambda tx: tx.sessions.get(one.organization, one.id)),
        db.read(lambda tx: tx.sessions.by_number(one.organization, one.number)),
    ]
    assert found == [found[0]] * 3
    return found[0] is None or found[0].ended


def events(db: Database) -> list[Any]:
    return db.sql("select name, actor, reason, amount, identity_id, session_id, data from events order by at, id")


def marked(db: Database, most: int = AT_ONCE) -> list[int]:
    """Marks until nothing is left: what each step says."""
    steps = []
    while step := db.write(lambda tx: mark(tx, most)):
        steps.append(step)
    assert db.sql("select id from endings") == []
    return steps


def of_kind(kind: str) -> Device:
    return Device(None, None, None, kind)


@HOWS
def test_S7_sessions_that_are_named_end_and_no_others(db: Database, how: How) -> None:
    anna, bert = add_people(db, 2)
    mine, theirs = [add_session(db, anna) for _ in range(3)], add_session(db, bert)
    unknown = an_id()
    done = ending(db, how, session_ids=(mine[0].id, theirs.id, unknown, mine[0].id))
    assert done == Revocation(2, known=True, identity_id=None, missing=(unknown,))
    assert living(db) == {mine[1].id, mine[2].id}
    (event,) = events(db)
    assert event[3:6] == (2, None, None)
    assert all(id_text(one.id) in event[6] for one in (mine[0], theirs))
    assert over(db, mine[0])
    assert over(db, theirs)


@HOWS
@pytest.mark.parametrize("named", ["session_id", "session_ids", "number"])
def test_S7_a_session_of_somebody_else_is_as_if_it_did_not_exist(db: Database, how: How, named: str) -> None:
    anna, bert = add_people(db, 2)
    one = add_session(db, anna)
    name: Any = {"session_id": one.id, "session_ids": (one.id,), "number": one.number}[named]
    done = ending(db, how, identity_id=bert.id, **{named: name})
    assert done == Revocation(0, known=False, identity_id=None, missing=(one.id,))
    assert not ending(db, how, add_organization(db), **{named: name}).known
    assert not over(db, one)
    assert events(db) == []
    assert ending(db, how, identity_id=anna.id, **{named: name}) == Revocation(1, known=True, identity_id=anna.id)
    assert over(db, one)
    assert [event[4:6] for event in events(db)] == [(anna.id, one.id)]


def test_S7_naming_no_session_and_nobody_ends_none(db: Database) -> None:
    anna = add_person(db)
    one = add_session(db, anna)
    for nothing in ({}, {"session_ids": ()}, {"identity_ids": ()}, {"session_ids": (), "identity_id": anna.id}):
        assert ending(db, **nothing) == Revocation(0, known=False, identity_id=None)
    assert not ending(db, number=one.number % 2**52 + 1).known
    assert not over(db, one)
    assert events(db) == []


@HOWS
def test_all_of_several_identities_end_with_one_event(db: Database, how: How) -> None:
    people = add_people(db, 4)
    made = [add_session(db, person) for person in people for _ in range(2)]
    unknown = an_id()
    done = ending(db, how, identity_ids=(people[0].id, unknown, people[2].id))
    assert done == Revocation(4, known=True, identity_id=None, missing=(unknown,))
    assert living(db) == {made[n].id for n in (2, 3, 6, 7)}
    (event,) = events(db)
    assert event[:4] == ("session.ended" if how is How.DISABLE else "session.deleted", "test", "a reason", 4)


@HOWS
def test_S7_only_sessions_on_chosen_kinds_of_device_end(db: Database, how: How) -> None:
    anna, bert, cleo = add_people(db, 3)
    made = {
        (person.id, kind): add_session(db, person, device=of_kind(kind))
        for person in (anna, bert, cleo)
        for kind in ("web", "mobile", "desktop", "other")
    }
    ending(db, session_id=made[anna.id, "web"].id)
    done = ending(db, how, identity_ids=(anna.id, bert.id), kinds=("web", "mobile"))
    assert done == Revocation(4 if how is How.DELETE else 3, known=True, identity_id=None)
    left = {key for key, one in made.items() if one.id in living(db)}
    assert left == {(p.id, k) for p, k in [(anna, "desktop"), (anna, "other"), (bert, "desktop"), (bert, "other")]} | {
        (cleo.id, kind) for kind in ("web", "mobile", "desktop", "other")
    }
    spared = made[cleo.id, "web"]
    assert ending(db, how, identity_id=cleo.id, kinds=("web", "other"), but=spared.id).count == 1
    assert not over(db, spared)
    assert not ending(db, how, identity_id=an_id(), kinds=("web",)).known


@HOWS
def test_S7_of_those_that_were_found_who_signed_in_again_since_is_spared(db: Database, how: How) -> None:
    anna = add_person(db)
    old, renewed = (add_session(db, anna, issued_at=NOW + n) for n in (0, 1))
    both = (old.id, renewed.id)
    assert ending(db, how, session_ids=both, filter="a filter", issued_by=NOW).count == 1
    assert (over(db, old), over(db, renewed)) == (True, False)
    assert ending(db, how, session_ids=both, filter="a filter").count == 1
    assert over(db, renewed)


@HOWS
def test_S7_everybody_of_an_organization_ends_and_nobody_of_another(db: Database, how: How) -> None:
    foreign = add_organization(db)
    mine = [add_session(db, person) for person in add_people(db, 3)]
    theirs = add_session(db, add_person(db, organization=foreign))
    assert ending(db, how, everybody=True) == Revocation(3, known=True, identity_id=None)
    assert all(over(db, one) for one in mine)
    assert kept(db) == (0 if how is How.DELETE else 3)
    assert living(db, foreign) == {theirs.id}
    ((*_, amount, identity_id, _, data),) = events(db)
    assert (amount, identity_id, data) == (3, None, '{"everybody":true}')
    assert ending(db, how, everybody=True).count == 0


def issue(db: Database, person: Identity) -> Session:
    epochs = db.read(lambda tx: tx.sessions.epochs(person.organization, person.id))
    return add_session(db, person, epochs=epochs, created_at=NOW + MANY)


@HOWS
@pytest.mark.parametrize("whose", ["identity", "everybody"])
def test_S4_of_more_than_are_marked_at_once_none_lives_and_the_event_counts_all(
    db: Database, how: How, whose: str
) -> None:
    anna, bert = add_people(db, 2)
    many, other = add_sessions(db, anna, MANY), add_session(db, bert)
    where: dict[str, Any] = {"identity_id": anna.id} if whose == "identity" else {"everybody": True}
    total = MANY + (whose == "everybody")
    done = ending(db, how, **where)
    assert done.more
    at_once = AT_ONCE if whose == "identity" else OF_EVERYBODY
    assert done.count == at_once
    assert living(db) == ({other.id} if whose == "identity" else set())
    assert kept(db) == (1 - (whose == "everybody") if how is How.DELETE else MANY + 1)
    assert over(db, many[0])
    assert over(db, many[-1])
    # What is issued from now on is none of them.
    new = issue(db, anna)
    steps = marked(db, 500)
    assert (steps[:2], sum(steps)) == ([500, 500], total - at_once)
    assert [event[3] for event in events(db)] == [total]
    assert not over(db, new)
    left = db.sql("select count(*) from sessions where ended_at is null")[0][0]
    assert left == (2 if whose == "identity" else 1)
    if how is How.DISABLE:
        assert db.sql("select count(distinct ended_at) from sessions") == [(1,)]


def test_an_ending_while_another_is_marked_counts_its_own_alone(db: Database) -> None:
    anna = add_person(db)
    add_sessions(db, anna, MANY)
    ending(db, identity_id=anna.id)
    new = [issue(db, anna) for _ in range(2)]
    assert ending(db, identity_id=anna.id).count == 2
    newer = issue(db, anna)
    everybody = ending(db, everybody=True)
    assert (everybody.count, everybody.more) == (0, True)
    assert all(over(db, one) for one in (*new, newer))
    assert living(db) == set()
    marked(db)
    assert [event[3] for event in events(db)] == [MANY, 2, 1]
    assert db.sql("select count(*) from sessions where ended_at is null") == [(0,)]


@HOWS
def test_S4_ending_one_that_ended_with_many_is_a_no_op(db: Database, how: How) -> None:
    anna = add_person(db)
    many = add_sessions(db, anna, AT_ONCE + 5)
    ending(db, how, identity_id=anna.id)
    oldest = min(many, key=lambda one: one.created_at)
    assert db.sql("select ended_at from sessions where id = $1", oldest.id) == [(None,)]
    done = ending(db, session_id=oldest.id)
    assert (done.count, done.known) == (0, how is How.DISABLE)
    assert ending(db, identity_id=anna.id, kinds=("web",)).count == 0
    marked(db)
    assert db.sql("select max(amount) from events") == [(AT_ONCE + 5,)]


@HOWS
def test_S4_the_spared_one_lives_while_the_others_are_marked(db: Database, how: How) -> None:
    anna = add_person(db)
    many = add_sessions(db, anna, MANY)
    spared = many[MANY // 2]
    assert ending(db, how, identity_id=anna.id, but=spared.id).more
    assert living(db) == {spared.id}
    marked(db)
    assert living(db) == {spared.id}
    assert [event[3] for event in events(db)] == [MANY - 1]


def test_marking_that_begins_anew_marks_nothing_twice(db: Database) -> None:
    anna = add_person(db)
    add_sessions(db, anna, MANY)
    ending(db, identity_id=anna.id)
    (left,) = db.sql("select id, after_created_at, after_id from endings")
    db.write(lambda tx: mark(tx, 700))
    # As after another worker that had taken the same step.
    db.sql("update endings set after_created_at = $2, after_id = $3 where id = $1", *left)
    marked(db)
    assert [event[3] for event in events(db)] == [MANY]


def test_marking_with_nothing_to_mark_does_nothing(db: Database) -> None:
    anna = add_person(db)
    add_sessions(db, anna, AT_ONCE)
    assert marked(db) == []
    assert ending(db, identity_id=anna.id) == Revocation(AT_ONCE, known=True, identity_id=anna.id, more=True)
    assert marked(db) == []
    assert [event[3] for event in events(db)] == [AT_ONCE]


def test_S4_the_strictest_of_all_endings_wins_whichever_came_last(db: Database) -> None:
    """As in CVE-2026-8922, where a narrow policy hid a wider one: every set of endings, in both orders."""
    names = ("one", "kind", "identity", "everybody")
    for chosen in (some for size in range(len(names) + 1) for some in itertools.permutations(names, size)):
        anna, bert = add_people(db, 2)
        for person in (anna, bert):
            # Issued under the epochs of now: earlier rounds moved those of the organization.
            issue(db, person)
        mine, theirs = (next(iter(living(db, identity_id=person.id))) for person in (anna, bert))
        for name in chosen:
            ending(db, **_endings(anna, mine)[name])
        assert living(db, identity_id=anna.id) == (set() if chosen else {mine})
        assert living(db, identity_id=bert.id) == (set() if "everybody" in chosen else {theirs})


def _endings(person: Identity, session_id: bytes) -> dict[str, dict[str, Any]]:
    return {
        "one": {"session_id": session_id},
        "kind": {"identity_id": person.id, "kinds": ("web",)},
        "identity": {"identity_id": person.id},
        "everybody": {"everybody": True},
    }
