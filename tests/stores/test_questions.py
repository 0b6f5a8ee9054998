"""Questions over sessions: on every store, every filter picks what a plain reading of it picks."""

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
from tests.stores.rows import NOW, add_organization, add_person, add_session, add_traits, bits

from nightlatch.core.events.model import Act
from nightlatch.core.identities.model import State as IdentityState
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.questions import OPS, Attribute, Kind
from nightlatch.core.sessions import question as sessions
from nightlatch.core.sessions import rules
from nightlatch.core.sessions.model import IDLE_GRACE, Device, How, Method, Position, Session, Where
from nightlatch.core.sessions.question import Question, State
from nightlatch.kernel.clock import HOUR
from nightlatch.kernel.clock import moment as at
from nightlatch.kernel.filters import Comparison, Filter, Op, mapped
from nightlatch.kernel.ids import id_text
from nightlatch.problems import FilterInvalid

IDLE = 2 * HOUR - IDLE_GRACE
OF_TRAITS = {
    "traits.team": Attribute(Kind.CASELESS), "traits.name.first": Attribute(Kind.CASELESS),
    "traits.floor": Attribute(Kind.NUMBER), "traits.remote": Attribute(Kind.FLAG),
}  # fmt: skip
ATTRIBUTES = {**sessions.ATTRIBUTES, **OF_TRAITS}
TEXTS = ("Ulm", "ulm", "ULM, DE", "Straße %_\\", "ÄRGER", "ärger", "", "a\"b'c", "\U0001f512b", None)
METHODS = ("password", "totp", "code", 'od"d')
CASELESS = [name for name, attribute in ATTRIBUTES.items() if attribute.kind is Kind.CASELESS]
TIMES = [name for name, attribute in ATTRIBUTES.items() if attribute.kind is Kind.TIME]


def filter_of(text: str) -> Filter:
    return sessions.filter_of(text, OF_TRAITS)


class Scene(NamedTuple):
    """Sessions as rows of plain values, by id; `near` are values of each attribute that some have, and some nobody."""

    db: Database
    rows: dict[bytes, dict[str, Any]]
    near: dict[str, list[Any]]

    def picked(self, text: str, **more: Any) -> list[bytes]:
        question = Question(DEFAULT, NOW, IDLE, filter_of(text), **more)
        ids = [key for _, key in self.db.scan(lambda tx: tx.questions.places(question, None, None, 1000))]
        listed = self.db.scan(lambda tx: tx.questions.list(question, None, None, 1000))
        summary = self.db.scan(lambda tx: tx.questions.summary(question, METHODS))
        assert [each.session.id for each in listed] == ids
        for few in question.reach.traits if question.reach.narrow is None else ():
            found_by = msgspec.structs.replace(question, few=few)
            found = self.db.scan(lambda tx, q=found_by: tx.questions.places(q, None, None, 1000))
            assert [key for _, key in found] == ids
        rows = [self.rows[each] for each in ids]
        kinds, methods = (
            Counter(row["device.kind"] for row in rows),
            Counter(m for row in rows for m in row["methods"]),
        )
        countries = Counter(place[-2:] for row in rows if (place := row["device.location"]) is not None)
        organizations = {id_text(DEFAULT): len(ids)} if ids else {}
        facets = {"device.kind": kinds, "methods": methods, "country": countries, "organization": organizations}
        assert (summary.total, summary.facets) == (len(ids), facets)
        return ids

    def fitting(self, tree: Filter) -> set[bytes]:
        return {each for each, row in self.rows.items() if holds(tree, row, CASELESS)}


@pytest.fixture
def scene(db: Database) -> Scene:
    source = random.Random(11)
    rows = {}
    people = [
        add_person(db, external_id=external, schema_id=schema, state=state)
        for external, schema, state in (
            ("hr-Ä", "default", IdentityState.ACTIVE), (None, "Default", IdentityState.ACTIVE),
            ("HR-ä", "robot", IdentityState.INACTIVE),
        )
    ]  # fmt: skip
    traits = [some_traits(source, n) for n in range(len(people))]
    for person, named in zip(people, traits, strict=True):
        add_traits(db, person, {name.removeprefix("traits."): values for name, values in named.items()})
    for _ in range(60):
        n = source.randrange(len(people))
        made = add_session(db, people[n], **some(source))
        rows[made.id] = row_of(made, people[n]) | traits[n]
    elsewhere = add_organization(db)
    stranger = add_person(db, organization=elsewhere, external_id="hr-Ä")
    add_session(db, stranger)
    ended = Act(DEFAULT, "test", NOW, bits)
    for gone in source.sample(sorted(rows), 8):
        db.write(lambda tx, gone=gone: rules.end(tx, ended, Where(session_id=gone), How.DISABLE, "test"))
        rows[gone]["state"] = State.ENDED
    near = {name: sorted({str(row[name]): row[name] for row in rows.values()}.items()) for name in ATTRIBUTES}
    values = {name: [value for _, value in pairs if not isinstance(value, list)] for name, pairs in near.items()}
    values["methods"] = [*METHODS, "pass", ""]
    for name in OF_TRAITS:
        held = [each for row in rows.values() for each in row[name]]
        values[name] = [*dict.fromkeys(held)][:6] + ([] if name == "traits.remote" else [type(held[0])()])
    for name in TIMES:
        values[name] = [at(value).isoformat() for value in values[name][:4]]
    for name in ("number", "identity.id", "id", "organization"):
        values[name] = values[name][:4]
    values["number"].append(7)
    values["organization"].append(id_text(elsewhere))
    return Scene(db, rows, {name: [*given, None] if None not in given else given for name, given in values.items()})


def some_traits(source: random.Random, n: int) -> dict[str, list[Any]]:
    """The values of each trait, of which one has several."""
    texts = [text for text in TEXTS if text is not None]
    return {
        "traits.team": source.sample(texts, 4),
        "traits.name.first": [sorted(texts)[2 + n % 4]] * (n % 3 < 2),
        "traits.floor": [source.choice((-(2**63) + 1, -1, 0, 7, 10, 2**63 - 1, 2**53 + 1))],
        "traits.remote": [source.random() < 0.5],
    }


def some(source: random.Random) -> dict[str, Any]:
    """The fields of a session."""
    text = lambda: source.choice(TEXTS)  # noqa: E731
    created = NOW - source.randrange(3) * HOUR
    return {
        "aal": source.randrange(3),
        "methods": tuple(Method(name, 1, NOW) for name in source.sample(METHODS, source.randrange(3))),
        "created_at": created,
        "issued_at": created + source.randrange(2),
        "authenticated_at": created + source.randrange(3) * 1000,
        "expires_at": NOW + source.choice((-1, 0, 1)) * HOUR,
        "last_seen": NOW - source.choice((0, 1, 2, 3)) * HOUR,
        "device": Device(source.choice(("203.0.113.9", "2001:DB8::9", None)), text(), text(), source.choice(("web", "mobile"))),
    }  # fmt: skip


def row_of(session: Session, person: Any) -> dict[str, Any]:
    over = session.expires_at <= NOW or session.last_seen <= NOW - 2 * HOUR
    return {
        "id": id_text(session.id), "number": session.number, "organization": id_text(session.organization),
        "state": State.EXPIRED if over else State(person.state), "identity.id": id_text(person.id),
        "identity.state": person.state, "identity.schema": person.schema_id, "identity.external_id": person.external_id,
        "device.kind": session.device.kind, "device.ip": session.device.ip, "device.user_agent": session.device.user_agent,
        "device.location": session.device.location, "methods": [each.method for each in session.methods],
        "aal": session.aal, **{name: getattr(session, name) for name in TIMES},
    }  # fmt: skip


def plain(comparison: Comparison) -> Comparison:
    """The comparison with its time as it is stored, for the plain reading."""
    if comparison.path in TIMES and isinstance(comparison.value, str):
        typed = filter_of(spelled(comparison, random.Random(0)))
        return msgspec.structs.replace(comparison, value=typed.value)  # type: ignore[union-attr]
    return comparison


def test_W2_every_attribute_is_asked_in_every_way_that_it_can_be(scene: Scene) -> None:
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
            assert set(picked) == scene.fitting(plain(comparison)), text
            if picked:
                hit.add((name, op))
    asked = {(name, op) for name, attribute in ATTRIBUTES.items() for op in OPS[attribute.kind]}
    assert asked - hit == set()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_filter_of_any_form_picks_what_it_says(scene: Scene, data: st.DataObject) -> None:
    @st.composite
    def comparisons(draw: st.DrawFn) -> Comparison:
        name = draw(st.sampled_from(list(ATTRIBUTES)))
        op = draw(st.sampled_from(sorted(OPS[ATTRIBUTES[name].kind])))
        values = [v for v in scene.near[name] if v is not None or op in {Op.EQ, Op.NE}]
        return Comparison(name, op, None if op is Op.PR else draw(st.sampled_from(values)))

    tree = data.draw(trees(comparisons()))
    text = spelled(tree, random.Random(2))
    picked = scene.picked(text)
    assert set(picked) == scene.fitting(mapped(tree, plain)), text


def pages(db: Database, question: Question, size: int) -> list[bytes]:
    """The ids of a list, page by page."""
    found: list[bytes] = []
    after: Position | None = None
    while True:
        page = db.scan(lambda tx, after=after: tx.questions.list(question, after, None, size))
        found += [each.session.id for each in page]
        if len(page) < size:
            return found
        after = Position(page[-1].session.created_at, page[-1].session.id)


@pytest.mark.parametrize("text", [None, 'device.kind eq "web"', "created_at pr"])
def test_pages_hold_everything_once_in_either_order(scene: Scene, text: str | None) -> None:
    where = filter_of(text) if text else None
    newest, oldest = (Question(DEFAULT, NOW, None, where, oldest_first=each) for each in (False, True))
    whole = pages(scene.db, newest, 1000)
    assert len(whole) == len(set(whole)) == (60 if text != 'device.kind eq "web"' else len(scene.picked(text)))
    assert pages(scene.db, newest, 7) == whole
    assert pages(scene.db, oldest, 7) == whole[::-1]


def test_the_horizon_is_where_so_many_were_read_of_the_stretch_that_is_asked_for(db: Database) -> None:
    person = add_person(db)
    times = [add_session(db, person, created_at=NOW + n).created_at for n in range(20)]

    def horizon(text: str, most: int, after: Position | None = None, **more: Any) -> Any:
        question = Question(DEFAULT, NOW, None, filter_of(text), **more)
        return db.scan(lambda tx: tx.questions.horizon(question, after, most))

    unserved = 'device.ip eq "x"'
    assert horizon(unserved, 5) == times[-6]
    assert horizon(unserved, 5, oldest_first=True) == times[5]
    assert horizon(unserved, 19) == times[0]
    assert horizon(unserved, 20) is None
    assert horizon(unserved, 5, Position(times[10], bytes(16))) == times[5]
    stretch = f'created_at ge "{at(times[8]).isoformat()}" and created_at lt "{at(times[14]).isoformat()}"'
    assert horizon(f"{unserved} and {stretch}", 5) == times[8]
    assert horizon(f"{unserved} and ({stretch})", 6) is None
    assert horizon(f"{unserved} or {stretch}", 5) == times[-6]
    for narrow in ("id", "identity.id"):
        assert horizon(f'{unserved} and {narrow} eq "{id_text(person.id)}"', 5) is None
    assert horizon(f'not (identity.id eq "{id_text(person.id)}")', 5) == times[-6]


def test_W3_a_narrow_question_reaches_no_other_organization(db: Database) -> None:
    elsewhere = add_organization(db)
    stranger = add_person(db, organization=elsewhere)
    theirs = add_session(db, stranger)
    for text in (
        f'id eq "{id_text(theirs.id)}"',
        f"number eq {theirs.number}",
        f'identity.id eq "{id_text(stranger.id)}"',
        f'identity.external_id eq "{stranger.external_id}"',
        f'organization eq "{id_text(elsewhere)}"',
    ):
        for organization, found in ((DEFAULT, []), (elsewhere, [theirs.id])):
            question = Question(organization, NOW, None, filter_of(text))
            picked = db.scan(lambda tx, question=question: tx.questions.places(question, None, None, 9))
            assert [key for _, key in picked] == found


def test_what_an_ending_would_end_leaves_out_what_is_over_and_what_came_later(db: Database) -> None:
    person = add_person(db)
    lives, over, later = (add_session(db, person, issued_at=NOW + n) for n in (0, 0, 1))
    ended = Act(DEFAULT, "test", NOW, bits)
    db.write(lambda tx: rules.end(tx, ended, Where(session_id=over.id), How.DISABLE, "test"))

    def ids(**more: Any) -> set[bytes]:
        question = Question(DEFAULT, NOW, None, filter_of("id pr"), **more)
        return {key for _, key in db.scan(lambda tx: tx.questions.places(question, None, None, 9))}

    assert ids() == ids(how=How.DELETE) == {lives.id, over.id, later.id}
    assert ids(how=How.DISABLE) == {lives.id, later.id}
    assert ids(how=How.DISABLE, issued_by=NOW) == {lives.id}
