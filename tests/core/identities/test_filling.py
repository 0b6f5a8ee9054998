"""Who is found by their traits: whoever is written, at once; who was there before, once all have been looked at."""

import json
from typing import Any

import pytest
from tests.core.world import World

from nightlatch.core.administration import finding, questions
from nightlatch.core.administration import identities as administration
from nightlatch.core.events.model import Act
from nightlatch.core.housekeeping import Retention, sweep
from nightlatch.core.identities.filling import fill, want
from nightlatch.core.identities.question import Question, filter_of
from nightlatch.core.identities.schemas import Schema, Schemas
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.kernel.clock import DAY
from nightlatch.problems import FilterInvalid, QueryTooBroad


def schemas(*searchable: str) -> Schemas:
    """A schema with a team and a site, of which these may be searched."""
    marked = {"type": "string", "nightlatch/searchable": True}
    properties = {name: marked if name in searchable else {"type": "string"} for name in ("team", "site")}
    body = {"properties": {"traits": {"type": "object", "properties": properties}}}
    return Schemas([Schema("default", json.dumps(body).encode())], "default")


def wanting(world: World, *searchable: str) -> None:
    """A server starts with these marks."""
    world.schemas = schemas(*searchable)
    world.write(lambda tx: want(tx, world.schemas))


def page(world: World, text: str, size: int = 100, **more: Any) -> list[bytes]:
    question = Question(DEFAULT, filter_of(text, world.schemas.traits))
    found = world.db.scan(lambda tx: finding.page(tx, question, None, size, **more))
    return [identity.id for identity in found]


def filled(world: World, most: int = 2) -> list[int]:
    """How many each step looked at, up to the one that finds nobody."""
    steps = []
    while not steps or steps[-1]:
        steps.append(world.write(lambda tx: fill(tx, world.schemas, most)))
    return steps


def refused(world: World, text: str, column: int = 1) -> None:
    with pytest.raises(FilterInvalid, match=f"Column {column}: .* is not filled in yet") as caught:
        page(world, text)
    assert caught.value.column == column


def test_whoever_is_written_is_found_as_they_are_now(world: World) -> None:
    wanting(world, "team")
    anna = world.create({"team": "Blue", "site": "Ulm"})
    bert = world.create({"team": "red"})
    assert page(world, 'traits.team eq "BLUE"') == [anna.identity.id]
    world.update(anna, {"team": "red"})
    assert page(world, 'traits.team eq "blue"') == []
    assert {*page(world, 'traits.team sw "r"')} == {anna.identity.id, bert.identity.id}
    world.update(anna, {"site": "Ulm"})
    assert page(world, "not (traits.team pr)") == [anna.identity.id]
    world.write(lambda tx: administration.delete(tx, world.act(), bert.identity.id))
    assert page(world, "traits.team pr") == []
    assert world.db.sql("select name from searchable_traits") == []


def test_what_leaves_the_traits_alone_leaves_what_is_found_alone(world: World) -> None:
    wanting(world, "team")
    totp = {"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"}
    anna = world.create({"team": "blue"}, credentials={"totp": totp})
    world.write(
        lambda tx: administration.delete_credential(tx, world.act(), world.vault, anna.identity.id, "totp", None)
    )
    assert page(world, 'traits.team eq "blue"') == [anna.identity.id]


def test_a_filter_waits_until_everybody_who_was_there_is_found(world: World) -> None:
    wanting(world)
    people = [world.create({"team": team}).identity.id for team in ("blue", "red", "blue", "blue", "red")]
    wanting(world, "team")
    refused(world, 'state eq "active" and not (traits.team eq "blue")', 28)
    assert filled(world) == [2, 2, 1, 0]
    assert {*page(world, 'traits.team eq "blue"')} == {people[0], people[2], people[3]}
    assert filled(world) == [0]


def test_a_filling_goes_on_where_it_was_and_what_is_written_meanwhile_is_kept(world: World) -> None:
    wanting(world)
    people = [world.create({"team": "blue"}) for _ in range(5)]
    wanting(world, "team")
    assert world.write(lambda tx: fill(tx, world.schemas, 2)) == 2
    wanting(world, "team")
    world.update(people[0], {"team": "red"})
    world.update(people[4], {"team": "red"})
    assert filled(world) == [2, 1, 0]
    assert {*page(world, 'traits.team eq "red"')} == {people[0].identity.id, people[4].identity.id}


def test_a_trait_that_was_marked_before_stays_askable_while_another_is_filled_in(world: World) -> None:
    wanting(world, "team")
    anna = world.create({"team": "blue", "site": "Ulm"})
    wanting(world, "team", "site")
    assert page(world, 'traits.team eq "blue"') == [anna.identity.id]
    refused(world, 'traits.site eq "Ulm"')
    filled(world)
    assert page(world, 'traits.site eq "ulm"') == [anna.identity.id]


def test_a_mark_that_is_taken_away_and_given_again_is_filled_in_again(world: World) -> None:
    wanting(world, "team", "site")
    anna = world.create({"team": "blue"})
    wanting(world, "site")
    world.update(anna, {"team": "red"})
    with pytest.raises(FilterInvalid, match="no attribute"):
        page(world, 'traits.team eq "blue"')
    wanting(world, "team", "site")
    refused(world, 'traits.team eq "blue"')
    filled(world)
    assert page(world, 'traits.team eq "red"') == [anna.identity.id]


def test_who_still_writes_by_other_marks_has_it_begin_anew(world: World) -> None:
    wanting(world)
    old = world.schemas
    world.create({"team": "blue"})
    wanting(world, "team")
    filled(world)
    new, world.schemas = world.schemas, old
    late = world.create({"team": "red"})
    assert world.write(lambda tx: fill(tx, old, 9)) == 0
    world.schemas = new
    refused(world, 'traits.team eq "red"')
    filled(world)
    assert page(world, 'traits.team eq "red"') == [late.identity.id]


def test_a_filter_of_newer_schemas_than_the_servers_is_refused(world: World) -> None:
    world.schemas = schemas("team")
    refused(world, 'traits.team eq "x"')
    wanting(world)
    world.schemas = schemas("team")
    refused(world, 'traits.team eq "x"')


def test_what_no_longer_fits_its_schema_is_filled_in_as_far_as_it_goes(world: World) -> None:
    wanting(world)
    anna = world.create({"team": "x" * 2000, "site": "Ulm"})
    wanting(world, "team", "site")
    filled(world)
    assert page(world, 'traits.site eq "ulm" and not (traits.team pr)') == [anna.identity.id]


def test_housekeeping_fills_in(world: World) -> None:
    wanting(world)
    anna = world.create({"team": "blue"})
    wanting(world, "team")
    told: dict[str, int] = {}
    act = Act(DEFAULT, "housekeeping", world.now, world.entropy)
    retention = Retention(sessions=DAY, flows=DAY, messages=DAY)
    world.run(
        sweep(
            world.db.store,
            act,
            b"one",
            retention,
            world.schemas,
            lambda what, n: told.update({what: told.get(what, 0) + n}),
        )
    )
    assert told["traits"] == 1
    assert page(world, 'traits.team eq "blue"') == [anna.identity.id]


def test_a_trait_that_few_have_is_found_however_many_there_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    wanting(world, "team", "site")
    rare = [world.create({"team": "blue", "site": "Ulm"}).identity.id for _ in range(2)]
    for _ in range(8):
        world.clock.advance(1)
        world.create({"team": "red", "site": "Ulm"})
    monkeypatch.setattr(questions, "READ_MOST", 5)
    for few in (1, 3):
        # With 1, too many have it for the first look: the page is walked to, in vain, and then they are few enough.
        monkeypatch.setattr(questions, "_FEW", few)
        for text in ('traits.team eq "blue"', 'traits.site eq "ulm" and traits.team sw "b"', 'traits.team lt "c"'):
            assert {*page(world, text)} == {*rare}, text
        for text in ('traits.team eq "red"', 'traits.team co "lue"', 'not (traits.team eq "red")'):
            with pytest.raises(QueryTooBroad, match="a trait that few have"):
                page(world, text)
        assert len(page(world, 'traits.team eq "red"', size=4)) == 4
        assert len(page(world, 'traits.team eq "red"', allow_scan=True)) == 8

    def total(text: str, **more: Any) -> int:
        question = Question(DEFAULT, filter_of(text, world.schemas.traits))
        return world.db.scan(lambda tx: finding.summary(tx, question, **more)).total

    assert total('traits.team eq "blue"') == 2
    with pytest.raises(QueryTooBroad):
        total('traits.team eq "red"')
    assert total('traits.team eq "red"', allow_scan=True) == 8
    question = Question(DEFAULT, filter_of('traits.team eq "blue"', world.schemas.traits), oldest_first=True)
    places, over = world.db.scan(lambda tx: finding.along(tx, question, None, 9))
    assert ({each for _, each in places}, over) == ({*rare}, None)
