"""Settings that govern the sessions of one identity: those that are there, and those to come."""

from typing import Any

import pytest
from tests.core.world import LIFETIME, NOW, World, aged

from nightlatch.core.credentials.person import Person
from nightlatch.core.login.rules import SignedIn
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import Settings
from nightlatch.core.sessions.rules import extend
from nightlatch.core.sessions.settings import clear_settings, put_settings, settings_of
from nightlatch.kernel.clock import DAY, HOUR, MINUTE


@pytest.fixture
def anna(world: World) -> Person:
    return world.anna()


def put(world: World, *people: Person, **settings: Any) -> list[bytes]:
    ids = [person.identity.id for person in people]
    return list(world.write(lambda tx: put_settings(tx, world.act(), ids, Settings(**settings))))


def clear(world: World, *ids: bytes) -> list[bytes]:
    return list(world.write(lambda tx: clear_settings(tx, world.act(), ids)))


def expiry(world: World, token: str) -> int:
    return world.standing(token).session.expires_at


def test_who_has_no_settings_lives_as_configured(world: World, anna: Person) -> None:
    assert world.read(lambda tx: settings_of(tx, DEFAULT, [anna.identity.id])) == {}
    assert expiry(world, world.signed_in()) == NOW + DAY


@pytest.mark.parametrize("lifespan", [HOUR, 3650 * DAY])
def test_S6_a_lifespan_of_ones_own_takes_the_place_of_the_configured_one(
    world: World, anna: Person, lifespan: int
) -> None:
    put(world, anna, lifespan=lifespan)
    token = world.signed_in()
    assert expiry(world, token) == NOW + lifespan
    world.clock.advance(lifespan - 1)
    assert world.accepts(token)
    world.clock.advance(1)
    assert not world.accepts(token)


def test_S6_settings_shorten_the_sessions_that_are_there_and_prolong_none(world: World, anna: Person) -> None:
    other = world.create({"email": "other@example.org"}, "a long enough password")
    old, theirs = world.signed_in(), world.signed_in("other@example.org")
    short = world.signed_in(lifetime=aged(lifespan=HOUR))
    world.clock.advance(2 * MINUTE)
    new = world.signed_in()
    put(world, anna, lifespan=2 * HOUR)
    assert [expiry(world, token) - NOW for token in (old, short, new, theirs)] == [
        2 * HOUR,
        HOUR,
        2 * HOUR + 2 * MINUTE,
        DAY,
    ]
    put(world, anna, lifespan=9 * DAY)
    assert expiry(world, old) == NOW + 2 * HOUR
    put(world, anna, other, lifespan=MINUTE)
    assert not world.accepts(old)
    assert not world.accepts(theirs)
    assert expiry(world, new) == world.now + MINUTE


def test_a_session_that_goes_on_goes_on_as_the_settings_say(world: World, anna: Person) -> None:
    token = world.signed_in()
    put(world, anna, lifespan=6 * HOUR)
    world.clock.advance(HOUR)
    session_id = world.standing(token).session.id
    longer = world.write(lambda tx: extend(tx, world.act(), session_id, LIFETIME))
    assert longer.session.expires_at == expiry(world, token) == world.now + 6 * HOUR
    world.clock.advance(HOUR)
    outcome = world.login(current=world.standing(token))
    assert isinstance(outcome, SignedIn)
    assert expiry(world, token) == world.now + 6 * HOUR


def test_what_a_browser_forgets_is_given_out_with_the_identity(world: World, anna: Person) -> None:
    token = world.signed_in()
    put(world, anna, ends_with_browser=True)
    assert world.standing(token).identity.session_ends_with_browser is True
    outcome = world.login()
    assert isinstance(outcome, SignedIn)
    assert outcome.identity.session_ends_with_browser is True
    assert outcome.session.expires_at == NOW + DAY
    assert world.update(anna, {"email": "new@example.org"}).identity.session_ends_with_browser is True


def test_settings_are_put_read_and_cleared_for_those_who_exist(world: World, anna: Person) -> None:
    other = world.create({"email": "other@example.org"})
    ids, unknown = [anna.identity.id, other.identity.id], bytes(16)
    world.told()
    assert set(put(world, anna, other, lifespan=HOUR, ends_with_browser=True)) == set(ids)
    assert world.write(lambda tx: put_settings(tx, world.act(), [unknown], Settings(HOUR))) == []
    assert world.read(lambda tx: settings_of(tx, bytes(16), ids)) == {}
    found = world.read(lambda tx: settings_of(tx, DEFAULT, [*ids, unknown]))
    assert found == dict.fromkeys(ids, Settings(HOUR, ends_with_browser=True))
    put(world, other, lifespan=None)
    assert clear(world, anna.identity.id, unknown) == [anna.identity.id]
    assert world.read(lambda tx: settings_of(tx, DEFAULT, ids)) == {other.identity.id: Settings()}
    assert world.told() == [
        ("session_settings.changed", None, 2),
        ("session_settings.changed", None, 1),
        ("session_settings.cleared", None, 1),
    ]


def test_clearing_brings_back_what_is_configured_for_sessions_to_come(world: World, anna: Person) -> None:
    put(world, anna, lifespan=HOUR)
    before = world.signed_in()
    clear(world, anna.identity.id)
    assert expiry(world, before) == NOW + HOUR
    assert expiry(world, world.signed_in()) == NOW + DAY
