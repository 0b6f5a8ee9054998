"""What somebody hostile, or only careless, sent once and was answered wrongly."""

import time
from typing import Any

import pytest
from tests.doors.kratos.in_process import PASSWORD, Doors

KEY_ONE = {"id": "a2V5LTE=", "public_key": "cHVibGlj", "display_name": "one"}
KEY_TWO = {"id": "a2V5LTI=", "public_key": "cHVibGlj", "display_name": "two"}


@pytest.fixture
def ada(doors: Doors) -> str:
    made: str = doors.person()["id"]
    return made


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_W10_a_time_that_cannot_be_shown_is_refused_and_nothing_is_stored(doors: Doors, moment: str) -> None:
    address = {"value": "a@x.example", "via": "email", "verified": True, "verified_at": moment}
    body = {"traits": {"email": "a@x.example"}, "verifiable_addresses": [address]}
    doors.admin("POST", "/admin/identities", body).refused(400)
    assert doors.admin("GET", "/admin/identities").ok() == []


def test_W11_an_identifier_of_combining_marks_holds_nobody_up(doors: Doors) -> None:
    flow = doors.public("GET", "/self-service/login/api").ok()["id"]
    identifier = "a" + "\u0315\u0300\u0316" * 3_400
    sent = {"method": "password", "identifier": identifier, "password": "wrong wrong wrong"}
    began = time.process_time()
    assert doors.public("POST", f"/self-service/login?flow={flow}", sent).status == 400
    assert time.process_time() - began < 0.5


def test_W11_a_trait_of_combining_marks_is_refused_before_it_is_composed(doors: Doors) -> None:
    traits = {"email": "a" + "\u0315\u0300\u0316" * 20_000 + "@x.example"}
    began = time.process_time()
    doors.admin("POST", "/admin/identities", {"traits": traits}).refused(400)
    assert time.process_time() - began < 0.5


def test_a_name_that_was_freed_is_not_taken_back_and_its_former_holder_can_be_changed(doors: Doors) -> None:
    providers = {"oidc": {"config": {"providers": [{"provider": "p", "subject": "1"}]}}}
    one = doors.person("ada", credentials={"password": {"config": {"password": PASSWORD}}, **providers})["id"]
    doors.admin("DELETE", f"/admin/identities/{one}/credentials/password").ok()
    shown = doors.admin("PATCH", f"/admin/identities/{one}", [{"op": "replace", "path": "/state", "value": "inactive"}])
    assert "password" not in shown.ok()["credentials"]


@pytest.mark.parametrize(
    ("given", "operation"),
    [
        ({"webauthn": {"credentials": [KEY_ONE]}}, ("replace", "/webauthn/config/credentials/0/public_key", "b3RoZXI=")),
        ({"webauthn": {"credentials": [KEY_ONE, KEY_TWO]}}, ("remove", "/webauthn/config/credentials/0", None)),
        ({"lookup_secret": {"codes": [{"code": "one"}]}}, ("replace", "/lookup_secret/config/recovery_codes", [])),
        ({"totp": {"totp_url": "otpauth://totp/a?secret=A"}}, ("replace", "/totp/config/totp_url", "otpauth://totp/a?secret=B")),
    ],
)  # fmt: skip
def test_S4_replacing_any_credential_ends_the_sessions(
    doors: Doors, given: dict[str, Any], operation: tuple[str, str, Any]
) -> None:
    who = doors.person("ada", credentials={type_: {"config": config} for type_, config in given.items()})["id"]
    session = doors.session(who)[0]
    op, path, value = operation
    doors.admin("PATCH", f"/admin/identities/{who}", [{"op": op, "path": f"/credentials{path}", "value": value}]).ok()
    assert doors.admin("GET", f"/admin/sessions/{session}").ok()["active"] is False


def test_a_key_that_is_removed_is_gone(doors: Doors) -> None:
    who = doors.person("ada", credentials={"webauthn": {"config": {"credentials": [KEY_ONE, KEY_TWO]}}})["id"]
    gone = [{"op": "remove", "path": "/credentials/webauthn/config/credentials/0"}]
    doors.admin("PATCH", f"/admin/identities/{who}", gone).ok()
    shown = doors.admin("GET", f"/admin/identities/{who}?include_credential=webauthn").ok()
    assert [key["id"] for key in shown["credentials"]["webauthn"]["config"]["credentials"]] == [KEY_TWO["id"]]


def test_adding_a_credential_ends_nothing(doors: Doors) -> None:
    who = doors.person("ada", credentials={"webauthn": {"config": {"credentials": [KEY_ONE]}}})
    session = doors.session(who["id"])[0]
    put = {"schema_id": "default", "traits": who["traits"], "state": "active"}
    more = {"credentials": {"webauthn": {"config": {"credentials": [KEY_TWO]}}}}
    doors.admin("PUT", f"/admin/identities/{who['id']}", {**put, **more}).ok()
    assert doors.admin("GET", f"/admin/sessions/{session}").ok()["active"] is True


@pytest.mark.parametrize("deep", [40, 600, 3000])
def test_W11_a_patch_builds_nothing_deeper_than_a_body_may_be(doors: Doors, ada: str, deep: int) -> None:
    sent = [{"op": "add", "path": "/metadata_public" + "/a" * deep, "value": 1}]
    doors.admin("PATCH", f"/admin/identities/{ada}", sent).refused(400)
    value: Any = 1
    for _ in range(20):
        value = {"a": value}
    sent = [{"op": "add", "path": "/metadata_public" + "/a" * 20, "value": value}]
    doors.admin("PATCH", f"/admin/identities/{ada}", sent).refused(400)
    doors.admin("PATCH", f"/admin/identities/{ada}", [{"op": "replace", "path": "/state", "value": "inactive"}]).ok()


@pytest.mark.parametrize(
    ("type_", "config"),
    [
        ("totp", {"totp_url": 5}), ("totp", {"totp_url": ["x"]}), ("password", {"hashed_password": 5}),
        ("webauthn", {"credentials": "abc"}), ("webauthn", {"credentials": [1]}), ("passkey", {"user_handle": 5}),
        ("webauthn", {"credentials": [{"id": []}]}), ("lookup_secret", {"recovery_codes": 5}), ("lookup_secret", {"codes": 5}),
    ],
)  # fmt: skip
def test_a_patched_credential_that_is_none_is_refused(
    doors: Doors, ada: str, type_: str, config: dict[str, Any]
) -> None:
    sent = [{"op": "add", "path": f"/credentials/{type_}", "value": {"type": type_, "config": config}}]
    doors.admin("PATCH", f"/admin/identities/{ada}", sent).refused(400)
    sent = [{"op": "add", "path": "/verifiable_addresses/0/id", "value": []}]
    doors.admin("PATCH", f"/admin/identities/{ada}", sent).refused(400)


@pytest.mark.parametrize("sent", [{"method": []}, {"method": {}}, {"method": "profile", "traits" + ".a" * 3000: 1}])
def test_a_registration_of_odd_shapes_is_refused(doors: Doors, sent: dict[str, Any]) -> None:
    flow = doors.public("GET", "/self-service/registration/api").ok()["id"]
    assert doors.public("POST", f"/self-service/registration?flow={flow}", sent).status == 400


@pytest.mark.parametrize("handle", ["é", "AAAA", "YQBi", "x" * 2000])
def test_an_odd_name_is_kept_or_refused_alone(doors: Doors, handle: str) -> None:
    odd = {"passkey": {"config": {"user_handle": handle, "credentials": [KEY_ONE]}}}
    entries = [
        {"create": {"traits": {"email": f"{n}@x.example"}, **more}} for n, more in ((1, {}), (2, {"credentials": odd}))
    ]
    answered = doors.admin("PATCH", "/admin/identities", {"identities": entries}).ok()["identities"]
    assert answered[0]["action"] == "create"
    assert answered[1]["action"] == ("error" if len(handle) > 1024 else "create")


def test_W2_a_page_token_of_one_list_is_refused_by_every_other(doors: Doors, ada: str) -> None:
    for _ in range(3):
        doors.session(ada)
    link = doors.admin("GET", "/admin/sessions?page_size=1").headers["link"]
    token = link.split("page_token=")[1].split(">")[0]
    doors.admin("GET", f"/admin/identities/{ada}/sessions?page_size=1&page_token={token}").refused(400)
    doors.admin("GET", f"/admin/sessions?page_size=1&page_token={token}").ok()
