"""The credentials of an identity: added, replaced and removed one by one, by whoever saw what they are."""

import asyncio
import uuid
from typing import Any

import pytest
from tests.doors.kratos.in_process import ADMIN_PORT, PASSWORD, UNKNOWN, Doors, Reply, request
from tests.doors.kratos.in_process import KEY as ADMIN_KEY
from tests.doors.native.test_organizations import refused

TOTP = {"totp_url": "otpauth://totp/x?secret=JBSWY3DP"}
KEY = {"id": "MQ==", "public_key": "cA==", "display_name": "blue"}
GIVEN: dict[str, dict[str, Any]] = {
    "password": {"password": "Harp*dune-lantern 38"},
    "totp": TOTP,
    "oidc": {"providers": [{"provider": "g", "subject": "1"}]},
    "lookup_secret": {"codes": [{"code": "canary-code"}]},
    "webauthn": {"credentials": [KEY], "user_handle": "aGFuZGxl"},
    "passkey": {"credentials": [KEY], "user_handle": "aGFuZGxl"},
}


def ada(doors: Doors, **more: Any) -> str:
    """The URL of the credentials of somebody with a password and a verified address; nothing has happened since."""
    address = {"value": "ada@example.org", "via": "email", "verified": True}
    made = doors.person("ada", verifiable_addresses=[address], **more)
    doors.happened()
    return f"/v1/identities/{made['id']}/credentials"


def types(reply: Reply) -> list[str]:
    return [each["type"] for each in reply.ok()["credentials"]]


def told(doors: Doors) -> list[str]:
    """Who was written to."""
    return [each["recipient"] for each in doors.admin("GET", "/admin/courier/messages").ok()]


@pytest.mark.parametrize("kind", GIVEN)
def test_a_credential_is_added_shown_without_its_secrets_replaced_and_removed(doors_of_each: Doors, kind: str) -> None:
    doors = doors_of_each
    url = ada(doors, credentials={})
    target = f"{url}/{kind}"
    before = types(doors.admin("GET", url))
    made = doors.admin("PUT", target, GIVEN[kind])
    shown = made.ok(200 if kind in before else 201)
    assert set(shown) == {
        "type", "identifiers", "first_factors", "second_factors", "revision", "created_at", "updated_at",
    }  # fmt: skip
    assert shown["type"] == kind
    assert shown["first_factors"] + shown["second_factors"] == 1
    got = doors.admin("GET", target)
    assert (got.ok(), got.headers["etag"]) == (shown, made.headers["etag"])
    listed = doors.admin("GET", url)
    assert types(listed) == sorted({*before, kind})
    for reply in (made, got, listed):
        for secret in (b"Harp", b"argon2", b"JBSWY3DP", b"canary", b"cA=="):
            assert secret not in reply.body
    assert doors.admin("PUT", target, GIVEN[kind]).ok()["type"] == kind
    assert types(doors.admin("DELETE", target)) == [each for each in before if each != kind]
    refused(doors.admin("GET", target), 404, "credential_not_found")
    refused(doors.admin("DELETE", target), 404, "credential_not_found")


def test_S7_a_credential_that_is_replaced_or_removed_ends_the_sessions_and_one_that_is_added_does_not(
    doors_of_each: Doors,
) -> None:
    doors = doors_of_each
    url = ada(doors)
    token = doors.sign_in()["session_token"]
    doors.happened()
    doors.admin("PUT", f"{url}/totp", TOTP).ok(201)
    assert doors.happened() == ["identity.changed"]
    assert told(doors) == []
    doors.admin("PUT", f"{url}/password", GIVEN["password"]).ok()
    assert doors.happened() == ["identity.changed", "session.ended"]
    assert doors.public("GET", "/sessions/whoami", token=token).status == 401
    assert doors.try_sign_in("ada@example.org", PASSWORD).status == 400
    assert told(doors) == ["ada@example.org"]
    token = doors.sign_in(password=GIVEN["password"]["password"])["session_token"]
    doors.happened()
    doors.admin("DELETE", f"{url}/totp").ok()
    assert doors.happened() == ["identity.changed", "session.ended"]
    assert doors.public("GET", "/sessions/whoami", token=token).status == 401
    assert len(told(doors)) == 2


def test_the_last_credential_may_be_removed_and_the_answer_says_that_none_is_left(doors: Doors) -> None:
    url = ada(doors, schema_id="default")
    assert doors.admin("DELETE", f"{url}/password").status == 200
    left = types(doors.admin("GET", url))
    assert "password" not in left
    assert doors.try_sign_in("ada@example.org", PASSWORD).status == 400


def test_a_change_is_made_only_to_what_was_seen(doors_of_each: Doors) -> None:
    doors = doors_of_each
    url = ada(doors)
    target = f"{url}/password"
    seen = doors.admin("GET", target).headers["etag"]
    assert seen.startswith('"')
    first = doors.admin("PUT", target, GIVEN["password"], headers={"if-match": f'"x", {seen}'})
    assert first.ok()["revision"] == 2
    doors.happened()
    for wrong in (seen, f"W/{first.headers['etag']}", '"x"', ""):
        for method, body in (("PUT", GIVEN["password"]), ("DELETE", None)):
            refused(doors.admin(method, target, body, headers={"if-match": wrong}), 412, "version_mismatch")
    refused(doors.admin("PUT", f"{url}/totp", TOTP, headers={"if-match": "*"}), 412, "version_mismatch")
    refused(doors.admin("PUT", target, GIVEN["password"], headers={"if-none-match": "*"}), 412, "version_mismatch")
    assert doors.happened() == []
    doors.admin("PUT", f"{url}/totp", TOTP, headers={"if-none-match": "*"}).ok(201)
    doors.admin("DELETE", target, headers={"if-match": first.headers["etag"]}).ok()


def test_an_organization_is_renamed_only_as_it_was_seen(doors_of_each: Doors) -> None:
    doors = doors_of_each
    url = f"/v1/organizations/{uuid.UUID(bytes=doors.organization('acme'))}"
    seen = doors.admin("GET", url).headers["etag"]
    renamed = doors.admin("PATCH", url, {"name": "Acme"}, headers={"if-match": seen})
    assert renamed.ok()["name"] == "Acme"
    refused(doors.admin("PATCH", url, {"name": "ACME"}, headers={"if-match": seen}), 412, "version_mismatch")
    assert doors.admin("GET", url).headers["etag"] == renamed.headers["etag"] != seen


@pytest.mark.parametrize(
    ("kind", "body", "code", "where"),
    [
        ("password", {}, "field_invalid", "password"), ("password", TOTP, "field_invalid", "totp_url"),
        ("password", {"hashed_password": "x"}, "hash_refused", None), ("password", {"password": ""}, "invalid", "#/password"),
        ("password", {"password": PASSWORD, "hashed_password": "x"}, "field_invalid", "password"),
        ("password", {"password": "x" * 1025}, "password_refused", None), ("totp", {"totp_url": 1}, "invalid", "#/totp_url"),
        ("oidc", {"providers": [{"provider": "g", "subject": []}]}, "invalid", "#/providers/0/subject"),
        ("passkey", {"credentials": [KEY]}, "field_invalid", "credentials.passkey"),
        ("code", {}, "field_invalid", "credentials.code"), ("password", {"nonsense": 1}, "invalid", "#"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_where_it_is_and_changes_nothing(
    doors: Doors, kind: str, body: dict[str, Any], code: str, where: str | None
) -> None:
    url = ada(doors)
    details = refused(doors.admin("PUT", f"{url}/{kind}", body), 400, code)
    assert details.get("pointer", details.get("field")) == where
    assert doors.happened() == []


def test_what_is_not_there_is_404(doors: Doors) -> None:
    url = ada(doors)
    for somebody in (UNKNOWN, "x"):
        there = url.replace(url.split("/")[3], somebody)
        for method, path, body in (
            ("GET", there, None), ("GET", f"{there}/password", None), ("PUT", f"{there}/totp", TOTP),
            ("DELETE", f"{there}/password", None),
        ):  # fmt: skip
            refused(doors.admin(method, path, body), 404, "identity_not_found")
    refused(doors.admin("PUT", f"{url}/nonsense", TOTP), 404, "credential_not_found")
    refused(doors.admin("PUT", f"{url}/oidc", GIVEN["oidc"], key=doors.key("identities:read")), 403, "scope_missing")


def test_an_identifier_that_is_somebody_elses_is_409_and_codes_come_from_the_traits(doors: Doors) -> None:
    url = ada(doors)
    doors.admin("PUT", f"{url}/oidc", GIVEN["oidc"]).ok(201)
    other = doors.person("bo")["id"]
    doors.happened()
    refused(doors.admin("PUT", f"/v1/identities/{other}/credentials/oidc", GIVEN["oidc"]), 409, "conflict")
    if "code" in types(doors.admin("GET", url)):
        refused(doors.admin("DELETE", f"{url}/code"), 400, "field_invalid")
    assert doors.happened() == []


def test_W3_credentials_of_another_organization_are_as_if_they_were_not_there(doors: Doors) -> None:
    url, theirs = ada(doors), doors.key(organization=doors.organization("acme"))
    for method, body in (("GET", None), ("PUT", GIVEN["password"]), ("DELETE", None)):
        refused(doors.admin(method, f"{url}/password", body, key=theirs), 404, "identity_not_found")
    refused(doors.admin("GET", url, key=theirs), 404, "identity_not_found")


def test_of_many_who_saw_the_same_one_changes_it(doors_of_each: Doors) -> None:
    doors = doors_of_each
    target = f"{ada(doors)}/totp"
    seen = doors.admin("PUT", target, TOTP).headers["etag"]
    headers = {"authorization": f"Bearer {ADMIN_KEY}", "if-match": seen}

    async def at_once() -> list[Reply]:
        bodies = [{"totp_url": f"otpauth://totp/x?secret=JBSWY3D{n}"} for n in range(2, 8)]
        asked = (request(doors._admin, ADMIN_PORT, "PUT", target, body, headers=headers) for body in bodies)
        return await asyncio.gather(*asked)

    assert sorted(reply.status for reply in doors.run(at_once())) == [200, 412, 412, 412, 412, 412]
    assert doors.admin("GET", target).ok()["revision"] == 2


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("totp", {"totp_url": "x"}),
        ("totp", {"totp_url": "otpauth://totp/x"}),
        ("lookup_secret", {"codes": []}),
        ("webauthn", {"credentials": []}),
        ("oidc", {"providers": []}),
    ],
)
def test_a_credential_by_which_nobody_could_sign_in_is_refused_and_the_one_there_was_stays(
    doors_of_each: Doors, kind: str, given: dict[str, Any]
) -> None:
    doors = doors_of_each
    target = f"{ada(doors, credentials={})}/{kind}"
    refused(doors.admin("PUT", target, given), 400, "field_invalid")
    assert doors.admin("GET", target).status == 404
    made = doors.admin("PUT", target, GIVEN[kind]).ok(201)
    refused(doors.admin("PUT", target, given), 400, "field_invalid")
    assert doors.admin("GET", target).ok() == made
