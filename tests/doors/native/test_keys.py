"""Access keys over HTTP: shown once, good at once, no more than who made them."""

import re
import uuid
from typing import Any

import pytest
from tests.doors.kratos.in_process import UNKNOWN, Doors
from tests.doors.native.test_organizations import DEFAULT_ID, refused

from nightlatch.core.access.rules import of_pair

URL = "/v1/keys"
LATER = "2023-11-15T00:00:00Z"


def test_a_key_is_made_shown_once_used_and_revoked(doors_of_each: Doors) -> None:
    doors = doors_of_each
    body = {"name": "crm", "scopes": ["keys:read", "sessions:*"], "expires_at": "2023-11-15T01:00:00+01:00"}
    made = doors.admin("POST", URL, body).ok(201)
    assert made == {
        "key": {
            "id": made["key"]["id"], "organization_id": DEFAULT_ID, "name": "crm", "scopes": ["keys:read", "sessions:*"],
            "access_key_id": None, "created_at": "2023-11-14T22:13:20Z", "expires_at": LATER, "revoked_at": None,
        },
        "token": made["token"],
    }  # fmt: skip
    assert re.fullmatch(r"nl_key_[A-Za-z0-9]{43}", made["token"])
    listed = doors.admin("GET", URL, key=made["token"])
    assert listed.ok() == {"keys": [made["key"]], "next_cursor": None}
    assert made["token"] not in listed.body.decode()
    doors.admin("DELETE", f"{URL}/{made['key']['id']}").ok(204)
    refused(doors.admin("GET", URL, key=made["token"]), 401, "key_required")
    assert doors.admin("GET", URL).ok()["keys"][0]["revoked_at"] == "2023-11-14T22:13:20Z"
    for unknown in (made["key"]["id"], UNKNOWN, "x"):
        refused(doors.admin("DELETE", f"{URL}/{unknown}"), 404, "not_found")
    assert doors.happened() == ["access_key.created", "access_key.revoked"]


def test_S2_a_pair_is_made_and_its_secrets_are_shown_once(doors: Doors) -> None:
    body = {"name": "signer", "scopes": ["*"], "pair": True, "security_token": True, "expires_at": LATER}
    made = doors.admin("POST", URL, body).ok(201)
    pair_id, secret, token = made["key"]["access_key_id"], made["secret"], made["security_token"]
    assert "token" not in made
    now = doors.clock.now()
    assert doors.read(lambda tx: of_pair(tx, doors.parts.pair_keys, pair_id, token, now))[1] == secret
    assert "security_token" not in doors.admin("POST", URL, {"name": "s", "scopes": ["*"], "pair": True}).ok(201)
    listed = doors.admin("GET", URL).body.decode()
    assert pair_id in listed
    assert secret not in listed
    assert token not in listed


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "x"}, "invalid"), ({"scopes": ["*"]}, "invalid"), ({"name": "x", "scopes": []}, "field_invalid"),
        ({"name": "x", "scopes": ["everything"]}, "field_invalid"), ({"name": "x", "scopes": "*"}, "invalid"),
        ({"name": "x", "scopes": ["*"], "token": "mine"}, "invalid"),
        ({"name": "x", "scopes": ["*"], "expires_at": "2023-11-14T22:13:20Z"}, "field_invalid"),
        ({"name": "x", "scopes": ["*"], "expires_at": "2023-11-15T00:00:00"}, "invalid"),
        ({"name": "x", "scopes": ["*"], "expires_at": "9999-12-31T23:59:59-12:00"}, "invalid"),
        ({"name": "x", "scopes": ["*"], "security_token": True}, "field_invalid"),
        ({"name": "x", "scopes": ["*"], "security_token": True, "pair": True}, "field_invalid"),
        ({"name": "x", "scopes": ["*"], "security_token": True, "expires_at": LATER}, "field_invalid"),
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_is_400_and_makes_nothing(doors: Doors, body: dict[str, Any], code: str) -> None:
    refused(doors.admin("POST", URL, body), 400, code)
    assert doors.happened() == []


def test_W1_a_key_gives_no_more_than_it_has(doors: Doors) -> None:
    key = doors.key("keys:write", "sessions:read")
    doors.happened()
    for scope in ("*", "keys:*", "keys:read", "sessions:end", "identities:read"):
        reply = doors.admin("POST", URL, {"name": "x", "scopes": ["sessions:read", scope]}, key=key)
        assert refused(reply, 403, "scope_missing")["detail"] == f"The access key lacks the scope {scope}."
    assert doors.happened() == []
    doors.admin("POST", URL, {"name": "x", "scopes": ["sessions:read", "keys:write"]}, key=key).ok(201)


def test_W3_who_manages_organizations_gives_each_its_keys_and_nobody_else_does(doors: Doors) -> None:
    acme = doors.organization("acme")
    inside = f"{URL}?organization_id={uuid.UUID(bytes=acme)}"
    body = {"name": "theirs", "scopes": ["keys:read", "keys:write"]}
    made = doors.admin("POST", inside, body).ok(201)
    assert made["key"]["organization_id"] == str(uuid.UUID(bytes=acme))
    assert doors.events[-1].organization == acme
    assert doors.admin("GET", inside).ok()["keys"] == [made["key"]]
    assert doors.admin("GET", URL).ok()["keys"] == []
    assert doors.admin("GET", URL, key=made["token"]).ok()["keys"] == [made["key"]]
    doors.happened()
    mere = doors.key("keys:*")
    target = f"{URL}/{made['key']['id']}"
    for method, url, sent in (
        ("GET", inside, None),
        ("POST", inside, body),
        ("DELETE", target + inside[len(URL) :], None),
    ):
        refused(doors.admin(method, url, sent, key=mere), 403, "scope_missing")
    refused(doors.admin("DELETE", target), 404, "not_found")
    foreign = f"{URL}?organization_id={DEFAULT_ID}"
    refused(doors.admin("GET", foreign, key=made["token"]), 403, "scope_missing")
    everything = doors.key(organization=acme)
    for organization_id in (DEFAULT_ID, UNKNOWN):
        reply = doors.admin("GET", f"{URL}?organization_id={organization_id}", key=everything)
        refused(reply, 403, "default_organization_only")
    for unknown in (UNKNOWN, "x"):
        refused(doors.admin("GET", f"{URL}?organization_id={unknown}"), 404, "organization_not_found")
    assert doors.happened() == []
    doors.admin("DELETE", target + inside[len(URL) :]).ok(204)


def test_pages_hold_each_key_once(doors: Doors) -> None:
    for _ in range(5):
        doors.key()
    seen, token = [], ""
    while token is not None:
        page = doors.admin("GET", f"{URL}?limit=2&cursor={token}").ok()
        seen += [each["id"] for each in page["keys"]]
        token = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 5
