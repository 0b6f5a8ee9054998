"""The operations on sessions, through both generations of ory-kratos-client."""

import json
from datetime import datetime
from typing import Any

import pytest
from tests.sdk.bodies import PASSWORD, new_email, person
from tests.sdk.client import Answer, Kratos
from tests.sdk.links import next_page, walk
from tests.serving import Server

UNKNOWN = "8d3fbd3a-1f0b-4c8e-9d7e-0c1f7a5b6e42"


@pytest.fixture
def one(anna: dict[str, Any], server: Server) -> str:
    """The id of the session of a person who signed in once."""
    return str(server.sign_in(anna["traits"]["email"], PASSWORD)["session"]["id"])


@pytest.fixture
def signed_in(anna: dict[str, Any], server: Server) -> list[dict[str, Any]]:
    """Three sign-ins of one person, oldest first: `session_token` and `session` each."""
    return [server.sign_in(anna["traits"]["email"], PASSWORD) for _ in range(3)]


@pytest.fixture
def ids(signed_in: list[dict[str, Any]]) -> list[str]:
    return [each["session"]["id"] for each in signed_in]


def ids_of(answer: Answer) -> list[str]:
    return [session["id"] for session in answer.ok(200)]


# get_session


def test_a_session_is_shown_with_its_identity(kratos: Kratos, anna: dict[str, Any], one: str) -> None:
    session = kratos("get_session", id=one).ok(200)
    assert session["active"] is True
    assert session["identity"]["id"] == anna["id"]
    assert session["identity"]["traits"] == anna["traits"]
    assert session["authenticator_assurance_level"] == "aal1"
    assert [method["method"] for method in session["authentication_methods"]] == ["password"]
    assert datetime.fromisoformat(session["expires_at"]) > datetime.fromisoformat(session["issued_at"])


def test_S4_no_answer_to_an_administrator_holds_a_token(kratos: Kratos, anna: dict[str, Any], server: Server) -> None:
    signed_in = server.sign_in(anna["traits"]["email"], PASSWORD)
    session_id = signed_in["session"]["id"]
    answers = [
        kratos("get_session", id=session_id),
        kratos("list_sessions", page_size=20),
        kratos("list_identity_sessions", id=anna["id"]),
        kratos("extend_session", id=session_id),
    ]
    for answer in answers:
        text = json.dumps(answer.ok(200))
        assert "ory_st_" not in text
        assert signed_in["session_token"] not in text


@pytest.mark.needs("expand")
def test_a_session_holds_exactly_what_was_asked_to_be_expanded(kratos: Kratos, one: str) -> None:
    devices = kratos("get_session", id=one, expand=["devices"]).ok(200)
    assert "identity" not in devices
    assert devices["devices"][0]["id"]
    both = kratos("get_session", id=one, expand=["Identity", "Devices"]).ok(200)
    assert both["identity"]["id"]
    assert both["devices"]


@pytest.mark.needs("expand")
def test_an_unknown_expansion_is_refused(kratos: Kratos, one: str) -> None:
    answer = kratos("get_session", id=one, expand=["shoes"])
    if answer.status is not None:  # the client may know better and not even ask
        assert answer.refused(400)["reason"] == "Could not parse expand option: shoes"


@pytest.mark.parametrize("operation", ["get_session", "disable_session", "extend_session"])
def test_a_session_that_does_not_exist_is_404_and_no_id_at_all_is_400(kratos: Kratos, operation: str) -> None:
    kratos(operation, id=UNKNOWN).refused(404)
    kratos(operation, id="BADUUID").refused(400)


# list_sessions


def test_all_sessions_are_listed_once_newest_first(kratos: Kratos, ids: list[str]) -> None:
    sessions = walk(kratos, "list_sessions", 1000)
    order = [session["id"] for session in sessions]
    assert order[:3] == ids[::-1]
    assert len(order) == len(set(order))
    assert order == [session["id"] for session in walk(kratos, "list_sessions", len(order) // 3 + 1)]
    assert all(session["identity"]["id"] for session in sessions)


def test_sessions_are_listed_by_whether_they_are_active(kratos: Kratos, ids: list[str]) -> None:
    kratos("disable_session", id=ids[1]).ok(204)
    active = ids_of(kratos("list_sessions", page_size=20, active=True))
    ended = ids_of(kratos("list_sessions", page_size=20, active=False))
    assert (set(ids) & set(active), set(ids) & set(ended)) == ({ids[0], ids[2]}, {ids[1]})


def test_a_session_page_token_that_is_not_ours_is_refused(kratos: Kratos) -> None:
    error = kratos("list_sessions", page_size=4, page_token="made-up").refused(400)
    assert "page_token" in error["message"] + error.get("reason", "") or "page token" in error.get("reason", "")


@pytest.mark.needs("expand")
def test_a_list_of_sessions_holds_exactly_what_was_asked_to_be_expanded(kratos: Kratos, one: str) -> None:
    found = kratos("list_sessions", page_size=20, expand=["devices"]).ok(200)
    assert found[0]["id"] == one
    assert all("identity" not in session and session["devices"] for session in found)


# list_identity_sessions


def test_pages_of_the_sessions_of_an_identity_start_at_1(kratos: Kratos, anna: dict[str, Any], ids: list[str]) -> None:
    pages = [kratos("list_identity_sessions", id=anna["id"], per_page=1, page=number) for number in (1, 2, 3, 4)]
    assert [ids_of(page) for page in pages] == [[ids[2]], [ids[1]], [ids[0]], []]
    assert {page.headers["x-total-count"] for page in pages} == {"3"}
    assert [next_page(page).get("page") for page in pages[:3]] == ["2", "3", None]


def test_the_sessions_of_an_identity_are_listed_by_whether_they_are_active(
    kratos: Kratos, anna: dict[str, Any], ids: list[str]
) -> None:
    kratos("disable_session", id=ids[2]).ok(204)
    listed = {
        active: ids_of(kratos("list_identity_sessions", id=anna["id"], active=active)) for active in (True, False)
    }
    assert listed == {True: [ids[1], ids[0]], False: [ids[2]]}
    assert kratos("list_identity_sessions", id=anna["id"], active=True).headers["x-total-count"] == "2"
    assert ids_of(kratos("list_identity_sessions", id=anna["id"])) == ids[::-1]


def test_each_session_of_an_identity_holds_its_identity(kratos: Kratos, anna: dict[str, Any], one: str) -> None:
    [session] = kratos("list_identity_sessions", id=anna["id"]).ok(200)
    assert (session["id"], session["identity"]["id"]) == (one, anna["id"])
    assert session["devices"]


def test_nobody_has_no_sessions(kratos: Kratos) -> None:
    assert kratos("list_identity_sessions", id=UNKNOWN).ok(200) == []
    kratos("list_identity_sessions", id="BADUUID").refused(400)


# disable_session, delete_identity_sessions


def test_S7_a_disabled_session_ends_at_once_and_alone(
    kratos: Kratos, server: Server, signed_in: list[dict[str, Any]], ids: list[str]
) -> None:
    assert [server.whoami(each["session_token"]).status_code for each in signed_in] == [200, 200, 200]
    assert kratos("disable_session", id=ids[1]).ok(204) is None
    assert [server.whoami(each["session_token"]).status_code for each in signed_in] == [200, 401, 200]
    assert kratos("get_session", id=ids[1]).ok(200)["active"] is False
    kratos("disable_session", id=ids[1]).ok(204)


def test_S7_the_sessions_of_an_identity_end_all_together(
    kratos: Kratos, server: Server, anna: dict[str, Any], signed_in: list[dict[str, Any]], ids: list[str]
) -> None:
    other = kratos("create_identity", create_identity_body=person(new_email())).ok(201)
    bystander = server.sign_in(other["traits"]["email"], PASSWORD)["session_token"]
    assert kratos("delete_identity_sessions", id=anna["id"]).ok(204) is None
    assert [server.whoami(each["session_token"]).status_code for each in signed_in] == [401, 401, 401]
    assert server.whoami(bystander).status_code == 200
    assert kratos("list_identity_sessions", id=anna["id"]).ok(200) == []
    kratos("get_session", id=ids[0]).refused(404)


def test_ending_the_sessions_of_an_identity_may_be_repeated(kratos: Kratos, anna: dict[str, Any]) -> None:
    kratos("delete_identity_sessions", id=anna["id"]).ok(204)
    kratos("delete_identity_sessions", id=anna["id"]).ok(204)
    kratos("delete_identity_sessions", id=UNKNOWN).refused(404)
    kratos("delete_identity_sessions", id="BADUUID").refused(400)


# extend_session


def test_an_extended_session_lives_longer(kratos: Kratos, anna: dict[str, Any], one: str) -> None:
    before = kratos("get_session", id=one).ok(200)
    extended = kratos("extend_session", id=one).ok(200)
    assert (extended["id"], extended["identity"]["id"]) == (one, anna["id"])
    assert datetime.fromisoformat(extended["expires_at"]) > datetime.fromisoformat(before["expires_at"])
    assert kratos("get_session", id=one).ok(200)["expires_at"] == extended["expires_at"]


def test_an_ended_session_is_not_extended(kratos: Kratos, one: str) -> None:
    kratos("disable_session", id=one).ok(204)
    before = kratos("get_session", id=one).ok(200)
    kratos("extend_session", id=one).refused(400)
    assert kratos("get_session", id=one).ok(200)["expires_at"] == before["expires_at"]
