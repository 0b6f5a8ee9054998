"""Takes the pictures of docs/pictures/ from a server that it starts: python tools/pictures.py, after make test."""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.development import Development  # noqa: E402 - found by the line above
from tests.doors.pages.chromium import PASSWORD, Window, running  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
ADA = "ada@example.org"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"  # fmt: skip # noqa: E501
LAPTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"  # fmt: skip # noqa: E501


def picture(window: Window, name: str) -> None:
    window.page.screenshot(path=PICTURES / f"{name}.png", full_page=True, animations="disabled", caret="hide")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running() as chromium:
        site = Development(Path(folder))
        with site.running():
            wide, narrow = {"width": 760, "height": 640}, {"width": 390, "height": 720}
            mine = Window(chromium, site.public, user_agent=DESKTOP, viewport=wide)
            dark = Window(chromium, site.public, color_scheme="dark", viewport=narrow, user_agent=PHONE)
            laptop = Window(chromium, site.public, user_agent=LAPTOP)
            mine.open("/ui/login")
            picture(mine, "login")
            mine.sign_in(ADA, "a wrong one")
            picture(mine, "wrong-password")
            mine.open("/ui/registration")
            mine.page.get_by_label("E-mail").fill(ADA)
            mine.page.get_by_label("First name").fill("Ada")
            picture(mine, "registration")
            mine.press("Continue")
            mine.page.get_by_label("New password").fill(PASSWORD)
            picture(mine, "registration-password")
            mine.press("Sign up")
            laptop.sign_in(ADA)
            dark.open("/ui/login")
            picture(dark, "login-dark")
            dark.sign_in(ADA)
            picture(dark, "settings-dark")
            mine.open("/ui/settings")
            picture(mine, "settings")
            mine.press("Confirm it")
            mine.page.get_by_label("E-mail").fill(ADA)
            mine.press("Continue")
            picture(mine, "verification")
            mine.press("Back to your account")
            mine.press("Sign out")
            mine.press("Forgot your password?")
            picture(mine, "recovery")
            mine.open("/self-service/login/browser?return_to=https://elsewhere.example.org/")
            picture(mine, "error")
        with site.running(SELFSERVICE_FLOWS_LOGIN_STYLE="identifier_first"):
            mine.open("/ui/login")
            picture(mine, "login-identifier")
            mine.page.get_by_label("E-mail or username").fill(ADA)
            mine.press("Continue")
            picture(mine, "login-credential")


if __name__ == "__main__":
    main()
