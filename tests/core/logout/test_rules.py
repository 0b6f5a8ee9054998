"""Signing out, and ending one's own other sessions."""

from typing import Any

import pytest
from tests.core.world import World
from tests.stores.rows import add_organization

from nightlatch.core.logout.rules import end_mine, end_others, sign_out
from nightlatch.core.sessions.model import Revocation, Standing
from nightlatch.problems import FieldInvalid, TokenForeign


@pytest.fixture
def tokens(world: World) -> list[str]:
    """Three sessions of Anna and one of Bert."""
    world.anna()
    world.create({"email": "bert@example.org"}, "another long password")
    made = [world.signed_in() for _ in range(3)] + [world.signed_in("bert@example.org", "another long password")]
    world.told()
    return made


def accepted(world: World, tokens: list[str]) -> list[bool]:
    return [world.accepts(token) for token in tokens]


def my(world: World, token: str, other: Standing) -> None:
    mine = world.standing(token)
    world.write(lambda tx: end_mine(tx, world.act(), mine, other.session.id))


def test_S4_signing_out_ends_the_session_of_the_token_and_no_other(world: World, tokens: list[str]) -> None:
    world.write(lambda tx: sign_out(tx, world.act(), tokens[1]))
    assert accepted(world, tokens) == [True, False, True, True]
    assert world.told() == [("session.ended", "logout", 1)]
    world.write(lambda tx: sign_out(tx, world.act(), tokens[1]))
    assert world.told() == []


def test_S4_signing_out_ends_a_session_of_whichever_organization(world: World, tokens: list[str]) -> None:
    acme = add_organization(world.db)
    for table in ("identities", "sessions"):
        world.db.sql(f"update {table} set organization_id = $1", acme)
    world.write(lambda tx: sign_out(tx, world.act(), tokens[1]))
    assert accepted(world, tokens) == [True, False, True, True]


@pytest.mark.parametrize("token", ["", "ory_st_nobody", "x"])
def test_a_foreign_token_cannot_be_signed_out(world: World, tokens: list[str], token: str) -> None:
    for wrong in (token, tokens[0][:-1], tokens[0] + "="):
        with pytest.raises(TokenForeign):
            world.write(lambda tx, wrong=wrong: sign_out(tx, world.act(), wrong))  # type: ignore[misc]
    assert all(accepted(world, tokens))


def test_S7_i_end_another_of_my_sessions_and_only_that(world: World, tokens: list[str]) -> None:
    my(world, tokens[0], world.standing(tokens[1]))
    assert accepted(world, tokens) == [True, False, True, True]
    assert world.told() == [("session.ended", "own", 1)]


def test_S7_the_session_that_asks_is_not_ended_by_id(world: World, tokens: list[str]) -> None:
    with pytest.raises(FieldInvalid) as caught:
        my(world, tokens[0], world.standing(tokens[0]))
    assert caught.value.field == "id"
    assert all(accepted(world, tokens))


def test_S7_W3_a_session_of_somebody_else_is_as_one_that_is_not_there(world: World, tokens: list[str]) -> None:
    mine, theirs = world.standing(tokens[0]), world.standing(tokens[3])
    outcomes: list[Any] = [
        world.write(lambda tx, s=session_id: end_mine(tx, world.act(), mine, s))  # type: ignore[misc]
        for session_id in (theirs.session.id, bytes(16))
    ]
    assert outcomes == [None, None]
    assert all(accepted(world, tokens))
    assert world.told() == []


def test_S7_i_end_all_my_other_sessions(world: World, tokens: list[str]) -> None:
    mine = world.standing(tokens[1])

    def others() -> Revocation:
        return world.write(lambda tx: end_others(tx, world.act(), mine))

    assert others().count == 2
    assert accepted(world, tokens) == [False, True, False, True]
    assert world.told() == [("session.ended", "own_others", 2)]
    assert others().count == 0
    assert world.accepts(tokens[1])


def test_S4_who_was_signed_out_meanwhile_does_not_come_back_by_ending_the_others(
    world: World, tokens: list[str]
) -> None:
    mine = world.standing(tokens[0])
    world.write(lambda tx: sign_out(tx, world.act(), tokens[0]))
    world.write(lambda tx: end_others(tx, world.act(), mine))
    assert accepted(world, tokens) == [False, False, False, True]
