"""People arrive with hashes of every format, sign in with what they know, and leave the old hash behind."""

import pytest
from tests.core.credentials.known_hashes import KNOWN, PASSWORD
from tests.core.credentials.test_formats import TOO_DEAR, UNKNOWN, UNREADABLE
from tests.doors.kratos.in_process import Doors


def imported(hashed: str) -> dict[str, object]:
    credentials = {"password": {"config": {"hashed_password": hashed}}}
    return {"schema_id": "default", "traits": {"email": "ada@example.org"}, "credentials": credentials}


def kept(doors: Doors, identity: str) -> str:
    shown = doors.admin("GET", f"/admin/identities/{identity}?include_credential=password").ok()
    return str(shown["credentials"]["password"]["config"]["hashed_password"])


@pytest.mark.parametrize("name", KNOWN)
def test_P1_whoever_was_imported_signs_in_and_is_hashed_anew_with_argon2id(doors: Doors, name: str) -> None:
    identity = doors.admin("POST", "/admin/identities", imported(KNOWN[name])).ok(201)["id"]
    assert kept(doors, identity) == KNOWN[name]
    for _ in range(2):
        assert doors.try_sign_in("ada@example.org", PASSWORD.title()).status == 400
        assert kept(doors, identity) == KNOWN[name]
    tokens = [doors.sign_in("ada", PASSWORD)["session_token"]]
    better = kept(doors, identity)
    assert better.startswith("$argon2id$")
    assert (better == KNOWN[name]) is (name == "argon2id")
    assert doors.try_sign_in("ada@example.org", PASSWORD + "x").status == 400
    tokens.append(doors.sign_in("ada", PASSWORD)["session_token"])
    assert kept(doors, identity) == better
    # A better hash of the same password ends nothing.
    assert [doors.public("GET", "/sessions/whoami", token=token).status for token in tokens] == [200, 200]


@pytest.mark.parametrize("hashed", [TOO_DEAR[0], TOO_DEAR[-1], UNREADABLE[0], UNREADABLE[-1], *UNKNOWN[1:4]])
def test_P1_a_hash_that_will_not_be_checked_stores_nobody(doors: Doors, hashed: str) -> None:
    error = doors.admin("POST", "/admin/identities", imported(hashed)).refused(400)
    assert error["reason"].startswith("The imported password")
    assert doors.admin("GET", "/admin/identities").ok() == []
