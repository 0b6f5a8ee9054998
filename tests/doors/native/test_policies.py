"""Policies over HTTP, and what they do where people sign in."""

import uuid
from typing import Any

import msgspec
import pytest
from tests.doors.kratos.in_process import UNKNOWN, Doors
from tests.doors.kratos.visitor import Visitor
from tests.doors.native.test_organizations import DEFAULT_ID, made, refused

from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.rules import Lifetime
from nightlatch.kernel.clock import DAY, HOUR, MINUTE

OF_ALL = f"/v1/organizations/{DEFAULT_ID}/policy"
NONE = {"lifespan": None, "idle": None, "max_per_identity": None, "at_limit": None, "end_others": None, "ends_with_browser": None}  # fmt: skip
WHOLE = {"lifespan": "8h0m0s", "idle": "1m30s", "max_per_identity": 5, "at_limit": "oldest ends", "end_others": False, "ends_with_browser": True}  # fmt: skip


def of(identity_id: str) -> str:
    return f"/v1/identities/{identity_id}/policy"


def policy_of(doors: Doors, identity_id: str) -> Any:
    return msgspec.to_builtins(
        doors.read(lambda tx: tx.policies.of(DEFAULT, [uuid.UUID(identity_id).bytes]))[uuid.UUID(identity_id).bytes]
    )


@pytest.mark.parametrize("level", ["organization", "identity"])
def test_a_policy_is_put_whole_shown_and_cleared(doors_of_each: Doors, level: str) -> None:
    doors = doors_of_each
    ada = doors.person()["id"]
    url = of(ada) if level == "identity" else OF_ALL
    doors.happened()
    assert doors.admin("GET", url).ok() == NONE
    assert doors.admin("PUT", url, WHOLE | {"lifespan": "480m"}).ok() == WHOLE
    assert doors.admin("GET", url).ok() == WHOLE
    assert doors.admin("PUT", url, {"idle": "2h"}).ok() == NONE | {"idle": "2h0m0s"}
    assert doors.admin("PUT", url, doors.admin("GET", url).ok()).ok() == NONE | {"idle": "2h0m0s"}
    assert doors.happened() == ["policy.changed", "policy.changed"]
    for _ in range(2):
        assert doors.admin("DELETE", url).ok(204) is None
    assert doors.admin("GET", url).ok() == NONE
    assert doors.happened() == ["policy.cleared"]


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [
        ({"lifespan": "8"}, "field_invalid", "lifespan"),
        ({"lifespan": ""}, "field_invalid", "lifespan"),
        ({"lifespan": "59s"}, "field_invalid", "lifespan"),
        ({"lifespan": "-1h"}, "field_invalid", "lifespan"),
        ({"idle": "100000h"}, "field_invalid", "idle"),
        ({"idle": "9" * 40 + "h"}, "field_invalid", "idle"),
        ({"max_per_identity": 0}, "field_invalid", "max_per_identity"),
        ({"max_per_identity": 10**30}, "field_invalid", "max_per_identity"),
        ({"max_per_identity": 2.5}, "invalid", ""),
        ({"lifespan": 8}, "invalid", ""),
        ({"at_limit": "end"}, "invalid", ""),
        ({"end_others": "yes"}, "invalid", ""),
        ({"lifetime": "8h"}, "invalid", ""),
        ([], "invalid", ""),
        (b"{", "invalid", ""),
    ],
)
def test_a_policy_that_cannot_be_is_refused_with_what_is_wrong(doors: Doors, sent: Any, code: str, field: str) -> None:
    ada = doors.person()["id"]
    doors.happened()
    for url in (OF_ALL, of(ada)):
        assert refused(doors.admin("PUT", url, sent), 400, code).get("field", "") == field
    assert doors.happened() == []


def test_W3_a_policy_is_of_the_keys_own_people_and_organizations_are_the_default_ones_alone(doors: Doors) -> None:
    acme = uuid.UUID(made(doors)["id"])
    theirs, ours = doors.key(organization=acme.bytes), doors.person()["id"]
    of_acme = f"/v1/organizations/{acme}/policy"
    for method, sent in (("GET", None), ("PUT", {}), ("DELETE", None)):
        refused(doors.admin(method, of_acme, sent, key=theirs), 403, "default_organization_only")
        refused(doors.admin(method, of(ours), sent, key=theirs), 404, "identity_not_found")
        refused(doors.admin(method, of(UNKNOWN), sent), 404, "identity_not_found")
        refused(doors.admin(method, of("x"), sent), 404, "identity_not_found")
        refused(doors.admin(method, f"/v1/organizations/{UNKNOWN}/policy", sent), 404, "organization_not_found")
        refused(doors.admin(method, of(ours) + f"?organization_id={acme}", sent), 404, "identity_not_found")
    person = doors.person("bob")  # of the default organization
    doors.events.clear()
    doors.admin("PUT", of_acme, {"idle": "1h"}).ok()
    assert [event.organization for event in doors.events] == [acme.bytes]
    assert policy_of(doors, person["id"])[1] == NONE
    for scopes, allowed in ((("organizations:read", "identities:read"), "GET"), (("sessions:*",), "")):
        key = doors.key(*scopes)
        for url in (OF_ALL, of(ours)):
            for method, sent in (("GET", None), ("PUT", {}), ("DELETE", None)):
                assert doors.admin(method, url, sent, key=key).status == (200 if method == allowed else 403)


def test_an_identity_of_another_organization_is_governed_by_who_manages_organizations(doors: Doors) -> None:
    acme = uuid.UUID(made(doors)["id"])
    theirs = doors.key(organization=acme.bytes)
    body = {"schema_id": "default", "traits": {"email": "carl@example.org"}}
    carl = doors.admin("POST", "/admin/identities", body, key=theirs).ok(201)["id"]
    url = of(carl) + f"?organization_id={acme}"
    assert doors.admin("PUT", url, {"max_per_identity": 1}).ok()["max_per_identity"] == 1
    assert doors.admin("GET", of(carl), key=theirs).ok()["max_per_identity"] == 1
    doors.admin("DELETE", url).ok(204)


def test_slacks_settings_are_two_members_of_the_policy_and_leave_the_rest_alone(doors: Doors) -> None:
    ada = doors.person()["id"]

    def slack(method: str, **more: Any) -> Any:
        return doors.admin("POST", f"/api/admin.users.session.{method}", {"user_ids": [ada], **more}).ok()

    doors.admin("PUT", of(ada), {"idle": "1h"}).ok()
    assert slack("getSettings")["no_settings_applied"] == [ada]
    slack("setSettings", duration=28_800)
    assert doors.admin("GET", of(ada)).ok() == NONE | {"idle": "1h0m0s", "lifespan": "8h0m0s"}
    doors.admin("PUT", OF_ALL, {"lifespan": "10h", "ends_with_browser": True}).ok()
    shown = {"user_id": ada, "desktop_app_browser_quit": True, "duration": 28_800}
    assert slack("getSettings")["session_settings"] == [shown]
    slack("clearSettings")
    assert doors.admin("GET", of(ada)).ok() == NONE | {"idle": "1h0m0s"}
    slack("setSettings", desktop_app_browser_quit=False)
    shown = {"user_id": ada, "desktop_app_browser_quit": False, "duration": 36_000}
    assert slack("getSettings")["session_settings"] == [shown]


def test_what_a_browser_forgets_is_by_policy_before_it_is_as_configured(doors: Doors) -> None:
    ada = doors.person()["id"]

    def lasts() -> bool:
        visitor = Visitor(doors)
        visitor.sign_in()
        return "Max-Age" in next(line for line in visitor.set if line.startswith("ory_kratos_session="))

    assert lasts()
    doors.admin("PUT", OF_ALL, {"ends_with_browser": True}).ok()
    assert not lasts()
    doors.admin("PUT", of(ada), {"ends_with_browser": False}).ok()
    assert lasts()


def test_the_check_and_its_cookie_tell_the_end_that_counts(doors: Doors) -> None:
    ada = doors.person()["id"]
    visitor = Visitor(doors)
    visitor.sign_in()
    doors.admin("PUT", OF_ALL, {"lifespan": "2h"}).ok()
    assert visitor.whoami().ok()["expires_at"] == "2023-11-15T00:13:20Z"
    listed = doors.admin("GET", f"/v1/sessions?filter=identity.id%20eq%20%22{ada}%22").ok()["sessions"]
    assert [each["expires_at"] for each in listed] == ["2023-11-15T00:13:20Z"]
    for op, count in (("gt", 0), ("eq", 1), ("lt", 0)):
        asked = f'filter=expires_at%20{op}%20"2023-11-15T00:13:20Z"&allow_scan=true'
        assert len(doors.admin("GET", f"/v1/sessions?{asked}").ok()["sessions"]) == count
    doors.clock.advance(HOUR)
    doors.admin("PUT", OF_ALL, {"lifespan": "9h"}).ok()
    assert visitor.whoami().ok()["expires_at"] == "2023-11-15T07:13:20Z"
    extended = doors.admin("PATCH", f"/admin/sessions/{listed[0]['id']}/extend").ok()
    assert extended["expires_at"] == "2023-11-15T07:13:20Z"


def test_use_prolongs_none_under_a_lifespan_of_a_policy(doors: Doors) -> None:
    doors.listen(lifetime=Lifetime(DAY, HOUR, sliding=30 * DAY))
    doors.person()
    token = doors.sign_in()["session_token"]
    doors.admin("PUT", OF_ALL, {"lifespan": "24h"}).ok()
    for ahead, status in ((23 * HOUR, 200), (HOUR - MINUTE, 200), (MINUTE, 401)):
        doors.clock.advance(ahead)
        assert doors.public("GET", "/sessions/whoami", token=token).status == status
