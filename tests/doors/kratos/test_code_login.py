"""Signing in by a one-time code (contract: public 3.3, 5.1, 5.6; message ids of part 7): apps, scripts and forms."""

from typing import Any

import pytest
from tests.doors.kratos.by_code import another, last_code, listen, mail, names
from tests.doors.kratos.in_process import PASSWORD, Doors, Reply, flows
from tests.doors.kratos.visitor import UI, Visitor, numbers

from nightlatch.core.authentication.code import Code
from nightlatch.kernel.clock import HOUR, MINUTE

API, SUBMIT = "/self-service/login/api", "/self-service/login"
ADA = "ada@example.org"
SENT, WRONG, MISSING, GENERIC, DISABLED, UNKNOWN = 1010014, 4010008, 4000002, 4000001, 4010011, 4000035
ASK = {"method": "code", "identifier": ADA}


@pytest.fixture
def ada(doors: Doors) -> str:
    listen(doors)
    made = str(doors.person("ada")["id"])
    doors.happened()
    return made


@pytest.fixture
def visitor(doors: Doors, ada: str) -> Visitor:
    return Visitor(doors)


def begin(doors: Doors, query: str = "", **more: Any) -> str:
    return str(doors.public("GET", API + query, **more).ok()["id"])


def submit(doors: Doors, flow: str, sent: dict[str, Any], **more: Any) -> Reply:
    return doors.public("POST", f"{SUBMIT}?flow={flow}", sent, **more)


def asked(doors: Doors) -> tuple[str, str]:
    flow = begin(doors)
    assert submit(doors, flow, ASK).status == 400
    return flow, last_code(doors)


# Apps


def test_a_flow_offers_a_code_before_a_password(doors: Doors, ada: str) -> None:
    """0.9: the order of groups."""
    shown = doors.public("GET", API).ok()
    assert names(shown) == [
        "csrf_token:hidden",
        "identifier:text",
        "method=code",
        "password:password",
        "method=password",
    ]
    [button] = [n for n in shown["ui"]["nodes"] if n["attributes"].get("value") == "code"]
    assert (button["group"], button["meta"]["label"]["id"]) == ("code", 1010015)
    doors.listen(flows=flows(passwordless=True, password_enabled=False))
    assert names(doors.public("GET", API).ok()) == ["csrf_token:hidden", "identifier:text", "method=code"]


def test_an_app_asks_for_a_code_and_signs_in_with_it(doors: Doors, ada: str) -> None:
    """5.6: the sending step is 400 with the flow."""
    flow = begin(doors)
    reply = submit(doors, flow, ASK)
    assert (reply.status, numbers(reply.json)) == (400, [SENT])
    shown = reply.json
    assert (shown["id"], shown["state"], shown["active"]) == (flow, "sent_email", "code")
    assert names(shown) == [
        "csrf_token:hidden",
        "identifier:hidden",
        "code:text",
        "method:hidden",
        "method=code",
        "resend=code",
    ]
    field = next(n for n in shown["ui"]["nodes"] if n["attributes"]["name"] == "code")
    assert field["attributes"] == {
        "name": "code", "type": "text", "disabled": False, "node_type": "input", "required": True,
        "pattern": "[0-9]+", "maxlength": 6, "autocomplete": "one-time-code",
    }  # fmt: skip
    labels = [n["meta"]["label"]["id"] for n in shown["ui"]["nodes"] if n["meta"]]
    assert labels == [1070002, 1070013, 1070009, 1070008]
    [(template, recipient, code)] = mail(doors)
    assert (template, recipient) == ("login_code", ADA)
    assert code not in reply.body.decode()
    assert doors.public("GET", f"{SUBMIT}/flows?id={flow}").ok() == shown
    done = submit(doors, flow, ASK | {"code": code}).ok()
    assert set(done) == {"session", "session_token", "continue_with"}
    assert doors.public("GET", "/sessions/whoami", token=done["session_token"]).ok() == done["session"]
    [how] = done["session"]["authentication_methods"]
    assert (how["method"], how["aal"]) == ("code", "aal1")
    [address] = done["session"]["identity"]["verifiable_addresses"]
    assert (address["verified"], address["status"]) == (True, "completed")
    assert doors.happened() == ["identity.changed", "session.issued"]


def test_who_signs_in_again_is_offered_what_they_have(doors: Doors, ada: str) -> None:
    """3.3: a refresh."""
    assert {"method=code", "method=password"} <= set(names(doors.public("GET", API).ok()))
    made = doors.admin("POST", "/admin/identities", {"schema_id": "default", "traits": {"email": "eve@example.org"}})
    for who, offered in ((ada, ["method=code", "method=password"]), (made.ok(201)["id"], ["method=code"])):
        shown = doors.public("GET", f"{API}?refresh=true", token=doors.session(who)[1]).ok()
        assert [each for each in names(shown) if each.startswith("method=")] == offered
        labels = [n["meta"]["label"]["id"] for n in shown["ui"]["nodes"] if n["attributes"]["name"] == "method"]
        assert labels == [1010015, 1010001][: len(offered)]


def test_the_identifier_need_not_be_repeated_with_the_code(doors: Doors, ada: str) -> None:
    flow, code = asked(doors)
    submit(doors, flow, {"method": "code", "code": code}).ok()


def test_a_code_is_sent_again_when_it_is_asked_for_and_to_another_address_when_that_was_wrong(
    doors: Doors, ada: str
) -> None:
    flow = begin(doors)
    typo = submit(doors, flow, {"method": "code", "identifier": "adda@example.org"})
    assert (typo.status, numbers(typo.json), mail(doors)) == (400, [SENT], [])
    assert numbers(submit(doors, flow, ASK).json) == [SENT]
    first = last_code(doors)
    again = submit(doors, flow, {"method": "code", "identifier": ADA, "resend": "code"})
    assert (again.status, numbers(again.json)) == (400, [SENT])
    second = last_code(doors)
    assert len(mail(doors)) == 2
    if first != second:
        assert numbers(submit(doors, flow, ASK | {"code": first}).json) == [WRONG]
    submit(doors, flow, ASK | {"code": second}).ok()


def test_what_is_wrong_is_shown_on_the_form(doors: Doors, ada: str) -> None:
    flow = begin(doors)
    for sent in ({"method": "code"}, {"method": "code", "identifier": ""}, {"method": "code", "identifier": ["x"]}):
        reply = submit(doors, flow, sent)
        assert (reply.status, numbers(reply.json), reply.json["state"]) == (400, [MISSING], "choose_method")
    submit(doors, flow, ASK)
    code = last_code(doors)
    missing = [SENT, MISSING]
    for wrong, told in (
        (another(code), [WRONG]),
        ("", missing),
        (["1"], missing),
        (None, missing),
        ("x" * 9000, [WRONG]),
    ):
        reply = submit(doors, flow, ASK | {"code": wrong})
        assert (reply.status, sorted(numbers(reply.json)), reply.json["state"]) == (400, told, "sent_email")
    submit(doors, flow, ASK | {"code": code}).ok()


def test_P13_the_sixth_try_is_too_often_even_with_the_right_code(doors: Doors, ada: str) -> None:
    """5.6."""
    flow, code = asked(doors)
    for _ in range(5):
        assert numbers(submit(doors, flow, ASK | {"code": another(code)}).json) == [WRONG]
    reply = submit(doors, flow, ASK | {"code": code})
    assert (reply.status, numbers(reply.json)) == (400, [GENERIC])
    doors.public("GET", "/sessions/whoami").refused(401)


def test_a_code_that_is_over_is_asked_for_again_and_a_flow_that_is_over_is_410(doors: Doors, ada: str) -> None:
    flow, code = asked(doors)
    doors.clock.advance(10 * MINUTE)
    assert numbers(submit(doors, flow, ASK | {"code": code}).json) == [GENERIC]
    submit(doors, flow, ASK | {"resend": "code"})
    code = last_code(doors)
    submit(doors, flow, ASK | {"code": code}).ok()
    assert submit(doors, flow, ASK | {"code": code}).refused(410)["id"] == "self_service_flow_expired"
    flow, code = asked(doors)
    doors.clock.advance(HOUR)
    for sent in (ASK, ASK | {"code": code}, ASK | {"resend": "code"}):
        assert submit(doors, flow, sent).refused(410)["id"] == "self_service_flow_expired"


def test_a_sign_in_ends_the_others_and_leads_on_as_is_said_of_its_method(doors: Doors, visitor: Visitor) -> None:
    """Part 6, revoke_active_sessions, and 0.6."""
    places = {"login.code": "https://ui.example.org/by-code", "login.password": "https://ui.example.org/by-password"}
    listen(doors, alone=frozenset({"code"}), after_urls=places)
    known = {"method": "password", "identifier": ADA, "password": PASSWORD}
    tokens = [doors.sign_in()["session_token"] for _ in range(2)]
    assert visitor.submit(visitor.begin(), known).headers["location"] == places["login.password"]
    assert [doors.public("GET", "/sessions/whoami", token=each).status for each in tokens] == [200, 200]
    other = Visitor(doors)
    sent = other.flow(other.submit(other.begin(), {"method": "code", "identifier": ADA}))
    assert other.submit(sent, {"code": last_code(doors)}).headers["location"] == places["login.code"]
    assert [doors.public("GET", "/sessions/whoami", token=each).status for each in tokens] == [401, 401]
    assert (visitor.whoami().status, other.whoami().status) == (401, 200)


def test_P6_an_address_that_nobody_has_is_answered_as_one_that_somebody_has(doors: Doors, ada: str) -> None:
    def answers(identifier: str) -> list[Any]:
        flow, sent = begin(doors), {"method": "code", "identifier": identifier}
        replies = [submit(doors, flow, sent), *(submit(doors, flow, sent | {"code": f"{n:06d}"}) for n in range(6))]
        replies += [submit(doors, begin(doors), sent) for _ in range(6)]
        masked = ("x-request-id", "content-length")
        return [
            (
                r.status,
                {n: v for n, v in r.headers.items() if n not in masked},
                r.body.decode().replace(r.json["id"], "").replace(identifier, ""),
            )
            for r in replies
        ]

    known, unknown, phone = (answers(i) for i in (ADA, "nobody@example.org", "+4915123456789"))
    assert known == unknown == phone
    assert {to for _, to, _ in mail(doors)} == {ADA}


def test_where_the_configuration_says_so_an_unknown_address_is_told(doors: Doors, ada: str) -> None:
    """5.6: 4000035."""
    listen(doors, code=Code(5, hide_unknown=False))
    reply = submit(doors, begin(doors), {"method": "code", "identifier": "nobody@example.org"})
    assert (reply.status, numbers(reply.json), reply.json["state"]) == (400, [UNKNOWN], "choose_method")


def test_nobody_is_sent_more_than_a_few_codes(doors: Doors, ada: str) -> None:
    flow = begin(doors)
    for _ in range(6):
        assert numbers(submit(doors, flow, ASK | {"resend": "code"}).json) == [SENT]
    assert numbers(submit(doors, flow, ASK | {"resend": "code"}).json) == [GENERIC]
    assert len(mail(doors)) == 6
    doors.clock.advance(59 * MINUTE)
    assert numbers(submit(doors, flow, ASK | {"resend": "code"}).json) == [GENERIC]
    doors.clock.advance(MINUTE)
    assert numbers(submit(doors, begin(doors), ASK).json) == [SENT]


def test_one_network_asks_for_so_many_codes(doors: Doors, ada: str) -> None:
    for n in range(30):
        sent = {"method": "code", "identifier": f"p{n}@example.org"}
        assert submit(doors, begin(doors), sent, peer="192.0.2.1").status == 400
    assert submit(doors, begin(doors), ASK, peer="192.0.2.1").refused(429)


def test_an_inactive_person_is_told_so_only_with_the_right_code(doors: Doors) -> None:
    listen(doors)
    doors.person("ada", state="inactive")
    flow, code = asked(doors)
    assert numbers(submit(doors, flow, ASK | {"code": another(code)}).json) == [WRONG]
    assert numbers(submit(doors, flow, ASK | {"code": code}).json) == [DISABLED]


def test_a_code_that_is_switched_off_is_404(doors: Doors, ada: str) -> None:
    """0.4."""
    flow, code = asked(doors)
    doors.listen(flows=flows())
    for sent in (ASK, ASK | {"code": code}):
        submit(doors, flow, sent).refused(404)


def test_S11_a_refresh_by_code_keeps_session_and_token(doors: Doors, ada: str) -> None:
    """0.7, 3.3; 1010025 to who is known already."""
    first = doors.sign_in()
    token = first["session_token"]
    flow = begin(doors, "?refresh=true", token=token)
    reply = submit(doors, flow, {"method": "code"}, token=token)
    assert (reply.status, numbers(reply.json)) == (400, [1010025])
    doors.clock.advance(MINUTE)
    again = submit(doors, flow, {"method": "code", "code": last_code(doors)}, token=token).ok()
    assert (again["session"]["id"], again["session_token"]) == (first["session"]["id"], token)
    assert [m["method"] for m in again["session"]["authentication_methods"]] == ["password", "code"]


def test_a_password_signs_in_where_a_code_was_asked_for(doors: Doors, ada: str) -> None:
    flow, _ = asked(doors)
    body = {"method": "password", "identifier": ADA, "password": "wrong"}
    shown = submit(doors, flow, body).json
    assert (numbers(shown), shown["state"]) == ([4000006], "choose_method")
    assert "password:password" in names(shown)


# Browsers


def test_a_form_asks_for_a_code_and_signs_in_with_it(doors: Doors, visitor: Visitor, ada: str) -> None:
    flow = visitor.begin(query=f"?return_to={UI}/x")
    shown = visitor.flow(visitor.submit(flow, ASK))
    assert (shown["id"], shown["state"], numbers(shown)) == (flow["id"], "sent_email", [SENT])
    code = last_code(doors)
    wrong = visitor.flow(visitor.submit(shown, {"method": "code", "code": another(code)}))
    assert (numbers(wrong), wrong["state"]) == ([WRONG], "sent_email")
    again = visitor.flow(visitor.submit(wrong, {"resend": "code", "method": "code"}))
    assert numbers(again) == [SENT]
    done = visitor.submit(again, {"method": "code", "code": last_code(doors)})
    assert (done.status, done.headers["location"]) == (303, f"{UI}/x")
    assert visitor.whoami().ok()["identity"]["id"] == ada


def test_the_button_to_send_again_does_by_itself(doors: Doors, visitor: Visitor) -> None:
    """A browser sends the name of the button that was pressed, and of no other."""
    shown = visitor.flow(visitor.submit(visitor.begin(), ASK))
    assert numbers(visitor.flow(visitor.submit(shown, {"resend": "code"}))) == [SENT]
    assert len(mail(doors)) == 2


def test_a_script_asks_for_a_code_and_signs_in_with_it(doors: Doors, visitor: Visitor) -> None:
    flow = visitor.fetch("GET", "/self-service/login/browser").ok()
    reply = visitor.post(flow, ASK)
    assert (reply.status, numbers(reply.json)) == (400, [SENT])
    done = visitor.post(reply.json, ASK | {"code": last_code(doors)}).ok()
    assert set(done) == {"session", "continue_with"}
    assert visitor.whoami().ok() == done["session"]


def test_W4_a_code_is_good_only_in_the_browser_that_asked_for_it(doors: Doors, visitor: Visitor) -> None:
    shown = visitor.flow(visitor.submit(visitor.begin(), ASK))
    code, stranger = last_code(doors), Visitor(doors)
    stranger.begin()
    assert stranger.error(stranger.submit(shown, {"method": "code", "code": code}))["id"] == "security_csrf_violation"
    app = submit(doors, shown["id"], {"method": "code", "code": code})
    assert app.refused(403)["id"] == "security_csrf_violation"
    visitor.submit(shown, {"method": "code", "code": code})
    visitor.whoami().ok()
