"""Login in a browser (contract: public 0.1, 0.3, 0.4, 0.7, 3.1 to 3.3): forms of pages, and scripts."""

import re
import uuid
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx
import pytest
from tests.doors.kratos.in_process import PASSWORD, UNKNOWN, Doors, cookies, flows
from tests.doors.kratos.visitor import PAGE, UI, Visitor, numbers, token
from tests.serving import Server

from nightlatch.kernel.clock import DAY, HOUR, MINUTE

INIT = "/self-service/login/browser"
RIGHT = {"method": "password", "identifier": "ada@example.org", "password": PASSWORD}
WRONG = RIGHT | {"password": "wrong"}
SESSION = "ory_kratos_session"


@pytest.fixture
def ada(doors: Doors) -> str:
    made = str(doors.person("ada")["id"])
    doors.happened()
    return made


@pytest.fixture
def visitor(doors: Doors) -> Visitor:
    return Visitor(doors)


# Which of the two is asked


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (None, True), ("", True), ("*/*", True), ("text/*", True), ("text/html", True), ("text/html,application/json", True),
        ("application/json", False), ("Application/JSON", False), ("application/*", False),
        ("application/json, text/plain, */*", False), ("application/json;q=0.9, text/html;q=0.8", False),
        ("application/json;q=0.5, text/html", True), ("application/json;q=0, */*", True), ("application/json;q=0", True),
        ("*/*, application/json;q=0.5", True), ("application/json;charset=utf-8", False), ("image/png", True), (",;q", True),
    ],
)  # fmt: skip
def test_a_browser_is_sent_to_the_page_unless_json_is_preferred(
    visitor: Visitor, accept: str | None, page: bool
) -> None:
    """0.1."""
    reply = visitor.ask("GET", INIT, headers={} if accept is None else {"accept": accept})
    assert reply.status == (303 if page else 200)
    assert ("location" in reply.headers) is page


# A page


def test_a_page_is_sent_to_with_the_flow_that_it_shows(visitor: Visitor) -> None:
    reply = visitor.visit(f"{INIT}?return_to={UI}/x")
    assert re.fullmatch(rf"{UI}/login\?flow=[0-9a-f-]{{36}}", reply.headers["location"])
    assert reply.body == b""
    flow = visitor.flow(reply)
    assert (flow["type"], flow["state"], flow["return_to"]) == ("browser", "choose_method", f"{UI}/x")
    assert flow["request_url"] == f"https://id.example.org{INIT}?return_to={UI}/x"
    assert [n["attributes"]["name"] for n in flow["ui"]["nodes"]] == ["csrf_token", "identifier", "password", "method"]
    assert len(token(flow)) == 86


def test_a_page_with_a_query_of_its_own_keeps_it(doors: Doors, visitor: Visitor) -> None:
    doors.listen(flows=flows(ui_urls=dict(doors.parts.flows.ui_urls) | {"login": f"{UI}/in?lang=en#form"}))
    assert re.fullmatch(rf"{UI}/in\?lang=en&flow=[0-9a-f-]{{36}}#form", visitor.visit(INIT).headers["location"])


def test_the_right_password_signs_in_by_cookie_and_leads_on(doors: Doors, visitor: Visitor, ada: str) -> None:
    reply = visitor.sign_in(query=f"?return_to={UI}/x")
    assert (reply.status, reply.headers["location"], reply.body) == (303, f"{UI}/x", b"")
    session = visitor.whoami().ok()
    assert session["identity"]["id"] == ada
    assert doors.happened() == ["session.issued"]
    assert Visitor(doors).sign_in().headers["location"] == f"{UI}/after-login"


def test_a_wrong_password_leads_back_to_the_same_flow_which_says_so(visitor: Visitor, ada: str) -> None:
    flow = visitor.begin()
    for fields, told in ((WRONG, [4000006]), ({"method": "password"}, [4000002, 4000002]), ({}, [4010002])):
        shown = visitor.flow(visitor.submit(flow, fields))
        assert (shown["id"], numbers(shown)) == (flow["id"], told)
    assert SESSION not in visitor.jar
    visitor.submit(flow, RIGHT)
    visitor.whoami().ok()


@pytest.mark.parametrize(("why", "told"), [("expired", 4010001), ("used", 4010007)])
def test_a_form_that_is_over_leads_to_a_new_flow_that_says_why(
    doors: Doors, visitor: Visitor, ada: str, why: str, told: int
) -> None:
    """0.4, 2."""
    flow = visitor.begin(query=f"?return_to={UI}/x")
    if why == "used":
        visitor.submit(flow, RIGHT)
        visitor.jar.pop(SESSION)
        doors.clock.advance(MINUTE)
        # The browser's secret is new since it signed in, and the old form is the old browser's.
        assert visitor.error(visitor.submit(flow, RIGHT))["id"] == "security_csrf_violation"
        visitor.jar["csrf_token_x"] = visitor.set[0].partition(";")[0].partition("=")[2]
    else:
        doors.clock.advance(HOUR + 90_000_000)
    new = visitor.flow(visitor.submit(flow, RIGHT))
    assert new["id"] != flow["id"]
    assert (numbers(new), new["return_to"], new["type"]) == ([told], f"{UI}/x", "browser")
    if why == "expired":
        [message] = new["ui"]["messages"]
        assert message["text"] == "The flow expired 1.50 minutes ago, please try again."
        assert message["context"] == {"expired_at": "2023-11-14T23:13:20Z", "expired_at_unix": 1700003600}
    assert visitor.submit(new, RIGHT).headers["location"] == f"{UI}/x"


def test_a_refresh_that_is_over_leads_to_another_refresh(doors: Doors, visitor: Visitor, ada: str) -> None:
    visitor.sign_in()
    flow = visitor.begin(query="?refresh=true")
    doors.clock.advance(HOUR)
    new = visitor.flow(visitor.submit(flow, RIGHT))
    assert (new["refresh"], sorted(numbers(new))) == (True, [1010003, 4010001])
    assert visitor.submit(new, RIGHT).status == 303
    assert visitor.whoami().ok()["authenticated_at"] == "2023-11-14T23:13:20Z"


def test_who_is_signed_in_is_sent_on(visitor: Visitor, ada: str) -> None:
    """3.3."""
    old = visitor.begin()
    visitor.sign_in()
    assert visitor.visit(INIT).headers["location"] == f"{UI}/after-login"
    assert visitor.visit(f"{INIT}?return_to={UI}/x").headers["location"] == f"{UI}/x"
    error = visitor.fetch("GET", INIT).refused(400)
    assert error["id"] == "session_already_available"
    assert old["id"]


@pytest.mark.parametrize("script", [False, True])
def test_a_second_form_of_who_is_signed_in_changes_nothing(
    doors: Doors, visitor: Visitor, ada: str, script: bool
) -> None:
    """3.3: submitted while logged in."""
    visitor.sign_in()
    kept = visitor.jar.pop(SESSION)
    flow = visitor.begin(query=f"?return_to={UI}/x")
    visitor.jar[SESSION] = kept
    doors.happened()
    if script:
        reply = visitor.post(flow, RIGHT)
        assert (reply.status, numbers(reply.json)) == (400, [4000001])
    else:
        assert visitor.submit(flow, RIGHT).headers["location"] == f"{UI}/after-login"
    assert doors.happened() == []


# What no form can show


@pytest.mark.parametrize("target", [f"/self-service/login?flow={UNKNOWN}", "/self-service/login?flow=x"])
def test_what_no_form_can_show_is_shown_by_the_page_of_errors(visitor: Visitor, target: str) -> None:
    """0.3."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    error = visitor.error(visitor.ask("POST", target, b"method=password", PAGE | form))
    assert error["code"] == (404 if UNKNOWN in target else 400)
    assert error["message"]
    assert visitor.error(visitor.visit(f"{INIT}?aal=aal2"))["code"] == 400
    visitor.fetch("GET", f"{INIT}?aal=aal2").refused(400)


def test_an_error_is_what_it_was_and_nobody_makes_one_up(doors: Doors, visitor: Visitor) -> None:
    reply = visitor.visit(f"{INIT}?return_to=https://evil.example/")
    target = "/self-service/errors?" + reply.headers["location"].partition("?")[2]
    shown = doors.public("GET", target).ok()
    assert (shown["created_at"], shown["updated_at"]) == ("2023-11-14T22:13:20Z",) * 2
    assert shown["error"] == {
        "id": "self_service_flow_return_to_forbidden",
        "code": 400,
        "status": "Bad Request",
        "message": "The request was malformed or contained invalid parameters",
        "reason": "Requested return_to URL is not allowed.",
    }
    assert doors.public("GET", target.replace("?id=", "?error=")).ok() == shown
    for bad in (target[:-1], target + "A", "/self-service/errors", f"/self-service/errors?id={UNKNOWN}"):
        doors.public("GET", bad).refused(404)
    stub = doors.public("GET", "/self-service/errors?id=stub:500").ok()
    assert (stub["error"]["code"], len(uuid.UUID(stub["id"]).bytes)) == (500, 16)


# A script


def test_a_script_signs_in_by_cookie_and_is_told_where_to_go(doors: Doors, visitor: Visitor, ada: str) -> None:
    """3.3: no token in the body."""
    flow = visitor.fetch("GET", f"{INIT}?return_to={UI}/x").ok()
    reply = visitor.post(flow, RIGHT)
    done = reply.ok()
    assert set(done) == {"session", "continue_with"}
    assert done["continue_with"] == [{"action": "redirect_browser_to", "redirect_browser_to": f"{UI}/x"}]
    assert b"ory_st_" not in reply.body
    assert visitor.whoami().ok() == done["session"]


def test_a_script_is_shown_what_is_wrong(doors: Doors, visitor: Visitor, ada: str) -> None:
    flow = visitor.fetch("GET", INIT).ok()
    for fields, told in ((WRONG, [4000006]), ({"method": "password"}, [4000002, 4000002]), ({}, [4010002])):
        reply = visitor.post(flow, fields)
        assert (reply.status, reply.json["id"], numbers(reply.json)) == (400, flow["id"], told)
    doors.clock.advance(HOUR)
    reply = visitor.post(flow, RIGHT)
    assert reply.refused(410)["id"] == "self_service_flow_expired"
    new = visitor.fetch("GET", f"/self-service/login/flows?id={reply.json['use_flow_id']}").ok()
    assert (new["type"], numbers(new)) == ("browser", [4010001])
    error = visitor.fetch("GET", f"/self-service/login/flows?id={flow['id']}").refused(410)
    assert error["details"] == {"redirect_to": f"https://id.example.org{INIT}"}
    visitor.post(new, RIGHT).ok()


def test_the_token_may_be_in_a_header_and_a_form_may_ask_for_json(visitor: Visitor, ada: str) -> None:
    flow = visitor.begin()
    bare = visitor.fetch("POST", flow["ui"]["action"], RIGHT, **{"x-csrf-token": token(flow)})
    assert bare.ok()["session"]
    visitor.jar.clear()
    assert visitor.submit(visitor.begin(), RIGHT, accept="application/json").ok()["session"]


# The session's cookie


def test_W5_the_session_cookie_is_secure_http_only_same_site_and_says_nothing(
    doors: Doors, visitor: Visitor, ada: str
) -> None:
    visitor.sign_in()
    [line] = [each for each in visitor.set if each.startswith(SESSION)]
    name, value = line.partition(";")[0].split("=", 1)
    assert line.partition(";")[2] == " Max-Age=86400; Path=/; HttpOnly; SameSite=Lax; Secure"
    assert len(line) < 500
    assert re.fullmatch(r"[A-Za-z0-9_-]+", value)
    first = doors.parts.cookies.kept([f"{name}={value}".encode()])
    assert first is not None
    assert first.token.startswith("ory_st_")
    visitor.jar.clear()
    visitor.sign_in()
    assert visitor.jar[SESSION] != value


def test_W5_a_cookie_that_is_changed_cut_doubled_or_of_another_name_is_none(
    doors: Doors, visitor: Visitor, ada: str
) -> None:
    visitor.sign_in()
    good = visitor.jar[SESSION]
    changed = [
        good[:-1],
        good + "A",
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good[::-1],
        "",
        "x",
        "é",
        good + "=",
    ]
    for each in [*changed, f"{good}; {SESSION}={good}", f"x; {SESSION}={good}"]:
        doors.public("GET", "/sessions/whoami", headers={"cookie": f"{SESSION}={each}"}).refused(401)
    doors.public("GET", "/sessions/whoami", headers={"cookie": f"other={good}"}).refused(401)
    doors.public("GET", "/sessions/whoami", headers={"cookie": f"a=b; {SESSION}={good}; c"}).ok()


def test_W5_a_cookie_of_a_former_secret_is_good_until_that_is_dropped(doors: Doors, visitor: Visitor, ada: str) -> None:
    old, new = b"a secret of the past, 32 bytes.", b"a secret of today, 32 bytes long"
    doors.listen(cookies=cookies([old]))
    visitor.sign_in()
    doors.listen(cookies=cookies([new, old]))
    visitor.whoami().ok()
    doors.listen(cookies=cookies([new]))
    visitor.whoami().refused(401)


def test_a_token_comes_before_a_cookie_and_a_cookie_before_a_bearer(doors: Doors, visitor: Visitor, ada: str) -> None:
    """0.7."""
    bob = doors.session(doors.person("bob")["id"])[1]
    visitor.sign_in()

    def who(**headers: str) -> Any:
        return visitor.fetch("GET", "/sessions/whoami", None, **headers).json.get("identity", {}).get("id")

    assert who() == who(authorization=f"Bearer {bob}") == ada
    assert who(**{"x-session-token": bob}) not in {ada, None}
    visitor.jar[SESSION] = "undecodable"
    assert who(authorization=f"Bearer {bob}") not in {ada, None}


def test_my_sessions_take_the_cookie_too(doors: Doors, visitor: Visitor, ada: str) -> None:
    """2."""
    visitor.sign_in()
    other, _ = doors.session(ada)
    assert [each["id"] for each in visitor.fetch("GET", "/sessions").ok()] == [other]
    assert visitor.fetch("DELETE", f"/sessions/{other}").status == 204
    doors.session(ada)
    assert visitor.fetch("DELETE", "/sessions").ok() == {"count": 1}
    visitor.whoami().ok()


def test_a_cookie_of_a_session_that_was_extended_is_renewed_by_the_check(
    doors: Doors, visitor: Visitor, ada: str
) -> None:
    """1: only when it says less than the session."""
    visitor.sign_in()
    visitor.set.clear()
    session = visitor.whoami().ok()["id"]
    assert visitor.set == []
    doors.clock.advance(DAY - MINUTE)
    doors.admin("PATCH", f"/admin/sessions/{session}/extend").ok()
    token = doors.public("GET", "/sessions/whoami", token="x")
    assert "set-cookie" not in token.headers
    visitor.whoami().ok()
    assert [f"Max-Age={DAY // 1_000_000};" in line for line in visitor.set] == [True]
    visitor.whoami().ok()
    assert len(visitor.set) == 1


def test_a_cookie_ends_with_the_browser_where_that_is_configured(doors: Doors, visitor: Visitor, ada: str) -> None:
    doors.listen(cookies=cookies([b"a secret of the tests, 32 bytes."], persistent=False))
    visitor.sign_in()
    assert not any("Max-Age" in line for line in visitor.set if line.startswith(SESSION))
    visitor.whoami().ok()


# New tokens


@pytest.mark.parametrize("script", [False, True])
def test_S3_a_refresh_keeps_the_session_gives_a_new_token_and_the_old_one_is_dead(
    doors: Doors, visitor: Visitor, ada: str, script: bool
) -> None:
    visitor.sign_in()
    old, session = visitor.jar[SESSION], visitor.whoami().ok()["id"]
    doors.clock.advance(MINUTE)
    doors.happened()
    flow = visitor.begin(query="?refresh=true")
    assert numbers(flow) == [1010003]
    reply = visitor.post(flow, RIGHT) if script else visitor.submit(flow, RIGHT)
    assert reply.status == (200 if script else 303)
    assert doors.happened() == ["session.renewed"]
    renewed = visitor.whoami().ok()
    assert (renewed["id"], renewed["authenticated_at"]) == (session, "2023-11-14T22:14:20Z")
    doors.public("GET", "/sessions/whoami", headers={"cookie": f"{SESSION}={old}"}).refused(401)


def test_S3_who_comes_in_as_somebody_else_ends_the_session_that_was_there(
    doors: Doors, visitor: Visitor, ada: str
) -> None:
    doors.person("bob")
    visitor.sign_in()
    old = dict(visitor.jar)
    flow = visitor.begin(query="?refresh=true")
    visitor.submit(flow, RIGHT | {"identifier": "bob@example.org"})
    assert visitor.whoami().ok()["identity"]["traits"]["email"] == "bob@example.org"
    doors.public("GET", "/sessions/whoami", headers={"cookie": f"{SESSION}={old[SESSION]}"}).refused(401)
    assert visitor.jar["csrf_token_x"] != old["csrf_token_x"]


def test_S3_a_cookie_that_was_planted_is_never_signed_in(doors: Doors, visitor: Visitor, ada: str) -> None:
    attacker = Visitor(doors)
    attacker.visit(INIT)
    visitor.jar |= attacker.jar
    visitor.sign_in()
    assert visitor.jar["csrf_token_x"] != attacker.jar["csrf_token_x"]
    attacker.whoami().refused(401)


def test_W5_over_a_socket_cookies_are_secure_and_scripts_of_the_configured_pages_are_let_in(
    serve: Callable[..., Server],
) -> None:
    """As Ory's quickstart has it: CORS on, no origin named."""
    pages = {"flows": {"login": {"ui_url": f"{UI}/login"}}}
    server = serve(settings={"selfservice": pages, "cookies": {"same_site": "None", "domain": "example.org"}})
    asked = {"accept": "application/json", "origin": UI}
    assert "access-control-allow-origin" not in httpx.get(server.public + INIT, headers=asked, trust_env=False).headers
    configuration = server.configuration["serve"]
    configuration["public"]["cors"] = {"enabled": True}
    server.stop()
    server.start()
    reply = httpx.get(server.public + INIT, headers=asked, trust_env=False)
    name = "csrf_token_" + sha256(f"{server.public}/".encode()).hexdigest()
    scope = r"; Max-Age=31536000; Path=/; Domain=example\.org; HttpOnly; SameSite=None; Secure"
    assert re.fullmatch(rf"{name}=[\w-]{{43}}{scope}", reply.headers["set-cookie"])
    assert reply.headers["access-control-allow-origin"] == UI
    assert reply.headers["access-control-allow-credentials"] == "true"
    other = httpx.get(server.public + INIT, headers=asked | {"origin": "https://evil.example"}, trust_env=False)
    assert "access-control-allow-origin" not in other.headers


def test_W8_over_a_socket_every_answer_says_to_stay_with_https_and_a_page_that_it_is_of_this_origin(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    server.stop()
    server.configuration["serve"]["public"]["base_url"] = "https://id.example.com/"
    server.start()
    for path in ("/sessions/whoami", "/health/alive", "/ui/login", "/nothing", "/self-service/login/browser"):
        reply = httpx.get(server.public + path, trust_env=False)
        assert reply.headers["strict-transport-security"] == "max-age=31536000"
    assert httpx.get(server.public + "/ui/nothing", trust_env=False).headers["cross-origin-resource-policy"]
    assert "strict-transport-security" not in httpx.get(server.admin + "/health/alive", trust_env=False).headers
