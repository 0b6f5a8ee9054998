"""getIdentity, updateIdentity, patchIdentity and deleteIdentity (contract: admin API 1.9, 1.11, 1.12, 1.14)."""

import uuid
from typing import Any

import pytest
from tests.doors.kratos.in_process import PASSWORD, UNKNOWN, Doors

from nightlatch.kernel.clock import HOUR, SECOND

PATH = "/admin/identities"
BAD = "The request was malformed or contained invalid parameters"
MISSING = "Unable to locate the resource"
TAKEN = "Unable to insert or update resource because a resource with that value exists already"
EMAIL = {"email": "ada@example.org"}
LATER = "2023-11-14T23:13:20Z"


@pytest.fixture
def ada(doors: Doors) -> str:
    """The path of an identity with everything that a change could lose; an hour old."""
    oidc = {"config": {"providers": [{"provider": "g", "subject": "1"}]}}
    made = doors.person(
        "ada",
        metadata_public={"a": 1},
        metadata_admin={"b": 2},
        external_id="crm-1",
        credentials={"password": {"config": {"password": PASSWORD}}, "oidc": oidc},
    )
    doors.happened()
    doors.clock.advance(HOUR)
    return f"{PATH}/{made['id']}"


def change(*operations: Any) -> list[dict[str, Any]]:
    """A JSON Patch of (op, path, value) each."""
    return [dict(zip(("op", "path", "value"), each, strict=False)) for each in operations]


# getIdentity


def test_an_identity_is_shown_with_its_credentials_but_no_config(doors: Doors, ada: str) -> None:
    """1.9."""
    got = doors.admin("GET", ada)
    credentials = got.ok()["credentials"]
    assert {"password", "oidc"} <= credentials.keys()
    assert all("config" not in each for each in credentials.values())
    assert got.headers["etag"] == '"1"'


def test_only_the_configs_that_are_asked_for_are_shown(doors: Doors, ada: str) -> None:
    shown = doors.admin("GET", f"{ada}?include_credential=password&include_credential=totp").ok()["credentials"]
    assert shown["password"]["config"]["hashed_password"].startswith("$argon2id$")
    assert "config" not in shown["oidc"]
    assert "totp" not in shown


def test_an_identity_is_found_by_its_external_id_exactly(doors: Doors, ada: str) -> None:
    found = doors.admin("GET", f"{PATH}/by/external/crm-1?include_credential=password")
    assert found.ok() == doors.admin("GET", f"{ada}?include_credential=password").ok()
    for other in ("CRM-1", "crm-1/", "crm", "crm-1%20", ""):
        assert doors.admin("GET", f"{PATH}/by/external/{other}").refused(404)["message"] == MISSING


def test_an_external_id_may_hold_any_letter(doors: Doors) -> None:
    external = "crm/17 é?%"
    made = doors.admin("POST", PATH, {"schema_id": "robot", "external_id": external}).ok(201)
    assert made["external_id"] == external
    found = doors.admin("GET", f"{PATH}/by/external/crm%2F17%20%C3%A9%3F%25").ok()
    assert found["id"] == made["id"]


@pytest.mark.parametrize("path", [UNKNOWN, "BADUUID", "x", str(uuid.UUID(int=0)), "by"])
@pytest.mark.parametrize("query", ["", "?include_credential=shoe"])
def test_an_unknown_or_malformed_id_is_404_before_anything_else_is_said(doors: Doors, path: str, query: str) -> None:
    """1.3 and 1.9: the look-up runs first."""
    error = doors.admin("GET", f"{PATH}/{path}{query}").refused(404)
    assert error["message"] == MISSING
    assert "reason" not in error


def test_a_bad_include_credential_is_named(doors: Doors, ada: str) -> None:
    """Part 3, 18."""
    error = doors.admin("GET", f"{ada}?include_credential=password&include_credential=shoe").refused(400)
    assert error["reason"] == "Invalid value `shoe` for parameter `include_credential`."


@pytest.mark.parametrize("spell", ["{}", "{{{}}}", "urn:uuid:{}"])
@pytest.mark.parametrize("form", ["canonical", "hex", "upper"])
def test_an_id_may_be_spelled_in_the_ways_of_the_peer(doors: Doors, ada: str, spell: str, form: str) -> None:
    """1.3."""
    identity_id = ada.rpartition("/")[2]
    text = {"canonical": identity_id, "hex": identity_id.replace("-", ""), "upper": identity_id.upper()}[form]
    status = 404 if form == "hex" and spell != "{}" else 200
    assert doors.admin("GET", f"{PATH}/{spell.format(text)}").status == status


# updateIdentity


def test_a_replacement_clears_what_it_does_not_name_and_keeps_what_the_contract_keeps(doors: Doors, ada: str) -> None:
    """Golden: 1.11, the table."""
    before = doors.admin("GET", f"{ada}?include_credential=password&include_credential=oidc").ok()
    reply = doors.admin("PUT", ada, {"traits": EMAIL, "id": UNKNOWN, "organization_id": UNKNOWN, "unknown": 1})
    assert reply.headers["etag"] == '"2"'
    after = doors.admin("GET", f"{ada}?include_credential=password&include_credential=oidc").ok()
    cleared = {"metadata_public": None, "metadata_admin": None, "updated_at": LATER}
    assert after == {k: v for k, v in before.items() if k != "external_id"} | cleared
    assert all("config" not in each for each in reply.ok()["credentials"].values())
    assert doors.happened() == ["identity.changed"]
    doors.admin("GET", f"{PATH}/by/external/crm-1").refused(404)


def test_traits_that_are_not_given_become_empty(doors: Doors) -> None:
    made = doors.admin("POST", PATH, {"schema_id": "robot", "traits": {"model": "T"}}).ok(201)
    assert doors.admin("PUT", f"{PATH}/{made['id']}", {"external_id": "x"}).ok()["traits"] == {}


def test_the_state_moves_its_time_only_when_it_changes(doors: Doors, ada: str) -> None:
    same = doors.admin("PUT", ada, {"traits": EMAIL, "state": "active"}).ok()
    assert same["state_changed_at"] == "2023-11-14T22:13:20Z"
    other = doors.admin("PUT", ada, {"traits": EMAIL, "state": "inactive"}).ok()
    assert (other["state"], other["state_changed_at"]) == ("inactive", LATER)


def test_a_replacement_takes_the_state_of_addresses_as_create_does(doors: Doors, ada: str) -> None:
    """Part 3, 3."""
    claim = {"value": "ada@example.org", "via": "email", "verified": True}
    [address] = doors.admin("PUT", ada, {"traits": EMAIL, "verifiable_addresses": [claim]}).ok()["verifiable_addresses"]
    assert (address["verified"], address["status"], address["verified_at"]) == (True, "completed", LATER)


def test_a_new_trait_gives_a_fresh_address_and_frees_the_old_one(doors: Doors, ada: str) -> None:
    """1.5: unverified, pending."""
    claim = {"value": "ada@example.org", "via": "email", "verified": True}
    doors.admin("PUT", ada, {"traits": EMAIL, "verifiable_addresses": [claim]}).ok()
    moved = doors.admin("PUT", ada, {"traits": {"email": "ada@example.com"}}).ok()
    [address] = moved["verifiable_addresses"]
    assert (address["value"], address["verified"], address["status"]) == ("ada@example.com", False, "pending")
    assert moved["credentials"]["password"]["identifiers"] == ["ada@example.com"]
    doors.person("ada")


def test_a_schema_is_changed_and_its_url_with_it(doors: Doors, ada: str) -> None:
    changed = doors.admin("PUT", ada, {"schema_id": "employee", "traits": EMAIL | {"number": 7}}).ok()
    assert (changed["schema_id"], changed["schema_url"][-11:]) == ("employee", "/ZW1wbG95ZWU"[-11:])


def test_S7_credentials_that_are_replaced_end_the_sessions_and_those_that_are_added_do_not(
    doors: Doors, ada: str
) -> None:
    """Part 0, rows 1.13 and 1.15."""
    token = doors.sign_in()["session_token"]
    doors.happened()
    totp = {"totp": {"config": {"totp_url": "otpauth://totp/x?secret=JBSWY3DP"}}}
    doors.admin("PUT", ada, {"traits": EMAIL, "credentials": totp}).ok()
    assert doors.happened() == ["identity.changed"]
    assert doors.public("DELETE", "/sessions", token=token).status == 200
    doors.happened()
    new = {"password": {"config": {"password": "another-Tr0ut 9"}}}
    doors.admin("PUT", ada, {"traits": EMAIL, "credentials": new}).ok()
    assert doors.happened() == ["identity.changed", "session.ended"]
    doors.public("GET", "/sessions/whoami", token=token).refused(401)
    assert doors.try_sign_in("ada@example.org", PASSWORD).status == 400
    assert doors.sign_in(password="another-Tr0ut 9")["session"]["active"] is True


def test_S7_deactivation_ends_all_sessions_and_reactivation_revives_none(doors: Doors, ada: str) -> None:
    """Part 3, 2."""
    token = doors.sign_in()["session_token"]
    doors.happened()
    doors.admin("PUT", ada, {"traits": EMAIL, "state": "inactive"}).ok()
    assert doors.happened() == ["identity.changed", "session.ended"]
    doors.admin("PUT", ada, {"traits": EMAIL, "state": "active"}).ok()
    doors.public("GET", "/sessions/whoami", token=token).refused(401)


PUT_REFUSED: list[tuple[Any, str | None, str]] = [
    # body, content type, reason
    (b"", "application/json", 'Unable to decode HTTP Request Body because its HTTP Header "Content-Length" is zero.'),
    ({"traits": EMAIL}, "text/plain", "HTTP Request Body must be sent with Content-Type application/json."),
    ({"traits": EMAIL}, None, "HTTP Request Body must be sent with Content-Type application/json."),
    ({"state": 3}, "application/json", "Unable to decode JSON payload: "),
    (b"[]", "application/json; charset=utf-8", "Unable to decode JSON payload: "),
    ({"traits": EMAIL, "state": "asleep"}, "application/json", "identity state is not valid"),
    ({"traits": EMAIL, "schema_id": "nope"}, "application/json", "Unable to find JSON Schema ID: nope"),
    ({"traits": EMAIL, "region": "mars"}, "application/json", "the provided region is not a valid Ory region"),
    ({"traits": {"email": 3}}, "application/json", "I[#/traits/email] S[#/properties"),
]


@pytest.mark.parametrize(("body", "content_type", "reason"), PUT_REFUSED)
def test_a_replacement_that_is_wrong_is_refused_and_nothing_changes(
    doors: Doors, ada: str, body: Any, content_type: str | None, reason: str
) -> None:
    before = doors.admin("GET", ada).body
    error = doors.admin("PUT", ada, body, headers={"content-type": content_type or ""}).refused(400)
    assert error["message"] == BAD
    assert error["reason"].startswith(reason)
    assert doors.admin("GET", ada).body == before
    assert doors.happened() == []


@pytest.mark.parametrize("path", [UNKNOWN, "BADUUID"])
def test_a_replacement_is_read_before_the_identity_is_looked_for(doors: Doors, path: str) -> None:
    """1.11: decode (400) comes before lookup (404)."""
    doors.admin("PUT", f"{PATH}/{path}", b"{").refused(400)
    assert doors.admin("PUT", f"{PATH}/{path}", {"traits": EMAIL}).refused(404)["message"] == MISSING


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_change_to_what_somebody_else_has_is_a_conflict_without_a_reason(doors: Doors, ada: str, method: str) -> None:
    doors.person("bob")
    doors.happened()
    bob = {"email": "bob@example.org"}
    error = doors.admin(method, ada, {"traits": bob} if method == "PUT" else change(("replace", "/traits", bob)))
    assert error.refused(409)["message"] == TAKEN
    assert "reason" not in error.json["error"]
    assert doors.happened() == []


# If-Match (part 3, 16; RFC 9110 13.1.1)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    ("header", "status"),
    [('"1"', 200), ("*", 200), ('"7", "1"', 200), ('"2"', 412), ("1", 412), ('W/"1"', 412), ('""', 412), ('"x"', 412)],
)
def test_a_change_is_made_only_to_the_version_that_was_read(
    doors: Doors, ada: str, method: str, header: str, status: int
) -> None:
    body = {"traits": EMAIL} if method == "PUT" else change(("replace", "/metadata_public", 1))
    reply = doors.admin(method, ada, body, headers={"if-match": header})
    if status == 200:
        reply.ok()
        assert reply.headers["etag"] == '"2"'
        return
    error = reply.refused(412)
    assert error["message"] == "The resource was changed since the version that was named"
    assert doors.happened() == []


# patchIdentity


PATCHED: list[tuple[list[Any], dict[str, Any]]] = [
    # operations, what of the identity differs then
    (change(("replace", "/traits/name", {"first": "Ada"})), {"traits": EMAIL | {"name": {"first": "Ada"}}}),
    (change(("add", "/traits/name/first", "Ada")), {"traits": EMAIL | {"name": {"first": "Ada"}}}),
    (change(("add", "/metadata_public/new/deep", 1)), {"metadata_public": {"a": 1, "new": {"deep": 1}}}),
    (change(("remove", "/metadata_public")), {"metadata_public": None}),
    (change(("remove", "/metadata_admin/b")), {"metadata_admin": {}}),
    (change(("replace", "/external_id", "crm-2")), {"external_id": "crm-2"}),
    (change(("replace", "/external_id", "")), {"external_id": None}),
    (change(("remove", "/external_id")), {"external_id": None}),
    (change(("test", "/metadata_public/a", 1), ("replace", "/metadata_public/a", 2)), {"metadata_public": {"a": 2}}),
    (change(("replace", "/state", "inactive")), {"state": "inactive", "state_changed_at": LATER}),
    (change(("add", "/region", "eu")), {}),
    ([], {}),
]


@pytest.mark.parametrize(("operations", "differs"), PATCHED)
def test_a_patch_changes_what_it_names_and_nothing_else(
    doors: Doors, ada: str, operations: list[Any], differs: dict[str, Any]
) -> None:
    every = "?include_credential=password&include_credential=oidc"
    before = doors.admin("GET", ada + every).ok()
    reply = doors.admin("PATCH", ada, operations)
    assert reply.headers["etag"] == '"2"'
    after = doors.admin("GET", ada + every).ok()
    expected = before | differs | {"updated_at": LATER}
    if expected["external_id"] is None:
        del expected["external_id"]
    assert after == expected
    assert all("config" not in each for each in reply.ok()["credentials"].values())
    assert doors.happened()[0] == "identity.changed"


@pytest.mark.parametrize("content_type", ["application/json", "application/json-patch+json", "text/plain"])
def test_the_content_type_of_a_patch_is_not_looked_at(doors: Doors, ada: str, content_type: str) -> None:
    doors.admin("PATCH", ada, [], headers={"content-type": content_type}).ok()


def test_an_address_is_verified_and_taken_back_by_patch(doors: Doors, ada: str) -> None:
    """1.12 and part 3, 31."""
    yes = change(("replace", "/verifiable_addresses/0/verified", True))
    [address] = doors.admin("PATCH", ada, yes).ok()["verifiable_addresses"]
    assert (address["verified"], address["status"], address["verified_at"]) == (True, "completed", LATER)
    no = change(("replace", "/verifiable_addresses/0/verified", False))
    [address] = doors.admin("PATCH", ada, no).ok()["verifiable_addresses"]
    assert (address["verified"], address["status"], "verified_at" in address) == (False, "pending", False)


def test_a_hash_that_is_patched_in_is_checked_and_ends_the_sessions(doors: Doors, ada: str) -> None:
    """Part 3, 17."""
    token = doors.sign_in()["session_token"]
    doors.happened()
    path = "/credentials/password/config/hashed_password"
    error = doors.admin("PATCH", ada, change(("replace", path, "$nope$"))).refused(400)
    assert error["reason"] == "The imported password does not match any known hash format."
    good = doors.admin("GET", f"{ada}?include_credential=password").ok()["credentials"]["password"]["config"]
    other = good["hashed_password"][:-4] + "AAAA"
    doors.admin("PATCH", ada, change(("replace", path, other))).ok()
    assert doors.happened() == ["identity.changed", "session.ended"]
    doors.public("GET", "/sessions/whoami", token=token).refused(401)


def test_a_credential_of_another_type_than_its_key_is_refused(doors: Doors, ada: str) -> None:
    operations = change(("add", "/credentials/totp", {"config": {"totp_url": "x"}}))
    error = doors.admin("PATCH", ada, operations).refused(400)
    assert error["reason"] == 'credentials.totp.type must equal "totp", got ""'
    with_type = change(("add", "/credentials/totp", {"type": "totp", "config": {"totp_url": "x"}}))
    assert "totp" in doors.admin("PATCH", ada, with_type).ok()["credentials"]


UNMARSHAL, APPLY = "failed to unmarshal JSON patch", "failed to apply JSON patch"
PATCH_REFUSED: list[tuple[Any, str, str | None]] = [
    # body, message, reason (a beginning)
    (b"", "unexpected end of JSON input", UNMARSHAL),
    (change(("move", "/traits/a")), "unsupported operation: move", None),
    (change(("copy", "/traits/a")), "unsupported operation: copy", None),
    (change(("remove", "/traits/nothing")), BAD, APPLY),
    (change(("remove", "/nothing/at/all")), BAD, APPLY),
    (change(("test", "/metadata_public/a", 2)), BAD, "testing value /metadata_public/a failed"),
    (change(("replace", "/verifiable_addresses/7/verified", True)), BAD, APPLY),
    (change(("replace", "/verifiable_addresses/-/verified", True)), BAD, APPLY),
    (change(("replace", "no-pointer", 1)), BAD, APPLY),
    (change(("replace", "/state", "asleep")), "identity state is not valid", "The supplied state ('asleep') was not valid. Valid states are ('active', 'inactive')."),
    (change(("replace", "/schema_id", "nope")), BAD, "Unable to find JSON Schema ID: nope"),
    (change(("replace", "/traits/email", 3)), BAD, "I[#/traits/email]"),
    (change(("remove", "/credentials/password")), BAD, "Credentials are deleted with DELETE"),
    (change(("replace", "/region", "mars")), BAD, "the provided region is not a valid Ory region"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "message", "reason"), PATCH_REFUSED)
def test_a_patch_that_is_wrong_is_refused_and_nothing_changes(
    doors: Doors, ada: str, body: Any, message: str, reason: str | None
) -> None:
    before = doors.admin("GET", ada).body
    error = doors.admin("PATCH", ada, body).refused(400)
    assert error["message"] == message
    assert error.get("reason", "").startswith(reason or "")
    assert doors.admin("GET", ada).body == before
    assert doors.happened() == []


@pytest.mark.parametrize("body", [{"op": "add"}, [3], [{"op": "add"}], [{"path": "/x"}], b"{"])
def test_what_is_no_patch_is_refused(doors: Doors, ada: str, body: Any) -> None:
    doors.admin("PATCH", ada, body).refused(400)


DENIED = [
    "/id", "/ID", "/created_at", "/updated_at", "/state_changed_at", "/stateChangedAt", "/organization_id",
    "/schema_url", "/credentials", "/Credentials", "/credentials/oidc", "/credentials/oidc/config/providers/0", "",
]  # fmt: skip


@pytest.mark.parametrize("op", ["add", "replace", "remove", "test"])
@pytest.mark.parametrize("path", DENIED)
def test_what_may_not_be_patched_is_refused(doors: Doors, ada: str, op: str, path: str) -> None:
    """1.12, denied; part 3, 15; part 0, row 1.12."""
    error = doors.admin("PATCH", ada, change((op, path, "x"))).refused(400)
    assert (error["message"], error["reason"]) == (f"patch includes denied path: {path}", APPLY)


@pytest.mark.parametrize("body", [b"", b"{", change(("move", "/a"))])
@pytest.mark.parametrize("path", [UNKNOWN, "BADUUID"])
def test_the_identity_is_looked_for_before_a_patch_is_read(doors: Doors, path: str, body: Any) -> None:
    """1.12: read body, lookup 404, then parse; but what is not JSON at all never gets there."""
    expected = 400 if body == b"{" else 404
    doors.admin("PATCH", f"{PATH}/{path}", body).refused(expected)
    doors.admin("PATCH", f"{PATH}/{path}", []).refused(404)


# deleteIdentity


def test_S7_a_deleted_identity_is_gone_with_its_sessions_and_its_names_are_free(doors: Doors, ada: str) -> None:
    token = doors.sign_in()["session_token"]
    doors.happened()
    reply = doors.admin("DELETE", ada)
    assert (reply.status, reply.body) == (204, b"")
    assert "content-type" not in reply.headers
    assert doors.happened() == ["session.deleted", "identity.deleted"]
    doors.admin("GET", ada).refused(404)
    doors.public("GET", "/sessions/whoami", token=token).refused(401)
    doors.person("ada")


def test_deleting_again_is_204_and_a_malformed_id_404(doors: Doors, ada: str) -> None:
    """Part 0: assumed deleted already."""
    for _ in range(2):
        assert doors.admin("DELETE", ada).status == 204
    assert doors.admin("DELETE", f"{PATH}/{UNKNOWN}").status == 204
    assert doors.happened() == ["session.deleted", "identity.deleted"]
    assert doors.admin("DELETE", f"{PATH}/BADUUID").refused(404)["message"] == MISSING


def test_changes_in_one_microsecond_have_versions_of_their_own(doors: Doors, ada: str) -> None:
    tags = [doors.admin("PATCH", ada, []).headers["etag"] for _ in range(3)]
    doors.clock.advance(SECOND)
    assert tags == ['"2"', '"3"', '"4"']
