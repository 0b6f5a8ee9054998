"""Ending and listing sessions, on each database."""

import uuid

import pytest
from tests.doors.kratos.in_process import UNKNOWN, Doors
from tests.doors.slack.asking import TEAM, alive, as_json, call, error, ok, organization, session

from nightlatch.core.organizations.model import DEFAULT, Alias, AliasKind
from nightlatch.core.organizations.rules import add_alias
from nightlatch.kernel.clock import DAY


def test_S7_invalidate_ends_one_session_and_no_other(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada = doors.person("ada")["id"]
    (number, token), (_, other) = session(doors, ada), session(doors, ada)
    doors.happened()
    assert ok(call(doors, "invalidate", session_id=number, team_id=TEAM)) == {"ok": True}
    assert alive(doors, token, other) == [False, True]
    [event] = doors.events
    assert (event.name, event.reason, event.amount) == ("session.ended", "admin", 1)
    assert event.actor == f"key:{uuid.UUID(int=0)}"
    assert error(call(doors, "invalidate", session_id=number, team_id=TEAM)) == "session_expired"


def test_W3_invalidate_with_a_user_or_a_team_ends_only_theirs(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada, bob = doors.person("ada", external_id="W1")["id"], doors.person("bob")["id"]
    number, token = session(doors, ada)
    organization(doors, "T2")
    for code, arguments in {
        "session_not_found": {"user_id": bob},
        "user_not_found": {"user_id": UNKNOWN},
        "team_not_found": {"team_id": "T2"},
    }.items():
        assert error(call(doors, "invalidate", session_id=number, **arguments)) == code
    assert (
        call(doors, "invalidate", session_id=number, team_id="T2").body
        == call(doors, "invalidate", session_id=number, team_id="T3").body
    )
    assert error(call(doors, "invalidate", session_id=number % 2**53 + 1)) == "session_not_found"
    assert alive(doors, token) == [True]
    ok(call(doors, "invalidate", session_id=number, user_id="W1"))
    assert alive(doors, token) == [False]


def test_the_team_is_named_by_an_alias_or_by_its_id(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada = doors.person("ada")["id"]
    session(doors, ada)
    [shown] = ok(call(doors, "list"))["active_sessions"]
    assert shown["team_id"] == TEAM
    doors.write(lambda tx: add_alias(tx, doors.act(), DEFAULT, Alias(AliasKind.TEAM, "T012ACME")))
    for team_id in ("T012ACME", TEAM):
        [shown] = ok(call(doors, "list", user_id=ada, team_id=team_id))["active_sessions"]
        assert shown["team_id"] == "T012ACME"
    assert error(call(doors, "list", user_id=ada, team_id="t012acme")) == "team_not_found"


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ({}, []),
        ({"web_only": "true"}, ["mobile", "desktop", "other"]),
        ({"mobile_only": "true"}, ["web", "desktop", "other"]),
        ({"mobile_only": "1", "web_only": "True"}, ["desktop", "other"]),
        ({"mobile_only": "0", "web_only": "False"}, []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["reset", "resetBulk"])
def test_S7_reset_ends_all_of_a_person_or_those_of_a_kind_of_device(
    doors_of_each: Doors, method: str, arguments: dict[str, str], left: list[str]
) -> None:
    doors = doors_of_each
    ada, bob = doors.person("ada")["id"], doors.person("bob")["id"]
    kinds = ["web", "mobile", "desktop", "other"]
    tokens = {kind: session(doors, ada, kind)[1] for kind in kinds}
    other = session(doors, bob)[1]
    whom = {"user_id" if method == "reset" else "user_ids": ada}
    assert ok(call(doors, method, **whom, **arguments)) == {"ok": True}
    assert [kind for kind in kinds if alive(doors, tokens[kind]) == [True]] == left
    assert alive(doors, other) == [True]
    ok(call(doors, method, **whom, **arguments))


def test_a_person_is_named_by_id_or_by_external_id_and_the_id_goes_first(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada = doors.person("ada", external_id="W12345678")["id"]
    bob = doors.person("bob", external_id=ada)["id"]
    cleo = doors.person("cleo", external_id=UNKNOWN)["id"]
    tokens = [session(doors, who)[1] for who in (ada, bob, cleo)]
    ok(call(doors, "reset", user_id="W12345678"))
    assert alive(doors, *tokens) == [False, True, True]
    again = session(doors, ada)[1]
    ok(call(doors, "reset", user_id=ada))
    assert alive(doors, again, tokens[1]) == [False, True]
    ok(call(doors, "reset", user_id=UNKNOWN))
    assert alive(doors, tokens[2]) == [False]
    assert error(call(doors, "reset", user_id="w12345678")) == "user_not_found"


def test_resetBulk_answers_once_and_names_who_is_nobody(doors_of_each: Doors) -> None:
    doors = doors_of_each
    people = [doors.person(f"p{n}", external_id=f"W{n}")["id"] for n in range(3)]
    tokens = [session(doors, who)[1] for who in people]
    doors.happened()
    asked = ["W0", people[0], "W9", UNKNOWN, people[1], "W9"]
    reply = as_json(doors, "resetBulk", user_ids=asked)
    assert error(reply) == "failed_for_some_users"
    assert reply.json["failed_user_ids"] == {"W9": "user_not_found", UNKNOWN: "user_not_found"}
    assert alive(doors, *tokens) == [False, False, True]
    [event] = [each for each in doors.events if each.name.startswith("session.")]
    assert (event.name, event.amount, event.reason) == ("session.ended", 2, "admin")
    nobody = as_json(doors, "resetBulk", user_ids=["W9"])
    assert error(nobody) == "failed_for_some_users"
    assert len(doors.events) == 1


def test_resetBulk_takes_1000_users_and_no_more(doors_of_each: Doors) -> None:
    doors = doors_of_each
    token = session(doors, doors.person("ada", external_id="W0")["id"])[1]
    many = [f"W{n}" for n in range(1001)]
    assert error(as_json(doors, "resetBulk", user_ids=many)) == "invalid_arguments"
    assert alive(doors, token) == [True]
    reply = as_json(doors, "resetBulk", user_ids=many[:1000])
    assert list(reply.json["failed_user_ids"]) == many[1:1000]
    assert alive(doors, token) == [False]
    assert error(as_json(doors, "resetBulk", user_ids=[])) == "invalid_arguments"


def test_list_shows_who_is_signed_in_and_where(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada, bob = doors.person("ada")["id"], doors.person("bob")["id"]
    number, token = session(doors, ada, "mobile")
    doors.clock.advance(1)
    later = session(doors, bob)[0]
    body = ok(call(doors, "list"))
    assert [shown["session_id"] for shown in body["active_sessions"]] == [later, number]
    assert body["active_sessions"][1] == {
        "user_id": ada,
        "team_id": TEAM,
        "session_id": number,
        "created": {"device_hardware": "mobile", "slack_client_version": "App/1 iOS", "ip": "192.0.2.7"},
    }
    assert body["response_metadata"] == {"next_cursor": ""}
    assert token not in repr(body)
    only = ok(call(doors, "list", user_id=bob, team_id=TEAM))["active_sessions"]
    assert [shown["session_id"] for shown in only] == [later]
    ok(call(doors, "invalidate", session_id=later))
    assert [shown["session_id"] for shown in ok(call(doors, "list"))["active_sessions"]] == [number]
    doors.clock.advance(DAY)
    assert error(call(doors, "list")) == "no_active_sessions"
    assert error(call(doors, "list", user_id=ada, team_id=TEAM)) == "no_active_sessions"


def test_W2_list_has_pages_that_hold_each_session_once(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada, bob = doors.person("ada")["id"], doors.person("bob")["id"]
    numbers = {session(doors, ada)[0] for _ in range(5)}
    found: list[int] = []
    cursor, pages = "", 0
    while cursor or not pages:
        body = ok(call(doors, "list", limit=2, cursor=cursor))
        found += [shown["session_id"] for shown in body["active_sessions"]]
        first, cursor, pages = (
            cursor or body["response_metadata"]["next_cursor"],
            body["response_metadata"]["next_cursor"],
            pages + 1,
        )
    assert (set(found), len(found), pages) == (numbers, 5, 3)
    for wrong in (first[:-1], first + "A", "dXNlcjpXMDdRQ1JQQTQ=", "%00", "x" * 5000):
        assert error(call(doors, "list", cursor=wrong)) == "invalid_cursor"
    assert error(call(doors, "list", cursor=first, user_id=bob, team_id=TEAM)) == "invalid_cursor"
    ok(call(doors, "reset", user_id=ada))
    assert ok(call(doors, "list", cursor=first)) == {
        "ok": True,
        "active_sessions": [],
        "response_metadata": {"next_cursor": ""},
    }


def test_list_wants_team_and_user_together(doors: Doors) -> None:
    ada = doors.person("ada")["id"]
    session(doors, ada)
    assert error(call(doors, "list", user_id=ada)) == "missing_team"
    assert error(call(doors, "list", team_id=TEAM)) == "missing_user"
    assert error(call(doors, "list", user_id=UNKNOWN, team_id=TEAM)) == "user_not_found"
    for limit in ("0", "1001", "-1", "x"):
        assert error(call(doors, "list", limit=limit)) == "invalid_arguments"
    ok(call(doors, "list", limit=1000))
