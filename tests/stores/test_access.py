"""What every store does with access keys."""

import msgspec
import pytest
from tests.database import Database
from tests.stores.rows import NOW, access_key, add_organization, an_id, bits

from nightlatch.core.access.model import AccessKey, Pair
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.problems import Conflict


def by_token(db: Database, token_hash: bytes) -> AccessKey | None:
    found: AccessKey | None = db.read(lambda tx: tx.access_keys.by_token(token_hash))
    return found


def add(db: Database, key: AccessKey) -> AccessKey:
    db.write(lambda tx: tx.access_keys.add(key))
    return key


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"expires_at": None, "scopes": ()},
        {"name": "", "revoked_at": NOW},
        {"pair": Pair("AK", b"secret", b"token")},
        {"pair": Pair("AK", b"secret")},
    ],
)
def test_a_key_comes_back_as_it_was_added(db: Database, changes: dict[str, object]) -> None:
    key = add(db, access_key(**changes))
    assert by_token(db, key.token_hash) == key
    assert by_token(db, bits()) is None
    assert by_token(db, key.token_hash[:-1]) is None


def test_keys_are_listed_oldest_first_and_by_organization(db: Database) -> None:
    foreign = add_organization(db)
    keys = [add(db, access_key(id=an_id(NOW + n * 1000))) for n in (2, 0, 1)]
    add(db, access_key(organization=foreign))
    assert list(db.scan(lambda tx: tx.access_keys.list(DEFAULT, None, 9))) == (
        ordered := sorted(keys, key=lambda key: key.id)
    )
    assert list(db.scan(lambda tx: tx.access_keys.list(DEFAULT, None, 2))) == ordered[:2]
    assert list(db.scan(lambda tx: tx.access_keys.list(DEFAULT, ordered[0].id, 9))) == ordered[1:]


def test_a_pair_is_found_by_its_id_and_its_id_is_its_own(db: Database) -> None:
    key = add(db, access_key(pair=Pair("AK", b"secret")))
    add(db, access_key())
    assert db.read(lambda tx: tx.access_keys.by_pair("AK")) == key
    for other in ("ak", "AK ", "", "A"):
        assert db.read(lambda tx, other=other: tx.access_keys.by_pair(other)) is None  # type: ignore[misc]
    with pytest.raises(Conflict):
        add(db, access_key(pair=Pair("AK", b"other")))


@pytest.mark.parametrize(
    ("changes", "good"),
    [({}, True), ({"expires_at": None}, True), ({"expires_at": NOW}, False), ({"revoked_at": NOW}, False)],
)
def test_a_key_is_good_until_it_expires_or_is_revoked(db: Database, changes: dict[str, object], good: bool) -> None:
    add(db, access_key(organization=add_organization(db)))
    add(db, access_key(**changes))
    assert db.read(lambda tx: tx.access_keys.any_good(DEFAULT, NOW)) is good


def test_a_token_belongs_to_one_key(db: Database) -> None:
    key = add(db, access_key())
    with pytest.raises(Conflict):
        add(db, access_key(token_hash=key.token_hash))


def test_revoking_is_done_once_and_by_its_own_organization(db: Database) -> None:
    foreign = add_organization(db)
    key, other = add(db, access_key()), add(db, access_key())
    assert db.write(lambda tx: tx.access_keys.revoke(foreign, key.id, NOW + 5)) is False
    assert db.write(lambda tx: tx.access_keys.revoke(DEFAULT, an_id(), NOW + 5)) is False
    assert db.write(lambda tx: tx.access_keys.revoke(DEFAULT, key.id, NOW + 5)) is True
    assert db.write(lambda tx: tx.access_keys.revoke(DEFAULT, key.id, NOW + 6)) is False
    assert by_token(db, key.token_hash) == msgspec.structs.replace(key, revoked_at=NOW + 5)
    assert by_token(db, other.token_hash) == other
