"""Questions over identities: on every store, every filter picks what a plain reading of it picks."""

import itertools
import random
from collections import Counter
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.database import Database
from tests.plain_filters import holds, spelled, trees
from tests.stores.rows import NOW, add_organization, add_people, add_person, add_traits
from tests.stores.test_questions import OF_TRAITS, some_traits

from nightlatch.core.identities import question
from nightlatch.core.identities.model import State
from nightlatch.core.identities.question import Question
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.questions import OPS, Kind, Place
from nightlatch.kernel.clock import moment as at
from nightlatch.kernel.filters import Comparison, Filter, Op, mapped
from nightlatch.kernel.ids import id_text
from nightlatch.problems import FilterInvalid

ATTRIBUTES = {**question.ATTRIBUTES, **OF_TRAITS}
SCHEMAS = ("default", "Default", "robot")
EXTERNAL = ("hr-Ä", "HR-ä", "hr_%", "a\"b'c", None)
CASELESS = [name for name, attribute in ATTRIBUTES.items() if attribute.kind is Kind.CASELESS]
TIMES = [name for name, attribute in ATTRIBUTES.items() if attribute.kind is Kind.TIME]


def filter_of(text: str) -> Filter:
    return question.filter_of(text, OF_TRAITS)


class Scene(NamedTuple):
    """Identities as rows of plain values, by id; `near` are values of each attribute that some have, and some nobody."""

    db: Database
    rows: dict[bytes, dict[str, Any]]
    near: dict[str, list[Any]]

    def picked(self, text: str) -> set[bytes]:
        asked = Question(DEFAULT, filter_of(text))
        found = self.db.scan(lambda tx: tx.identity_questions.list(asked, None, None, 1000))
        ids = [each.id for each in found]
        summary = self.db.scan(lambda tx: tx.identity_questions.summary(asked, SCHEMAS))
        rows = [self.rows[each] for each in ids]
        facets = {name: Counter(row[name] for row in rows) for name in ("state", "schema")}
        assert (summary.total, summary.facets) == (len(ids), facets)
        for few in asked.reach.traits if asked.reach.narrow is None else ():
            found_by = msgspec.structs.replace(asked, few=few)
            assert self.db.scan(lambda tx, q=found_by: tx.identity_questions.list(q, None, None, 1000)) == found
            assert self.db.scan(lambda tx, q=found_by: tx.identity_questions.summary(q, SCHEMAS)) == summary
        assert len(set(ids)) == len(ids)
        return set(ids)

    def fitting(self, tree: Filter) -> set[bytes]:
        return {each for each, row in self.rows.items() if holds(tree, row, CASELESS)}


@pytest.fixture
def scene(db: Database) -> Scene:
    source = random.Random(12)
    rows = {}
    for n in range(30):
        external = EXTERNAL[n] if n < len(EXTERNAL) else None
        times = {name: NOW - source.randrange(3) * 10**6 for name in ("created_at", "updated_at", "state_changed_at")}
        schema, state = source.choice(SCHEMAS), source.choice(list(State))
        person = add_person(db, external_id=external, schema_id=schema, state=state, **times)
        traits = some_traits(source, n)
        add_traits(db, person, {name.removeprefix("traits."): values for name, values in traits.items()})
        ids = {"id": id_text(person.id), "organization": id_text(DEFAULT), "external_id": external}
        rows[person.id] = {**ids, "schema": schema, "state": state, **times, **traits}
    elsewhere = add_organization(db)
    stranger = add_person(db, organization=elsewhere, external_id="hr-Ä")
    add_traits(db, stranger, {"team": ["Ulm"], "floor": [7], "remote": [True]})
    near: dict[str, list[Any]] = {}
    for name in ATTRIBUTES:
        values = [each for row in rows.values() for each in (row[name] if isinstance(row[name], list) else [row[name]])]
        near[name] = sorted({*values} - {None}, key=str)[:6]
    for name in TIMES:
        near[name] = [at(value).isoformat() for value in near[name]]
    near["organization"].append(id_text(elsewhere))
    near["id"].append(id_text(stranger.id))
    return Scene(db, rows, {name: [*values, None] for name, values in near.items()})


def plain(comparison: Comparison) -> Comparison:
    """The comparison with its time as it is stored, for the plain reading."""
    if comparison.path in TIMES and isinstance(comparison.value, str):
        typed = filter_of(spelled(comparison, random.Random(0)))
        return msgspec.structs.replace(comparison, value=typed.value)  # type: ignore[union-attr]
    return comparison


def test_W2_every_attribute_of_an_identity_is_asked_in_every_way_that_it_can_be(scene: Scene) -> None:
    hit: set[tuple[str, Op]] = set()
    for name, op in itertools.product(ATTRIBUTES, Op):
        for value in [None] if op is Op.PR else scene.near[name]:
            comparison = Comparison(name, op, value)
            text = spelled(comparison, random.Random(1))
            if op not in OPS[ATTRIBUTES[name].kind] or (value is None and op not in {Op.EQ, Op.NE, Op.PR}):
                with pytest.raises(FilterInvalid):
                    filter_of(text)
                continue
            picked = scene.picked(text)
            assert picked == scene.fitting(plain(comparison)), text
            if picked:
                hit.add((name, op))
    assert {(name, op) for name, attribute in ATTRIBUTES.items() for op in OPS[attribute.kind]} == hit


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_filter_of_any_form_picks_the_identities_that_it_says(scene: Scene, data: st.DataObject) -> None:
    @st.composite
    def comparisons(draw: st.DrawFn) -> Comparison:
        name = draw(st.sampled_from(list(ATTRIBUTES)))
        op = draw(st.sampled_from(sorted(OPS[ATTRIBUTES[name].kind])))
        values = [v for v in scene.near[name] if v is not None or op in {Op.EQ, Op.NE}]
        return Comparison(name, op, None if op is Op.PR else draw(st.sampled_from(values)))

    tree = data.draw(trees(comparisons()))
    text = spelled(tree, random.Random(2))
    assert scene.picked(text) == scene.fitting(mapped(tree, plain)), text


@pytest.mark.parametrize("text", [None, 'state eq "active"', "traits.floor ge 0", "created_at pr"])
def test_pages_of_identities_hold_everybody_once_in_either_order(scene: Scene, text: str | None) -> None:
    def pages(asked: Question, size: int) -> list[Place]:
        found: list[Place] = []
        after: Place | None = None
        while page := scene.db.scan(lambda tx, after=after: tx.identity_questions.list(asked, after, None, size)):  # type: ignore[misc]
            found += [(each.created_at, each.id) for each in page]
            after = found[-1]
        assert found == scene.db.scan(lambda tx: tx.identity_questions.places(asked, None, None, 1000))
        return found

    where = filter_of(text) if text else None
    newest, oldest = (Question(DEFAULT, where, each) for each in (False, True))
    whole = pages(newest, 1000)
    assert {each for _, each in whole} == (scene.picked(text) if text else set(scene.rows))
    assert [time for time, _ in whole] == sorted((time for time, _ in whole), reverse=True)
    assert pages(newest, 7) == whole
    assert pages(oldest, 7) == whole[::-1]
    rest = scene.db.scan(lambda tx: tx.identity_questions.places(newest, whole[3], None, 5))
    assert rest == whole[4:9]


def test_the_horizon_of_identities_is_where_so_many_were_read(db: Database) -> None:
    people = [person for n in range(20) for person in add_people(db, created_at=NOW + n)]
    times = [person.created_at for person in people]

    def horizon(text: str, most: int, after: Place | None = None, **more: Any) -> Any:
        asked = Question(DEFAULT, filter_of(text), **more)
        return db.scan(lambda tx: tx.identity_questions.horizon(asked, after, most))

    unserved = 'schema eq "x"'
    assert horizon(unserved, 5) == times[-6]
    assert horizon(unserved, 5, oldest_first=True) == times[5]
    assert horizon(unserved, 20) is None
    assert horizon(unserved, 5, (times[10], bytes(16))) == times[4]
    assert horizon(f'{unserved} and created_at ge "{at(times[14]).isoformat()}"', 5) == times[14]
    for narrow in (f'id eq "{id_text(people[0].id)}"', f'external_id eq "{people[0].external_id}"'):
        assert horizon(f"{unserved} and {narrow}", 5) is None
    few = Comparison("traits.team", Op.EQ, "ulm")
    assert horizon(f'{unserved} and traits.team eq "ulm"', 5) == times[-6]
    assert horizon(f'{unserved} and traits.team eq "ulm"', 5, few=few) is None


def test_W3_a_question_over_identities_reaches_no_other_organization(db: Database) -> None:
    elsewhere = add_organization(db)
    stranger = add_person(db, organization=elsewhere)
    add_traits(db, stranger, {"team": ["blue"]})
    few = Comparison("traits.team", Op.EQ, "blue")
    for text, by in (
        (f'id eq "{id_text(stranger.id)}"', None),
        (f'external_id eq "{stranger.external_id}"', None),
        (f'organization eq "{id_text(elsewhere)}"', None),
        ('traits.team eq "blue"', None),
        ('traits.team eq "blue"', few),
    ):
        for organization, found in ((DEFAULT, []), (elsewhere, [(stranger.created_at, stranger.id)])):
            asked = Question(organization, filter_of(text), few=by)
            assert db.scan(lambda tx, q=asked: tx.identity_questions.places(q, None, None, 9)) == found
    for most, is_few in ((0, False), (1, True)):
        assert db.scan(lambda tx, most=most: tx.searchable.few(elsewhere, few, most)) is is_few
    assert db.scan(lambda tx: tx.searchable.few(DEFAULT, few, 0))
