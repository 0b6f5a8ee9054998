"""What every store does with credentials."""

from collections.abc import Collection

import msgspec
import pytest
from tests.database import Database
from tests.stores.rows import NOW, add_people, add_person, an_id, credential, identity

from nightlatch.core.credentials.model import Credential


def held(db: Database, *identity_ids: bytes) -> dict[bytes, list[Credential]]:
    found: dict[bytes, list[Credential]] = db.read(lambda tx: tx.credentials.of(identity_ids))
    assert db.scan(lambda tx: tx.credentials.of(identity_ids)) == found
    return found


def put(db: Database, *credentials: Credential) -> None:
    db.write(lambda tx: tx.credentials.put(credentials))


def test_credentials_come_back_as_they_were_put_by_identity_by_type_upwards(db: Database) -> None:
    one, other = add_people(db, 2)
    mine = [credential(one, type_) for type_ in ("totp", "code", "password")]
    theirs = credential(other, "oidc", identifiers=(), config="\x7f ünï", first_factors=2, second_factors=3)
    put(db, *mine, theirs)
    found = held(db, one.id, other.id, an_id())
    assert {key: found[key] for key in found} == {one.id: [mine[1], mine[2], mine[0]], other.id: [theirs]}


def test_nobody_holds_nothing(db: Database) -> None:
    put(db)
    assert dict(held(db)) == {}
    assert dict(held(db, add_person(db).id)) == {}


def test_those_of_five_hundred_identities_are_read_at_once(db: Database) -> None:
    people = add_people(db, 500)
    put(db, *(credential(person) for person in people))
    assert len(held(db, *(person.id for person in people))) == 500


def test_putting_again_replaces_but_for_the_time_of_creation(db: Database) -> None:
    person = add_person(db)
    old = credential(person)
    new = credential(
        person, identifiers=("new",), config="{}", first_factors=0, second_factors=1, revision=5, created_at=1
    )
    put(db, old, credential(person, "totp"))
    put(db, msgspec.structs.replace(new, updated_at=NOW + 7))
    assert held(db, person.id)[person.id] == [
        msgspec.structs.replace(new, created_at=old.created_at, updated_at=NOW + 7),
        credential(person, "totp"),
    ]


@pytest.mark.parametrize("types", [["password"], ["password", "totp"], ["oidc"], []])
def test_removing_takes_these_types_of_this_identity(db: Database, types: Collection[str]) -> None:
    one, other = add_people(db, 2)
    put(db, *(credential(person, type_) for person in (one, other) for type_ in ("password", "totp")))
    db.write(lambda tx: tx.credentials.remove(one.id, types))
    assert [c.type for c in held(db, one.id)[one.id]] == [t for t in ("password", "totp") if t not in types]
    assert len(held(db, other.id)[other.id]) == 2


def test_a_credential_of_nobody_cannot_be_put(db: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        put(db, credential(identity()))
