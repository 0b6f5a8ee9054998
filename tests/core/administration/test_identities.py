"""What an administrator does to identities, and which of it ends sessions."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from tests.core.world import PASSWORD, World

from nightlatch.core.administration import identities as administration
from nightlatch.core.credentials.person import Named, Person, compose_named
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.identities.model import Name, State
from nightlatch.core.login.rules import SignedIn
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import Filter
from nightlatch.problems import (
    Conflict,
    CredentialNotFound,
    FieldInvalid,
    HashRefused,
    IdentityNotFound,
    Invalid,
    LastFirstFactor,
    PasswordRefused,
    TraitsInvalid,
    VersionMismatch,
)

ARGON = "$argon2id$v=19$m=16,t=1,p=1$c29tZXNhbHRzYWx0$YW5vdGhlcmhhc2hhbm90aGVyaGFzaA"
TOTP = {"totp_url": "otpauth://totp/nightlatch:anna?secret=JBSWY3DPEHPK3PXP"}
LOOKUP = {"codes": [{"code": "abcd1234"}, {"code": "efgh5678"}]}
OIDC = {"providers": [{"provider": "github", "subject": "1"}, {"provider": "google", "subject": "2"}]}
SECURITY_KEY = {"credentials": [{"id": "a2V5", "public_key": "cGs=", "display_name": "Key"}], "user_handle": "aGFuZA=="}
PASSKEY = {"credentials": [{"id": "cGFzcw==", "public_key": "cGs="}], "user_handle": "aGFuZGxl"}


def deleting(world: World, person: Person, type_: str, identifier: str | None = None) -> Person:
    return world.write(
        lambda tx: administration.delete_credential(tx, world.act(), world.vault, person.identity.id, type_, identifier)
    )


def composed(world: World, *emails: str) -> list[Named]:
    return [
        compose_named(world.act(), world.schemas, world.vault, world.profile({"email": email}, PASSWORD))
        for email in emails
    ]


def test_who_is_created_is_stored_as_composed_and_signs_in(world: World) -> None:
    anna = world.anna(metadata_admin="[1]", external_id="hr-1")
    assert world.stored(anna) == anna
    assert isinstance(world.login(), SignedIn)
    assert world.told()[0] == ("identity.created", None, 1)


@pytest.mark.parametrize(
    "second",
    [
        {"traits": {"email": "anna@example.org"}},
        {"traits": {"email": "ANNA@example.org "[:-1]}},
        {"traits": {"handle": "Anna@Example.org"}},
        {"traits": {"phone": "+49 30 123456"}},
        {"external_id": "hr-1"},
        {"credentials": {"oidc": {"providers": [{"provider": "github", "subject": "1"}]}}},
        {"credentials": {"passkey": PASSKEY}},
    ],
)
def test_a_taken_name_is_a_conflict(world: World, second: dict[str, Any]) -> None:
    world.create(
        {"email": "anna@example.org", "phone": "+4930123456"},
        external_id="hr-1",
        credentials={"oidc": OIDC, "passkey": PASSKEY},
    )
    with pytest.raises(Conflict):
        world.create(**second)
    assert len(world.db.sql("select id from identities")) == 1


def test_the_same_text_may_be_different_names(world: World) -> None:
    world.create({"handle": "hr-1"}, PASSWORD)
    world.create(external_id="hr-1")
    oidc = {"providers": [{"provider": "hr", "subject": "1"}]}
    world.create({"handle": "hr:1"}, credentials={"oidc": oidc})
    assert len(world.db.sql("select id from identities")) == 3


def test_of_many_those_whose_names_are_free_are_stored(world: World) -> None:
    world.anna()
    people = composed(world, "b@x.org", "anna@example.org", "c@x.org", "b@x.org", "B@x.org", "d@x.org")
    outcomes = world.write(lambda tx: administration.create_many(tx, world.act(), people))
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "Person", "Conflict", "Person", "Conflict", "Conflict", "Person",
    ]  # fmt: skip
    assert len(world.db.sql("select id from identities")) == 4
    assert world.write(lambda tx: administration.create_many(tx, world.act(), [])) == []


def test_batches_that_want_the_same_names_at_once_share_them_out(world: World) -> None:
    batches = [composed(world, *(f"{n}@x.org" for n in range(6))) for _ in range(4)]

    def creating(people: list[Named]) -> Any:
        return world.db.store.write(lambda tx: administration.create_many(tx, world.act(), people))

    async def together() -> list[Any]:
        return await asyncio.gather(*map(creating, batches))

    outcomes = [outcome for batch in world.run(together()) for outcome in batch]
    assert sum(isinstance(outcome, Person) for outcome in outcomes) == 6
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 18
    assert len(world.db.sql("select id from identities")) == 6


def test_P3_an_administrators_password_is_bounded_but_not_judged(world: World) -> None:
    world.create({"email": "a@x.org"}, "a")
    assert isinstance(world.login("a@x.org", "a"), SignedIn)
    with pytest.raises(PasswordRefused):
        world.create({"email": "b@x.org"}, "x" * 1025)


def test_a_change_keeps_what_it_does_not_name_and_counts_up(world: World) -> None:
    anna = world.anna(metadata_admin="[1]", external_id="hr-1")
    world.clock.advance(5)
    after = world.update(anna, {"email": "new@example.org"})
    assert world.stored(anna) == after
    identity = after.identity
    assert (identity.version, identity.updated_at, identity.created_at) == (2, world.now, anna.identity.created_at)
    assert (identity.metadata_admin, identity.external_id) == ("[1]", "hr-1")
    assert identity.state_changed_at == anna.identity.state_changed_at
    assert isinstance(world.login("new@example.org"), SignedIn)
    assert not isinstance(world.login("anna@example.org"), SignedIn)
    world.create({"email": "anna@example.org"}, "somebody else's")


def test_a_change_to_a_taken_name_changes_nothing(world: World) -> None:
    anna = world.anna()
    world.create({"email": "bert@example.org"}, external_id="hr-2")
    for changes in ({"traits": {"email": "bert@example.org"}}, {"external_id": "hr-2"}):
        with pytest.raises(Conflict):
            world.update(anna, **changes)
    assert world.stored(anna) == anna


def test_a_change_is_refused_where_another_came_first(world: World) -> None:
    anna = world.anna()

    def locked(versions: set[int] | None) -> Person:
        return world.write(lambda tx: administration.locked(tx, world.act(), anna.identity.id, versions))

    assert locked({1}) == locked({2, 1}) == locked(None) == anna
    for others in ({2}, set()):
        with pytest.raises(VersionMismatch):
            locked(others)
    with pytest.raises(IdentityNotFound):
        world.write(lambda tx: administration.locked(tx, world.act(), bytes(16)))


def test_changes_at_once_are_made_one_after_the_other(world: World) -> None:
    anna = world.anna()

    def changing(n: int) -> Any:
        profile = world.profile({"email": "anna@example.org", "age": n})

        async def unit(tx: Any) -> Person:
            before = await administration.locked(tx, world.act(), anna.identity.id)
            return await administration.update(tx, world.act(), world.schemas, world.vault, before, profile)

        return world.db.store.write(unit)

    writing = [changing(n) for n in range(8)]

    async def together() -> list[int]:
        return [person.identity.version for person in await asyncio.gather(*writing)]

    assert sorted(world.run(together())) == list(range(2, 10))
    assert world.stored(anna).identity.version == 9


ENDS: dict[str, tuple[dict[str, Any], str | None]] = {
    "nothing": ({}, None),
    "traits": ({"traits": {"email": "new@example.org"}}, None),
    "metadata": ({"metadata_public": "[2]"}, None),
    "a totp is added": ({"credentials": {"totp": TOTP}}, None),
    "backup codes are added": ({"credentials": {"lookup_secret": LOOKUP}}, None),
    "a provider is added": ({"credentials": {"oidc": OIDC}}, None),
    "a key is added": ({"credentials": {"webauthn": SECURITY_KEY}}, None),
    "the password is replaced": ({"password": "another long password"}, "credential_changed"),
    "a hash is imported": ({"credentials": {"password": {"hashed_password": ARGON}}}, "credential_changed"),
    "it is deactivated": ({"state": State.INACTIVE}, "identity_deactivated"),
    "both": ({"state": State.INACTIVE, "password": "another long password"}, "identity_deactivated"),
}


@pytest.mark.parametrize("case", ENDS)
def test_S4_S5_a_change_ends_sessions_and_flows_where_it_takes_something_away(world: World, case: str) -> None:
    changes, reason = ENDS[case]
    anna = world.anna()
    tokens = [world.signed_in() for _ in range(2)]
    bert = world.create({"email": "bert@example.org"}, PASSWORD)
    theirs = world.signed_in("bert@example.org")
    flow = world.flow(Kind.SETTINGS, identity_id=anna.identity.id)
    foreign = world.flow(Kind.SETTINGS, identity_id=bert.identity.id)
    world.told()
    world.update(anna, **changes)
    ended = [event for event in world.told() if event[0] == "session.ended"]
    assert ended == ([("session.ended", reason, 2)] if reason else [])
    assert [world.accepts(token) for token in tokens] == [reason is None] * 2
    assert world.accepts(theirs)
    used = world.stored_flow(flow.id)
    assert used is not None
    assert (used.used_at is not None) is (reason is not None)
    assert world.stored_flow(foreign.id) == foreign


def test_giving_the_same_hash_again_ends_nothing(world: World) -> None:
    hashed = world.run(world.hasher.hash(PASSWORD))
    anna = world.create({"email": "anna@example.org"}, credentials={"password": {"hashed_password": hashed}})
    token = world.signed_in()
    world.update(anna, credentials={"password": {"hashed_password": hashed}})
    assert world.accepts(token)
    assert world.stored(anna).credentials["password"].revision == 1


def test_a_first_password_replaces_nothing_and_ends_nothing(world: World) -> None:
    anna = world.create({"email": "anna@example.org"})
    code = world.stored(anna).credentials["password"]
    assert (code.first_factors, code.identifiers) == (0, ("anna@example.org",))
    world.update(anna, password=PASSWORD)
    assert not [event for event in world.told() if event[0] == "session.ended"]
    assert isinstance(world.login(), SignedIn)


def test_another_totp_replaces_the_one_before(world: World) -> None:
    anna = world.anna(credentials={"totp": TOTP})
    token = world.signed_in()
    world.update(anna, credentials={"totp": {"totp_url": TOTP["totp_url"] + "&digits=8"}})
    assert not world.accepts(token)


def test_S4_deactivating_ends_sessions_and_activating_revives_none(world: World) -> None:
    anna = world.anna()
    token = world.signed_in()
    inactive = world.update(anna, state=State.INACTIVE)
    assert inactive.identity.state_changed_at == world.now
    assert not world.accepts(token)
    world.update(anna, state=State.ACTIVE)
    assert not world.accepts(token)
    assert world.accepts(world.signed_in())


def test_S4_deleting_takes_all_sessions_with_it(world: World) -> None:
    anna = world.anna()
    tokens = [world.signed_in() for _ in range(3)]
    world.told()

    def deleted() -> bool:
        return world.write(lambda tx: administration.delete(tx, world.act(), anna.identity.id))

    assert deleted() is True
    assert world.told() == [("session.deleted", "identity_deleted", 3), ("identity.deleted", None, 1)]
    assert not any(world.accepts(token) for token in tokens)
    assert world.find(anna.identity.id) is None
    assert world.read(lambda tx: tx.sessions.list(DEFAULT, Filter(), world.now, None, 0, 9)) == []
    assert deleted() is False
    assert world.told() == []
    assert world.anna() != anna


EVERYTHING = {
    "oidc": OIDC,
    "totp": TOTP,
    "lookup_secret": LOOKUP,
    "webauthn": SECURITY_KEY,
    "passkey": PASSKEY,
}


@pytest.mark.parametrize(
    ("type_", "identifier", "left"),
    [
        ("totp", None, None),
        ("lookup_secret", None, None),
        ("password", None, None),
        ("webauthn", None, None),
        ("oidc", "github:1", ("google:2",)),
        ("totp", "ignored", None),
    ],
)
def test_deleting_a_credential_leaves_the_others_and_ends_the_sessions(
    world: World, type_: str, identifier: str | None, left: tuple[str, ...] | None
) -> None:
    anna = world.anna(credentials=EVERYTHING)
    token, flow = world.signed_in(), world.flow(Kind.RECOVERY, identity_id=anna.identity.id)
    world.told()
    after = deleting(world, anna, type_, identifier)
    assert world.stored(anna).credentials == after.credentials
    assert set(anna.credentials) - set(after.credentials) == (set() if left else {type_})
    if left:
        assert after.credentials[type_].identifiers == left
    assert all(after.credentials[t] == anna.credentials[t] for t in anna.credentials if t != type_)
    assert after.identity.version == 2
    assert not world.accepts(token)
    assert ("session.ended", "credential_deleted", 1) in world.told()
    used = world.stored_flow(flow.id)
    assert used is not None
    assert used.used_at is not None


@pytest.mark.parametrize(
    ("type_", "identifier", "problem", "text"),
    [
        ("nonsense", None, CredentialNotFound, "You tried to remove a nonsense but this user have no nonsense set up."),
        ("saml", None, CredentialNotFound, "You tried to remove a saml but this user have no saml set up."),
        ("oidc", None, Invalid, "You must provide an identifier to delete this credential."),
        ("oidc", "", Invalid, "You must provide an identifier to delete this credential."),
        ("oidc", "github:2", CredentialNotFound, "The identifier `github:2` was not found among OIDC credentials."),
        ("code", None, Invalid, "Credentials type code cannot be deleted."),
        ("passkey", None, Invalid, "Credentials type passkey cannot be deleted."),
    ],
)
def test_what_cannot_be_deleted_is_refused_and_ends_nothing(
    world: World, type_: str, identifier: str | None, problem: type[Invalid], text: str
) -> None:
    anna = world.anna(credentials=EVERYTHING)
    token = world.signed_in()
    with pytest.raises(problem) as caught:
        deleting(world, anna, type_, identifier)
    assert caught.value.reason == text
    assert world.stored(anna) == anna
    assert world.accepts(token)


def test_the_last_first_factor_stays_and_that_is_said_before_anything_else(world: World) -> None:
    anna = world.anna(credentials={"totp": TOTP})
    with pytest.raises(LastFirstFactor):
        deleting(world, anna, "password")
    only = world.create(credentials={"oidc": {"providers": OIDC["providers"][:1]}})
    for identifier in (None, "github:1", "none"):
        with pytest.raises(LastFirstFactor):
            deleting(world, only, "oidc", identifier)
    deleting(world, anna, "totp")
    with pytest.raises(IdentityNotFound):
        world.write(lambda tx: administration.delete_credential(tx, world.act(), world.vault, bytes(16), "totp", None))


def test_security_keys_go_and_those_that_are_a_first_factor_stay(world: World) -> None:
    keys = [
        {"id": "c2Vjb25k", "public_key": "cGs=", "is_passwordless": False},
        {"id": "Zmlyc3Q=", "public_key": "cGs=", "is_passwordless": True},
    ]
    anna = world.anna(credentials={"webauthn": {"credentials": keys, "user_handle": "aGFuZA=="}})
    assert (anna.credentials["webauthn"].first_factors, anna.credentials["webauthn"].second_factors) == (1, 1)
    after = deleting(world, anna, "webauthn")
    assert [key["id"] for key in world.config(anna, "webauthn")["credentials"]] == ["Zmlyc3Q="]
    assert (after.credentials["webauthn"].first_factors, after.credentials["webauthn"].second_factors) == (1, 0)


def test_deleting_the_password_frees_its_identifiers(world: World) -> None:
    anna = world.create({"handle": "anna"}, PASSWORD, credentials={"oidc": OIDC})
    assert world.read(lambda tx: tx.identities.holder(DEFAULT, Name("password", "anna"))) == anna.identity.id
    deleting(world, anna, "password")
    assert world.read(lambda tx: tx.identities.holder(DEFAULT, Name("password", "anna"))) is None
    assert not isinstance(world.login("anna"), SignedIn)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"traits": {"email": 7}}, TraitsInvalid),
        ({"credentials": {"password": {"hashed_password": "plain"}}}, HashRefused),
        ({"credentials": {"password": {"hashed_password": "$2a$31$" + "." * 53}}}, HashRefused),
        ({"credentials": {"password": {}}}, HashRefused),
        ({"credentials": {"code": {}}}, FieldInvalid),
        ({"credentials": {"nonsense": {}}}, FieldInvalid),
        ({"schema_id": "nowhere"}, Invalid),
    ],
)
def test_what_is_wrong_changes_nothing_and_ends_nothing(
    world: World, changes: dict[str, Any], problem: type[Exception]
) -> None:
    anna = world.anna()
    token = world.signed_in()
    with pytest.raises(problem):
        world.update(anna, **changes)
    assert world.stored(anna) == anna
    assert world.accepts(token)
    assert json.loads(anna.identity.traits) == {"email": "anna@example.org"}
    assert msgspec.structs.asdict(anna.identity)["version"] == 1
