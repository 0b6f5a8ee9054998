"""The operations on identities, through both generations of ory-kratos-client."""

import math
import uuid
from datetime import datetime
from typing import Any

import pytest
from tests.sdk.bodies import PASSWORD, batch, model, new_email, patch, person, secret, update
from tests.sdk.client import Kratos
from tests.sdk.links import next_page, walk
from tests.serving import Server

UNKNOWN = "8d3fbd3a-1f0b-4c8e-9d7e-0c1f7a5b6e42"
CONFLICT = "This identity conflicts with another identity that already exists."


def create(kratos: Kratos, email: str, **fields: Any) -> dict[str, Any]:
    return dict(kratos("create_identity", create_identity_body=person(email, **fields)).ok(201))


# create_identity


def test_an_identity_is_created_with_what_it_was_given(kratos: Kratos, server: Server) -> None:
    email = new_email()
    fields = {"traits": {"email": email, "name": {"first": "Ada"}}, "metadata_public": {"plan": "gold"}}
    answer = kratos("create_identity", create_identity_body=person(email, **fields, metadata_admin={"note": 1}))
    made = answer.ok(201)
    assert made["traits"] == fields["traits"]
    assert made["metadata_public"] == {"plan": "gold"}
    assert made["metadata_admin"] == {"note": 1}
    assert (made["schema_id"], made["state"]) == ("default", "active")
    assert made["schema_url"] == server.public + "/schemas/ZGVmYXVsdA"
    assert answer.headers["location"].endswith(f"/admin/identities/{made['id']}")


def test_the_addresses_of_a_new_identity_come_from_its_traits(kratos: Kratos) -> None:
    email = new_email()
    made = create(kratos, email)
    [verifiable], [recovery] = made["verifiable_addresses"], made["recovery_addresses"]
    assert (verifiable["value"], verifiable["via"]) == (email, "email")
    assert (verifiable["verified"], verifiable["status"]) == (False, "pending")
    assert (recovery["value"], recovery["via"]) == (email, "email")


def test_no_answer_of_a_write_holds_the_config_of_a_credential(kratos: Kratos) -> None:
    made = create(kratos, new_email(), credentials=secret(password=PASSWORD))
    assert all("config" not in credential for credential in made.get("credentials", {}).values())


def test_an_identity_can_be_created_inactive(kratos: Kratos, server: Server) -> None:
    email = new_email()
    assert create(kratos, email, state=model("IdentityState", of="inactive"))["state"] == "inactive"
    assert server.try_sign_in(email, PASSWORD).status_code == 400


def test_a_person_created_with_a_password_can_sign_in(kratos: Kratos, server: Server) -> None:
    email = new_email()
    made = create(kratos, email, credentials=secret(password=PASSWORD))
    assert server.sign_in(email, PASSWORD)["session"]["identity"]["id"] == made["id"]


def test_creating_without_a_body_is_refused(kratos: Kratos) -> None:
    kratos("create_identity").refused(400)


def test_traits_that_break_the_schema_are_refused_and_nothing_is_stored(kratos: Kratos, server: Server) -> None:
    email = new_email()
    body = person(email, traits={"email": email, "name": {"first": 3}})
    error = kratos("create_identity", create_identity_body=body).refused(400)
    assert "#/traits/name/first" in error["reason"]
    assert server.known(email) == []


def test_an_unknown_schema_is_refused(kratos: Kratos) -> None:
    error = kratos("create_identity", create_identity_body=person(new_email(), schema_id="nope")).refused(400)
    assert error["reason"] == "Unable to find JSON Schema ID: nope"


def test_a_second_identity_with_the_same_email_is_a_conflict(kratos: Kratos) -> None:
    email = new_email()
    create(kratos, email)
    twice = kratos("create_identity", create_identity_body=person(email.upper())).refused(409)
    assert twice["reason"] == CONFLICT


# get_identity


def test_an_identity_is_read_back_as_it_was_created(kratos: Kratos) -> None:
    made = create(kratos, new_email())
    read = kratos("get_identity", id=made["id"]).ok(200)
    for field in ("id", "traits", "state", "schema_id", "schema_url", "verifiable_addresses", "recovery_addresses"):
        assert read[field] == made[field], field
    assert read["metadata_public"] is None
    assert read["metadata_admin"] is None


def test_credentials_are_shown_when_they_are_asked_for(kratos: Kratos) -> None:
    email = new_email()
    made = create(kratos, email, credentials=secret(password=PASSWORD))
    read = kratos("get_identity", id=made["id"], include_credential=["password"]).ok(200)
    shown = read["credentials"]["password"]
    assert shown["identifiers"] == [email]
    assert shown["config"]["hashed_password"].startswith("$argon2id$")


@pytest.mark.parametrize("identity_id", [UNKNOWN, "not-an-id", "a/b c"])
def test_getting_an_unknown_identity_is_404(kratos: Kratos, identity_id: str) -> None:
    kratos("get_identity", id=identity_id).refused(404)


@pytest.mark.needs("include_credential=any")
def test_a_credential_type_that_does_not_exist_is_named_in_the_refusal(kratos: Kratos, anna: dict[str, Any]) -> None:
    error = kratos("get_identity", id=anna["id"], include_credential=["password", "tattoo"]).refused(400)
    assert "tattoo" in error["reason"]


@pytest.mark.needs("external_id")
def test_an_identity_is_found_by_its_external_id(kratos: Kratos) -> None:
    external = f"crm/{uuid.uuid4()}"
    made = create(kratos, new_email(), external_id=external)
    assert kratos("get_identity_by_external_id", external_id=external).ok(200)["id"] == made["id"]
    kratos("get_identity_by_external_id", external_id=external + "x").refused(404)


# list_identities


def test_pages_of_identities_start_at_1_and_show_every_one_once(kratos: Kratos) -> None:
    mine = {create(kratos, new_email())["id"] for _ in range(5)}
    total = int(kratos("list_identities", page=1, per_page=1).headers["x-total-count"])
    size = math.ceil(total / 3)
    pages = [kratos("list_identities", page=number, per_page=size) for number in (1, 2, 3, 4)]
    ids = [identity["id"] for page in pages for identity in page.ok(200)]
    assert len(ids) == len(set(ids)) == total
    assert mine <= set(ids)
    assert pages[3].body == []
    assert {page.headers["x-total-count"] for page in pages} == {str(total)}
    assert [next_page(page).get("page") for page in pages[:3]] == ["2", "3", None]


@pytest.mark.needs("credentials_identifier")
def test_identities_are_found_by_an_identifier_in_any_case(kratos: Kratos) -> None:
    email = new_email()
    made = create(kratos, email)
    [found] = kratos("list_identities", credentials_identifier=email.upper()).ok(200)
    assert found["id"] == made["id"]
    assert kratos("list_identities", credentials_identifier=new_email()).ok(200) == []


@pytest.mark.needs("page_token")
def test_page_tokens_lead_through_every_identity_once(kratos: Kratos) -> None:
    mine = {create(kratos, new_email())["id"] for _ in range(3)}
    seen = [identity["id"] for identity in walk(kratos, "list_identities", 5)]
    assert len(seen) == len(set(seen)) == int(kratos("list_identities", page=1).headers["x-total-count"])
    assert mine <= set(seen)
    assert "x-total-count" not in kratos("list_identities", page_size=5).headers


@pytest.mark.needs("page_token")
def test_a_page_token_that_is_not_ours_is_refused(kratos: Kratos) -> None:
    error = kratos("list_identities", page_size=7, page_token=UNKNOWN).refused(400)
    assert error["reason"] == "The page token is invalid, do not craft your own page tokens"


@pytest.mark.needs("ids")
def test_filters_of_identities_combine(kratos: Kratos) -> None:
    email = new_email()
    ids = [create(kratos, email)["id"], create(kratos, new_email())["id"]]
    both = kratos("list_identities", ids=[*ids, UNKNOWN, ids[0]]).ok(200)
    assert sorted(identity["id"] for identity in both) == sorted(ids)
    [one] = kratos("list_identities", ids=ids, credentials_identifier=email).ok(200)
    assert one["id"] == ids[0]
    assert kratos("list_identities", ids=ids[1:], credentials_identifier=email).ok(200) == []
    [like] = kratos("list_identities", preview_credentials_identifier_similar=email[:20]).ok(200)
    assert like["id"] == ids[0]


# update_identity


def test_an_update_replaces_traits_and_clears_what_it_leaves_out(kratos: Kratos) -> None:
    made = create(kratos, new_email(), metadata_public={"plan": "gold"}, metadata_admin={"note": 1})
    email = new_email()
    answer = kratos("update_identity", id=made["id"], update_identity_body=update(email, metadata_admin={"note": 2}))
    assert answer.ok(200)["traits"] == {"email": email}
    read = kratos("get_identity", id=made["id"]).ok(200)
    assert (read["metadata_public"], read["metadata_admin"]) == (None, {"note": 2})
    assert [address["value"] for address in read["verifiable_addresses"]] == [email]


def test_an_update_to_inactive_ends_the_sessions(kratos: Kratos, server: Server) -> None:
    email = new_email()
    made = create(kratos, email)
    token = server.sign_in(email, PASSWORD)["session_token"]
    body = update(email, state=model("IdentityState", of="inactive"))
    assert kratos("update_identity", id=made["id"], update_identity_body=body).ok(200)["state"] == "inactive"
    assert server.whoami(token).status_code == 401
    kratos("update_identity", id=made["id"], update_identity_body=update(email)).ok(200)
    assert server.whoami(token).status_code == 401


def test_a_password_that_an_administrator_replaces_ends_the_sessions(kratos: Kratos, server: Server) -> None:
    email = new_email()
    made = create(kratos, email)
    token = server.sign_in(email, PASSWORD)["session_token"]
    body = update(email, credentials=secret(password="N3w-moss!orchard 17"))
    kratos("update_identity", id=made["id"], update_identity_body=body).ok(200)
    assert server.whoami(token).status_code == 401
    assert server.try_sign_in(email, PASSWORD).status_code == 400
    server.sign_in(email, "N3w-moss!orchard 17")


def test_an_update_of_nobody_is_404(kratos: Kratos) -> None:
    kratos("update_identity", id=UNKNOWN, update_identity_body=update(new_email())).refused(404)


def test_an_update_without_a_body_is_refused(kratos: Kratos, anna: dict[str, Any]) -> None:
    kratos("update_identity", id=anna["id"]).refused(400)


def test_an_update_that_breaks_the_schema_changes_nothing(kratos: Kratos, anna: dict[str, Any]) -> None:
    body = update(new_email(), traits={"email": 7})
    kratos("update_identity", id=anna["id"], update_identity_body=body).refused(400)
    assert kratos("get_identity", id=anna["id"]).ok(200)["traits"] == anna["traits"]


def test_an_update_to_the_email_of_another_is_a_conflict(kratos: Kratos, anna: dict[str, Any]) -> None:
    made = create(kratos, new_email())
    body = update(anna["traits"]["email"])
    kratos("update_identity", id=made["id"], update_identity_body=body).refused(409)


# patch_identity


def test_a_patch_changes_only_what_it_names(kratos: Kratos, anna: dict[str, Any]) -> None:
    arguments = patch(
        kratos,
        {"op": "add", "path": "/traits/name", "value": {"first": "Anna"}},
        {"op": "replace", "path": "/metadata_public", "value": {"plan": "silver"}},
    )
    changed = kratos("patch_identity", id=anna["id"], **arguments).ok(200)
    assert changed["traits"] == {**anna["traits"], "name": {"first": "Anna"}}
    removed = kratos("patch_identity", id=anna["id"], **patch(kratos, {"op": "remove", "path": "/traits/name"})).ok(200)
    assert removed["traits"] == anna["traits"]
    assert removed["metadata_public"] == {"plan": "silver"}


def test_a_failed_test_in_a_patch_changes_nothing(kratos: Kratos, anna: dict[str, Any]) -> None:
    arguments = patch(
        kratos,
        {"op": "replace", "path": "/metadata_public", "value": {"plan": "silver"}},
        {"op": "test", "path": "/traits", "value": {"email": "another@example.com"}},
    )
    kratos("patch_identity", id=anna["id"], **arguments).refused(400)
    assert kratos("get_identity", id=anna["id"]).ok(200)["metadata_public"] is None


REFUSED_PATCHES = [
    ({"op": "replace", "path": "/id", "value": UNKNOWN}, "patch includes denied path: /id"),
    ({"op": "remove", "path": "/credentials"}, "patch includes denied path: /credentials"),
    ({"op": "move", "path": "/traits/phone", "from": "/traits/email"}, "unsupported operation: move"),
]


@pytest.mark.needs("value=scalar")
@pytest.mark.parametrize(("operation", "message"), REFUSED_PATCHES)
def test_a_patch_that_reaches_too_far_is_refused(
    kratos: Kratos, anna: dict[str, Any], operation: dict[str, Any], message: str
) -> None:
    error = kratos("patch_identity", id=anna["id"], **patch(kratos, operation)).refused(400)
    assert error["message"] == message


@pytest.mark.needs("value=scalar")
@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/traits/email", "value": 3},
        {"op": "remove", "path": "/traits/phone"},
        {"op": "replace", "path": "/state", "value": "asleep"},
        {"op": "replace", "path": "/created_at", "value": "2020-01-01T00:00:00Z"},
    ],
)
def test_a_patch_to_something_invalid_changes_nothing(
    kratos: Kratos, anna: dict[str, Any], operation: dict[str, Any]
) -> None:
    kratos("patch_identity", id=anna["id"], **patch(kratos, operation)).refused(400)
    read = kratos("get_identity", id=anna["id"]).ok(200)
    assert (read["traits"], read["state"]) == (anna["traits"], anna["state"])
    assert datetime.fromisoformat(read["created_at"]) == datetime.fromisoformat(anna["created_at"])


def test_a_patch_of_nobody_is_404(kratos: Kratos) -> None:
    arguments = patch(kratos, {"op": "replace", "path": "/metadata_public", "value": {}})
    kratos("patch_identity", id=UNKNOWN, **arguments).refused(404)


def test_a_patch_without_a_body_is_refused(kratos: Kratos, anna: dict[str, Any]) -> None:
    kratos("patch_identity", id=anna["id"]).refused(400)


# delete_identity


def test_a_deleted_identity_is_gone_with_its_sessions(kratos: Kratos, server: Server, anna: dict[str, Any]) -> None:
    signed_in = server.sign_in(anna["traits"]["email"], PASSWORD)
    assert kratos("delete_identity", id=anna["id"]).ok(204) is None
    kratos("get_identity", id=anna["id"]).refused(404)
    kratos("get_session", id=signed_in["session"]["id"]).refused(404)
    assert server.whoami(signed_in["session_token"]).status_code == 401
    assert server.try_sign_in(anna["traits"]["email"], PASSWORD).status_code == 400


def test_deleting_what_may_be_deleted_already_is_no_error(kratos: Kratos) -> None:
    kratos("delete_identity", id=UNKNOWN).ok(204)
    kratos("delete_identity", id="not-an-id").refused(404)


# batch_patch_identities


@pytest.mark.needs("batch_patch_identities")
def test_a_batch_creates_each_and_echoes_its_patch_id(kratos: Kratos) -> None:
    emails = [new_email() for _ in range(3)]
    body = batch(*map(person, emails))
    done = kratos("batch_patch_identities", patch_identities_body=body).ok(200)["identities"]
    assert [each["patch_id"] for each in done] == [each["patch_id"] for each in body["identities"]]
    assert {each["action"] for each in done} == {"create"}
    for email, each in zip(emails, done, strict=True):
        assert kratos("get_identity", id=each["identity"]).ok(200)["traits"]["email"] == email


@pytest.mark.needs("batch_patch_identities")
def test_a_batch_of_which_all_conflict_is_409_and_tells_of_each(kratos: Kratos, anna: dict[str, Any]) -> None:
    other = create(kratos, new_email())
    body = batch(person(anna["traits"]["email"]), person(other["traits"]["email"]))
    error = kratos("batch_patch_identities", patch_identities_body=body).refused(409)
    told = error["details"]["identities"]
    assert [each["patch_id"] for each in told] == [each["patch_id"] for each in body["identities"]]
    assert {each["error"]["code"] for each in told} == {409}


@pytest.mark.needs("action=error")
def test_a_batch_fails_entry_by_entry(kratos: Kratos, anna: dict[str, Any]) -> None:
    email = new_email()
    bad_traits, bad_schema = person(new_email(), traits={"email": 3}), person(new_email(), schema_id="nope")
    body = batch(person(anna["traits"]["email"]), bad_traits, person(email), person(email), bad_schema)
    done = kratos("batch_patch_identities", patch_identities_body=body).ok(200)["identities"]
    assert [each["action"] for each in done] == ["error", "error", "create", "error", "error"]
    assert [each["error"]["code"] for each in done if each["action"] == "error"] == [409, 400, 409, 400]
    assert kratos("get_identity", id=done[2]["identity"]).ok(200)["traits"]["email"] == email


@pytest.mark.needs("batch_patch_identities")
def test_an_empty_batch_is_done_at_once(kratos: Kratos) -> None:
    body = model("PatchIdentitiesBody", identities=[])
    assert kratos("batch_patch_identities", patch_identities_body=body).ok(200)["identities"] == []


@pytest.mark.needs("batch_patch_identities", "no body")
def test_a_batch_without_a_body_is_refused(kratos: Kratos) -> None:
    kratos("batch_patch_identities").refused(400)


@pytest.mark.needs("batch_patch_identities")
def test_a_batch_beyond_its_limits_is_refused_whole(kratos: Kratos, server: Server) -> None:
    email = new_email()
    without = person(email, credentials=model("IdentityWithCredentials"))
    many = kratos("batch_patch_identities", patch_identities_body=batch(*[without] * 1001)).refused(400)
    assert "at once is 1000." in many["reason"]
    plain = person(email, credentials=secret(password=PASSWORD))
    dear = kratos("batch_patch_identities", patch_identities_body=batch(*[plain] * 201)).refused(400)
    assert "with a plaintext password is 200." in dear["reason"]
    assert server.known(email) == []


# get_identity_schema, list_identity_schemas


def test_a_schema_is_read_by_its_id_in_either_spelling(kratos: Kratos) -> None:
    plain = kratos("get_identity_schema", id="employee").ok(200)
    assert plain["title"] == "Employee"
    assert kratos("get_identity_schema", id="ZW1wbG95ZWU").ok(200) == plain


def test_an_unknown_identity_schema_is_404(kratos: Kratos) -> None:
    error = kratos("get_identity_schema", id="nope").refused(404)
    assert error["reason"] == "Identity schema `nope` could not be found."


def test_schemas_are_listed_in_the_order_of_the_configuration_on_pages_from_1(kratos: Kratos) -> None:
    everything = kratos("list_identity_schemas").ok(200)
    assert [each["id"] for each in everything] == ["default", "employee", "robot"]
    assert everything[1]["schema"]["title"] == "Employee"
    pages = [kratos("list_identity_schemas", per_page=1, page=number) for number in (1, 2, 3, 4)]
    assert [[each["id"] for each in page.ok(200)] for page in pages] == [["default"], ["employee"], ["robot"], []]
    assert {page.headers["x-total-count"] for page in pages} == {"3"}


def test_schemas_need_no_key(kratos: Kratos) -> None:
    anyone = kratos.with_key(None)
    anyone("list_identity_schemas").ok(200)
    anyone("get_identity_schema", id="default").ok(200)
