"""Access keys: shown once, found by their very token, good until they expire or are revoked, and only for their scopes."""

import re
from typing import Any

import msgspec
import pytest
from tests.core.world import OLDER_SECRET, SECRET, World

from nightlatch.core.access.model import AccessKey, Shown
from nightlatch.core.access.rules import allow, check, create, create_pair, of_pair, revoke
from nightlatch.kernel.clock import HOUR
from nightlatch.kernel.secrets import Keys, digest
from nightlatch.problems import Conflict, FieldInvalid, KeyRequired, NotFound, ScopeMissing


def made(world: World, **options: Any) -> tuple[AccessKey, str]:
    return world.write(lambda tx: create(tx, world.act(), "deploy", **options))


def checked(world: World, token: str) -> AccessKey:
    return world.read(lambda tx: check(tx, token, world.now))


def test_W1_S2_a_key_is_random_shown_once_and_kept_as_a_digest(world: World) -> None:
    key, token = made(world)
    assert re.fullmatch(r"nl_key_[A-Za-z0-9]{43}", token)
    assert key.token_hash == digest(token)
    assert (key.scopes, key.expires_at, key.revoked_at) == (("*",), None, None)
    assert checked(world, token) == key
    assert world.told() == [("access_key.created", None, 1)]


def test_a_key_that_somebody_else_chose_works_and_is_taken_once(world: World) -> None:
    key, token = made(world, token="a key of the operator's own choice")
    assert checked(world, token) == key
    with pytest.raises(Conflict):
        made(world, token=token)


KEYS = Keys([SECRET], "key pairs")


def paired(world: World, **options: Any) -> tuple[AccessKey, Shown]:
    return world.write(lambda tx: create_pair(tx, world.act(), KEYS, "signer", **options))


def opened(world: World, pair_id: str, token: str | None = None, keys: Keys = KEYS) -> tuple[AccessKey, str]:
    return world.read(lambda tx: of_pair(tx, keys, pair_id, token, world.now))


def test_S2_the_secret_of_a_pair_is_sealed_and_comes_back_to_check_a_signature(world: World) -> None:
    key, shown = paired(world)
    assert opened(world, shown.id) == (key, shown.secret)
    assert key.pair is not None
    assert shown.secret.encode() not in key.pair.sealed_secret
    assert world.told() == [("access_key.created", None, 1)]
    other, again = paired(world)
    assert {shown.id, shown.secret}.isdisjoint({again.id, again.secret})
    assert key.token_hash != other.token_hash


def test_W15_the_secret_of_a_pair_opens_under_a_former_secret_and_not_without_it(world: World) -> None:
    _, shown = paired(world)
    assert (
        opened(world, shown.id, keys=Keys([b"a newer secret of 32 bytes, good.", SECRET], "key pairs"))[1]
        == shown.secret
    )
    for keys in (Keys([OLDER_SECRET], "key pairs"), Keys([SECRET], "credentials")):
        with pytest.raises(KeyRequired):
            opened(world, shown.id, keys=keys)


def test_S2_a_sealed_secret_opens_for_its_own_key_only(world: World) -> None:
    one, other = paired(world)[0], paired(world)[0]
    assert one.pair is not None
    assert other.pair is not None
    world.db.sql("update access_keys set pair_secret = $1 where id = $2", one.pair.sealed_secret, other.id)
    with pytest.raises(KeyRequired):
        opened(world, other.pair.id)


def test_W1_a_pair_is_no_token_and_a_token_is_no_pair(world: World) -> None:
    key, shown = paired(world, expires_at=world.now + HOUR, security_token=True)
    for text in (shown.id, shown.secret, shown.security_token, f"{shown.id}:{shown.secret}", key.token_hash.hex()):
        with pytest.raises(KeyRequired):
            checked(world, str(text))
    _, token = made(world)
    for text in (token, "", shown.secret, shown.id.lower(), shown.id + " "):
        with pytest.raises(KeyRequired):
            opened(world, text, shown.security_token)


def test_W1_a_pair_with_a_security_token_needs_it_and_one_without_takes_none(world: World) -> None:
    _, plain = paired(world)
    _, temporary = paired(world, expires_at=world.now + HOUR, security_token=True)
    _, another = paired(world, expires_at=world.now + HOUR, security_token=True)
    assert opened(world, temporary.id, temporary.security_token)[1] == temporary.secret
    for shown, token in (
        (temporary, None), (temporary, ""), (temporary, str(temporary.security_token) + "x"),
        (temporary, another.security_token), (plain, ""), (plain, temporary.security_token),
    ):  # fmt: skip
        with pytest.raises(KeyRequired):
            opened(world, shown.id, token)


def test_W1_a_pair_is_over_at_its_time_and_when_it_is_revoked(world: World) -> None:
    expiring, revoked = paired(world, expires_at=world.now + HOUR), paired(world)
    world.write(lambda tx: revoke(tx, world.act(), revoked[0].id))
    world.clock.advance(HOUR)
    for _, shown in (expiring, revoked):
        with pytest.raises(KeyRequired):
            opened(world, shown.id)


@pytest.mark.parametrize("scopes", [(), ("sessions",), ("session:read",), ("*:read",), ("sessions:read", "**"), ("",)])
def test_W1_a_key_has_scopes_that_exist(world: World, scopes: tuple[str, ...]) -> None:
    with pytest.raises(FieldInvalid):
        made(world, scopes=scopes)
    assert world.told() == []


@pytest.mark.parametrize(
    ("held", "given", "allowed"),
    [
        (("*",), ("*",), True),
        (("*",), ("sessions:*", "keys:write"), True),
        (("keys:*", "sessions:read"), ("keys:write", "sessions:read"), True),
        (("keys:*",), ("keys:*",), True),
        (("keys:write",), ("*",), False),
        (("keys:write",), ("keys:*",), False),
        (("keys:write", "sessions:read"), ("sessions:read", "sessions:end"), False),
        ((), ("sessions:read",), False),
    ],
)
def test_W1_nobody_gives_a_key_more_than_they_have(
    world: World, held: tuple[str, ...], given: tuple[str, ...], allowed: bool
) -> None:
    act = msgspec.structs.replace(world.act(), scopes=held)
    if allowed:
        assert world.write(lambda tx: create(tx, act, "deploy", given))[0].scopes == given
    else:
        with pytest.raises(ScopeMissing):
            world.write(lambda tx: create(tx, act, "deploy", given))
        assert world.told() == []


@pytest.mark.parametrize("wrong", ["", "nl_key_", "é", "\0"])
def test_W1_a_key_of_nobody_is_refused(world: World, wrong: str) -> None:
    _, token = made(world)
    for near in (wrong, token[:-1], token + " ", token.swapcase(), "Bearer " + token):
        with pytest.raises(KeyRequired):
            checked(world, near)


def test_W1_a_key_is_over_at_its_time(world: World) -> None:
    _, token = made(world, expires_at=world.now + HOUR)
    world.clock.advance(HOUR - 1)
    checked(world, token)
    world.clock.advance(1)
    with pytest.raises(KeyRequired):
        checked(world, token)


def test_W1_a_revoked_key_is_refused_and_revoked_once(world: World) -> None:
    key, token = made(world)
    _, other = made(world)
    world.write(lambda tx: revoke(tx, world.act(), key.id))
    with pytest.raises(KeyRequired):
        checked(world, token)
    checked(world, other)
    assert world.told()[-1] == ("access_key.revoked", None, 1)
    for unknown in (key.id, bytes(16)):
        with pytest.raises(NotFound):
            world.write(lambda tx, unknown=unknown: revoke(tx, world.act(), unknown))  # type: ignore[misc]
    assert world.told() == []


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        (("*",), True),
        (("sessions:*",), True),
        (("sessions:end",), True),
        (("identities:read", "sessions:end"), True),
        ((), False),
        (("sessions:read",), False),
        (("sessions",), False),
        (("sessions:",), False),
        (("session:*",), False),
        (("identities:*",), False),
        (("sessions:ending",), False),
        (("*:end",), False),
        (("SESSIONS:END",), False),
    ],
)
def test_W1_a_key_is_good_for_its_scopes_only(world: World, scopes: tuple[str, ...], allowed: bool) -> None:
    key = msgspec.structs.replace(made(world)[0], scopes=scopes)
    if allowed:
        allow(key.scopes, "sessions:end")
    else:
        with pytest.raises(ScopeMissing, match="sessions:end"):
            allow(key.scopes, "sessions:end")
