"""The administrator's operations on sessions (contract: admin API 1.3, 1.16 to 1.18; clients, part 1)."""

import itertools
from typing import Any

import pytest
from tests.doors.kratos.in_process import UNKNOWN, Doors
from tests.doors.kratos.pages import ids, links, walk

from nightlatch.core.sessions.rules import Lifetime
from nightlatch.kernel.clock import DAY, HOUR, MINUTE, SECOND

PATH = "/admin/sessions"
BAD = "The request was malformed or contained invalid parameters"
MISSING = "Unable to locate the resource"
TIME = "2023-11-14T22:13:20Z"


@pytest.fixture
def ada(doors: Doors) -> str:
    return str(doors.person("ada", metadata_admin={"secret": 1})["id"])


@pytest.fixture
def session(doors: Doors, ada: str) -> str:
    """The path of a session; nothing has happened since."""
    made = doors.session(ada)[0]
    doors.happened()
    return f"{PATH}/{made}"


# getSession


def test_a_session_is_shown_as_the_contract_draws_it(doors: Doors, ada: str, session: str) -> None:
    """Golden: 1.16; clients, part 1: with the identity when nothing is asked for."""
    shown = doors.admin("GET", session).ok()
    identity = shown.pop("identity")
    assert shown == {
        "id": session.rpartition("/")[2],
        "active": True,
        "expires_at": "2023-11-15T22:13:20Z",
        "authenticated_at": TIME,
        "authenticator_assurance_level": "aal1",
        "authentication_methods": [{"method": "password", "aal": "aal1", "completed_at": TIME}],
        "issued_at": TIME,
    }
    read = doors.admin("GET", f"/admin/identities/{ada}").ok()
    del read["credentials"]
    assert identity == read
    assert identity["metadata_admin"] == {"secret": 1}


@pytest.mark.parametrize(
    ("query", "members"),
    [
        ("", {"identity"}), ("expand=", {"identity"}), ("expand=identity", {"identity"}), ("expand=Devices", {"devices"}),
        ("expand=DEVICES&expand=identity", {"identity", "devices"}),
    ],
)  # fmt: skip
def test_a_session_holds_what_is_asked_to_be_expanded(
    doors: Doors, session: str, query: str, members: set[str]
) -> None:
    for shown in (doors.admin("GET", f"{session}?{query}").ok(), *doors.admin("GET", f"{PATH}?{query}").ok()):
        assert {"identity", "devices"} & shown.keys() == members


def test_a_device_is_where_the_session_was_seen_from(doors: Doors, session: str) -> None:
    [device] = doors.admin("GET", f"{session}?expand=devices").ok()["devices"]
    told = {"ip_address": "192.0.2.7", "user_agent": "curl/8", "location": ""}
    assert device == {"id": device["id"], **told}


@pytest.mark.parametrize("path", ["", "/"])
@pytest.mark.parametrize("value", ["shoes", "identity,devices"])
def test_an_unknown_expansion_is_refused(doors: Doors, session: str, path: str, value: str) -> None:
    asked = session if path else PATH
    error = doors.admin("GET", f"{asked}?expand=identity&expand={value}").refused(400)
    assert (error["message"], error["reason"]) == (BAD, f"Could not parse expand option: {value}")


@pytest.mark.parametrize("query", ["", "?expand=devices", "?expand=identity"])
def test_a_session_of_an_inactive_identity_is_never_active(doors: Doors, ada: str, query: str) -> None:
    """Part 3, 25. Here the session outlives the state by a race that the rules close otherwise."""
    body = {"traits": {"email": "ada@example.org"}, "state": "inactive"}
    doors.admin("PUT", f"/admin/identities/{ada}", body).ok()
    late = doors.session(ada)[0]
    assert doors.admin("GET", f"{PATH}/{late}{query}").ok()["active"] is False


ROUTES = [("GET", ""), ("DELETE", ""), ("PATCH", "/extend")]


@pytest.mark.parametrize(("method", "rest"), ROUTES)
def test_an_unknown_session_is_404_and_a_malformed_id_400_in_the_words_of_the_peer(
    doors: Doors, method: str, rest: str
) -> None:
    """1.3: the text is the message, and there is no reason."""
    error = doors.admin(method, f"{PATH}/{UNKNOWN}{rest}").refused(404)
    assert (error["message"], error.get("reason")) == (MISSING, None)
    for text, fault in (("BADUUID", "length 7"), ("z" * 36, "format"), ("z" * 32, "format"), ("1", "length 1")):
        error = doors.admin(method, f"{PATH}/{text}{rest}").refused(400)
        assert (error["message"], error.get("reason")) == (f'uuid: incorrect UUID {fault} in string "{text}"', None)
    assert doors.happened() == []


@pytest.mark.parametrize("spell", ["{}", "{{{}}}", "urn:uuid:{}"])
def test_the_id_of_a_session_may_be_spelled_as_with_the_peer(doors: Doors, session: str, spell: str) -> None:
    session_id = session.rpartition("/")[2]
    assert doors.admin("GET", f"{PATH}/{spell.format(session_id)}").ok()["id"] == session_id
    assert doors.admin("GET", f"{PATH}/{session_id.replace('-', '')}").ok()["id"] == session_id


def test_whoami_is_on_the_other_port(doors: Doors) -> None:
    for path in (f"{PATH}/whoami", "/sessions/whoami"):
        reply = doors.admin("GET", path + "?a=1")
        assert (reply.status, reply.headers["location"]) == (307, "https://id.example.org/sessions/whoami?a=1")


# listSessions


def everybody(doors: Doors) -> list[str]:
    """Seven sessions of two people, newest first: three in the same microsecond, one ended, one soon over."""
    people = [doors.person(name)["id"] for name in ("ada", "bob")]
    made: list[str] = []
    for n in range(7):
        if n not in {3, 4}:
            doors.clock.advance(SECOND)
        made.append(doors.session(people[n % 2])[0])
    order = sorted(made[2:5])
    newest_first = [made[6], made[5], *order, made[1], made[0]]
    doors.admin("DELETE", f"{PATH}/{made[5]}")
    doors.happened()
    return newest_first


def test_sessions_are_listed_newest_first_by_token_and_nobody_twice(doors_of_each: Doors) -> None:
    doors = doors_of_each
    expected = everybody(doors)
    for size in range(1, 9):
        pages = list(walk(doors.admin, f"{PATH}?page_size={size}&expand=devices"))
        assert [each for page in pages for each in ids(page)] == expected
        assert all("x-total-count" not in page.headers for page in pages)
        assert links(pages[0])["first"] == f"{PATH}?expand=devices&page_size={size}"


def test_a_walk_through_sessions_skips_none_while_others_come_and_go(doors_of_each: Doors) -> None:
    doors = doors_of_each
    expected = everybody(doors)
    seen: list[str] = []
    ada = doors.person("eve")["id"]
    for page in walk(doors.admin, f"{PATH}?page_size=2"):
        seen += ids(page)
        doors.clock.advance(SECOND)
        doors.session(ada)
        doors.admin("DELETE", f"{PATH}/{seen[-1]}")
    assert seen == expected


ACTIVE = {"1": True, "t": True, "T": True, "TRUE": True, "true": True, "True": True, "": None}
INACTIVE = {"0": False, "f": False, "F": False, "FALSE": False, "false": False, "False": False}


def test_the_filter_active_reads_what_go_reads_and_splits_the_list(doors_of_each: Doors) -> None:
    doors = doors_of_each
    expected = everybody(doors)
    ended = expected[1]
    for text, active in {**ACTIVE, **INACTIVE}.items():
        found = doors.admin("GET", f"{PATH}?active={text}")
        assert ids(found) == [each for each in expected if active is None or (each == ended) is not active], text
        assert {each["active"] for each in found.ok()} <= ({True, False} if active is None else {active})
    doors.clock.advance(DAY)
    assert ids(doors.admin("GET", f"{PATH}?active=true")) == []
    assert ids(doors.admin("GET", f"{PATH}?active=false")) == expected


def test_the_filter_active_and_what_is_shown_agree_about_inactive_identities(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada = doors.person()["id"]
    body = {"traits": {"email": "ada@example.org"}, "state": "inactive"}
    doors.admin("PUT", f"/admin/identities/{ada}", body).ok()
    late = doors.session(ada)[0]
    assert ids(doors.admin("GET", f"{PATH}?active=true")) == []
    assert ids(doors.admin("GET", f"{PATH}?active=false")) == [late]


SESSIONS_REFUSED = [
    ("active=yes", "could not parse parameter active", None),
    ("active=tRUE", "could not parse parameter active", None),
    ("page_size=x", "could not parse parameter page_size", None),
    ("page_token=x", BAD, "The page token is invalid, do not craft your own page tokens"),
]


@pytest.mark.parametrize(("query", "message", "reason"), SESSIONS_REFUSED)
def test_a_parameter_of_the_list_that_is_wrong_is_named(
    doors: Doors, query: str, message: str, reason: str | None
) -> None:
    """1.16; part 3, 19."""
    error = doors.admin("GET", f"{PATH}?{query}").refused(400)
    assert (error["message"], error.get("reason")) == (message, reason)


def test_the_list_of_all_sessions_knows_no_numbers_of_pages(doors: Doors) -> None:
    """1.16: page and per_page are ignored."""
    everybody(doors)
    reply = doors.admin("GET", f"{PATH}?page=2&per_page=1")
    assert len(ids(reply)) == 7
    assert links(reply) == {"first": f"{PATH}?page_size=250"}


# listIdentitySessions


def test_the_sessions_of_an_identity_are_paged_by_number_from_1_both_ways(doors_of_each: Doors) -> None:
    """1.17; part 3, 1 and 8; clients, part 1."""
    doors = doors_of_each
    everybody(doors)
    ada = doors.admin("GET", "/admin/identities?credentials_identifier=ada@example.org").ok()[0]["id"]
    path = f"/admin/identities/{ada}/sessions"
    expected = [each["id"] for each in doors.admin("GET", PATH).ok() if each["identity"]["id"] == ada]
    assert len(expected) == 4
    for size in (1, 3, 4, 5):
        forth = list(walk(doors.admin, f"{path}?page=0&per_page={size}"))
        assert [each for page in forth for each in ids(page)] == expected
        assert {page.headers["x-total-count"] for page in forth} == {"4"}
        back = list(walk(doors.admin, links(forth[0])["last"], "prev"))
        assert [ids(page) for page in back] == [ids(page) for page in forth[::-1]]
        past = doors.admin("GET", f"{path}?page={len(forth) + 1}&per_page={size}")
        assert (ids(past), past.headers["x-total-count"]) == ([], "4")
        by_token = list(walk(doors.admin, f"{path}?page_size={size}"))
        assert [each for page in by_token for each in ids(page)] == expected
        assert not any("x-total-count" in page.headers for page in by_token)


def test_the_total_and_the_links_follow_the_filter(doors_of_each: Doors) -> None:
    doors = doors_of_each
    ada = doors.person()["id"]
    made = [doors.session(ada)[0] for _ in range(5)]
    doors.admin("DELETE", f"{PATH}/{made[0]}")
    reply = doors.admin("GET", f"/admin/identities/{ada}/sessions?active=true&per_page=3")
    assert reply.headers["x-total-count"] == "4"
    assert links(reply)["next"] == f"/admin/identities/{ada}/sessions?active=true&page=2&per_page=3"
    following = doors.admin("GET", links(reply)["next"])
    assert len(ids(following)) == 1
    assert made[0] not in ids(reply) + ids(following)


def test_the_sessions_of_an_identity_show_everything(doors: Doors, ada: str, session: str) -> None:
    [shown] = doors.admin("GET", f"/admin/identities/{ada}/sessions").ok()
    assert shown["identity"]["schema_url"]
    assert shown["identity"]["recovery_addresses"]
    assert shown["devices"]


@pytest.mark.parametrize("name", ["page", "per_page", "page_size"])
@pytest.mark.parametrize("value", ["x", "-1", "0", "1.5", ""])
def test_garbage_in_the_paging_of_an_identitys_sessions_is_the_default(
    doors: Doors, ada: str, session: str, name: str, value: str
) -> None:
    assert len(ids(doors.admin("GET", f"/admin/identities/{ada}/sessions?{name}={value}"))) == 1


def test_the_sessions_of_an_unknown_identity_are_none_and_of_a_malformed_id_400(doors: Doors) -> None:
    assert doors.admin("GET", f"/admin/identities/{UNKNOWN}/sessions").ok() == []
    error = doors.admin("GET", "/admin/identities/BADUUID/sessions").refused(400)
    assert error["message"] == 'uuid: incorrect UUID length 7 in string "BADUUID"'
    error = doors.admin("GET", f"/admin/identities/{UNKNOWN}/sessions?active=yes").refused(400)
    assert error["message"] == "could not parse parameter active"


# disableSession, deleteIdentitySessions


def test_S7_an_ended_session_is_kept_and_ending_it_again_is_204(doors: Doors, session: str) -> None:
    for _ in range(2):
        reply = doors.admin("DELETE", session)
        assert (reply.status, reply.body) == (204, b"")
    assert doors.happened() == ["session.ended"]
    assert doors.admin("GET", session).ok()["active"] is False


def test_S7_ending_one_leaves_the_others(doors: Doors, ada: str) -> None:
    (first, first_token), (_, second_token) = doors.session(ada), doors.session(ada)
    doors.admin("DELETE", f"{PATH}/{first}")
    doors.public("GET", "/sessions/whoami", token=first_token).refused(401)
    doors.public("GET", "/sessions/whoami", token=second_token).ok()


def test_S7_deleting_all_of_an_identity_leaves_nothing_and_may_be_repeated(doors: Doors, ada: str) -> None:
    """1.18 with part 3, 21: 204 for a known identity, even with no session."""
    made, bob = [doors.session(ada) for _ in range(3)], doors.session(doors.person("bob")["id"])
    doors.happened()
    path = f"/admin/identities/{ada}/sessions"
    assert [doors.admin("DELETE", path).status for _ in range(2)] == [204, 204]
    assert [(event.name, event.amount) for event in doors.events] == [("session.deleted", 3), ("session.deleted", 0)]
    assert doors.admin("GET", path).ok() == []
    for session_id, token in made:
        doors.admin("GET", f"{PATH}/{session_id}").refused(404)
        doors.public("GET", "/sessions/whoami", token=token).refused(401)
    doors.public("GET", "/sessions/whoami", token=bob[1]).ok()


def test_deleting_all_sessions_of_nobody_is_404(doors: Doors) -> None:
    assert doors.admin("DELETE", f"/admin/identities/{UNKNOWN}/sessions").refused(404)["message"] == MISSING
    error = doors.admin("DELETE", "/admin/identities/BADUUID/sessions").refused(400)
    assert error["message"] == 'uuid: incorrect UUID length 7 in string "BADUUID"'


# extendSession


@pytest.mark.parametrize("content_type", ["application/json", "", "application/x-www-form-urlencoded"])
def test_a_session_is_extended_by_a_lifespan_from_now(doors: Doors, session: str, content_type: str) -> None:
    """1.16 extendSession; clients, part 2: every client says another Content-Type."""
    doors.clock.advance(23 * HOUR + 30 * MINUTE)
    shown = doors.admin("PATCH", f"{session}/extend", headers={"content-type": content_type}).ok()
    assert shown["expires_at"] == "2023-11-16T21:43:20Z"
    assert shown["identity"]["metadata_admin"] == {"secret": 1}
    assert shown["devices"]
    assert doors.admin("GET", session).ok()["expires_at"] == shown["expires_at"]
    assert doors.happened() == ["session.extended"]


def test_a_session_with_enough_left_is_shown_unchanged(doors: Doors, session: str) -> None:
    doors.clock.advance(22 * HOUR)
    assert doors.admin("PATCH", f"{session}/extend").ok()["expires_at"] == "2023-11-15T22:13:20Z"
    assert doors.happened() == []


def test_the_flag_for_a_faster_extension_answers_204(doors: Doors, session: str) -> None:
    doors.listen(faster_extend=True)
    reply = doors.admin("PATCH", f"{session}/extend")
    assert (reply.status, reply.body) == (204, b"")


@pytest.mark.parametrize("how", ["ended", "expired", "inactive"])
def test_a_session_that_is_over_is_not_extended(doors: Doors, ada: str, session: str, how: str) -> None:
    """Part 3, 22."""
    if how == "ended":
        doors.admin("DELETE", session)
    elif how == "expired":
        doors.clock.advance(DAY)
    else:
        body: dict[str, Any] = {"traits": {"email": "ada@example.org"}, "state": "inactive"}
        doors.admin("PUT", f"/admin/identities/{ada}", body).ok()
    doors.happened()
    error = doors.admin("PATCH", f"{session}/extend").refused(400)
    assert error["reason"] == "The session has ended or expired and cannot be extended."
    assert doors.happened() == []
    assert doors.admin("GET", session).ok()["active"] is False


def test_no_answer_to_an_administrator_holds_a_token(doors: Doors, ada: str) -> None:
    """1.16. Rows S4 and W9."""
    session_id, token = doors.session(ada)
    asked = [
        ("GET", f"{PATH}/{session_id}?expand=devices&expand=identity"), ("GET", PATH), ("PATCH", f"{PATH}/{session_id}/extend"),
        ("GET", f"/admin/identities/{ada}/sessions"), ("GET", f"/admin/identities/{ada}"),
    ]  # fmt: skip
    for method, target in asked:
        text = doors.admin(method, target).body.decode()
        assert token not in text
        assert "token" not in text


def test_short_spellings_and_long_ones_are_the_same_routes(doors: Doors, session: str) -> None:
    """Part 0: second lines of the table."""
    for one, other in itertools.pairwise((session, session.removeprefix("/admin"))):
        assert doors.admin("GET", one).ok() == doors.admin("GET", other).ok()


def test_a_session_idle_for_too_long_is_over_and_says_so(doors: Doors, session: str) -> None:
    doors.listen(lifetime=Lifetime(DAY, HOUR, idle=HOUR))
    doors.clock.advance(2 * HOUR)
    assert doors.admin("GET", session).ok()["active"] is False
    doors.admin("PATCH", f"{session}/extend").refused(400)


def test_S6_lists_know_who_was_idle_too_long(doors: Doors, ada: str) -> None:
    idle, token = doors.session(ada)
    doors.listen(lifetime=Lifetime(DAY, HOUR, idle=HOUR))
    doors.clock.advance(HOUR + 30 * SECOND)
    fresh, fresh_token = doors.session(ada)
    for path in ("/admin/sessions", f"/admin/identities/{ada}/sessions"):
        assert [s["id"] for s in doors.admin("GET", f"{path}?active=true").ok()] == [fresh]
        assert [s["id"] for s in doors.admin("GET", f"{path}?active=false").ok()] == [idle]
    assert doors.public("GET", "/sessions", token=fresh_token).ok() == []
    doors.public("GET", "/sessions/whoami", token=token).refused(401)
