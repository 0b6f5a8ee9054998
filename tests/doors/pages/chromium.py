"""Chromium as a person has it: windows that share no cookie, each of which remembers what its console complained of."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).parents[3]
CHROMIUM = ROOT / ".build/chromium/chromium"
AXE = ROOT / ".build/sdk/npm/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ATTEMPTS = 3
PASSWORD, NEW_PASSWORD = "Tr0ut-lamp*ferry 91", "Harp*dune-lantern 38"
# It is there for the pages and asks nobody else for anything. Root cannot use its sandbox.
_FLAGS = [
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextlib.contextmanager
def running() -> Iterator[Browser]:
    """While it is open, no other event loop runs in this thread."""
    assert CHROMIUM.exists(), "Chromium is not there: run make test, which finds or installs it."
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS) as browser:
        yield browser


class Window:
    """One person's browser on the site at `base`. `problems` are errors and warnings of its console, among them what a
    content security policy kept from happening."""

    def __init__(self, chromium: Browser, base: str, *, scripts: bool = False, **context: Any) -> None:
        self.base = base
        self.context = chromium.new_context(java_script_enabled=scripts, **context)
        self.problems: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def open(self, path: str) -> None:
        self.page.goto(self.base + path)

    def press(self, name: str, among: int = 0) -> None:
        """Presses a button, or follows a link, and waits for the page that it leads to."""
        found = self.page.get_by_role("button", name=name).or_(self.page.get_by_role("link", name=name))
        with self.page.expect_navigation():
            found.nth(among).click()

    def register(self, email: str) -> None:
        self.open("/ui/registration")
        self.page.get_by_label("E-mail").fill(email)
        self.press("Continue")
        self.page.get_by_label("New password").fill(PASSWORD)
        self.press("Sign up")
        assert self.at == "/ui/settings", self.at

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        self.open("/ui/login")
        self.page.get_by_label("E-mail or username").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.press("Sign in with password")

    @property
    def at(self) -> str:
        return self.page.url.removeprefix(self.base).partition("?")[0]

    @property
    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    @property
    def alert(self) -> str:
        return self.page.get_by_role("alert").inner_text()

    def devices(self) -> list[str]:
        return self.page.get_by_role("listitem").all_inner_texts()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(f"{message.text} ({self.page.url})")


Open = Callable[..., Window]


def judged(window: Window) -> None:
    """Fails for what axe-core finds, and for text that is cut off or has to be scrolled to sideways."""
    asked = f"axe.run({{runOnly: {RULES}, resultTypes: ['violations']}})"
    found: dict[str, Any] = window.page.evaluate(f"async () => {{ {AXE.read_text()}; return await {asked} }}")
    assert found["testEngine"]["name"] == "axe-core"
    told = [
        (each["id"], [node["html"] for node in each["nodes"]], each["nodes"][0]["failureSummary"])
        for each in found["violations"]
    ]
    assert told == [], window.page.url
    assert window.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), window.page.url
