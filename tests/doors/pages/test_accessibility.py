"""Our own pages against WCAG 2.2 AA, as far as axe-core judges, in both colours and on a narrow screen."""

from typing import Any

import pytest
from tests.doors.pages.chromium import PASSWORD, Open, judged


@pytest.mark.parametrize(
    "look", [{"color_scheme": "light"}, {"color_scheme": "dark", "viewport": {"width": 320, "height": 640}}]
)
def test_every_page_can_be_used_by_everybody(window: Open, email: str, look: dict[str, Any]) -> None:
    mine, phone = window(scripts=True, **look), window()
    mine.open("/ui/login")
    judged(mine)
    mine.sign_in(email, "a wrong one")
    judged(mine)
    mine.open("/ui/registration")
    judged(mine)
    mine.page.get_by_label("E-mail").fill(email)
    mine.press("Continue")
    mine.page.get_by_label("New password").fill("short")
    mine.press("Sign up")
    judged(mine)
    mine.page.get_by_label("New password").fill(PASSWORD)
    mine.press("Sign up")
    phone.sign_in(email)
    mine.open("/ui/settings")
    judged(mine)
    mine.page.get_by_label("New password").fill("short")
    mine.press("Change password")
    judged(mine)
    mine.open("/ui/verification")
    judged(mine)
    mine.page.get_by_label("E-mail").fill(email)
    mine.press("Continue")
    judged(mine)
    mine.press("Back to your account")
    mine.press("Sign out")
    mine.press("Forgot your password?")
    judged(mine)
    mine.page.get_by_label("E-mail").fill(email)
    mine.press("Continue")
    mine.page.get_by_label("Recovery code").fill("000000")
    mine.press("Continue")
    judged(mine)
    mine.open("/ui/error?id=stub:500")
    judged(mine)


def test_a_form_is_filled_in_and_sent_from_the_keyboard_alone(window: Open, email: str) -> None:
    mine = window()
    mine.register(email)
    mine.press("Sign out")
    keys = mine.page.keyboard
    mine.page.locator("[name=identifier]:focus").wait_for()  # nobody has to look for the first field
    keys.type(email)
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Tab")
    with mine.page.expect_navigation():
        keys.press("Enter")
    assert mine.at == "/ui/settings"
