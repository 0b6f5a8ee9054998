"""What every store does with identities and the names that only one of them may hold."""

import itertools
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
    code,
    credential,
    flow,
    identity,
    names_of,
)

from nightlatch.core.identities.model import Address, Filter, Identity, Kind, Name, State
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.problems import Conflict

EVERYTHING = Filter()


def listed(db: Database, where: Filter = EVERYTHING, size: int = 1000, organization: bytes = DEFAULT) -> list[bytes]:
    """The ids of all pages of a list."""

    def page(after: bytes | None) -> list[bytes]:
        rows = db.scan(lambda tx: tx.identities.list(organization, where, after, 0, size))
        return [person.id for person in rows]

    rows = page(None)
    ids = rows
    while len(rows) == size:
        rows = page(rows[-1])
        ids = ids + rows
    return ids


def counted(db: Database, where: Filter) -> int:
    count: int = db.scan(lambda tx: tx.identities.count(DEFAULT, where))
    return count


def holder(db: Database, kind: str, value: str) -> bytes | None:
    found: bytes | None = db.read(lambda tx: tx.identities.holder(DEFAULT, Name(kind, value)))
    return found


def test_an_identity_comes_back_as_it_was_added(db: Database) -> None:
    person = add_person(db)
    assert db.read(lambda tx: tx.identities.get(DEFAULT, person.id)) == person
    assert db.write(lambda tx: tx.identities.lock(DEFAULT, person.id)) == person
    assert db.scan(lambda tx: tx.identities.list(DEFAULT, Filter(), None, 0, 10)) == [person]


def test_an_identity_with_nothing_optional_comes_back_as_it_was_added(db: Database) -> None:
    bare = add_person(
        db,
        metadata_public=None,
        metadata_admin=None,
        external_id=None,
        addresses=(),
        state=State.INACTIVE,
        schema_id="robot",
        traits="{}",
    )
    assert db.read(lambda tx: tx.identities.get(DEFAULT, bare.id)) == bare


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,  "a":2}',
        '{"n":1e2,"m":100.0,"k":123456789012345678901234567890}',
        '{"z":1,"a":{"y":[],"b":null}}',
        '{"t":"\\u00e9 é \\ud83d\\ude00 😀 \\/"}',
        "[]",
        '"text"',
        "null",
        '{"html":"</script>"}',
        '{"q":"\'; drop table identities; --"}',
    ],
)
def test_traits_and_metadata_come_back_byte_for_byte(db: Database, text: str) -> None:
    person = add_person(db, traits=text, metadata_public=text, metadata_admin=text)
    assert db.read(lambda tx: tx.identities.get(DEFAULT, person.id)) == person


def test_the_widest_times_and_versions_come_back(db: Database) -> None:
    most = 2**63 - 1
    person = add_person(db, version=most, created_at=most, updated_at=-most, state_changed_at=0, ended_before=most)
    assert db.read(lambda tx: tx.identities.get(DEFAULT, person.id)) == person


def test_an_unknown_identity_is_none(db: Database) -> None:
    assert db.read(lambda tx: tx.identities.get(DEFAULT, an_id())) is None
    assert db.write(lambda tx: tx.identities.lock(DEFAULT, an_id())) is None
    assert holder(db, "password", "nobody") is None


def test_a_list_goes_by_id_upwards_whatever_the_order_of_adding(db: Database) -> None:
    people = [identity(id=an_id(NOW + n * 1000)) for n in (3, 1, 2, 0)]
    db.write(lambda tx: tx.identities.add([(p, names_of(p)) for p in people]))
    assert listed(db) == sorted(p.id for p in people)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 22, 23, 24])
def test_pages_skip_no_row_and_show_none_twice(db: Database, size: int) -> None:
    people = add_people(db, 23)
    assert listed(db, size=size) == sorted(p.id for p in people)


def test_rows_can_be_skipped_and_an_empty_page_is_empty(db: Database) -> None:
    ids = sorted(p.id for p in add_people(db, 5))

    def page(after: bytes | None, skip: int, limit: int) -> list[bytes]:
        return [p.id for p in db.scan(lambda tx: tx.identities.list(DEFAULT, Filter(), after, skip, limit))]

    assert page(None, 3, 10) == ids[3:]
    assert page(ids[0], 1, 2) == ids[2:4]
    assert page(None, 9, 10) == []
    assert page(ids[4], 0, 10) == []
    assert page(None, 0, 0) == []


def crowd(db: Database) -> list[tuple[Identity, set[Name]]]:
    made = []
    for n in range(24):
        person = identity(schema_id="robot" if n % 3 else "default", external_id=None, addresses=())
        names = {Name("password", f"{'anna' if n % 2 else 'bert'}{n}"), Name("code", f"anna{n}@x")}
        made.append((person, names))
    db.write(lambda tx: tx.identities.add(made))
    return made


CHOICES: dict[str, Any] = {
    "ids": lambda people: (*(p.id for p, _ in people[2:18]), an_id()),
    "identifiers": lambda _: (Name("password", "anna5"), Name("code", "anna5@x"), Name("password", "bert8")),
    "prefixes": lambda _: (Name("password", "an"), Name("oidc", "an")),
    "schema_id": lambda _: "robot",
}


def fits(person: Identity, names: set[Name], where: Filter) -> bool:
    starts = [(n.kind, n.value) for n in where.prefixes or ()]
    return (
        (where.ids is None or person.id in where.ids)
        and (where.identifiers is None or bool(names & set(where.identifiers)))
        and (where.prefixes is None or any(n.kind == k and n.value.startswith(v) for n in names for k, v in starts))
        and (where.schema_id is None or person.schema_id == where.schema_id)
    )


def test_all_filters_combine_and_the_count_agrees(db: Database) -> None:
    people = crowd(db)
    for given in [c for n in range(len(CHOICES) + 1) for c in itertools.combinations(CHOICES, n)]:
        where = Filter(**{name: CHOICES[name](people) for name in given})
        expected = sorted(person.id for person, names in people if fits(person, names, where))
        assert listed(db, where, size=3) == expected, given
        assert counted(db, where) == len(expected), given


def test_no_ids_are_no_identities(db: Database) -> None:
    add_people(db, 2)
    assert listed(db, Filter(ids=())) == []
    assert counted(db, Filter(ids=())) == 0


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("a", {"a", "ab", "a%", "a_c", "aé", "a😀"}),
        ("a%", {"a%"}),
        ("a_", {"a_c"}),
        ("A", {"AB"}),
        ("aé", {"aé"}),
        ("a😀", {"a😀"}),
        ("", {"a", "ab", "a%", "a_c", "aé", "a😀", "AB", "b", "\\"}),
        ("\\", {"\\"}),
        ("c", set()),
    ],
)
def test_a_prefix_has_no_wildcards_and_minds_its_case(db: Database, prefix: str, found: set[str]) -> None:
    values = ["a", "ab", "a%", "a_c", "aé", "a😀", "AB", "b", "\\"]
    people = {value: identity(external_id=None, addresses=()) for value in values}
    db.write(lambda tx: tx.identities.add([(p, {Name("password", v)}) for v, p in people.items()]))
    where = Filter(prefixes=(Name("password", prefix),))
    assert listed(db, where) == sorted(people[value].id for value in found)


def test_a_name_is_held_by_one_identity_and_only_under_its_kind(db: Database) -> None:
    one, other = identity(), identity()
    db.write(
        lambda tx: tx.identities.add([(one, {Name("password", "a@b")}), (other, {Name("code", "a@b"), Name("x", "")})])
    )
    assert holder(db, "password", "a@b") == one.id
    assert holder(db, "code", "a@b") == other.id
    assert holder(db, "x", "") == other.id
    assert holder(db, "password", "A@b") is None


def test_holders_says_who_holds_which_of_the_names(db: Database) -> None:
    held = {Name(kind, f"{n}") for kind in ("password", "code", "oidc") for n in range(300)}
    one, other = identity(), identity()
    db.write(lambda tx: tx.identities.add([(one, held), (other, {Name("password", "x")})]))
    free = {Name("password", "300"), Name("webauthn", "1"), Name("password", "")}
    found = dict.fromkeys(held, one.id) | {Name("password", "x"): other.id}
    assert db.read(lambda tx: tx.identities.holders(DEFAULT, found.keys() | free)) == found
    assert db.read(lambda tx: tx.identities.holders(DEFAULT, free)) == {}
    assert db.read(lambda tx: tx.identities.holders(DEFAULT, [])) == {}


def test_adding_under_a_taken_name_is_a_conflict_and_adds_nobody(db: Database) -> None:
    holder = add_person(db)
    new, second = identity(), identity(external_id=holder.external_id)
    with pytest.raises(Conflict):
        db.write(lambda tx: tx.identities.add([(new, names_of(new)), (second, names_of(second))]))
    assert listed(db) == [holder.id]


def test_adding_under_a_known_id_is_a_conflict(db: Database) -> None:
    holder = add_person(db)
    with pytest.raises(Conflict):
        db.write(lambda tx: tx.identities.add([(identity(id=holder.id), set())]))


def test_adding_nobody_adds_nobody(db: Database) -> None:
    db.write(lambda tx: tx.identities.add([]))
    assert listed(db) == []


def test_a_change_writes_everything_but_the_epochs(db: Database) -> None:
    before = add_person(db, ended_before=4, deleted_before=5)
    after = identity(id=before.id, state=State.INACTIVE, schema_id="robot", ended_before=9, deleted_before=9, version=8)
    db.write(lambda tx: tx.identities.change(after, names_of(after)))
    found = db.read(lambda tx: tx.identities.get(DEFAULT, before.id))
    assert found == msgspec.structs.replace(after, ended_before=4, deleted_before=5, created_at=before.created_at)


def test_a_change_frees_the_names_that_it_drops_and_keeps_the_others(db: Database) -> None:
    one, other = identity(), identity()
    old, kept, new = Name("password", "old"), Name("password", "kept"), Name("code", "new")
    db.write(lambda tx: tx.identities.add([(one, {old, kept})]))
    db.write(lambda tx: tx.identities.change(one, {kept, new}))
    db.write(lambda tx: tx.identities.add([(other, {old})]))
    assert [holder(db, *name) for name in (("password", "old"), ("password", "kept"), ("code", "new"))] == [
        other.id,
        one.id,
        one.id,
    ]


def test_changing_to_a_taken_name_is_a_conflict_and_changes_nothing(db: Database) -> None:
    one, other = add_people(db, 2)
    changed = msgspec.structs.replace(other, traits='{"x":1}')
    with pytest.raises(Conflict):
        db.write(lambda tx: tx.identities.change(changed, names_of(one)))
    assert db.read(lambda tx: tx.identities.get(DEFAULT, other.id)) == other
    held = names_of(other)
    assert db.read(lambda tx: tx.identities.holders(DEFAULT, held)) == dict.fromkeys(held, other.id)


def test_addresses_keep_their_order(db: Database) -> None:
    addresses = tuple(Address(an_id(), Kind.VERIFIABLE, "sms", f"+49{n}", NOW, NOW) for n in (3, 1, 2))
    person = add_person(db, addresses=addresses)
    found = db.read(lambda tx: tx.identities.get(DEFAULT, person.id))
    assert found is not None
    assert found.addresses == addresses


def test_removing_takes_all_that_hangs_on_it_and_leaves_the_others(db: Database) -> None:
    gone, stays = add_people(db, 2)
    for person in (gone, stays):
        add_session(db, person)
        on = flow(identity_id=person.id)

        async def hang(tx: Any, person: Identity = person, on: Any = on) -> None:
            await tx.credentials.put([credential(person)])
            await tx.flows.add(on)
            await tx.flows.put_code(code(person, on))

        db.write(hang)
    assert db.write(lambda tx: tx.identities.remove(DEFAULT, gone.id)) is True
    assert db.write(lambda tx: tx.identities.remove(DEFAULT, gone.id)) is False
    for table in ("sessions", "credentials", "names", "flows", "codes"):
        left = {row[0] for row in db.sql(f"select identity_id from {table}")}
        assert left == {stays.id}, table
    assert listed(db) == [stays.id]
    db.write(lambda tx: tx.identities.add([(identity(), names_of(gone))]))


def test_organizations_do_not_see_each_other(db: Database) -> None:
    foreign = add_organization(db)
    ours = add_person(db)
    theirs = add_person(db, organization=foreign, external_id=ours.external_id, addresses=ours.addresses)
    name = Name("external_id", str(ours.external_id))
    assert listed(db) == [ours.id]
    assert listed(db, organization=foreign) == [theirs.id]
    assert listed(db, Filter(ids=(theirs.id,))) == []
    assert listed(db, Filter(identifiers=(name,)), organization=foreign) == [theirs.id]
    assert db.read(lambda tx: tx.identities.get(DEFAULT, theirs.id)) is None
    assert db.write(lambda tx: tx.identities.lock(DEFAULT, theirs.id)) is None
    assert db.read(lambda tx: tx.identities.holder(foreign, name)) == theirs.id
    assert db.scan(lambda tx: tx.identities.count(foreign, Filter())) == 1
    assert db.write(lambda tx: tx.identities.remove(DEFAULT, theirs.id)) is False


@pytest.mark.parametrize("size", [1, 2, 100])
def test_few_and_many_are_added_alike_and_one_in_the_way_stops_all(db: Database, size: int) -> None:
    people = [identity(metadata_public=None if n % 2 else "{}") for n in range(size)]
    credentials = [credential(person, revision=n) for n, person in enumerate(people)]
    db.write(lambda tx: tx.identities.add([(person, names_of(person)) for person in people]))
    db.write(lambda tx: tx.credentials.put(credentials))
    assert db.scan(lambda tx: tx.identities.list(DEFAULT, EVERYTHING, None, 0, 1000)) == sorted(
        people, key=lambda p: p.id
    )
    changed = [msgspec.structs.replace(each, config="{}", revision=each.revision + 1) for each in credentials]
    db.write(lambda tx: tx.credentials.put(changed))
    found = db.read(lambda tx: tx.credentials.of([person.id for person in people]))
    assert found == {each.identity_id: [each] for each in changed}
    again = [identity() for _ in range(size)]
    taken = [names_of(each) for each in (people[-1], *again[1:])]
    with pytest.raises(Conflict):
        db.write(lambda tx: tx.identities.add(list(zip(again, taken, strict=True))))
    assert counted(db, EVERYTHING) == size
