"""The session check, my sessions, schemas, health, and the ways between the ports (contract: public 1, 2; admin 1.1, 1.20)."""

import json
from typing import Any

import pytest
from tests.doors.kratos.in_process import ADMIN_URL, KEY, UNKNOWN, Doors
from tests.doors.kratos.pages import ids, links, walk
from tests.serving import SCHEMAS

from nightlatch import __version__
from nightlatch.core.sessions.rules import Lifetime
from nightlatch.kernel.clock import DAY, HOUR, SECOND
from nightlatch.problems import StoreDown

WHOAMI = "/sessions/whoami"
UNAUTHORIZED = "The request could not be authorized"
NO_SESSION = "No valid session credentials found in the request."
STEP_UP = "https://id.example.org/self-service/login/browser?aal=aal2"


@pytest.fixture
def ada(doors: Doors) -> str:
    return str(doors.person("ada", metadata_admin={"secret": 1}, metadata_public={"plan": "gold"})["id"])


# whoami


def test_the_session_of_a_token_is_shown_as_the_contract_draws_it(doors: Doors, ada: str) -> None:
    """Golden: public 0.8."""
    session_id, token = doors.session(ada)
    reply = doors.public("GET", WHOAMI, token=token)
    shown = reply.ok()
    time, device = "2023-11-14T22:13:20Z", {"ip_address": "192.0.2.7", "user_agent": "curl/8", "location": ""}
    identity = doors.admin("GET", f"/admin/identities/{ada}").ok()
    del identity["credentials"], identity["metadata_admin"]
    assert shown == {
        "id": session_id,
        "active": True,
        "expires_at": "2023-11-15T22:13:20Z",
        "authenticated_at": time,
        "authenticator_assurance_level": "aal1",
        "authentication_methods": [{"method": "password", "aal": "aal1", "completed_at": time}],
        "issued_at": time,
        "identity": identity,
        "devices": [{"id": shown["devices"][0]["id"], **device}],
    }
    assert reply.headers["x-kratos-authenticated-identity-id"] == ada
    assert reply.headers["cache-control"] == "private, no-cache, no-store, must-revalidate"
    assert "ory-session-cache-for" not in reply.headers
    assert "set-cookie" not in reply.headers


def test_S6_a_check_prolongs_and_is_answered_though_nothing_can_be_written(
    doors: Doors, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = doors.session(ada)
    doors.listen(lifetime=Lifetime(DAY, HOUR, sliding=30 * DAY))
    doors.happened()
    doors.clock.advance(DAY - 1)
    assert doors.public("GET", WHOAMI, token=token).ok()["expires_at"] == "2023-11-16T22:13:19.999999Z"
    doors.clock.advance(DAY - 1)

    async def fail(*_: Any) -> Any:
        raise StoreDown

    with monkeypatch.context() as full:
        full.setattr(doors.store, "write", fail)
        assert doors.public("GET", WHOAMI, token=token).ok()["expires_at"] == "2023-11-16T22:13:19.999999Z"
    assert doors.public("GET", WHOAMI, token=token).ok()["expires_at"] == "2023-11-17T22:13:19.999998Z"
    assert doors.happened() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_every_method_asks_the_same(doors: Doors, ada: str, method: str) -> None:
    """Public 1: a forward-auth proxy may pass any."""
    token = doors.session(ada)[1]
    good, bad = doors.public(method, WHOAMI, token=token), doors.public(method, WHOAMI)
    assert (good.status, bad.status) == (200, 401)
    assert good.headers["x-kratos-authenticated-identity-id"] == ada
    assert (good.body == b"") is (method == "HEAD")
    assert doors.admin("GET", f"/admin/identities/{ada}/sessions?active=true").ok() != []


def test_the_token_is_read_from_its_header_before_the_bearer(doors: Doors, ada: str) -> None:
    """Public 0.7."""
    (first, one), (second, two) = doors.session(ada), doors.session(ada)
    bearer = {"authorization": f"bEaReR {two}"}
    assert doors.public("GET", WHOAMI, headers=bearer).ok()["id"] == second
    assert doors.public("GET", WHOAMI, token=one, headers=bearer).ok()["id"] == first
    assert doors.public("GET", WHOAMI, token="", headers=bearer).ok()["id"] == second
    doors.public("GET", WHOAMI, token="wrong", headers=bearer).refused(401)


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": "Bearer "}, {"authorization": "Basic eDp5"}, {"x-session-cookie": "ory_st_x"}]
)  # fmt: skip
def test_without_a_session_it_is_401_without_an_id(doors: Doors, headers: dict[str, str]) -> None:
    """Public 1."""
    error = doors.public("GET", WHOAMI, headers=headers).refused(401)
    assert (error["message"], error["reason"]) == (UNAUTHORIZED, NO_SESSION)
    assert "id" not in error


def test_a_session_that_is_over_answers_as_one_that_never_was(doors: Doors, ada: str) -> None:
    (session_id, ended), (_, expired) = doors.session(ada), doors.session(ada)
    doors.admin("DELETE", f"/admin/sessions/{session_id}")
    one = doors.public("GET", WHOAMI, token=ended).refused(401)
    doors.clock.advance(DAY - 1)
    doors.public("GET", WHOAMI, token=expired).ok()
    doors.clock.advance(1)
    other = doors.public("GET", WHOAMI, token=expired).refused(401)
    never = doors.public("GET", WHOAMI, token="ory_st_" + "a" * 32).refused(401)
    for error in (one, other, never):
        del error["request"]
    assert one == other == never


def test_a_session_of_too_low_a_level_is_403_and_told_where_to_step_up(doors: Doors) -> None:
    """Golden: public 1."""
    totp = {"config": {"totp_url": "otpauth://totp/x?secret=JBSWY3DP"}}
    token = doors.session(doors.person("bob", credentials={"totp": totp})["id"])[1]
    reply = doors.public("GET", WHOAMI, token=token)
    error = reply.refused(403)
    assert (error["id"], error["message"]) == ("session_aal2_required", "Session does not fulfill the requested Authenticator Assurance Level")  # fmt: skip
    assert error["details"] == {"redirect_browser_to": STEP_UP}
    assert reply.json["redirect_browser_to"] == STEP_UP
    assert reply.headers["ory-error-id"] == "session_aal2_required"
    doors.public("GET", "/sessions", token=token).refused(403)
    doors.public("DELETE", "/sessions", token=token).ok()
    doors.listen(highest_aal=False)
    assert doors.public("GET", WHOAMI, token=token).ok()["authenticator_assurance_level"] == "aal1"


@pytest.mark.parametrize(("longest", "seconds"), [(0, 86400), (HOUR, 3600), (7 * DAY, 86400)])
def test_how_long_it_may_be_cached_is_told_where_that_is_on(doors: Doors, ada: str, longest: int, seconds: int) -> None:
    doors.listen(cache_for=longest)
    reply = doors.public("GET", WHOAMI, token=doors.session(ada)[1])
    assert reply.headers["ory-session-cache-for"] == str(seconds)


def test_that_nothing_was_presented_may_be_cached_for_a_minute_where_that_is_on(doors: Doors) -> None:
    assert "ory-session-cache-for" not in doors.public("GET", WHOAMI).headers
    doors.listen(cache_for=0)
    reply = doors.public("GET", WHOAMI)
    assert (reply.status, reply.headers["ory-session-cache-for"]) == (401, "60")
    assert "ory-session-cache-for" not in doors.public("GET", WHOAMI, token="ory_st_unknown").headers


def test_being_checked_does_not_extend_and_writes_nothing(doors: Doors, ada: str) -> None:
    token = doors.session(ada)[1]
    doors.happened()
    doors.clock.advance(HOUR)
    assert doors.public("GET", WHOAMI, token=token).ok()["expires_at"] == "2023-11-15T22:13:20Z"
    assert doors.happened() == []


# My sessions


def test_my_sessions_are_my_other_active_ones(doors_of_each: Doors) -> None:
    """Public 2. S7: a person lists their own sessions, with device, times and level."""
    doors = doors_of_each
    ada = doors.person("ada")["id"]
    (mine, token), *others = [doors.session(ada) for _ in range(5)]
    foreign = doors.session(doors.person("bob")["id"])[0]
    doors.admin("DELETE", f"/admin/sessions/{others[0][0]}")
    expected = {each[0] for each in others[1:]}
    reply = doors.public("GET", "/sessions", token=token)
    assert set(ids(reply)) == expected
    assert {mine, foreign} & set(ids(reply)) == set()
    assert all(each["devices"] and each["identity"]["id"] == ada for each in reply.json)
    assert "metadata_admin" not in json.dumps(reply.json)
    assert "credentials" not in json.dumps(reply.json)
    pages = list(walk(lambda method, target: doors.public(method, target, token=token), "/sessions?per_page=2&page=1"))
    assert [len(ids(page)) for page in pages] == [2, 1]
    assert {page.headers["x-total-count"] for page in pages} == {"3"}
    by_token = doors.public("GET", "/sessions?page_size=2", token=token)
    assert len(ids(doors.public("GET", links(by_token)["next"], token=token))) == 1


def test_S7_my_other_sessions_are_ended_and_counted(doors: Doors, ada: str) -> None:
    token, *others = [doors.session(ada)[1] for _ in range(4)]
    bob = doors.session(doors.person("bob")["id"])[1]
    doors.happened()
    assert doors.public("DELETE", "/sessions", token=token).ok() == {"count": 3}
    assert doors.public("DELETE", "/sessions", token=token).ok() == {"count": 0}
    for other in others:
        doors.public("GET", WHOAMI, token=other).refused(401)
    for good in (token, bob):
        doors.public("GET", WHOAMI, token=good).ok()
    assert doors.happened() == ["session.ended", "session.ended"]


def test_S7_one_of_mine_is_ended_and_what_is_not_mine_is_204_too(doors: Doors, ada: str) -> None:
    """Public 2: unknown, foreign and ended ones are not told apart."""
    (mine, token), (other, other_token) = doors.session(ada), doors.session(ada)
    foreign, foreign_token = doors.session(doors.person("bob")["id"])
    doors.happened()
    for session_id in (other, other, foreign, UNKNOWN):
        reply = doors.public("DELETE", f"/sessions/{session_id}", token=token)
        assert (reply.status, reply.body) == (204, b"")
    assert doors.happened() == ["session.ended"]
    doors.public("GET", WHOAMI, token=other_token).refused(401)
    doors.public("GET", WHOAMI, token=foreign_token).ok()
    error = doors.public("DELETE", f"/sessions/{mine}", token=token).refused(400)
    assert error["message"] == "cannot revoke current session"
    error = doors.public("DELETE", "/sessions/BADUUID", token=token).refused(400)
    assert error["message"] == 'uuid: incorrect UUID length 7 in string "BADUUID"'
    doors.public("GET", WHOAMI, token=token).ok()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/sessions"), ("DELETE", "/sessions"), ("DELETE", f"/sessions/{UNKNOWN}")]
)
def test_my_sessions_need_a_session(doors: Doors, method: str, path: str) -> None:
    error = doors.public(method, path, headers={"authorization": f"Bearer {KEY}"}).refused(401)
    assert error["message"] == UNAUTHORIZED


# Schemas, health, version (admin API 1.20, 1.22): both ports, and no key


@pytest.fixture(params=["admin", "public"])
def ask(request: pytest.FixtureRequest, doors: Doors) -> Any:
    if request.param == "public":
        return doors.public
    return lambda method, target: doors.admin(method, target, key=None)


def test_a_schema_is_given_as_it_was_configured(ask: Any) -> None:
    for name, encoded in (("default", "ZGVmYXVsdA"), ("robot", "cm9ib3Q")):
        for spelled in (name, encoded, encoded + "=="):
            reply = ask("GET", f"/schemas/{spelled}")
            assert (reply.status, reply.body) == (200, SCHEMAS[name].read_bytes())


@pytest.mark.parametrize("name", ["nope", "%C3%A9", "Default", "ZGVmYXVsdA%20"])
def test_an_unknown_schema_is_404_by_name(ask: Any, name: str) -> None:
    error = ask("GET", f"/schemas/{name}").refused(404)
    assert error["message"] == "The requested resource could not be found"
    assert error["reason"].startswith("Identity schema `")


def test_schemas_are_listed_in_the_order_of_the_configuration_page_by_page(ask: Any) -> None:
    every = ask("GET", "/schemas")
    assert ids(every) == ["default", "employee", "robot"]
    assert every.json[2]["schema"] == json.loads(SCHEMAS["robot"].read_bytes())
    assert every.headers["x-total-count"] == "3"
    forth = list(walk(ask, "/schemas?page=1&per_page=2"))
    assert [ids(page) for page in forth] == [["default", "employee"], ["robot"]]
    assert [ids(page) for page in walk(ask, links(forth[0])["last"], "prev")] == [ids(page) for page in forth[::-1]]
    assert ids(ask("GET", "/schemas?page=3&per_page=2")) == []
    assert [each for page in walk(ask, "/schemas?page_size=1") for each in ids(page)] == ids(every)
    ask("GET", "/schemas?page_token=x").refused(400)


def test_health_and_version_need_no_key(ask: Any) -> None:
    assert ask("GET", "/health/alive").ok() == {"status": "ok"}
    assert ask("GET", "/health/ready").ok() == {"status": "ok"}
    assert ask("GET", "/version").ok() == {"version": __version__}


def test_metrics_are_on_the_admin_port_and_need_a_key(doors: Doors) -> None:
    for path in ("/metrics", "/metrics/prometheus"):
        reply = doors.admin("GET", path)
        assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert b"nightlatch_" in reply.body
        doors.admin("GET", path, key=None).refused(401)
        doors.public("GET", path).refused(404)


# From port to port (admin API 1.1)

TO_ADMIN = [
    ("GET", "/identities"), ("POST", "/identities"), ("GET", "/identities/x"), ("PUT", "/identities/x"),
    ("PATCH", "/identities/x"), ("DELETE", "/identities/x"), ("GET", "/identities/by/external/x"),
    ("DELETE", "/identities/x/credentials/totp"), ("DELETE", "/identities/x/sessions"), ("POST", "/recovery/link"),
    ("POST", "/recovery/code"),
]  # fmt: skip


@pytest.mark.parametrize("prefix", ["", "/admin"])
@pytest.mark.parametrize(("method", "path"), TO_ADMIN)
def test_the_public_port_points_to_the_admin_port_where_that_is_configured(
    doors: Doors, method: str, path: str, prefix: str
) -> None:
    reply = doors.public(method, f"{prefix}{path}?a=b%20c&d=1")
    assert (reply.status, reply.body) == (307, b"")
    assert reply.headers["location"] == f"{ADMIN_URL}admin{path}?a=b%20c&d=1"
    doors.listen(admin_url=None)
    error = doors.public(method, f"{prefix}{path}").refused(404)
    assert error["reason"] == "This is the public port. Administration is on the admin port."


def test_a_redirect_keeps_the_spelling_of_what_it_points_to(doors: Doors) -> None:
    doors.public("GET", "/identities/x%0D%0ASet-Cookie:%20a=b").refused(400)
    for path in ("by/external/a%2Fb%20c%3Fd", "x%C2%85y", "%C3%A9%FF", "by/external/a%23b%5C"):
        reply = doors.public("GET", f"/identities/{path}?x=%0D%0A")
        assert reply.headers["location"] == f"{ADMIN_URL}admin/identities/{path}?x=%0D%0A"


@pytest.mark.parametrize("host", ["[", "evil.example", "a b", "", "\xe9", "127.0.0.1:99999"])
def test_what_the_host_header_says_is_in_no_answer(doors: Doors, host: str) -> None:
    doors.listen(admin_url=None)
    headers = {"host": host}
    made = doors.admin("POST", "/admin/identities", {"schema_id": "robot"}, headers=headers)
    assert made.headers["location"] == f"/admin/identities/{made.ok(201)['id']}"
    assert links(doors.admin("GET", "/admin/identities", headers=headers))["first"].startswith("/admin/identities?")
    code = doors.admin("POST", "/admin/recovery/code", {"identity_id": made.json["id"]}, headers=headers).ok(201)
    assert code["recovery_link"].startswith("https://ui.example.org/")
    flow = doors.public("GET", "/self-service/login/api?refresh=x", headers=headers).ok()
    assert flow["request_url"] == "https://id.example.org/self-service/login/api?refresh=x"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PATCH", "/identities", 405), ("GET", "/admin/sessions", 404), ("PATCH", f"/sessions/{UNKNOWN}/extend", 404)],
)
def test_what_is_not_redirected_is_refused_in_the_envelope(doors: Doors, method: str, path: str, status: int) -> None:
    """Part 3, 27."""
    doors.public(method, path).refused(status)


TO_PUBLIC = [
    ("GET", "/admin/schemas", "/schemas"), ("GET", "/admin/schemas/default", "/schemas/default"),
    ("GET", "/admin/sessions/whoami", "/sessions/whoami"), ("DELETE", "/admin/sessions", "/sessions"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "there"), TO_PUBLIC)
def test_the_admin_port_points_to_the_public_port(doors: Doors, method: str, path: str, there: str) -> None:
    for key in (KEY, None):
        reply = doors.admin(method, f"{path}?page=1", key=key)
        assert (reply.status, reply.headers["location"]) == (307, f"https://id.example.org{there}?page=1")


def test_an_unknown_path_is_404_and_a_wrong_method_405_with_what_is_allowed(doors: Doors) -> None:
    for ask in (doors.admin, doors.public):
        error = ask("GET", "/nothing").refused(404)
        assert error["reason"] == "There is nothing at this path."
        reply = ask("POST", "/schemas")
        assert reply.refused(405)["message"] == "Method Not Allowed"
        assert reply.headers["allow"] == "GET, HEAD"
    assert doors.admin("PUT", "/admin/identities").headers["allow"] == "GET, HEAD, PATCH, POST"


def test_a_head_is_a_get_without_its_body(doors: Doors, ada: str) -> None:
    doors.clock.advance(SECOND)
    for path in ("/admin/identities", f"/admin/identities/{ada}", "/schemas/default"):
        got, head = doors.admin("GET", path), doors.admin("HEAD", path)
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(got.body)))
