"""What every store does with flows, and with the codes that continue them."""

import msgspec
import pytest
from tests.database import Database
from tests.stores.rows import NOW, add_people, add_person, an_id, bits, code, flow

from nightlatch.core.flows.model import Act, Code, Facts, Flow
from nightlatch.core.identities.model import Identity
from nightlatch.kernel.clock import HOUR

MOST = 5


def get(db: Database, flow_id: bytes) -> Flow | None:
    found: Flow | None = db.read(lambda tx: tx.flows.get(flow_id))
    return found


def add(db: Database, **changes: object) -> Flow:
    made = flow(**changes)
    db.write(lambda tx: tx.flows.add(made))
    return made


def add_code(db: Database, of: Identity, **changes: object) -> Code:
    made = code(of, add(db, act=Act.RECOVERY), **changes)
    db.write(lambda tx: tx.flows.put_code(made))
    return made


def attempt(db: Database, flow_id: bytes, now: int = NOW) -> Code | None:
    found: Code | None = db.write(lambda tx: tx.flows.try_code(flow_id, MOST, now))
    return found


def uses(db: Database, code_id: bytes, now: int = NOW + 1) -> bool:
    used: bool = db.write(lambda tx: tx.flows.use_code(code_id, now))
    return used


@pytest.mark.parametrize("act", list(Act))
def test_a_flow_comes_back_as_it_was_added(db: Database, act: Act) -> None:
    person = add_person(db)
    for made in (
        add(db, act=act, identity_id=person.id, used_at=NOW + 4),
        add(db, act=act, method=None, return_to=None, facts=Facts(), type="browser"),
    ):
        assert get(db, made.id) == made
    assert get(db, an_id()) is None


def test_saving_writes_what_a_step_changes_and_nothing_else(db: Database) -> None:
    person, before, other = add_person(db), add(db), add(db)
    facts = Facts("start", (), "someone", {"a": [1.5, "é", None]})
    after = flow(id=before.id, state="passed_challenge", method=None, identity_id=person.id, facts=facts, used_at=NOW)
    after = msgspec.structs.replace(after, act=Act.SETTINGS, request_url="elsewhere", expires_at=NOW + 9 * HOUR)
    assert db.write(lambda tx: tx.flows.save(after)) is True
    kept = {name: getattr(before, name) for name in ("act", "request_url", "return_to", "issued_at", "expires_at")}
    assert get(db, before.id) == msgspec.structs.replace(after, **kept)
    assert get(db, other.id) == other


def test_a_flow_that_was_used_is_saved_no_more(db: Database) -> None:
    made = add(db)
    used = msgspec.structs.replace(made, used_at=NOW)
    assert db.write(lambda tx: tx.flows.save(used)) is True
    assert db.write(lambda tx: tx.flows.save(made)) is False
    assert get(db, made.id) == used
    assert db.write(lambda tx: tx.flows.save(flow())) is False


def test_closing_uses_up_the_open_flows_and_codes_of_one_identity(db: Database) -> None:
    one, other = add_people(db, 2)
    closed = add(db, identity_id=one.id)
    used = add(db, identity_id=one.id, used_at=NOW - 9)
    theirs, nobodys = add(db, identity_id=other.id), add(db)
    codes = [add_code(db, one), add_code(db, one, purpose="link"), add_code(db, other)]
    db.write(lambda tx: tx.flows.close(one.id, NOW))
    assert get(db, closed.id) == msgspec.structs.replace(closed, used_at=NOW)
    assert [get(db, each.id) for each in (used, theirs, nobodys)] == [used, theirs, nobodys]
    assert [attempt(db, each.flow_id) is not None for each in codes] == [False, False, True]


def test_P13_a_code_comes_back_with_its_try_counted(db: Database) -> None:
    made = add_code(db, add_person(db), secret_hash=bits())
    assert attempt(db, made.flow_id) == msgspec.structs.replace(made, tries=1)
    assert attempt(db, made.flow_id) == msgspec.structs.replace(made, tries=2)
    assert attempt(db, an_id()) is None


def test_P13_a_code_can_be_tried_so_often_and_no_more(db: Database) -> None:
    made = add_code(db, add_person(db))
    assert [attempt(db, made.flow_id) is not None for _ in range(MOST + 2)] == [True] * MOST + [False] * 2


def test_P13_a_code_is_over_at_its_time(db: Database) -> None:
    made = add_code(db, add_person(db), expires_at=NOW + 10)
    assert attempt(db, made.flow_id, NOW + 9) is not None
    assert attempt(db, made.flow_id, NOW + 10) is None


def test_P13_a_code_is_used_once(db: Database) -> None:
    made, other = add_code(db, add_person(db)), add_code(db, add_person(db))
    assert uses(db, made.id) is True
    assert uses(db, made.id) is False
    assert uses(db, an_id()) is False
    assert attempt(db, made.flow_id) is None
    assert attempt(db, other.flow_id) is not None


def test_P13_a_flow_has_one_code_and_the_newest_counts(db: Database) -> None:
    person = add_person(db)
    old = add_code(db, person)
    uses(db, old.id)
    new = code(person, get(db, old.flow_id), purpose="link", address="email:a@x.example", expires_at=NOW + 9 * HOUR)
    new = msgspec.structs.replace(new, identity_id=None)
    db.write(lambda tx: tx.flows.put_code(new))
    assert attempt(db, old.flow_id) == msgspec.structs.replace(new, tries=1)
    assert uses(db, old.id) is False
    assert uses(db, new.id) is True


def test_P13_codes_that_were_shown_are_voided_by_identity_and_purpose(db: Database) -> None:
    one, other = add_people(db, 2)
    shown, link, theirs = add_code(db, one), add_code(db, one, purpose="link"), add_code(db, other)
    sent = add_code(db, one, address="email:a@x.example")
    db.write(lambda tx: tx.flows.void_codes(one.id, "code", NOW))
    alive = [attempt(db, each.flow_id) is not None for each in (shown, link, theirs, sent)]
    assert alive == [False, True, True, True]
    assert uses(db, shown.id) is False


def test_P13_of_many_tries_at_once_no_more_are_counted_than_are_allowed(db: Database) -> None:
    made = add_code(db, add_person(db))
    tried = db.together(*([lambda tx: tx.flows.try_code(made.flow_id, MOST, NOW)] * 40))
    assert sorted(each.tries for each in tried if each is not None) == [1, 2, 3, 4, 5]


def test_P13_of_many_uses_at_once_one_succeeds(db: Database) -> None:
    made = add_code(db, add_person(db))
    assert sum(db.together(*([lambda tx: tx.flows.use_code(made.id, NOW)] * 40))) == 1
