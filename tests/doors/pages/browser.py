"""A browser on pages of our own, without a script and without a window."""

from typing import Self
from urllib.parse import urlencode, urlsplit

from tests.doors.kratos.in_process import PASSWORD, PUBLIC_URL, Reply
from tests.doors.kratos.visitor import PAGE, Visitor
from tests.doors.pages.reader import Page

FORM = {"content-type": "application/x-www-form-urlencoded", "origin": PUBLIC_URL[:-1], "sec-fetch-site": "same-origin"}


class Browser(Visitor):
    """Follows redirects to the page where they end."""

    def open(self, target: str) -> Page:
        return self.follow(self.visit(target))

    def send(self, page: Page, pressed: tuple[str, str] = ("method", "password"), **fields: str) -> Page:
        """Fills in the form of the page and presses a button of it."""
        return self.follow(self.press(page, pressed, **fields))

    def press(self, page: Page, pressed: tuple[str, str], **fields: str) -> Reply:
        filled = page.hidden() | {name.replace("__", "."): value for name, value in fields.items()}
        sent = urlencode([*filled.items(), pressed]).encode()
        return self.ask("POST", str(page.forms[0]["action"]), sent, PAGE | FORM)

    def signed_in(self, name: str = "ada") -> Self:
        known = {"identifier": f"{name}@example.org", "password": PASSWORD}
        reply = self.press(self.open("/ui/login"), ("method", "password"), **known)
        assert (reply.status, reply.headers["location"]) == (303, f"{PUBLIC_URL}ui/settings")
        return self

    def follow(self, reply: Reply) -> Page:
        for _ in range(6):
            if reply.status not in {302, 303}:
                return Page(reply)
            self.at = reply.headers["location"]
            assert urlsplit(self.at).netloc == urlsplit(PUBLIC_URL).netloc, self.at
            reply = self.visit(self.at)
        raise AssertionError(f"in circles: {reply}")
