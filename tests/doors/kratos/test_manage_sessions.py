"""Ending many sessions by one call (contract: admin API 1.16, manageSessions)."""

from typing import Any

import pytest
from tests.doors.kratos.in_process import UNKNOWN, Doors

PATH = "/admin/sessions"
EXACTLY_ONE = "Exactly one of 'identities' or 'sessions' must be a non-empty array."
ACTION = "The 'action' field must be one of 'disable' or 'delete'."


@pytest.fixture
def people(doors: Doors) -> dict[str, list[tuple[str, str]]]:
    """Three people by id, each with the ids and tokens of two sessions."""
    made = {str(doors.person(name)["id"]): [("", "")] for name in ("ada", "bob", "cy")}
    for identity in made:
        made[identity] = [doors.session(identity) for _ in range(2)]
    doors.happened()
    return made


def accepted(doors: Doors, people: dict[str, list[tuple[str, str]]]) -> list[list[int]]:
    return [[doors.public("GET", "/sessions/whoami", token=t).status for _, t in some] for some in people.values()]


def kept(doors: Doors) -> int:
    return len(doors.admin("GET", PATH).ok())


@pytest.mark.parametrize(
    ("action", "event", "left"), [("disable", "session.ended", 6), ("delete", "session.deleted", 4)]
)
def test_S7_sessions_that_are_named_end_at_once(
    doors: Doors, people: dict[str, list[tuple[str, str]]], action: str, event: str, left: int
) -> None:
    ada, bob, _ = people.values()
    body = {"action": action, "sessions": [ada[0][0], bob[1][0], UNKNOWN], "identities": [], "shoes": 1}
    assert doors.admin("POST", PATH, body).ok() == {"processed": 2, "more": False}
    assert accepted(doors, people) == [[401, 200], [200, 401], [200, 200]]
    assert (kept(doors), doors.happened()) == (left, [event])
    assert doors.admin("POST", PATH, body).ok() == {"processed": 0, "more": False}
    assert doors.happened() == []


@pytest.mark.parametrize(("action", "left"), [("disable", 6), ("delete", 2)])
def test_S7_all_of_the_people_who_are_named_end(
    doors: Doors, people: dict[str, list[tuple[str, str]]], action: str, left: int
) -> None:
    ada, bob, _ = people
    doors.admin("DELETE", f"{PATH}/{people[ada][0][0]}").ok(204)
    doors.happened()
    body = {"action": action, "identities": [ada, UNKNOWN, bob.upper(), bob]}
    counted = 3 if action == "disable" else 4
    assert doors.admin("POST", PATH, body).ok() == {"processed": counted, "more": False}
    assert accepted(doors, people) == [[401, 401], [401, 401], [200, 200]]
    assert kept(doors) == left
    assert len(doors.happened()) == 1


@pytest.mark.parametrize(("action", "left"), [("disable", 6), ("delete", 0)])
def test_S4_S7_a_star_ends_everybodys(
    doors: Doors, people: dict[str, list[tuple[str, str]]], action: str, left: int
) -> None:
    body = {"action": action, "identities": ["*"]}
    assert doors.admin("POST", PATH, body).ok() == {"processed": 6, "more": False}
    assert accepted(doors, people) == [[401, 401]] * 3
    assert kept(doors) == left
    [told] = doors.events
    assert (told.reason, told.amount, told.data) == ("admin", 6, {"everybody": True})
    assert told.actor
    again = doors.session(next(iter(people)))[1]
    assert doors.public("GET", "/sessions/whoami", token=again).status == 200


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "Invalid JSON body."),
        (b"{", "Invalid JSON body."),
        ([], "Invalid JSON body."),
        ({"action": "disable", "sessions": [1]}, "Invalid JSON body."),
        ({"action": "disable", "sessions": UNKNOWN}, "Invalid JSON body."),
        ({}, ACTION),
        ({"action": "DISABLE", "sessions": [UNKNOWN]}, ACTION),
        ({"action": None, "sessions": [UNKNOWN]}, ACTION),
        ({"action": "delete"}, EXACTLY_ONE),
        ({"action": "delete", "sessions": [], "identities": None}, EXACTLY_ONE),
        ({"action": "delete", "sessions": [UNKNOWN], "identities": ["*"]}, EXACTLY_ONE),
        ({"action": "delete", "sessions": ["*"]}, "Could not parse 'sessions' field: "),
        ({"action": "delete", "sessions": [UNKNOWN, "x"]}, "Could not parse 'sessions' field: "),
        ({"action": "delete", "identities": ["*", UNKNOWN]}, "Could not parse 'identities' field: "),
        ({"action": "delete", "identities": ["*", "*"]}, "Could not parse 'identities' field: "),
        ({"action": "delete", "identities": [UNKNOWN] * 501}, "Could not parse 'identities' field: "),
        ({"action": "delete", "sessions": [UNKNOWN] * 501}, "Could not parse 'sessions' field: "),
    ],
)
def test_a_body_that_does_not_say_whom_ends_nobody(
    doors: Doors, people: dict[str, list[tuple[str, str]]], body: Any, reason: str
) -> None:
    error = doors.admin("POST", PATH, body).refused(400)
    found = str(error.get("reason"))
    assert found.startswith(reason)
    assert (found == reason) is not reason.endswith(" ")
    assert accepted(doors, people) == [[200, 200]] * 3
    assert doors.happened() == []


def test_five_hundred_may_be_named(doors: Doors, people: dict[str, list[tuple[str, str]]]) -> None:
    ids = [UNKNOWN] * 499 + [next(iter(people))]
    assert doors.admin("POST", PATH, {"action": "delete", "identities": ids}).ok()["processed"] == 2
