"""Who somebody is, then how they sign in (contract: public 5.9 and 5.6; message ids of part 7): apps, scripts and forms."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.doors.kratos.by_code import last_code, listen, mail, names
from tests.doors.kratos.in_process import PASSWORD, Doors, Reply, flows
from tests.doors.kratos.visitor import UI, Visitor, numbers

from nightlatch.core.authentication.code import Code
from nightlatch.kernel.clock import HOUR

API, SUBMIT = "/self-service/login/api", "/self-service/login"
ADA, EVE, NOBODY = "ada@example.org", "eve@example.org", "nobody@example.org"
STEP = {"method": "identifier_first", "identifier": ADA}
KNOWN = {"method": "password", "identifier": ADA, "password": PASSWORD}
ASKED = ["csrf_token:hidden", "identifier:text", "method=identifier_first"]
CHOICE = ["csrf_token:hidden", "identifier:hidden", "method=code", "password:password", "method=password"]
WAITING = ["csrf_token:hidden", "identifier:hidden", "code:text", "method:hidden", "method=code", "resend=code"]
SENT, WRONG_PASSWORD, MISSING, UNKNOWN, EXPIRED = 1010014, 4000006, 4000002, 4000037, 4010001


@pytest.fixture
def ada(doors: Doors) -> str:
    listen(doors, identifier_first=True)
    made = str(doors.person("ada")["id"])
    doors.happened()
    return made


@pytest.fixture
def visitor(doors: Doors, ada: str) -> Visitor:
    return Visitor(doors)


def begin(doors: Doors, query: str = "", **more: Any) -> dict[str, Any]:
    return dict(doors.public("GET", API + query, **more).ok())


def submit(doors: Doors, flow: dict[str, Any], sent: dict[str, Any], **more: Any) -> Reply:
    return doors.public("POST", f"{SUBMIT}?flow={flow['id']}", sent, **more)


def node(flow: dict[str, Any], name: str) -> dict[str, Any]:
    return next(dict(n) for n in flow["ui"]["nodes"] if n["attributes"]["name"] == name)


# Apps


def test_a_flow_asks_for_the_identifier_and_then_offers_the_methods(doors: Doors, ada: str) -> None:
    first = begin(doors)
    assert (names(first), "active" in first, numbers(first)) == (ASKED, False, [])
    field, button = node(first, "identifier"), node(first, "method")
    assert field["attributes"] == {
        "name": "identifier", "type": "text", "disabled": False, "node_type": "input", "value": "", "required": True,
    }  # fmt: skip
    assert (field["meta"]["label"]["id"], button["meta"]["label"]["id"]) == (1070002, 1070009)
    assert [n["group"] for n in first["ui"]["nodes"]] == ["default", "identifier_first", "identifier_first"]
    reply = submit(doors, first, STEP)
    assert (reply.status, names(reply.json), numbers(reply.json)) == (400, CHOICE, [])
    shown = reply.json
    assert (shown["id"], shown["state"], shown["active"]) == (first["id"], "choose_method", "identifier_first")
    hidden = node(shown, "identifier")
    assert (hidden["group"], hidden["attributes"]["value"]) == ("identifier_first", ADA)
    labels = [n["meta"]["label"]["id"] for n in shown["ui"]["nodes"] if n["attributes"]["type"] == "submit"]
    assert labels == [1010015, 1010022]
    assert doors.public("GET", f"{SUBMIT}/flows?id={first['id']}").ok() == shown
    assert doors.happened() == []
    done = submit(doors, shown, KNOWN).ok()
    assert doors.public("GET", "/sessions/whoami", token=done["session_token"]).ok() == done["session"]
    assert submit(doors, shown, STEP).refused(410)["id"] == "self_service_flow_expired"


def test_a_wrong_password_is_corrected_without_the_identifier_being_asked_for_again(doors: Doors, ada: str) -> None:
    shown = submit(doors, begin(doors), STEP).json
    wrong = submit(doors, shown, KNOWN | {"password": "wrong"})
    assert (wrong.status, names(wrong.json), numbers(wrong.json)) == (400, CHOICE, [WRONG_PASSWORD])
    submit(doors, shown, KNOWN).ok()


def test_who_mistyped_types_another_identifier_on_the_same_flow(doors: Doors, ada: str) -> None:
    flow = begin(doors)
    submit(doors, flow, STEP | {"identifier": "adda@example.org"})
    submit(doors, flow, {"method": "code", "identifier": "adda@example.org"})
    again = submit(doors, flow, STEP)
    assert (names(again.json), node(again.json, "identifier")["attributes"]["value"]) == (CHOICE, ADA)
    assert numbers(submit(doors, flow, {"method": "code"}).json) == [SENT]
    assert [to for _, to, _ in mail(doors)] == [ADA]


@pytest.mark.parametrize("identifier", [None, "", ["x"], {"x": 1}, 7])
def test_an_identifier_that_is_missing_is_asked_for(doors: Doors, ada: str, identifier: object) -> None:
    reply = submit(doors, begin(doors), STEP | {"identifier": identifier})
    assert (reply.status, names(reply.json), numbers(reply.json)) == (400, ASKED, [MISSING])
    assert [m["id"] for m in node(reply.json, "identifier")["messages"]] == [MISSING]


def test_who_sends_the_password_at_once_is_signed_in_at_once(doors: Doors, ada: str) -> None:
    submit(doors, begin(doors), KNOWN).ok()
    wrong = submit(doors, begin(doors), KNOWN | {"password": "wrong"})
    assert (names(wrong.json), numbers(wrong.json)) == (CHOICE, [WRONG_PASSWORD])


def test_where_a_code_is_the_only_way_it_is_sent_at_once(doors: Doors, ada: str) -> None:
    """5.6: the fast path is 400 too."""
    listen(doors, identifier_first=True, password_enabled=False)
    flow = begin(doors)
    assert names(flow) == ASKED
    reply = submit(doors, flow, STEP)
    assert (reply.status, names(reply.json), numbers(reply.json)) == (400, WAITING, [SENT])
    assert (reply.json["state"], reply.json["active"]) == ("sent_email", "code")
    submit(doors, flow, {"method": "code", "code": last_code(doors)}).ok()


def test_who_signs_in_again_is_not_asked_who_they_are(doors: Doors, ada: str) -> None:
    """3.3: a refresh."""
    token = doors.sign_in()["session_token"]
    flow = begin(doors, "?refresh=true", token=token)
    assert names(flow) == CHOICE
    assert node(flow, "identifier")["group"] == "default"
    submit(doors, flow, STEP, token=token).refused(404)


def test_where_forms_have_one_page_there_is_no_such_step(doors: Doors, ada: str) -> None:
    """0.4: a known method that is off."""
    doors.listen(flows=flows())
    flow = begin(doors)
    assert names(flow) == ["csrf_token:hidden", "identifier:text", "password:password", "method=password"]
    submit(doors, flow, STEP).refused(404)
    listen(doors, identifier_first=True)
    signing_up = doors.public("GET", "/self-service/registration/api").ok()
    reply = doors.public("POST", f"/self-service/registration?flow={signing_up['id']}", STEP | {"traits": {}})
    assert (reply.status, numbers(reply.json)) == (400, [4010003])


# What it tells


def answers(doors: Doors, identifier: str, *, passwords: bool) -> list[Any]:
    flow = begin(doors)
    known = {"identifier": identifier}
    sent = [STEP | known, KNOWN | known | {"password": "wrong"}] if passwords else [STEP | known]
    replies = [submit(doors, flow, each) for each in (*sent, *sent)]
    return [
        (
            reply.status,
            {n: v for n, v in reply.headers.items() if n not in {"x-request-id", "content-length"}},
            reply.body.decode().replace(flow["id"], "").replace(identifier, ""),
        )
        for reply in replies
    ]


@pytest.mark.parametrize("passwords", [True, False])
def test_P6_the_first_step_is_answered_alike_whoever_has_the_identifier(
    doors: Doors, ada: str, passwords: bool
) -> None:
    doors.person("off", state="inactive")
    bare = {"schema_id": "default", "traits": {"email": EVE}}
    doors.admin("POST", "/admin/identities", bare).ok(201)
    listen(doors, identifier_first=True, password_enabled=passwords)
    doors.happened()
    names_of = (ADA, "off@example.org", EVE, NOBODY, "+4915123456789", "a name", "x" * 5000)
    known, *others = [answers(doors, identifier, passwords=passwords) for identifier in names_of]
    assert others == [known] * 6


def test_P6_the_first_step_looks_nobody_up(doors: Doors, ada: str, tmp_path: Path) -> None:
    """So its time has nothing to tell by: it does without the table that says who has which name."""
    flow = begin(doors)
    with apsw.Connection(str(tmp_path / "doors.sqlite")) as connection:
        connection.execute("alter table names rename to away")
    connection.close()
    assert names(submit(doors, flow, STEP).json) == CHOICE


def test_where_the_configuration_says_so_it_tells_who_is_unknown_and_what_each_has(doors: Doors, ada: str) -> None:
    """5.9: 4000037 at the identifier."""
    bare = {"schema_id": "default", "traits": {"email": EVE}}
    doors.admin("POST", "/admin/identities", bare).ok(201)
    telling = Code(5, hide_unknown=False)
    listen(doors, identifier_first=True, code=telling)
    flow = begin(doors)
    for _ in range(2):
        reply = submit(doors, flow, STEP | {"identifier": NOBODY})
        assert (reply.status, names(reply.json), numbers(reply.json)) == (400, ASKED, [UNKNOWN])
        field = node(reply.json, "identifier")
        assert ([m["id"] for m in field["messages"]], field["attributes"]["value"]) == ([UNKNOWN], NOBODY)
        shown = submit(doors, flow, STEP | {"identifier": " ADA@example.org"})
        assert (names(shown.json), numbers(shown.json)) == (CHOICE, [])
    assert names(submit(doors, flow, STEP | {"identifier": EVE}).json) == WAITING
    assert names(submit(doors, flow, STEP | {"identifier": NOBODY}).json) == ASKED
    doors.listen(flows=replace(doors.parts.flows, passwordless=False))
    assert numbers(submit(doors, begin(doors), STEP | {"identifier": "nobody"}).json) == [UNKNOWN]


def test_P9_one_network_takes_the_first_step_so_often(doors: Doors, ada: str) -> None:
    flow = begin(doors)
    for address in ("192.0.2.1", "::ffff:192.0.2.1") * 15:
        assert submit(doors, flow, STEP, peer=address).status == 400
    submit(doors, flow, STEP, peer="192.0.2.1").refused(429)
    assert submit(doors, flow, STEP).status == 400


# Browsers


def test_a_form_goes_on_from_step_to_step(doors: Doors, visitor: Visitor, ada: str) -> None:
    flow = visitor.begin(query=f"?return_to={UI}/x")
    assert names(flow) == ASKED
    reply = visitor.submit(flow, STEP)
    assert reply.status == 303
    shown = visitor.flow(reply)
    assert (shown["id"], names(shown), shown["return_to"]) == (flow["id"], CHOICE, f"{UI}/x")
    # The form repeats what is hidden in it.
    wrong = visitor.flow(visitor.submit(shown, {"method": "password", "password": "wrong"}))
    assert (names(wrong), numbers(wrong)) == (CHOICE, [WRONG_PASSWORD])
    done = visitor.submit(wrong, {"method": "password", "password": PASSWORD})
    assert (done.status, done.headers["location"]) == (303, f"{UI}/x")
    assert visitor.whoami().ok()["identity"]["id"] == ada


def test_a_script_goes_on_from_step_to_step(doors: Doors, visitor: Visitor) -> None:
    flow = visitor.fetch("GET", "/self-service/login/browser").ok()
    reply = visitor.post(flow, STEP)
    assert (reply.status, names(reply.json)) == (400, CHOICE)
    sent = visitor.post(reply.json, {"method": "code", "identifier": ADA})
    assert (sent.status, names(sent.json)) == (400, WAITING)
    done = visitor.post(sent.json, {"method": "code", "identifier": ADA, "code": last_code(doors)}).ok()
    assert visitor.whoami().ok() == done["session"]


def test_a_form_that_is_over_begins_anew_with_the_identifier_filled_in(doors: Doors, visitor: Visitor) -> None:
    shown = visitor.flow(visitor.submit(visitor.begin(), STEP))
    doors.clock.advance(HOUR)
    again = visitor.flow(visitor.submit(shown, {"method": "password", "password": PASSWORD}))
    assert (names(again), numbers(again)) == (ASKED, [EXPIRED])
    assert node(again, "identifier")["attributes"]["value"] == ADA


def test_W4_the_first_step_is_taken_in_the_browser_that_began(doors: Doors, visitor: Visitor) -> None:
    flow, stranger = visitor.begin(), Visitor(doors)
    stranger.begin()
    assert stranger.error(stranger.submit(flow, STEP))["id"] == "security_csrf_violation"
    assert submit(doors, flow, STEP).refused(403)["id"] == "security_csrf_violation"
    assert visitor.error(visitor.submit(flow, STEP | {"csrf_token": "x"}))["id"] == "security_csrf_violation"
    assert names(visitor.flow(visitor.submit(flow, STEP))) == CHOICE


def test_who_is_signed_in_already_takes_no_step(doors: Doors, ada: str) -> None:
    reply = submit(doors, begin(doors), STEP, token=doors.sign_in()["session_token"])
    assert (reply.status, names(reply.json), numbers(reply.json)) == (400, ASKED, [4000001])


def test_the_box_of_staying_signed_in_is_beside_the_proof(doors: Doors, visitor: Visitor) -> None:
    listen(doors, identifier_first=True, remember_me=30 * 24 * HOUR)
    first = visitor.begin()
    assert names(first) == ASKED
    shown = visitor.flow(visitor.submit(first, STEP))
    assert names(shown) == [*CHOICE[:-1], "remember_me:checkbox", CHOICE[-1]]
    visitor.submit(shown, {"method": "password", "password": PASSWORD, "remember_me": "true"})
    assert any("ory_kratos_session=" in line and "Max-Age=2592000" in line for line in visitor.set)
