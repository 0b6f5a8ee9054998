"""Who behind an account is told of what was done to it."""

import msgspec
import pytest
from tests.core.world import World

from nightlatch.core.administration.identities import delete_credential
from nightlatch.core.courier.model import Filter, Template
from nightlatch.core.courier.rules import opened
from nightlatch.core.credentials.person import Person
from nightlatch.core.identities.model import Address, Kind
from nightlatch.core.organizations.model import DEFAULT


def with_address(world: World, *, verified: bool, **more: object) -> Person:
    claim = Address(b"", Kind.VERIFIABLE, "email", "anna@example.org", 0, 0, verified=verified)
    return world.anna(addresses=(claim,), **more)


def told(world: World) -> list[tuple[str, str]]:
    rows = world.read(lambda tx: tx.messages.page(DEFAULT, Filter(), None, 100))
    return [(row.template, row.recipient) for row in rows]


def test_P15_a_replaced_password_is_told_to_the_verified_addresses(world: World) -> None:
    anna = with_address(world, verified=True)
    assert told(world) == []
    world.update(anna, password="an entirely new password")
    assert told(world) == [(Template.CREDENTIAL_CHANGED, "anna@example.org")]


def test_P15_with_a_new_address_at_once_it_is_the_old_one_that_is_told(world: World) -> None:
    anna = with_address(world, verified=True)
    world.update(anna, {"email": "mallory@example.org"}, password="an entirely new password")
    assert told(world) == [(Template.CREDENTIAL_CHANGED, "anna@example.org")]


def test_P15_a_deleted_credential_is_told(world: World) -> None:
    totp = {"totp": {"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"}}
    anna = with_address(world, verified=True, credentials=totp)
    world.write(lambda tx: delete_credential(tx, world.act(), world.vault, anna.identity.id, "totp", None))
    assert told(world) == [(Template.CREDENTIAL_CHANGED, "anna@example.org")]


def test_P15_a_recovery_is_told_with_where_it_came_from(world: World) -> None:
    anna = with_address(world, verified=True)
    world.recover(anna)
    [message] = world.read(lambda tx: tx.messages.page(DEFAULT, Filter(), None, 100))
    assert (message.template, message.recipient) == (Template.RECOVERED, "anna@example.org")
    assert message.identity_id == anna.identity.id
    assert str((opened(world.vault.keys, message) or {})["ip"]).startswith("10.")


@pytest.mark.parametrize("verified", [True, False])
def test_nobody_is_told_who_did_not_prove_an_address_or_of_what_is_no_loss(world: World, verified: bool) -> None:
    anna = with_address(world, verified=verified)
    world.update(anna, metadata_public='{"a": 1}')
    if not verified:
        world.update(anna, password="an entirely new password")
        world.recover(anna)
    assert told(world) == []


def test_with_the_identity_its_messages_leave(world: World) -> None:
    anna = with_address(world, verified=True)
    world.recover(anna)
    world.write(lambda tx: tx.identities.remove(DEFAULT, anna.identity.id))
    assert told(world) == []
    assert msgspec.structs.asdict(anna.identity)["id"]
