"""A person composed from traits by the schema: addresses and identifiers at every write, secrets sealed."""

import json
from typing import Any

import msgspec
import pytest
from tests.core.world import NOW, OLDER_SECRET, PASSWORD, SECRET, World

from nightlatch.core.credentials.person import Person, Vault, compose
from nightlatch.core.identities.model import Address, Kind, State
from nightlatch.kernel.clock import HOUR
from nightlatch.kernel.secrets import Keys
from nightlatch.problems import Conflict, SchemaUnknown, TraitsInvalid

MAIL, PHONE = "anna@example.org", "+4930123456"
TOTP = {"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"}


def values(person: Person, kind: Kind) -> dict[str, str]:
    return {address.via: address.value for address in person.identity.of_kind(kind)}


def verifiable(person: Person, via: str = "email") -> Address:
    (address,) = [a for a in person.identity.of_kind(Kind.VERIFIABLE) if a.via == via]
    return address


def claim(value: str = MAIL, **changes: Any) -> Address:
    """What somebody says of an address; without an id and times of its own."""
    made = Address(b"", Kind.VERIFIABLE, "email", value, 0, 0)
    return msgspec.structs.replace(made, **changes)


def identifiers(person: Person) -> dict[str, tuple[str, ...]]:
    return {type_: credential.identifiers for type_, credential in person.credentials.items()}


def test_marked_traits_make_addresses_and_identifiers_in_their_normal_form(world: World) -> None:
    anna = world.create({"email": "Anna@Example.ORG", "phone": "+49 30 123456", "handle": " ANNA "})
    assert values(anna, Kind.VERIFIABLE) == {"email": MAIL, "sms": PHONE}
    assert values(anna, Kind.RECOVERY) == {"email": MAIL, "sms": PHONE}
    assert identifiers(anna) == {
        "password": ("anna", MAIL),
        "webauthn": ("anna", MAIL),
        "code": (MAIL,),
    }
    assert world.config(anna, "password") == {}
    assert world.config(anna, "code") == {"addresses": [{"channel": "email", "address": MAIL}]}


def test_traits_are_kept_as_given_but_for_phone_numbers(world: World) -> None:
    anna = world.create({"email": "Anna@Example.ORG"})
    assert json.loads(anna.identity.traits) == {"email": "Anna@Example.ORG"}
    bert = world.create({"phone": "+49 30 123456"})
    assert json.loads(bert.identity.traits) == {"phone": PHONE}
    profile = msgspec.structs.replace(world.profile(), traits='{ "age":  7 }')
    assert compose(world.act(), world.schemas, world.vault, profile).identity.traits == '{ "age":  7 }'


def test_without_marks_there_are_neither_addresses_nor_credentials(world: World) -> None:
    robot = world.create({"model": "R2"}, schema_id="robot")
    assert (robot.identity.addresses, robot.credentials) == ((), {})


def test_a_new_address_is_pending_and_not_verified(world: World) -> None:
    address = verifiable(world.anna())
    assert (address.status, address.verified, address.verified_at) == ("pending", False, None)
    assert (address.created_at, address.updated_at) == (NOW, NOW)


@pytest.mark.parametrize(
    ("claimed", "status", "verified", "verified_at"),
    [
        (claim(verified=True, status=""), "completed", True, NOW),
        (claim(verified=True, status="pending"), "completed", True, NOW),
        (claim(verified=True, verified_at=7), "completed", True, 7),
        (claim(verified=False, verified_at=7, status="sent"), "sent", False, None),
        (claim(status="completed"), "completed", False, None),
        (claim(status=""), "pending", False, None),
        (claim("ANNA@example.org", verified=True), "pending", False, None),
        (claim("other@example.org", verified=True), "pending", False, None),
        (claim(via="sms", verified=True), "pending", False, None),
    ],
)
def test_a_claim_about_an_address_holds_only_while_a_trait_yields_it(
    world: World, claimed: Address, status: str, verified: bool, verified_at: int | None
) -> None:
    anna = world.anna(addresses=(claimed,))
    address = verifiable(anna)
    assert (address.value, address.status) == (MAIL, status)
    assert (address.verified, address.verified_at) == (verified, verified_at)
    assert len(address.id) == 16
    assert world.stored(anna) == anna


def test_a_recovery_address_is_never_verified(world: World) -> None:
    anna = world.anna(addresses=(claim(kind=Kind.RECOVERY, verified=True),))
    (recovery,) = anna.identity.of_kind(Kind.RECOVERY)
    assert (recovery.verified, recovery.verified_at) == (False, None)


def test_an_address_keeps_what_is_known_of_it_while_its_value_stays(world: World) -> None:
    anna = world.anna(addresses=(claim(verified=True),))
    before = verifiable(anna)
    world.clock.advance(HOUR)
    assert verifiable(world.update(anna, {"email": "ANNA@example.org", "age": 3})) == before
    changed = verifiable(world.update(anna, {"email": "new@example.org"}))
    assert (changed.verified, changed.status, changed.created_at) == (False, "pending", world.now)
    assert changed.id != before.id
    back = verifiable(world.update(anna, {"email": MAIL}))
    assert (back.verified, back.id != before.id) == (False, True)


def test_a_new_claim_wins_over_what_was_known(world: World) -> None:
    anna = world.anna(addresses=(claim(verified=True),))
    after = verifiable(world.update(anna, addresses=(claim(verified=False),)))
    assert (after.verified, after.verified_at) == (False, None)


def test_a_trait_that_goes_takes_its_addresses_and_identifiers_along(world: World) -> None:
    anna = world.create({"email": MAIL, "phone": PHONE, "handle": "anna"}, PASSWORD)
    after = world.update(anna, {"handle": "anna"})
    assert after.identity.addresses == ()
    assert identifiers(after) == {"password": ("anna",), "webauthn": ("anna",)}
    assert world.stored(anna) == after
    bert = world.create({"email": MAIL, "phone": PHONE}, PASSWORD)
    assert identifiers(bert)["password"] == (MAIL,)


def test_a_password_stays_though_no_trait_names_it_and_counts_for_nothing(world: World) -> None:
    anna = world.anna()
    after = world.update(anna, {})
    assert after.credentials["password"].identifiers == ()
    assert after.credentials["password"].first_factors == 0
    assert set(after.credentials) == {"password", "webauthn"}
    again = world.update(anna, {"email": MAIL})
    assert again.credentials["password"].first_factors == 1


def test_an_identifier_is_one_identitys_within_its_type_and_may_be_anothers_in_another(world: World) -> None:
    world.create({"handle": MAIL}, PASSWORD)
    with pytest.raises(Conflict):
        world.create({"email": MAIL})
    world.create({"handle": "bert"}, credentials={"oidc": {"providers": [{"provider": "x", "subject": "anna"}]}})
    world.create({"handle": "x:anna"})


def test_totp_and_backup_codes_of_many_share_no_name(world: World) -> None:
    for _ in range(2):
        world.create(credentials={"totp": TOTP, "lookup_secret": {"codes": [{"code": "same"}]}})


def test_oidc_identifiers_are_taken_as_they_are(world: World) -> None:
    def with_subject(subject: str) -> Person:
        return world.create(credentials={"oidc": {"providers": [{"provider": "github", "subject": subject}]}})

    assert identifiers(with_subject("AbC")) == {"oidc": ("github:AbC",)}
    with_subject("abc")
    with pytest.raises(Conflict):
        with_subject("AbC")


def test_a_credential_that_does_not_change_is_not_written_anew(world: World) -> None:
    anna = world.anna(credentials={"totp": TOTP})
    after = world.update(anna, {"email": MAIL, "age": 4}, credentials={"totp": TOTP})
    assert after.credentials == anna.credentials
    changed = world.update(anna, credentials={"totp": {"totp_url": TOTP["totp_url"] + "2"}})
    assert changed.credentials["totp"].revision == 2
    assert changed.credentials["totp"].created_at == NOW


def test_a_schema_may_change_and_what_it_marks_changes_with_it(world: World) -> None:
    anna = world.anna()
    after = world.update(anna, {"model": "R2"}, schema_id="robot")
    assert (after.identity.schema_id, after.identity.addresses) == ("robot", ())
    assert set(after.credentials) == {"password", "webauthn"}
    assert after.credentials["password"].first_factors == 0


def test_the_state_changes_at_a_time_of_its_own(world: World) -> None:
    anna = world.anna()
    world.clock.advance(1)
    same = world.update(anna, {"email": MAIL, "age": 3})
    assert same.identity.state_changed_at == NOW
    assert world.update(anna, state=State.INACTIVE).identity.state_changed_at == NOW + 1


def test_an_empty_external_id_is_none(world: World) -> None:
    assert world.anna(external_id="").identity.external_id is None
    world.create(external_id="")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"traits": {"email": "nonsense"}}, TraitsInvalid),
        ({"traits": {"phone": "12"}}, TraitsInvalid),
        ({"traits": {"unknown": 1}}, TraitsInvalid),
        ({"schema_id": "nowhere"}, SchemaUnknown),
    ],
)
def test_traits_that_do_not_fit_make_nobody(world: World, more: dict[str, Any], problem: type[Exception]) -> None:
    with pytest.raises(problem):
        world.create(**more)
    assert world.db.sql("select id from identities") == []


def test_a_schema_may_be_named_as_base64(world: World) -> None:
    assert world.create({"model": "R2"}, schema_id="cm9ib3Q").identity.schema_id == "robot"
    assert world.create({}, schema_id="").identity.schema_id == "default"


def test_S2_secrets_of_credentials_are_sealed_for_their_identity_and_type(world: World) -> None:
    codes = {"codes": [{"code": "abcd1234"}]}
    oidc = {"providers": [{"provider": "x", "subject": "1", "initial_access_token": "gho_secret"}]}
    anna = world.create(credentials={"totp": TOTP, "lookup_secret": codes, "oidc": oidc})
    bert = world.create(credentials={"totp": TOTP})
    kept = [credential.config for credential in (*anna.credentials.values(), *bert.credentials.values())]
    assert not any(secret in config for config in kept for secret in ("JBSWY3DP", "abcd1234", "gho_secret"))
    assert len(set(kept)) == len(kept)
    assert world.vault.open(anna.credentials["totp"]) == TOTP
    moved = msgspec.structs.replace(anna.credentials["totp"], identity_id=bert.identity.id)
    assert world.vault.open(moved) == {}
    retyped = msgspec.structs.replace(anna.credentials["totp"], type="lookup_secret")
    assert world.vault.open(retyped) == {}


def test_S2_a_sealed_credential_opens_while_its_secret_is_configured(world: World) -> None:
    world.vault = Vault(Keys([OLDER_SECRET], "credentials"))
    anna = world.create(credentials={"totp": TOTP})
    rotated, foreign = Vault(Keys([SECRET, OLDER_SECRET], "credentials")), Vault(Keys([SECRET], "credentials"))
    assert rotated.open(anna.credentials["totp"]) == TOTP
    assert foreign.open(anna.credentials["totp"]) == {}
