"""The public port with pages of our own, and no others."""

import pytest
from tests.doors.kratos.in_process import PAGES, PUBLIC_URL, Doors, flows
from tests.doors.pages.browser import Browser


@pytest.fixture
def browser(doors: Doors) -> Browser:
    own = {name: f"{PUBLIC_URL}ui/{name}" for name in PAGES}
    doors.listen(
        flows=flows(ui_urls=own, after_urls=dict.fromkeys(("login", "registration", "logout"), own["settings"]))
    )
    return Browser(doors)
