"""People in Chromium on our own pages, each journey with scripts and without: nothing on them may depend on one."""

import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Locator
from tests.development import ROOT, Development
from tests.doors.pages.chromium import ATTEMPTS, NEW_PASSWORD, PASSWORD, Open, Window, judged

WRONG = "The name or the password is wrong."

pytestmark = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])


def test_somebody_registers_signs_out_and_comes_back(window: Open, email: str) -> None:
    mine = window()
    mine.open("/ui/settings")
    assert (mine.at, mine.heading) == ("/ui/login", "Sign in")
    mine.press("Create an account")
    mine.page.get_by_label("E-mail").fill(email)
    mine.page.get_by_label("First name").fill("Ada")
    mine.press("Continue")
    mine.page.get_by_label("New password").fill("short")
    mine.press("Sign up")
    assert "at least 8 characters" in mine.alert
    mine.press("Back")
    assert mine.page.get_by_label("First name").input_value() == "Ada"
    mine.press("Continue")
    mine.page.get_by_label("New password").fill(PASSWORD)
    mine.press("Sign up")
    assert (mine.at, mine.heading) == ("/ui/settings", "Your account")
    assert mine.page.get_by_label("E-mail").input_value() == email
    mine.press("Sign out")
    assert mine.at == "/ui/login"
    mine.sign_in(email, "a wrong one")
    assert WRONG in mine.alert
    assert mine.page.get_by_label("E-mail or username").input_value() == email
    mine.page.get_by_label("Password").fill(PASSWORD)
    mine.page.keyboard.press("Enter")
    mine.page.wait_for_url("**/ui/settings?*")
    mine.page.get_by_label("Last name").fill("Lovelace")
    mine.press("Save")
    assert "Your changes have been saved!" in mine.page.get_by_role("status").inner_text()
    assert mine.page.get_by_label("Last name").input_value() == "Lovelace"


def test_what_a_content_security_policy_stops_is_a_complaint(window: Open) -> None:
    """Without which no journey would tell that there was none."""
    mine = window()
    mine.open("/ui/login")
    with mine.page.expect_console_message():
        mine.page.evaluate("document.body.append(Object.assign(new Image(), {src: 'http://elsewhere.invalid/x.png'}))")
    assert "Content Security Policy" in mine.problems.pop()


def administrator(site: Development) -> httpx.Client:
    headers = {"Authorization": f"Bearer {site.key_file.read_text().strip()}"}
    return httpx.Client(base_url=site.admin, headers=headers, trust_env=False)


def identity(admin: httpx.Client, email: str) -> str:
    [found] = admin.get("/admin/identities", params={"credentials_identifier": email}).json()
    return str(found["id"])


def test_who_guesses_is_locked_out_and_an_administrator_lets_them_in_again(
    window: Open, site: Development, email: str
) -> None:
    mine = window()
    mine.register(email)
    mine.press("Sign out")
    for _ in range(ATTEMPTS):
        mine.sign_in(email, "a wrong one")
    mine.sign_in(email)
    assert (mine.at, WRONG in mine.alert) == ("/ui/login", True)
    with administrator(site) as admin:
        assert admin.post(f"/v1/identities/{identity(admin, email)}/unlock").status_code == 204
    mine.sign_in(email)
    assert mine.at == "/ui/settings"


def test_a_new_password_signs_out_the_other_browser(window: Open, email: str) -> None:
    mine, other = window(), window()
    mine.register(email)
    other.sign_in(email)
    assert len(other.devices()) == 2
    mine.page.get_by_label("New password").fill(NEW_PASSWORD)
    mine.press("Change password")
    assert "saved" in mine.page.get_by_role("status").inner_text()
    with other.page.expect_navigation():
        other.page.reload()
    assert (other.at, other.heading) == ("/ui/login", "Sign in")
    other.sign_in(email)
    assert WRONG in other.alert
    other.sign_in(email, NEW_PASSWORD)
    assert other.at == "/ui/settings"


def test_another_device_is_ended_and_then_all_of_them(window: Open, email: str) -> None:
    mine, phone, laptop = window(), window(), window()
    mine.register(email)
    phone.sign_in(email)
    laptop.sign_in(email)
    mine.open("/ui/settings")
    here, *others = mine.devices()
    assert "this device" in here
    assert len(others) == 2
    assert all("last seen just now" in each for each in others)
    mine.press("End")
    assert len(mine.devices()) == 2
    signed_in = [each for each in (phone, laptop) if still(each)]
    assert len(signed_in) == 1
    mine.press("Sign out everywhere else")
    assert len(mine.devices()) == 1
    assert not still(signed_in[0])
    assert still(mine)


def still(window: Window) -> bool:
    """Whether its person is still signed in there."""
    window.open("/ui/settings")
    return window.at == "/ui/settings"


def test_what_no_form_can_show_is_on_the_error_page(window: Open) -> None:
    mine = window()
    mine.open("/self-service/login/browser?return_to=https://evil.example.org/")
    assert (mine.at, mine.heading) == ("/ui/error", "Something went wrong")
    assert mine.alert == "Requested return_to URL is not allowed."
    mine.press("Back to the start")
    assert mine.at == "/ui/login"


def test_who_is_signed_in_already_is_sent_on(window: Open, email: str) -> None:
    mine = window()
    mine.register(email)
    for path in ("/ui/login", "/ui/registration"):
        mine.open(path)
        assert mine.at == "/ui/settings"


def letter(window: Window, email: str, title: str) -> Locator:
    """The newest letter of that title to the address, in the mailbox of development."""
    window.open("/dev/mailbox")
    return window.page.get_by_role("article").filter(has_text=email).filter(has_text=title).first


def test_an_address_is_confirmed_by_the_link_of_a_letter(window: Open, email: str) -> None:
    mine = window()
    mine.register(email)
    assert mine.page.get_by_text(f"{email} is not confirmed yet.").is_visible()
    with mine.page.expect_navigation():
        letter(mine, email, "Confirm your address").get_by_role("link").click()
    assert mine.at == "/ui/verification"
    mine.press("Continue")
    assert mine.page.get_by_role("status").inner_text() == "Your email address is confirmed."
    mine.press("Continue")
    assert mine.at == "/ui/settings"
    assert mine.page.get_by_text("is not confirmed yet").count() == 0


def test_an_address_is_confirmed_by_a_code_that_is_typed(window: Open, email: str) -> None:
    mine = window()
    mine.register(email)
    mine.press("Confirm it")
    mine.page.get_by_label("E-mail").fill(email)
    mine.press("Continue")
    told, at = mine.page.get_by_role("status").inner_text(), mine.page.url
    assert "a message with a code" in told
    code = re.search(r"^[0-9]{6}$", letter(mine, email, "Confirm your address").inner_text(), re.MULTILINE)
    mine.page.goto(at)
    mine.page.get_by_label("Verification code").fill("000000" if code[0] != "000000" else "111111")
    mine.press("Continue")
    assert "invalid" in mine.alert
    mine.page.get_by_label("Verification code").fill(code[0])
    mine.press("Continue")
    assert mine.page.get_by_role("status").inner_text() == "Your email address is confirmed."


def test_who_lost_the_password_comes_back_by_mail_and_the_others_are_out(window: Open, email: str) -> None:
    lost, other = window(), window()
    other.register(email)
    lost.open("/ui/login")
    lost.press("Forgot your password?")
    assert lost.heading == "Recover your account"
    lost.page.get_by_label("E-mail").fill(email)
    lost.press("Continue")
    at = lost.page.url
    code = re.search(r"^[0-9]{6}$", letter(lost, email, "back into your account").inner_text(), re.MULTILINE)
    lost.page.goto(at)
    lost.page.get_by_label("Recovery code").fill(code[0])
    lost.press("Continue")
    assert lost.at == "/ui/settings"
    assert "You recovered your account." in lost.page.get_by_role("status").first.inner_text()
    assert lost.page.get_by_role("heading", level=2).first.inner_text() == "Password"
    assert lost.page.locator("input:focus").get_attribute("name") == "password"
    assert len(lost.devices()) == 1
    assert not still(other)
    lost.page.get_by_label("New password").fill(NEW_PASSWORD)
    lost.press("Change password")
    other.sign_in(email, NEW_PASSWORD)
    assert other.at == "/ui/settings"


def test_a_link_of_an_administrator_leads_back_in_at_the_press_of_a_button(
    window: Open, site: Development, email: str
) -> None:
    lost, other = window(), window()
    other.register(email)
    with administrator(site) as admin:
        link = admin.post("/admin/recovery/link", json={"identity_id": identity(admin, email)}).json()["recovery_link"]
    lost.page.goto(link)
    lost.page.goto(link)  # a program that looks through mail may have been there before
    assert lost.at == "/self-service/recovery"
    with lost.page.expect_navigation():
        lost.page.get_by_role("button").click()
    assert lost.at == "/ui/settings"
    assert "You recovered your account." in lost.page.get_by_role("status").first.inner_text()
    assert not still(other)


def test_the_link_of_the_letter_about_a_new_device_signs_that_device_out(window: Open, email: str) -> None:
    mine, strange = window(), window(user_agent="Mozilla/5.0 (X11; Linux) Stranger/1.0")
    mine.register(email)
    with mine.page.expect_navigation():
        letter(mine, email, "Confirm your address").get_by_role("link").click()
    mine.press("Continue")
    strange.sign_in(email)
    assert strange.at == "/ui/settings"
    with mine.page.expect_navigation():
        letter(mine, email, "A new sign-in to your account").get_by_role("link").click()
    assert (mine.at, mine.heading) == ("/self-service/device", "Sign a device out")
    assert still(strange), "opening the link does nothing"
    mine.press("Sign it out")
    assert mine.heading == "Signed out"
    assert not still(strange)
    mine.press("Change your password")
    assert (mine.at, mine.heading) == ("/ui/settings", "Your account")


def with_codes(folder: Path, **more: str) -> dict[str, str]:
    """A configuration with codes, and a schema that marks the address for them."""
    schema = json.loads((ROOT / "src/nightlatch/data/default.schema.json").read_text())
    mail = schema["properties"]["traits"]["properties"]["email"]["ory.sh/kratos"]
    mail["credentials"]["code"] = {"identifier": True, "via": "email"}
    (folder / "schema.json").write_text(json.dumps(schema))
    return {
        "SELFSERVICE_METHODS_CODE_PASSWORDLESS_ENABLED": "true",
        "IDENTITY_SCHEMAS": json.dumps([{"id": "default", "url": f"file://{folder}/schema.json"}]),
        "NIGHTLATCH_THROTTLING_FLOOR": "0s",
    } | more


def test_somebody_signs_up_and_in_by_codes_alone(
    browser_program: Chromium, tmp_path: Path, email: str, scripts: bool
) -> None:
    site = Development(tmp_path)
    with site.running(**with_codes(tmp_path, SELFSERVICE_METHODS_PASSWORD_ENABLED="false")):
        mine = Window(browser_program, site.public, scripts=scripts)
        mine.open("/ui/registration")
        mine.page.get_by_label("E-mail").fill(email)
        mine.press("Continue")
        mine.press("Send sign-up code")
        type_code(mine, email, "Your code to sign up")
        assert mine.at == "/ui/settings"
        mine.press("Sign out")
        mine.page.get_by_label("E-mail").fill(email)
        mine.press("Send sign-in code")
        type_code(mine, email, "Your code to sign in")
        assert mine.at == "/ui/settings"
        assert mine.page.get_by_text("is not confirmed yet").count() == 0
        mine.context.close()
    assert mine.problems == []


def test_somebody_says_who_they_are_and_then_how_they_sign_in(
    browser_program: Chromium, tmp_path: Path, email: str, scripts: bool
) -> None:
    site = Development(tmp_path)
    with site.running(**with_codes(tmp_path, SELFSERVICE_FLOWS_LOGIN_STYLE="identifier_first")):
        mine = Window(browser_program, site.public, scripts=scripts)
        mine.register(email)
        mine.press("Sign out")
        assert (mine.at, mine.page.get_by_label("Password").count()) == ("/ui/login", 0)
        step(mine, "adda@example.org")
        mine.press("Use another")
        step(mine, email)
        if scripts:
            judged(mine)
        mine.page.keyboard.type("a wrong one")
        mine.press("Sign in with password")
        assert WRONG in mine.alert
        mine.page.keyboard.type(PASSWORD)
        mine.press("Sign in with password")
        assert mine.at == "/ui/settings"
        mine.press("Sign out")
        step(mine, email)
        mine.press("Send sign-in code")
        type_code(mine, email, "Your code to sign in")
        assert mine.at == "/ui/settings"
        mine.context.close()
    assert mine.problems == []


def step(window: Window, identifier: str) -> None:
    """Says who signs in, from the keyboard, and is on the page that says so."""
    window.page.locator("[name=identifier]:focus").wait_for()
    window.page.keyboard.type(identifier)
    with window.page.expect_navigation():
        window.page.keyboard.press("Enter")
    assert window.page.get_by_text(identifier).is_visible()
    window.page.locator("[name=password]:focus").wait_for()


def type_code(window: Window, email: str, title: str) -> None:
    """The code of the newest letter of that title, into the form that waits for it."""
    at = window.page.url
    code = re.search(r"^[0-9]{6}$", letter(window, email, title).inner_text(), re.MULTILINE)
    assert code is not None
    window.page.goto(at)
    window.page.get_by_label("code").fill(code[0])
    window.press("Continue")
