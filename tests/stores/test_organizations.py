"""What every store does with organizations and their aliases."""

import pytest
from tests.database import Database
from tests.stores.rows import NOW, an_id

from nightlatch.core.organizations.model import DEFAULT, Alias, AliasKind, Organization
from nightlatch.problems import Conflict

TEAM, WORKSPACE = Alias(AliasKind.TEAM, "T1"), Alias(AliasKind.WORKSPACE, "56")


def add(db: Database, name: str, *aliases: Alias) -> Organization:
    made = Organization(an_id(), name, NOW, aliases)

    async def unit(tx):  # type: ignore[no-untyped-def]
        await tx.organizations.add(made)
        for alias in aliases:
            await tx.organizations.add_alias(made.id, alias)

    db.write(unit)
    return made


def test_the_default_organization_is_there_from_the_beginning(db: Database) -> None:
    found = db.read(lambda tx: tx.organizations.get(DEFAULT))
    assert found == db.read(lambda tx: tx.organizations.by_name("default")) == Organization(DEFAULT, "default", 0)


def test_an_organization_comes_back_as_it_was_added_with_its_aliases_in_order(db: Database) -> None:
    acme = add(db, "Acme é", TEAM, WORKSPACE)
    assert db.read(lambda tx: tx.organizations.get(acme.id)) == acme
    assert db.read(lambda tx: tx.organizations.by_name("Acme é")) == acme
    assert db.read(lambda tx: tx.organizations.get(an_id())) is None
    for name in ("acme é", "Acme", ""):
        assert db.read(lambda tx, name=name: tx.organizations.by_name(name)) is None  # type: ignore[misc]


def test_a_list_shows_the_default_one_first_then_the_oldest_and_goes_on_after_any(db: Database) -> None:
    made = [add(db, "b"), add(db, "a", TEAM)]
    made.sort(key=lambda each: each.id)
    first, *others = db.scan(lambda tx: tx.organizations.list(None, 9))
    assert (first.id, others) == (DEFAULT, made)
    assert db.scan(lambda tx: tx.organizations.list(None, 1)) == [first]
    assert db.scan(lambda tx: tx.organizations.list(first.id, 1)) == made[:1]
    assert db.scan(lambda tx: tx.organizations.list(made[1].id, 9)) == []


def test_two_organizations_have_no_name_in_common(db: Database) -> None:
    acme, other = add(db, "acme"), add(db, "other")
    for unit in (
        lambda tx: tx.organizations.add(Organization(an_id(), "acme", NOW)),
        lambda tx: tx.organizations.rename(other.id, "acme"),
    ):
        with pytest.raises(Conflict):
            db.write(unit)
    assert db.write(lambda tx: tx.organizations.rename(other.id, "third")) is True
    assert db.write(lambda tx: tx.organizations.rename(an_id(), "fourth")) is False
    assert {each.name for each in db.scan(lambda tx: tx.organizations.list(DEFAULT, 9))} == {"acme", "third"}
    assert acme.name == "acme"


def test_an_alias_is_one_organizations(db: Database) -> None:
    acme, other = add(db, "acme", TEAM), add(db, "other")
    with pytest.raises(Conflict):
        db.write(lambda tx: tx.organizations.add_alias(other.id, TEAM))
    assert db.read(lambda tx: tx.organizations.holder(TEAM)) == acme.id
    assert db.read(lambda tx: tx.organizations.holder(Alias(AliasKind.IDENTITY_STORE, "T1"))) is None
    assert db.write(lambda tx: tx.organizations.remove_alias(other.id, TEAM)) is False
    assert db.write(lambda tx: tx.organizations.remove_alias(acme.id, TEAM)) is True
    assert db.write(lambda tx: tx.organizations.remove_alias(acme.id, TEAM)) is False
    assert db.read(lambda tx: tx.organizations.holder(TEAM)) is None
    db.write(lambda tx: tx.organizations.add_alias(other.id, TEAM))


def test_of_many_that_want_an_alias_at_once_one_gets_it(db: Database) -> None:
    made = [add(db, f"o{n}") for n in range(8)]
    outcomes = db.together(*(lambda tx, each=each: tx.organizations.add_alias(each.id, TEAM) for each in made))
    assert [type(each) for each in outcomes].count(Conflict) == 7
    assert db.read(lambda tx: tx.organizations.holder(TEAM)) == made[outcomes.index(None)].id
