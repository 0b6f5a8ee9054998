"""Session settings, on each database: shown, set, cleared, and what they do to sessions."""

import uuid

import pytest
from tests.doors.kratos.in_process import UNKNOWN, Doors
from tests.doors.slack.asking import alive, as_json, call, error, ok, session

from nightlatch.kernel.clock import DAY, HOUR, SECOND


def test_settings_are_set_one_by_one_shown_and_cleared(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada, bob = doors.person("ada", external_id="W1")["id"], doors.person("bob")["id"]
    assert ok(call(doors, "getSettings", user_ids=f"W1,{bob}")) == {
        "ok": True, "session_settings": [], "no_settings_applied": ["W1", bob],
    }  # fmt: skip
    ok(call(doors, "setSettings", user_ids=ada, desktop_app_browser_quit="true"))
    ok(as_json(doors, "setSettings", user_ids=["W1", bob], duration=28_800))
    assert ok(call(doors, "getSettings", user_ids=f"W1,{bob}"))["session_settings"] == [
        {"user_id": "W1", "desktop_app_browser_quit": True, "duration": 28_800},
        {"user_id": bob, "desktop_app_browser_quit": False, "duration": 28_800},
    ]
    ok(call(doors, "clearSettings", user_ids="W1"))
    shown = ok(call(doors, "getSettings", user_ids=f"W1,{bob}"))
    assert shown["no_settings_applied"] == ["W1"]
    assert [each["user_id"] for each in shown["session_settings"]] == [bob]
    names = [(event.name, event.actor) for event in doors.events if event.name.startswith("policy.")]
    key = f"key:{uuid.UUID(int=0)}"
    assert names[0] == names[1] == ("policy.changed", key)
    assert names[-1] == ("policy.cleared", key)


def test_settings_without_a_duration_show_what_is_configured(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada = doors.person("ada")["id"]
    ok(call(doors, "setSettings", user_ids=ada, desktop_app_browser_quit="1"))
    [shown] = ok(call(doors, "getSettings", user_ids=ada))["session_settings"]
    assert shown == {"user_id": ada, "desktop_app_browser_quit": True, "duration": 86_400}


def test_S6_a_duration_governs_the_sessions_that_are_there_and_those_to_come(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada, bob = doors.person("ada")["id"], doors.person("bob")["id"]
    there, others = session(doors, ada)[1], session(doors, bob)[1]
    ok(call(doors, "setSettings", user_ids=ada, duration=28_800))
    to_come = doors.sign_in("ada")["session_token"]
    doors.clock.advance(8 * HOUR - SECOND)
    assert alive(doors, there, to_come, others) == [True, True, True]
    doors.clock.advance(SECOND)
    assert alive(doors, there, to_come, others) == [False, False, True]
    ok(call(doors, "clearSettings", user_ids=ada))
    assert alive(doors, there) == [False]
    usual = doors.sign_in("ada")["session_token"]
    doors.clock.advance(DAY - SECOND)
    assert alive(doors, usual) == [True]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "at_least_one_session_setting_required"),
        ({"duration": 28_799}, "invalid_arguments"),
        ({"duration": 315_569_521}, "invalid_arguments"),
        ({"duration": "long"}, "invalid_arguments"),
        ({"desktop_app_browser_quit": "maybe"}, "invalid_arguments"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(doors: Doors, arguments: dict[str, object], code: str) -> None:
    ada = doors.person("ada")["id"]
    doors.happened()
    assert error(call(doors, "setSettings", user_ids=ada, **arguments)) == code
    for longest in (28_800, 315_569_520):
        ok(call(doors, "setSettings", user_ids=ada, duration=longest))


@pytest.mark.parametrize("method", ["getSettings", "setSettings", "clearSettings"])
def test_one_user_who_is_nobody_refuses_the_call_for_all(doors_of_each: Doors, method: str) -> None:
    doors = doors_of_each
    ada = doors.person("ada")["id"]
    doors.happened()
    more = {"duration": 28_800} if method == "setSettings" else {}
    assert error(call(doors, method, user_ids=f"{ada},{UNKNOWN}", **more)) == "user_not_found"
    assert doors.happened() == []
