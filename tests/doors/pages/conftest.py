"""The public port with pages of our own: in this process, and as `make serve` has it for Chromium."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from tests.development import Development
from tests.doors.kratos.in_process import PAGES, PUBLIC_URL, Doors, flows
from tests.doors.pages import chromium
from tests.doors.pages.browser import Browser
from tests.doors.pages.chromium import ATTEMPTS, Open, Window


@pytest.fixture
def browser(doors: Doors) -> Browser:
    own = {name: f"{PUBLIC_URL}ui/{name}" for name in PAGES}
    places = ("login", "login.password", "login.code", "registration", "registration.password", "logout")
    doors.listen(flows=flows(ui_urls=own, after_urls=dict.fromkeys(places, own["settings"])))
    return Browser(doors)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    """`make serve`, where all come from one network, and a few wrong passwords lock an account."""
    site = Development(tmp_path_factory.mktemp("site"))
    limits = {"PROOFS_PER_MINUTE": "1000", "FLOWS_PER_MINUTE": "5000", "FLOOR": "0s", "ATTEMPTS": str(ATTEMPTS)}
    with site.running(**{f"NIGHTLATCH_THROTTLING_{name}": value for name, value in limits.items()}):
        yield site


@pytest.fixture(scope="module")
def browser_program() -> Iterator[Chromium]:
    with chromium.running() as program:
        yield program


@pytest.fixture
def scripts() -> bool:
    """Whether browsers run scripts, unless a test says otherwise."""
    return False


@pytest.fixture
def window(browser_program: Chromium, site: Development, scripts: bool) -> Iterator[Open]:
    """Opens windows; no console may have complained in the end."""
    opened: list[Window] = []

    def new(**context: Any) -> Window:
        opened.append(Window(browser_program, site.public, **{"scripts": scripts, **context}))
        return opened[-1]

    yield new
    problems = [problem for each in opened for problem in each.problems]
    for each in opened:
        each.context.close()
    assert problems == []


@pytest.fixture
def email(request: pytest.FixtureRequest) -> str:
    """An address that is this test's alone."""
    return f"{abs(hash(request.node.nodeid))}@example.org"
