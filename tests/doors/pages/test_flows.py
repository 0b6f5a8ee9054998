"""The pages of flows, over the flows themselves."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
import pytest
from tests.doors.kratos.by_code import another, last_code, with_codes
from tests.doors.kratos.in_process import PASSWORD, PUBLIC_URL, SITE, UNKNOWN, Doors, Reply
from tests.doors.kratos.visitor import UI
from tests.doors.pages.browser import Browser
from tests.doors.pages.reader import Page

from nightlatch.doors.http.routing import Answer
from nightlatch.doors.pages import door
from nightlatch.kernel.clock import HOUR

HOSTILE = "\"><script>alert(1)</script>'&<b>"
TRAITS = {"traits__email": "bo@example.org", "traits__name__first": "Bo"}


@pytest.mark.parametrize("act", ["login", "registration", "recovery", "verification", "settings"])
def test_a_page_without_a_flow_begins_one(browser: Browser, act: str) -> None:
    reply = browser.visit(f"/ui/{act}")
    assert (reply.status, reply.headers["location"]) == (303, f"{PUBLIC_URL}self-service/{act}/browser")


def test_what_the_flow_is_for_is_carried_along_and_nothing_else(browser: Browser) -> None:
    reply = browser.visit(f"/ui/login?return_to={quote(UI + '/x?a=b&c', safe='')}&refresh=true&aal=aal1&x=y")
    sent = urlsplit(reply.headers["location"])
    assert sent.path == "/self-service/login/browser"
    assert parse_qs(sent.query) == {"return_to": [f"{UI}/x?a=b&c"], "refresh": ["true"], "aal": ["aal1"]}


def test_the_page_of_a_login(browser: Browser) -> None:
    page = browser.open(f"/ui/login?return_to={UI}/x")
    assert page.said("h1") == page.said("title")[0].split(" · ")[:1] == ["Sign in"]
    assert urlsplit(str(page.forms[0]["action"])).path == "/self-service/login"
    assert [(f["tag"], f["name"]) for f in page.fields[0]] == [
        ("input", "csrf_token"), ("input", "identifier"), ("input", "password"), ("button", "method"),
    ]  # fmt: skip
    assert {tag: value for tag, value in page.field("password").items() if tag != "id"} == {
        "tag": "input", "type": "password", "name": "password", "required": None,
        "autocomplete": "current-password", "value": "",
    }  # fmt: skip
    assert page.field("identifier")["autocomplete"] == "username"
    carried = f"?return_to={quote(UI + '/x', safe='')}"
    assert page.links() == {
        "Forgot your password?": f"{PUBLIC_URL}ui/recovery{carried}",
        "Create an account": f"{PUBLIC_URL}ui/registration{carried}",
    }


def test_ways_that_are_closed_are_not_shown(doors: Doors, browser: Browser) -> None:
    doors.site = SITE._replace(acts=frozenset())
    doors.listen()
    assert browser.open("/ui/login").links() == {}


def test_registration_goes_on_from_page_to_page(doors: Doors, browser: Browser) -> None:
    first = browser.open("/ui/registration")
    assert [first.field(name)["type"] for name in ("traits.email", "traits.phone", "traits.name.first")] == [
        "email", "tel", "text",
    ]  # fmt: skip
    second = browser.send(first, ("method", "profile"), **TRAITS)
    assert second.hidden().items() >= {"traits.email": "bo@example.org", "traits.name.first": "Bo"}.items()
    assert [(b["name"], b["value"], "formnovalidate" in b) for b in second.fields[0] if b["tag"] == "button"] == [
        ("method", "password", False), ("screen", "previous", True),
    ]  # fmt: skip
    assert "At least 8 characters." in second.said("p")
    back = browser.send(second, ("screen", "previous"))
    assert back.field("traits.email")["value"] == "bo@example.org"
    second = browser.send(back, ("method", "profile"), **TRAITS)
    short = browser.send(second, password="short")
    assert short.said("title")[0].startswith("Error: ")
    assert (
        short.field("password").items()
        >= {"aria-invalid": "true", "aria-describedby": "password-hint password-1"}.items()
    )
    assert ("p", {"class": "message error", "id": "password-1", "role": "alert"}) in short.all
    assert "The password must be at least 8 characters long, but got 5." in short.said("p")
    sent = browser.ask("GET", browser.at)
    assert sent.status == 200
    assert doors.happened() == []


def test_a_code_is_asked_for_and_typed_in(doors: Doors, browser: Browser) -> None:
    doors.listen(schemas=with_codes(), flows=replace(doors.parts.flows, passwordless=True))
    doors.person("ada")
    first = browser.open("/ui/login")
    # Enter in the field of the password signs in with that, and the button beside it asks for no password.
    assert [(b["value"], "formnovalidate" in b) for b in first.fields[0] if b["tag"] == "button"] == [
        ("password", False), ("code", True),
    ]  # fmt: skip
    second = browser.send(first, ("method", "code"), identifier="ada@example.org")
    assert second.field("code").items() >= {"inputmode": "numeric", "autocomplete": "one-time-code"}.items()
    assert [(b["name"], b["value"], "formnovalidate" in b) for b in second.fields[0] if b["tag"] == "button"] == [
        ("method", "code", False), ("resend", "code", True),
    ]  # fmt: skip
    assert "ada@example.org" in second.said("strong")
    assert second.links()["Use another"] == f"{PUBLIC_URL}ui/login"
    code = last_code(doors)
    wrong = browser.send(second, ("method", "code"), code=another(code))
    assert wrong.said("title")[0].startswith("Error: ")
    again = browser.send(wrong, ("resend", "code"))
    assert "code" in [each.get("name") for each in again.fields[0]]
    browser.press(again, ("method", "code"), code=last_code(doors))
    browser.whoami().ok()


def test_who_somebody_is_has_a_page_before_how_they_sign_in(doors: Doors, browser: Browser) -> None:
    doors.listen(flows=replace(doors.parts.flows, identifier_first=True))
    doors.person("ada")
    first = browser.open(f"/ui/login?return_to={UI}/x")
    assert [(f["tag"], f["name"]) for f in first.fields[0]] == [
        ("input", "csrf_token"), ("input", "identifier"), ("button", "method"),
    ]  # fmt: skip
    assert first.field("identifier").items() >= {"autocomplete": "username", "required": None}.items()
    assert "autofocus" in first.field("identifier")
    for identifier in ("ada@example.org", "nobody@example.org"):
        second = browser.send(first, ("method", "identifier_first"), identifier=identifier)
        assert (second.hidden()["identifier"], second.said("strong")) == (identifier, [identifier])
        assert second.links()["Use another"] == f"{PUBLIC_URL}ui/login?return_to={quote(UI + '/x', safe='')}"
        assert "autofocus" in second.field("password")
    wrong = browser.send(second, password="wrong")
    assert (wrong.said("title")[0].startswith("Error: "), "autofocus" in wrong.field("password")) == (True, True)
    other = browser.open("/ui/login")
    second = browser.send(other, ("method", "identifier_first"), identifier="ada@example.org")
    browser.press(second, ("method", "password"), password=PASSWORD)
    browser.whoami().ok()


def test_a_wrong_password_is_told_at_the_top(doors: Doors, browser: Browser) -> None:
    doors.person("ada")
    page = browser.send(browser.open("/ui/login"), identifier="ada@example.org", password="wrong")
    [message] = [each for each in page.all if each[1].get("role") == "alert"]
    assert message == ("p", {"class": "message error", "role": "alert"})
    assert page.field("identifier")["value"] == "ada@example.org"
    assert not page.field("password")["value"]
    assert ("autofocus" in page.field("identifier"), "autofocus" in page.field("password")) == (False, True)


def test_a_password_is_chosen_for_a_name_that_password_managers_see(browser: Browser) -> None:
    page = browser.send(browser.open("/ui/registration"), ("method", "profile"), **TRAITS)
    [seen] = [attributes for _, attributes in page.all if attributes.get("autocomplete") == "username"]
    assert (seen["value"], "hidden" in seen, "name" in seen) == ("bo@example.org", True, False)


@pytest.mark.parametrize("act", ["recovery", "verification"])
def test_who_mistyped_an_address_sees_it_and_can_type_another(browser: Browser, act: str) -> None:
    first = browser.open(f"/ui/{act}")
    assert any(each.startswith("Type the address") for each in first.said("p"))
    second = browser.send(first, ("method", "code"), email="eda@example.org")
    assert second.said("strong") == ["eda@example.org"]
    assert second.links()["Use another"] == f"{PUBLIC_URL}ui/{act}"


def test_W8_what_people_type_stays_text(doors: Doors, browser: Browser) -> None:
    """Zitadel CVE-2024-29891."""
    page = browser.send(browser.open("/ui/login"), identifier=HOSTILE, password="wrong")
    assert page.field("identifier")["value"] == HOSTILE
    page = browser.send(
        browser.open("/ui/registration"), ("method", "profile"), traits__email="x", traits__name__first=HOSTILE
    )
    assert page.field("traits.name.first")["value"] == HOSTILE
    for source in (page.source, Page(browser.visit(f"/ui/error?id={quote(HOSTILE)}")).source):
        assert "<script" not in source


@pytest.mark.parametrize("found", [UNKNOWN, "none", "%22%3E"])
def test_a_flow_that_is_not_there_begins_anew(browser: Browser, found: str) -> None:
    assert browser.visit(f"/ui/login?flow={found}").headers["location"] == f"{PUBLIC_URL}self-service/login/browser"


def test_a_flow_that_is_over_begins_anew_for_the_same_place(doors: Doors, browser: Browser) -> None:
    browser.open(f"/ui/login?return_to={UI}/x")
    doors.clock.advance(2 * HOUR)
    begun = browser.visit(browser.at).headers["location"]
    assert begun == f"{PUBLIC_URL}self-service/login/browser?return_to={quote(UI + '/x', safe='')}"


def test_the_flow_of_another_browser_is_not_shown(browser: Browser) -> None:
    browser.open("/ui/login")
    browser.jar.clear()
    page = browser.open(browser.at)
    assert (page.status, page.said("h1")) == (403, ["Something went wrong"])
    assert "The request does not have the cookie of the browser in which the flow began." in page.said("p")


def test_what_the_network_may_not_is_a_page_too(doors: Doors, browser: Browser) -> None:
    limit = msgspec.structs.replace(doors.parts.throttling.flows, most=1)
    doors.listen(throttling=msgspec.structs.replace(doors.parts.throttling, flows=limit))
    replies = [
        doors.public("GET", "/self-service/login/browser", peer="192.0.2.1", headers={"accept": "text/html"})
        for _ in range(3)
    ]
    page = browser.open(replies[-1].headers["location"])
    assert page.said("h1") == ["Something went wrong"]


# What methods put on the page


def shown(doors: Doors, act: str, nodes: list[dict[str, Any]], **ui: Any) -> Page:
    """The page of a flow that is answered with these nodes."""
    flow = {"id": UNKNOWN, "ui": {"action": "https://id.example.org/go", "method": "POST", "nodes": nodes, **ui}}

    async def ask(_request: object, _method: str, _target: str) -> Answer:
        return Answer(200, msgspec.json.encode(flow))

    doors._public = doors.port(door.public_door(doors.parts, SITE, ask))
    return Page(doors.public("GET", f"/ui/{act}?flow={UNKNOWN}"))


def node(
    kind: str = "input", *, group: str = "default", label: str = "", told: str = "", **more: Any
) -> dict[str, Any]:
    meta = {"label": {"id": 1, "text": label, "type": "info"}} if label else {}
    messages = [{"id": 2, "text": told, "type": "error"}] if told else []
    return {"type": kind, "group": group, "attributes": more | {"node_type": kind}, "messages": messages, "meta": meta}


def test_every_kind_of_node_is_shown(doors: Doors) -> None:
    page = shown(doors, "login", [
        node(name="n", type="number", value=3, pattern="[0-9]+", maxlength=6),
        node(name="c", type="checkbox", value=True, label="Terms", told="Agree to go on."),
        node(name="s", type="text", value="b", required=True, options=[{"value": "a"}, {"value": "b"}]),
        node(name="code", type="text", autocomplete="one-time-code", disabled=True),
        node("img", id="qr", src="data:image/png;base64,AA", width=256, height=256, label="Scan this"),
        node("text", label="Secret", id="key", text={"text": "ABCD"}),
        node("text", id="codes", text={"text": "x", "context": {"secrets": [{"text": "one"}, {"text": "two"}]}}),
        node("a", id="continue", href="https://id.example.org/on", title={"text": "Continue"}),
        node("script", src="/x.js"), node("div", id="captcha"), node(name="trigger", type="button"),
        node(name="provider", type="submit", value="x", group="oidc", label="Sign in with X"),
    ])  # fmt: skip
    assert page.field("n").items() >= {"inputmode": "numeric", "maxlength": "6", "step": "any", "value": "3"}.items()
    checks = [each for each in page.fields[0] if each.get("name") == "c"]
    assert [(each["type"], each["value"], "checked" in each) for each in checks] == [
        ("hidden", "false", False),
        ("checkbox", "true", True),
    ]
    assert checks[1]["aria-describedby"] == "c-1"
    assert [attributes for tag, attributes in page.all if tag == "option"] == [{}, {"selected": None}]
    assert page.field("code").items() >= {"disabled": None, "autocomplete": "one-time-code"}.items()
    assert (
        "img",
        {"class": "node", "src": "data:image/png;base64,AA", "width": "256", "height": "256", "alt": "Scan this"},
    ) in page.all
    assert page.said("code") == ["ABCD", "one", "two"]
    assert page.links()["Continue"] == "https://id.example.org/on"
    assert not {"captcha", "/x.js", "trigger"} & {value for _, each in page.all for value in each.values()}
    assert [each["name"] for each in page.fields[0] if each["tag"] == "button"] == ["provider"]


def test_what_is_filled_in_comes_before_the_ways_around_it(doors: Doors) -> None:
    page = shown(doors, "login", [
        node(name="method", type="submit", value="code", group="code", label="Send a code"),
        node(name="csrf_token", type="hidden", value="x"), node(name="identifier", type="text", required=True),
        node(name="password", type="password", group="password", required=True),
        node(name="method", type="submit", value="password", group="password", label="Sign in"),
    ])  # fmt: skip
    assert [each["name"] for each in page.fields[0]] == ["csrf_token", "identifier", "password", "method", "method"]
    first, second = page.fields[0][-2:]
    assert (first["value"], "formnovalidate" in first) == ("password", False)
    assert (second["value"], "formnovalidate" in second) == ("code", True)


def test_messages_are_shown_as_what_they_are(doors: Doors) -> None:
    said = [{"id": 1, "text": "Sent.", "type": "info"}, {"id": 2, "text": "Saved.", "type": "success"}]
    page = shown(doors, "verification", [], messages=said)
    assert [each for tag, each in page.all if tag == "p"] == [
        {"class": "message info", "role": "status"}, {"class": "message success", "role": "status"},
    ]  # fmt: skip


def test_a_fault_of_ours_is_a_page_that_names_the_request(doors: Doors) -> None:
    async def ask(_request: object, _method: str, _target: str) -> Answer:
        raise KeyError("canary")

    doors._public = doors.port(door.public_door(doors.parts, SITE, ask))
    reply = doors.public("GET", f"/ui/login?flow={UNKNOWN}")
    page = Page(reply)
    assert (page.status, page.said("code")) == (500, [reply.headers["x-request-id"]])
    assert "canary" not in page.source
    assert [str(each) for each in doors.failures] == ["'canary'"]
    doors.failures.clear()


def test_a_refusal_of_the_port_is_a_page(browser: Browser) -> None:
    def refused(reply: Reply) -> tuple[int, list[str]]:
        page = Page(reply)
        return page.status, page.said("h1")

    assert refused(browser.visit("/ui/nothing")) == (404, ["Something went wrong"])
    reply = browser.ask("POST", "/ui/login", b"")
    assert (*refused(reply), reply.headers["allow"]) == (405, ["Something went wrong"], "GET, HEAD")
    assert PASSWORD not in reply.body.decode()
