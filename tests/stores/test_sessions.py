"""What every store does with sessions: kept, found, listed, and ended in each way there is."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from tests.database import Database
from tests.stores.rows import (
    NOW,
    add_organization,
    add_people,
    add_person,
    add_session,
    an_id,
    bits,
    credential,
    session,
)

from nightlatch.core.events.model import Act
from nightlatch.core.identities.model import Identity, State
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions import rules
from nightlatch.core.sessions.model import (
    IDLE_GRACE,
    Device,
    Filter,
    How,
    Method,
    Position,
    Revocation,
    Session,
    Standing,
    Where,
)
from nightlatch.kernel.clock import DAY
from nightlatch.problems import Conflict

EVERYTHING = Filter()
HOWS = pytest.mark.parametrize("how", list(How))


def found(db: Database, one: Session) -> Standing | None:
    """The session as every read of one sees it, which must agree."""
    standing = by_token(db, one.token_hash)
    assert db.read(lambda tx: tx.sessions.get(one.organization, one.id)) == standing
    assert db.read(lambda tx: tx.sessions.by_number(one.organization, one.number)) == standing
    assert db.scan(lambda tx: tx.sessions.get(one.organization, one.id)) == standing
    return standing


def by_token(db: Database, token_hash: bytes) -> Standing | None:
    standing: Standing | None = db.read(lambda tx: tx.sessions.by_token(token_hash))
    return standing


def listed(
    db: Database,
    where: Filter = EVERYTHING,
    size: int = 1000,
    organization: bytes = DEFAULT,
) -> list[bytes]:
    """The ids of all pages of a list; the count must agree."""

    def page(after: Position | None) -> Sequence[Session]:
        rows: Sequence[Standing] = db.scan(lambda tx: tx.sessions.list(organization, where, NOW, after, 0, size))
        return [standing.session for standing in rows]

    rows = page(None)
    ids = [session.id for session in rows]
    while len(rows) == size:
        rows = page(Position(rows[-1].created_at, rows[-1].id))
        ids += [session.id for session in rows]
    assert db.scan(lambda tx: tx.sessions.count(organization, where, NOW)) == len(ids)
    return ids


def end(db: Database, how: How, **where: Any) -> Revocation:
    act = Act(DEFAULT, "test", NOW + 9, bits)
    return db.write(lambda tx: rules.end(tx, act, Where(**where), how, "test"))


def test_a_session_comes_back_as_it_was_added_with_its_identity(db: Database) -> None:
    person = add_person(db)
    added = add_session(db, person)
    assert found(db, added) == Standing(added, ended=False, identity=person, second_factor=False)
    assert db.scan(lambda tx: tx.sessions.list(DEFAULT, Filter(), NOW, None, 0, 9)) == [found(db, added)]


def test_a_session_with_nothing_optional_comes_back_as_it_was_added(db: Database) -> None:
    person = add_person(db)
    added = add_session(db, person, methods=(), aal=0, device=Device(None, None, None, "other"), number=2**53 - 1)
    assert found(db, added) == Standing(added, ended=False, identity=person, second_factor=False)


def test_S11_only_the_very_hash_finds_a_session(db: Database) -> None:
    added = add_session(db, add_person(db), token_hash=b"A" * 32)
    for near in (b"A" * 31, b"A" * 33, b"a" * 32, b"A" * 32 + b"\0", b"", b"\0", bits()):
        assert by_token(db, near) is None
    assert db.read(lambda tx: tx.sessions.get(DEFAULT, an_id())) is None
    assert found(db, added) is not None


@pytest.mark.parametrize(("second_factors", "expected"), [(0, False), (1, True), (3, True)])
def test_the_second_factor_is_read_with_the_session(db: Database, second_factors: int, expected: bool) -> None:
    person, other = add_people(db, 2)
    added = add_session(db, person)
    held = [credential(person), credential(person, "totp", second_factors=second_factors)]
    db.write(lambda tx: tx.credentials.put([*held, credential(other, "totp", second_factors=1)]))
    standing = found(db, added)
    assert standing is not None
    assert standing.second_factor is expected


def test_a_number_is_taken_once(db: Database) -> None:
    person = add_person(db)
    first = add_session(db, person)
    assert db.write(lambda tx: tx.sessions.add(session(person, number=first.number))) is False
    assert listed(db) == [first.id]


@pytest.mark.parametrize("field", ["id", "token_hash"])
def test_adding_the_same_id_or_token_twice_is_a_conflict(db: Database, field: str) -> None:
    person = add_person(db)
    first = add_session(db, person)
    with pytest.raises(Conflict):
        db.write(lambda tx: tx.sessions.add(session(person, **{field: getattr(first, field)})))


@HOWS
def test_S4_ending_one_ends_it_and_no_other(db: Database, how: How) -> None:
    person = add_person(db)
    one, other = add_session(db, person), add_session(db, person)
    assert end(db, how, session_id=one.id) == Revocation(1, known=True, identity_id=person.id)
    standing, left = found(db, one), found(db, other)
    if how is How.DELETE:
        assert standing is None
    else:
        ended = msgspec.structs.replace(one, ended_at=NOW + 9)
        assert standing == Standing(ended, ended=True, identity=person, second_factor=False)
    assert left == Standing(other, ended=False, identity=person, second_factor=False)


def test_ending_one_twice_is_a_no_op_that_knows_it(db: Database) -> None:
    person = add_person(db)
    one = add_session(db, person)
    end(db, How.DISABLE, session_id=one.id)
    assert end(db, How.DISABLE, session_id=one.id) == Revocation(0, known=True, identity_id=person.id)
    standing = found(db, one)
    assert standing is not None
    assert standing.session.ended_at == NOW + 9


@HOWS
def test_ending_an_unknown_one_is_known_to_nobody(db: Database, how: How) -> None:
    unknown = an_id()
    assert end(db, how, session_id=unknown) == Revocation(0, known=False, identity_id=None, missing=(unknown,))


@HOWS
def test_S4_ending_all_of_an_identity_ends_them_and_nobody_elses(db: Database, how: How) -> None:
    person, other = add_people(db, 2)
    mine = [add_session(db, person) for _ in range(3)]
    theirs = add_session(db, other)
    assert end(db, how, identity_id=person.id) == Revocation(3, known=True, identity_id=person.id)
    for one in mine:
        standing = found(db, one)
        assert standing is None if how is How.DELETE else standing is not None and standing.ended
    assert listed(db, Filter(active=True)) == [theirs.id]
    assert end(db, How.DISABLE, identity_id=person.id).count == 0


@HOWS
def test_ending_all_of_an_identity_without_sessions_knows_it(db: Database, how: How) -> None:
    person = add_person(db)
    assert end(db, how, identity_id=person.id) == Revocation(0, known=True, identity_id=person.id)
    assert not end(db, how, identity_id=an_id()).known


@HOWS
def test_ending_the_others_spares_the_one(db: Database, how: How) -> None:
    person = add_person(db)
    kept, *others = [add_session(db, person) for _ in range(3)]
    for _ in range(2):
        assert end(db, how, identity_id=person.id, but=kept.id).known
        standing = found(db, kept)
        assert standing is not None
        assert not standing.ended
        assert standing.session.ended_at is None
    assert listed(db, Filter(identity_id=person.id, active=True)) == [kept.id]
    assert len(listed(db)) == (1 if how is How.DELETE else 3)
    assert all((o := found(db, one)) is None or o.ended for one in others)


@HOWS
def test_sparing_revives_nothing_that_was_over(db: Database, how: How) -> None:
    person = add_person(db)
    by_row, by_epoch = add_session(db, person), add_session(db, person)
    end(db, How.DISABLE, session_id=by_row.id)
    db.sql("update identities set ended_before = ended_before + 1 where id = $1", person.id)
    for one in (by_row, by_epoch):
        end(db, how, identity_id=person.id, but=one.id)
        standing = found(db, one)
        assert standing is None or standing.ended


@HOWS
def test_sparing_a_session_of_somebody_else_spares_nobody(db: Database, how: How) -> None:
    person, other = add_people(db, 2)
    mine, theirs = add_session(db, person), add_session(db, other)
    end(db, how, identity_id=person.id, but=theirs.id)
    standing = found(db, mine)
    assert standing is None or standing.ended
    assert found(db, theirs) == Standing(theirs, ended=False, identity=other, second_factor=False)


@HOWS
def test_S4_a_session_that_is_issued_while_all_end_is_born_dead(db: Database, how: How) -> None:
    person = add_person(db)
    epochs = db.read(lambda tx: tx.sessions.epochs(DEFAULT, person.id))
    assert epochs == (0, 0, 0, 0)
    end(db, how, identity_id=person.id)
    late = add_session(db, person, epochs=epochs)
    standing = found(db, late)
    assert standing is None if how is How.DELETE else standing is not None and standing.ended
    assert listed(db, Filter(active=True)) == []
    assert listed(db) == ([] if how is How.DELETE else [late.id])


@HOWS
@pytest.mark.parametrize("table", ["identities", "organizations"])
def test_S4_an_epoch_ends_every_session_that_was_issued_before_it(db: Database, how: How, table: str) -> None:
    person = add_person(db)
    old = add_session(db, person)
    column = "ended_before" if how is How.DISABLE else "deleted_before"
    db.sql(f"update {table} set {column} = {column} + 1")
    standing = found(db, old)
    assert standing is None if how is How.DELETE else standing is not None and standing.ended
    assert listed(db, Filter(active=True)) == []
    assert listed(db, Filter(active=False)) == listed(db) == ([] if how is How.DELETE else [old.id])
    epochs = db.read(lambda tx: tx.sessions.epochs(DEFAULT, person.id))
    new = add_session(db, person, epochs=epochs)
    assert listed(db, Filter(active=True)) == [new.id]


def test_the_epochs_of_an_unknown_identity_are_none(db: Database) -> None:
    assert db.read(lambda tx: tx.sessions.epochs(DEFAULT, an_id())) is None


def test_renewing_writes_methods_level_and_times_and_nothing_else(db: Database) -> None:
    person = add_person(db)
    before = add_session(db, person)
    after = session(person, id=before.id, methods=(Method("code", 1, 7),), aal=1, issued_at=8, expires_at=NOW + 2 * DAY)
    db.write(lambda tx: tx.sessions.renew(after))
    fields = {name: getattr(after, name) for name in ("methods", "aal", "issued_at", "authenticated_at", "expires_at")}
    standing = found(db, before)
    assert standing is not None
    assert standing.session == msgspec.structs.replace(before, **fields)


def test_a_session_goes_by_a_new_token_only_if_it_has_the_one_that_is_named_and_has_not_ended(db: Database) -> None:
    one = add_session(db, add_person(db))
    assert db.write(lambda tx: tx.sessions.retoken(one, b"new" * 8)) is True
    assert db.write(lambda tx: tx.sessions.retoken(one, b"late" * 8)) is False
    standing = db.read(lambda tx: tx.sessions.by_token(b"new" * 8))
    assert standing is not None
    assert standing.session == msgspec.structs.replace(one, token_hash=b"new" * 8)
    assert db.read(lambda tx: tx.sessions.by_token(one.token_hash)) is None
    end(db, How.DISABLE, session_id=one.id)
    assert db.write(lambda tx: tx.sessions.retoken(standing.session, b"dead" * 8)) is False


def test_S4_renewing_revives_nothing(db: Database) -> None:
    person = add_person(db)
    one, deleted = add_session(db, person), add_session(db, person)
    end(db, How.DISABLE, session_id=one.id)
    end(db, How.DELETE, session_id=deleted.id)
    later = [msgspec.structs.replace(each, expires_at=NOW + 9 * DAY) for each in (one, deleted)]
    db.write(lambda tx: tx.sessions.renew(later[0]))
    db.write(lambda tx: tx.sessions.renew(later[1]))
    standing = found(db, one)
    assert standing is not None
    assert standing.ended
    assert standing.session.expires_at == one.expires_at
    assert found(db, deleted) is None


def test_last_seen_moves_forward_only(db: Database) -> None:
    person = add_person(db)
    one, other = add_session(db, person), add_session(db, person)
    db.write(lambda tx: tx.sessions.seen({one.id: NOW + 50, an_id(): NOW + 50, other.id: NOW - 50}))
    db.write(lambda tx: tx.sessions.seen({one.id: NOW + 40}))
    db.write(lambda tx: tx.sessions.seen({}))
    standings = [found(db, one), found(db, other)]
    assert [s.session.last_seen for s in standings if s] == [NOW + 50, other.last_seen]


def test_a_list_goes_by_creation_downwards_then_id_upwards(db: Database) -> None:
    person = add_person(db)
    made = [add_session(db, person, created_at=NOW + n) for n in (2, 0, 1, 1, 2, 0, 1)]
    assert listed(db) == [s.id for s in sorted(made, key=lambda s: (-s.created_at, s.id))]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 13, 16, 17])
def test_pages_skip_no_session_and_show_none_twice(db: Database, size: int) -> None:
    person = add_person(db)
    made = [add_session(db, person, created_at=NOW + n // 4) for n in range(16)]
    assert listed(db, size=size) == [s.id for s in sorted(made, key=lambda s: (-s.created_at, s.id))]


def test_the_first_rows_of_a_list_can_be_skipped(db: Database) -> None:
    person = add_person(db)
    for n in range(5):
        add_session(db, person, created_at=NOW + n)
    ids = listed(db)
    page = db.scan(lambda tx: tx.sessions.list(DEFAULT, Filter(), NOW, None, 2, 2))
    assert [standing.session.id for standing in page] == ids[2:4]
    assert db.scan(lambda tx: tx.sessions.list(DEFAULT, Filter(), NOW, None, 5, 2)) == []


def throng(db: Database) -> tuple[Identity, dict[str, Session]]:
    """A session for each way to be over, and two that are in force."""
    person, sleeper, other = add_person(db), add_person(db, state=State.INACTIVE), add_person(db)
    made = {
        "good": add_session(db, person),
        "good too": add_session(db, person, expires_at=NOW + 1, last_seen=NOW),
        "expired now": add_session(db, person, expires_at=NOW),
        "ended": add_session(db, person),
        "by epoch": add_session(db, person, epochs=(9, 0, 0, 0)),
        "idle": add_session(db, person, last_seen=NOW - 500 - IDLE_GRACE),
        "of the inactive": add_session(db, sleeper),
        "of another": add_session(db, other),
        "gone by epoch": add_session(db, person, epochs=(0, 9, 0, 0)),
    }
    end(db, How.DISABLE, session_id=made["ended"].id)
    return person, made


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, "good, good too, expired now, ended, by epoch, idle, of the inactive, of another"),
        ({"active": True}, "good, good too, idle, of another"),
        ({"active": False}, "expired now, ended, by epoch, of the inactive"),
        ({"active": True, "idle": 500}, "good, good too, of another"),
        ({"active": True, "idle": 501}, "good, good too, idle, of another"),
        ({"active": False, "idle": 500}, "expired now, ended, by epoch, of the inactive, idle"),
        ({"mine": True}, "good, good too, expired now, ended, by epoch, idle"),
        ({"mine": True, "active": True}, "good, good too, idle"),
        ({"mine": True, "active": False}, "expired now, ended, by epoch"),
        ({"mine": True, "active": True, "but": "good"}, "good too, idle"),
        ({"but": "of another", "active": True}, "good, good too, idle"),
    ],
)
def test_a_filter_lists_and_counts_what_fits_it(db: Database, where: dict[str, Any], expected: str) -> None:
    person, made = throng(db)
    names = {one.id: name for name, one in made.items()}
    chosen = Filter(
        identity_id=person.id if where.get("mine") else None,
        active=where.get("active"),
        but=made[where["but"]].id if "but" in where else None,
        idle=where.get("idle"),
    )
    assert {names[one] for one in listed(db, chosen, size=2)} == set(expected.split(", "))


def test_organizations_do_not_see_each_others_sessions(db: Database) -> None:
    foreign = add_organization(db)
    theirs = add_session(db, add_person(db, organization=foreign))
    assert listed(db) == []
    assert listed(db, organization=foreign) == [theirs.id]
    assert listed(db, Filter(identity_id=theirs.identity_id)) == []
    assert db.read(lambda tx: tx.sessions.get(DEFAULT, theirs.id)) is None
    assert db.read(lambda tx: tx.sessions.epochs(DEFAULT, theirs.identity_id)) is None
    for how in How:
        assert not end(db, how, session_id=theirs.id).known
        assert end(db, how, identity_id=theirs.identity_id).count == 0
    standing = found(db, theirs)
    assert standing is not None
    assert not standing.ended
