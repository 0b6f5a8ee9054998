"""The page of settings, and where its person is signed in."""

import pytest
from tests.doors.kratos.in_process import PUBLIC_URL, UNKNOWN, Doors, Reply
from tests.doors.kratos.visitor import PAGE
from tests.doors.pages.browser import FORM, Browser
from tests.doors.pages.reader import Page

from nightlatch.kernel.clock import DAY, HOUR, MINUTE

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"  # fmt: skip
ENDS = "/ui/settings/sessions"
HERE = "active now"


@pytest.fixture
def ada(doors: Doors, browser: Browser) -> Browser:
    """Ada's browser, signed in."""
    doors.person("ada")
    browser.signed_in()
    doors.happened()
    return browser


def settings(doors: Doors, browser: Browser) -> Page:
    """The page, with a flow of Ada's."""
    token = doors.sign_in(headers={"user-agent": FIREFOX})["session_token"]
    flow = doors.public("GET", "/self-service/settings/api", token=token).ok()["id"]
    doors.public("DELETE", "/self-service/logout/api", {"session_token": token}).ok(204)
    doors.happened()
    return Page(browser.visit(f"/ui/settings?flow={flow}"))


def press(browser: Browser, page: Page, button: int) -> Reply:
    """The page's button that ends sessions, by its place among them."""
    buttons = [
        (page.forms[i]["action"], f["value"]) for i, form in enumerate(page.fields) for f in form if f["name"] == "ends"
    ]
    action, value = buttons[button]
    return browser.ask("POST", str(action), f"ends={value}".encode(), PAGE | FORM)


def test_settings_are_shown_group_by_group(doors: Doors, ada: Browser) -> None:
    page = settings(doors, ada)
    assert page.said("h1") == ["Your account"]
    assert page.said("h2") == ["Profile", "Password", "Where you are signed in"]
    names = [[each["name"] for each in form if each["tag"] != "button"] for form in page.fields[:2]]
    assert names[1] == ["csrf_token", "password"]
    assert names[0][:2] == ["csrf_token", "traits.email"]
    ids = [each["id"] for _, each in page.all if "id" in each]
    assert len(set(ids)) == len(ids)
    assert page.links()["Sign out"].startswith(f"{PUBLIC_URL}self-service/logout?token=ory_lo_")


def test_signing_out_is_a_link(doors: Doors, ada: Browser) -> None:
    ada.visit(settings(doors, ada).links()["Sign out"])
    assert ada.whoami().status == 401


def test_people_see_where_they_are_signed_in_and_when_they_were_seen(doors: Doors, ada: Browser) -> None:
    doors.sign_in(headers={"user-agent": IPHONE}, peer="192.0.2.9")
    doors.clock.advance(3 * HOUR)
    doors.sign_in(headers={"user-agent": FIREFOX}, peer="192.0.2.8")
    doors.clock.advance(5 * MINUTE)
    page = settings(doors, ada)
    assert page.said("strong") == ["Unknown device", "Firefox on Linux", "Mobile Safari on iOS"]
    seen = [text for _, text in page.texts if "last seen" in text or HERE in text]
    assert seen[0].endswith(f"· {HERE}")
    assert seen[1:] == ["192.0.2.8 · last seen 5 minutes ago", "192.0.2.9 · last seen 3 hours ago"]
    assert page.said("button")[2:] == ["End", "End", "Sign out everywhere else"]


def test_one_is_ended_and_the_others_stay(doors: Doors, ada: Browser) -> None:
    phone, laptop = (doors.sign_in(headers={"user-agent": agent})["session_token"] for agent in (IPHONE, FIREFOX))
    page = settings(doors, ada)
    phones = page.said("strong").index("Mobile Safari on iOS") - 1
    reply = press(ada, page, phones)
    assert reply.status == 303
    assert reply.headers["location"].startswith(f"{PUBLIC_URL}ui/settings?flow=")
    assert [doors.public("GET", "/sessions/whoami", token=each).status for each in (phone, laptop)] == [401, 200]
    assert ada.whoami().status == 200
    assert "Mobile Safari on iOS" not in Page(ada.visit(reply.headers["location"])).source
    assert [(event.name, event.reason) for event in doors.events] == [("session.ended", "own")]
    assert press(ada, page, phones).status == 303  # ended before: as good as ended now


def test_all_others_are_ended_at_once(doors: Doors, ada: Browser) -> None:
    tokens = [doors.sign_in()["session_token"] for _ in range(3)]
    assert press(ada, settings(doors, ada), -1).status == 303
    assert [doors.public("GET", "/sessions/whoami", token=each).status for each in tokens] == [401] * 3
    assert ada.whoami().status == 200
    assert settings(doors, ada).said("button")[2:] == []


def test_W4_a_form_that_ends_sessions_is_of_the_session_whose_page_it_is_on(doors: Doors, ada: Browser) -> None:
    other = doors.sign_in()["session_token"]
    page = settings(doors, ada)
    doors.person("eve")
    eve = Browser(doors).signed_in("eve")
    doors.happened()
    sent = [press(eve, page, 0), press(eve, page, -1)]
    sent += [
        ada.ask("POST", ENDS, body, PAGE | FORM)
        for body in (b"", b"ends=", b"ends=x", b"ends=\xff&ends=", UNKNOWN.encode())
    ]
    assert {reply.status for reply in sent} == {400}
    assert all(Page(reply).said("h1") == ["Something went wrong"] for reply in sent)
    assert doors.happened() == []
    assert doors.public("GET", "/sessions/whoami", token=other).status == 200


def test_without_a_session_settings_begin_with_signing_in(doors: Doors, ada: Browser) -> None:
    doors.sign_in()
    page = settings(doors, ada)
    ada.jar.clear()
    for reply in (press(ada, page, 0), ada.visit(f"/ui/settings?flow={UNKNOWN}")):
        assert (reply.status, reply.headers["location"]) == (303, f"{PUBLIC_URL}self-service/settings/browser")


def test_sessions_that_are_over_are_not_in_the_list(doors: Doors, browser: Browser) -> None:
    doors.person("ada")
    doors.sign_in()
    doors.clock.advance(DAY + HOUR)
    assert len(settings(doors, browser.signed_in()).said("strong")) == 1
