"""createIdentity and batchPatchIdentities (contract: admin API 1.4 to 1.8)."""

import base64
import json
import re
import uuid
from typing import Any

import pytest
from argon2.low_level import Type, hash_secret
from tests.doors.kratos.in_process import ADMIN_URL, PASSWORD, Doors

PATH = "/admin/identities"
BAD = "The request was malformed or contained invalid parameters"
TAKEN = "Unable to insert or update resource because a resource with that value exists already"
TIME = r"2023-11-14T22:13:20Z"
EMAIL = {"email": "ada@example.org"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def plain(password: str = PASSWORD) -> dict[str, Any]:
    return {"password": {"config": {"password": password}}}


# Golden bodies


def test_the_answer_is_the_identity_as_the_contract_draws_it(doors: Doors) -> None:
    """Golden: admin API 1.4, with our decisions of part 0 (null organization, times in microseconds)."""
    reply = doors.admin("POST", PATH, {"schema_id": "default", "traits": EMAIL, "credentials": plain()})
    made = reply.ok(201)
    ids = {made["id"], made["verifiable_addresses"][0]["id"], made["recovery_addresses"][0]["id"]}
    assert len(ids) == 3
    assert all(UUID.fullmatch(each) for each in ids)
    times = {"created_at": TIME, "updated_at": TIME}
    reached = {"value": "ada@example.org", "via": "email", **times}
    held = {"type": "password", "identifiers": ["ada@example.org"], "version": 1, **times}
    assert made == {
        "id": made["id"],
        "schema_id": "default",
        "schema_url": "https://id.example.org/schemas/ZGVmYXVsdA",
        "state": "active",
        "state_changed_at": TIME,
        "traits": EMAIL,
        "credentials": {"password": held} | {k: v for k, v in made["credentials"].items() if k != "password"},
        "verifiable_addresses": [{"id": made["verifiable_addresses"][0]["id"], "verified": False, "status": "pending", **reached}],
        "recovery_addresses": [{"id": made["recovery_addresses"][0]["id"], **reached}],
        "metadata_public": None,
        "metadata_admin": None,
        "organization_id": None,
        **times,
    }  # fmt: skip
    assert reply.headers["location"] == f"{ADMIN_URL}admin/identities/{made['id']}"
    assert reply.headers["etag"] == '"1"'
    assert doors.happened() == ["identity.created"]


def test_every_answer_has_the_headers_of_every_answer(doors: Doors) -> None:
    reply = doors.admin("POST", PATH, {"traits": EMAIL}, headers={"x-request-id": "mine-17"})
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["cache-control"] == "private, no-cache, no-store, must-revalidate"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["x-request-id"] == "mine-17"
    assert re.fullmatch("[0-9a-f]{32}", doors.admin("GET", PATH).headers["x-request-id"])


def test_traits_and_metadata_are_given_back_as_the_text_that_was_given(doors: Doors) -> None:
    """Part 0, row 1.4."""
    traits = b'{ "email" :"ada@example.org" , "name":{"last":"\\u00e9","first":"\xc3\xa9"}}'
    number = b"1.50"
    reply = doors.admin("POST", PATH, b'{"traits":%b,"metadata_public":%b,"metadata_admin":[1, 2]}' % (traits, number))
    made = reply.ok(201)
    again = doors.admin("GET", f"{PATH}/{made['id']}")
    for answer in (reply, again):
        assert b'"traits":' + traits in answer.body
        assert b'"metadata_public":' + number in answer.body
        assert b'"metadata_admin":[1, 2]' in answer.body


def test_the_default_schema_is_taken_when_none_is_named_and_a_name_may_be_base64(doors: Doors) -> None:
    """1.5 and 1.7: an empty schema_id is the configured default; base64url of the id is the id."""
    assert doors.admin("POST", PATH, {"schema_id": "", "traits": EMAIL}).ok(201)["schema_id"] == "default"
    encoded = base64.urlsafe_b64encode(b"robot").decode().rstrip("=")
    made = doors.admin("POST", PATH, {"schema_id": encoded}).ok(201)
    assert (made["schema_id"], made["traits"]) == ("robot", {})
    assert made["schema_url"].endswith("/schemas/cm9ib3Q")
    assert not {"credentials", "verifiable_addresses", "recovery_addresses", "external_id"} & made.keys()


def test_nulls_are_as_good_as_absent(doors: Doors) -> None:
    names = ("schema_id", "credentials", "verifiable_addresses", "recovery_addresses", "metadata_public")
    more = ("metadata_admin", "state", "organization_id", "external_id", "region", "traits")
    made = doors.admin("POST", PATH, dict.fromkeys((*names, *more)) | {"schema_id": "robot"}).ok(201)
    assert (made["state"], made["traits"]) == ("active", {})


def test_addresses_that_traits_yield_keep_what_is_claimed_of_them(doors: Doors) -> None:
    """1.5: supplied addresses survive only if a trait yields them; verified sets the status (part 3, 31)."""
    claims = [
        {"value": " ADA@example.org ", "via": "email", "verified": True, "status": "pending"},
        {"value": "other@example.org", "via": "email", "verified": True, "status": "completed"},
    ]
    made = doors.admin("POST", PATH, {"traits": EMAIL, "verifiable_addresses": claims}).ok(201)
    [address] = made["verifiable_addresses"]
    assert (address["value"], address["verified"], address["status"]) == ("ada@example.org", True, "completed")
    assert address["verified_at"] == TIME


def test_a_password_credential_exists_for_the_identifier_even_when_no_password_was_given(doors: Doors) -> None:
    """1.5: it is empty, and nobody can sign in with it."""
    made = doors.admin("POST", PATH, {"traits": EMAIL}).ok(201)
    shown = doors.admin("GET", f"{PATH}/{made['id']}?include_credential=password").ok()["credentials"]["password"]
    assert (shown["identifiers"], shown["config"]) == (["ada@example.org"], {})
    assert doors.try_sign_in("ada@example.org", "").status == 400
    assert doors.try_sign_in("ada@example.org", PASSWORD).status == 400


@pytest.mark.parametrize("state", ["active", "inactive"])
def test_the_state_is_as_given(doors: Doors, state: str) -> None:
    assert doors.admin("POST", PATH, {"traits": EMAIL, "state": state}).ok(201)["state"] == state


def test_a_region_is_checked_and_not_kept(doors: Doors) -> None:
    made = doors.admin("POST", PATH, {"traits": EMAIL, "region": "eu-central"}).ok(201)
    assert "region" not in doors.admin("GET", f"{PATH}/{made['id']}").ok()


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_the_content_type_of_create_is_not_looked_at(doors: Doors, content_type: str) -> None:
    """1.7."""
    doors.admin("POST", PATH, {"traits": EMAIL}, headers={"content-type": content_type}).ok(201)


# Refusals

REFUSED: list[tuple[Any, str, str | None]] = [
    # body, message, reason
    (b"", "EOF", None),
    (b"  \n", "EOF", None),
    ({"id": "x"}, 'json: unknown field "id"', None),
    ({"schema_url": "x"}, 'json: unknown field "schema_url"', None),
    ({"traits": EMAIL, "credentials": {"code": {}}}, 'json: unknown field "code"', None),
    ({"credentials": {"password": {"config": {"hash": "x"}}}}, 'json: unknown field "hash"', None),
    ({"verifiable_addresses": [{"value": "a", "x": 1}]}, 'json: unknown field "x"', None),
    ({"traits": EMAIL, "state": "asleep"}, BAD, "identity state is not valid"),
    ({"traits": EMAIL, "region": "mars"}, BAD, "the provided region is not a valid Ory region"),
    ({"traits": EMAIL, "schema_id": "nope"}, BAD, "Unable to find JSON Schema ID: nope"),
    ({"traits": EMAIL, "organization_id": str(uuid.uuid4())}, BAD, "There is no organization of that id."),
    ({"traits": EMAIL, "credentials": {"password": {"config": {"hashed_password": "$nope$"}}}}, BAD, "The imported password does not match any known hash format."),
    ({"traits": EMAIL, "credentials": {"password": {"config": {}}}}, BAD, "The imported password does not match any known hash format."),
]  # fmt: skip


@pytest.mark.parametrize(("body", "message", "reason"), REFUSED)
def test_a_body_that_is_wrong_is_refused_with_the_words_of_the_contract_and_nothing_is_stored(
    doors: Doors, body: Any, message: str, reason: str | None
) -> None:
    error = doors.admin("POST", PATH, body).refused(400)
    assert (error["message"], error.get("reason")) == (message, reason)
    assert doors.admin("GET", PATH).ok() == []
    assert doors.happened() == []


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"email": 3}, "I[#/traits/email] S[#/properties/traits/properties/email/type] expected string, but got number"),
    ({"email": "x"}, 'I[#/traits/email] S[#/properties/traits/properties/email/format] "x" is not valid "email"'),
    ({}, 'I[#/traits] S[#/properties/traits/required] missing properties: "email"'),
    (EMAIL | {"shoe": 1}, 'I[#/traits] S[#/properties/traits/additionalProperties] additionalProperties "shoe" not allowed'),
]  # fmt: skip


@pytest.mark.parametrize(("traits", "reason"), BROKEN)
def test_traits_that_break_the_schema_are_answered_in_the_words_of_the_peer(
    doors: Doors, traits: dict[str, Any], reason: str
) -> None:
    """1.5."""
    error = doors.admin("POST", PATH, {"traits": traits}).refused(400)
    assert (error["message"], error["reason"]) == (BAD, reason)
    assert doors.happened() == []


@pytest.mark.parametrize("body", [b"[]", b"3", b'"x"', b"{", b'{"traits":{}}x', b'{"traits":1', b"\xff"])
def test_what_is_no_object_of_json_is_400(doors: Doors, body: bytes) -> None:
    doors.admin("POST", PATH, body).refused(400)


CLAIMED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"traits": EMAIL}, {"traits": {"email": "ADA@EXAMPLE.ORG"}}),
    ({"schema_id": "robot", "external_id": "crm-1"}, {"schema_id": "robot", "external_id": "crm-1"}),
    (
        {"schema_id": "robot", "credentials": {"oidc": {"config": {"providers": [{"provider": "g", "subject": "1"}]}}}},
        {"traits": EMAIL, "credentials": {"oidc": {"config": {"providers": [{"provider": "g", "subject": "1"}]}}}},
    ),
]


@pytest.mark.parametrize(("first", "second"), CLAIMED)
def test_what_somebody_else_has_is_a_conflict(doors: Doors, first: dict[str, Any], second: dict[str, Any]) -> None:
    """1.6 and 1.7: the message of the generic 409 of a unique value, and no hint which."""
    doors.admin("POST", PATH, first).ok(201)
    doors.happened()
    error = doors.admin("POST", PATH, second).refused(409)
    assert (error["message"], error["reason"]) == (
        TAKEN,
        "This identity conflicts with another identity that already exists.",
    )
    assert len(doors.admin("GET", PATH).ok()) == 1
    assert doors.happened() == []


def test_the_same_external_id_in_another_case_is_another(doors: Doors) -> None:
    for external_id in ("crm-1", "CRM-1"):
        doors.admin("POST", PATH, {"schema_id": "robot", "external_id": external_id}).ok(201)


# batchPatchIdentities


def batch(doors: Doors, *entries: Any) -> list[Any]:
    return list(doors.admin("PATCH", PATH, {"identities": list(entries)}).ok()["identities"])


def entry(name: str, **fields: Any) -> dict[str, Any]:
    return {"create": {"traits": {"email": f"{name}@example.org"}} | fields}


def test_a_batch_answers_in_order_with_what_became_of_each(doors: Doors) -> None:
    """Golden: 1.8, the first table; part 3, 14: a bad entry fails alone."""
    mine = str(uuid.uuid4())
    entries = [
        entry("ada") | {"patch_id": mine},
        entry("ada"),
        {"create": None, "patch_id": mine},
        entry("bob", state="asleep"),
        entry("eve", credentials={"password": {"config": {"hashed_password": "$nope$"}}}),
        entry("joe", schema_id="nope"),
        {"create": {"traits": {}}, "patch_id": "any text"},
        entry("zoe"),
    ]
    ada, twin, nobody, bob, eve, joe, mute, zoe = batch(doors, *entries)
    assert ada == {"action": "create", "identity": ada["identity"], "patch_id": mine}
    assert twin == {"action": "error", "error": {"code": 409, "status": "Conflict", "message": TAKEN}}
    assert nobody is None
    bad = {"code": 400, "status": "Bad Request", "message": BAD}
    assert bob == {"action": "error", "error": {**bad, "reason": "identity state is not valid"}}
    unknown_hash = "The imported password does not match any known hash format."
    assert eve == {"action": "error", "error": {**bad, "reason": unknown_hash}}
    assert joe == {"action": "error", "error": {**bad, "reason": "Unable to find JSON Schema ID: nope"}}
    missing = 'I[#/traits] S[#/properties/traits/required] missing properties: "email"'
    assert mute == {"action": "error", "patch_id": "any text", "error": {**bad, "reason": missing}}
    assert zoe == {"action": "create", "identity": zoe["identity"]}
    assert {each["id"] for each in doors.admin("GET", PATH).ok()} == {ada["identity"], zoe["identity"]}
    assert doors.happened() == ["identity.created", "identity.created"]


@pytest.mark.parametrize("body", [{}, {"identities": None}, {"identities": []}])
def test_an_empty_batch_is_empty(doors: Doors, body: dict[str, Any]) -> None:
    assert doors.admin("PATCH", PATH, body).ok() == {"identities": []}
    assert doors.happened() == []


def test_a_batch_in_which_every_valid_entry_conflicts_is_409_with_the_results_in_it(doors: Doors) -> None:
    """Clients, part 1: old ones know no action but create."""
    batch(doors, entry("ada"), entry("bob"))
    doors.happened()
    entries = [entry("ada"), entry("bob", state="asleep"), entry("bob"), {"create": None}]
    error = doors.admin("PATCH", PATH, {"identities": entries}).refused(409)
    assert [item and item["error"]["code"] for item in error["details"]["identities"]] == [409, 400, 409, None]
    assert doors.happened() == []


def test_a_batch_in_which_no_entry_is_valid_is_200(doors: Doors) -> None:
    items = batch(doors, entry("ada", state="asleep"), entry("bob", region="mars"))
    assert [item["error"]["code"] for item in items] == [400, 400]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "EOF"),
        ({"identities": [{"delete": {}}]}, 'json: unknown field "delete"'),
        ({"identities": [{"create": {"id": "x"}}]}, 'json: unknown field "id"'),
    ],
)
def test_a_batch_that_cannot_be_read_is_400_and_says_so_in_its_body_too(doors: Doors, body: Any, message: str) -> None:
    """Part 3, 12: the code in the body is the status."""
    assert doors.admin("PATCH", PATH, body).refused(400)["message"] == message


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (
            [{"create": None}] * 1001,
            "The maximum number of identities per request that can be created or deleted at once is 1000.",
        ),
        (
            [entry(f"p{n}", credentials=plain()) for n in range(201)],
            "The maximum number of identities per request that can be created with a plaintext password is 200.",
        ),
    ],
)
def test_the_size_of_a_batch_is_bounded_before_anything_is_hashed(
    doors: Doors, entries: list[Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Part 3, 13."""
    monkeypatch.setattr(doors.parts.hasher, "hash", None)
    assert doors.admin("PATCH", PATH, {"identities": entries}).refused(400)["reason"] == reason
    assert doors.happened() == []


def test_a_thousand_without_passwords_are_one_batch(doors: Doors) -> None:
    items = batch(doors, *(entry(f"p{n}") for n in range(1000)))
    assert all(item["action"] == "create" for item in items)
    assert len({item["identity"] for item in items}) == 1000


# Imports of credentials (1.13)

KEY = {"id": "a2V5MQ==", "public_key": "cHVibGlj"}
IMPORTED: list[tuple[str, dict[str, Any], list[str] | None, Any]] = [
    # type, config that is sent, identifiers (None: the identity's id), config that is shown
    (
        "oidc",
        {"providers": [{"provider": "g", "subject": "Sub-1", "use_auto_link": True}]},
        ["g:Sub-1"],
        {"providers": [{"subject": "Sub-1", "provider": "g", "initial_id_token": "", "initial_access_token": "", "initial_refresh_token": "", "use_auto_link": True}]},
    ),
    ("totp", {"totp_url": "otpauth://totp/x?secret=JBSWY3DP"}, None, {"totp_url": "otpauth://totp/x?secret=JBSWY3DP"}),
    ("lookup_secret", {"codes": [{"code": "abcdefgh"}]}, None, {"recovery_codes": [{"code": "abcdefgh"}]}),
    ("passkey", {"credentials": [KEY], "user_handle": "aGFuZGxl"}, ["handle"], {"credentials": [KEY], "user_handle": "aGFuZGxl"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "config", "identifiers", "shown"), IMPORTED)
def test_a_credential_is_imported_and_shown_to_who_asks_for_it(
    doors: Doors, kind: str, config: dict[str, Any], identifiers: list[str] | None, shown: Any
) -> None:
    made = doors.admin("POST", PATH, {"traits": EMAIL, "credentials": {kind: {"config": config}}})
    assert "config" not in made.ok(201)["credentials"][kind]
    identity_id = made.json["id"]
    got = doors.admin("GET", f"{PATH}/{identity_id}?include_credential={kind}").ok()["credentials"]
    assert got[kind]["identifiers"] == (identifiers if identifiers is not None else [identity_id])
    assert got[kind]["config"] == shown
    assert "config" not in got["password"]


@pytest.mark.parametrize("kind", [Type.I, Type.ID])
def test_a_hash_is_imported_shown_as_it_is_and_signs_in(doors: Doors, kind: Type) -> None:
    text = hash_secret(PASSWORD.encode(), b"salt of 16 bytes", 1, 8, 1, 32, kind).decode()
    hashed = {"password": {"config": {"hashed_password": text}}}
    made = doors.admin("POST", PATH, {"traits": EMAIL, "credentials": hashed}).ok(201)
    got = doors.admin("GET", f"{PATH}/{made['id']}?include_credential=password").ok()
    assert got["credentials"]["password"]["config"] == {"hashed_password": text}
    assert doors.sign_in()["session"]["active"] is True


@pytest.mark.parametrize(
    ("credentials", "reason"),
    [
        ({"passkey": {"config": {"credentials": [KEY]}}}, "Passkey credential import requires a non-empty user_handle."),
        ({"passkey": {"config": {"user_handle": "eA=="}}}, "Passkey credential import requires at least one entry"),
        ({"password": {"config": {"hashed_password": "$argon2id$v=19$m=9999999,t=1,p=1$c2FsdHNhbHQ$aGFzaA"}}}, "The imported password hash declares cost parameters that exceed the bounds enforced by Ory."),
        ({"password": {"config": {"hashed_password": "$argon2id$broken"}}}, "The imported password hash could not be parsed."),
        ({"password": {"config": {"hashed_password": "$2a$31$" + "a" * 53}}}, "The imported password hash declares cost parameters that exceed the bounds enforced by Ory."),
    ],
)  # fmt: skip
def test_a_credential_that_cannot_be_used_is_refused(doors: Doors, credentials: dict[str, Any], reason: str) -> None:
    error = doors.admin("POST", PATH, {"traits": EMAIL, "credentials": credentials}).refused(400)
    assert error["reason"].startswith(reason)


def test_the_password_config_that_the_oldest_client_puts_into_oidc_is_ignored(doors: Doors) -> None:
    """Part 0, row 1.13."""
    oidc = {"config": {"config": {"password": "x"}, "providers": [{"provider": "g", "subject": "1"}]}}
    made = doors.admin("POST", PATH, {"traits": EMAIL, "credentials": {"oidc": oidc}}).ok(201)
    text = json.dumps(doors.admin("GET", f"{PATH}/{made['id']}?include_credential=oidc").ok()["credentials"]["oidc"])
    assert "password" not in text
