"""The page to read and try the APIs: what it is sent with, and in Chromium, by hand and from the keyboard."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from tests.development import Development
from tests.doors.kratos.in_process import Doors
from tests.doors.pages import chromium
from tests.doors.pages.chromium import Window
from tests.doors.pages.reader import Page as Read
from tests.doors.pages.test_accessibility import judged
from tests.doors.pages.test_headers import policy

from nightlatch.doors.native.reference import REFERENCE


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    site = Development(tmp_path_factory.mktemp("site"))
    with site.running():
        yield site


@pytest.fixture(scope="module")
def browser_program() -> Iterator[Chromium]:
    with chromium.running() as program:
        yield program


@pytest.fixture
def window(browser_program: Chromium, site: Development) -> Iterator[Window]:
    opened = Window(browser_program, site.admin, scripts=True)
    yield opened
    opened.context.close()
    assert opened.problems == []


def operation(page: Page, line: str) -> Any:
    """The operation of the line, open."""
    found = page.locator("details").filter(has=page.locator("summary", has_text=line)).first
    found.locator("summary").click()
    return found


def test_W8_the_page_is_open_to_all_runs_its_own_script_only_and_is_framed_by_nobody(doors: Doors) -> None:
    kinds = {"/v1/docs": "text/html", "/v1/docs/page.css": "text/css", "/v1/docs/page.js": "text/javascript"}
    assert {route.path for route in REFERENCE} == kinds.keys()
    for path, kind in kinds.items():
        reply = doors.admin("GET", path, key=None)
        assert (reply.status, reply.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
        assert policy(reply) == {
            "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "connect-src": "'self'",
            "img-src": "data:", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
        }  # fmt: skip
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert doors.public("GET", path).status == 404
    page = Read(doors.admin("GET", "/v1/docs", key=None))
    assert not any(name.startswith("on") or name == "style" for _, attributes in page.all for name in attributes)


def test_every_document_that_the_page_offers_is_there(doors: Doors) -> None:
    page = Read(doors.admin("GET", "/v1/docs", key=None))
    offered = [str(attributes["value"]) for tag, attributes in page.all if tag == "option"]
    titles = {doors.admin("GET", path, key=None).ok()["info"]["title"] for path in offered}
    assert len(titles) == len(offered) == len(doors._admin._doors)


def test_an_api_is_read_and_tried(window: Window, site: Development) -> None:
    window.open("/v1/docs")
    page = window.page
    expect(page.get_by_role("status").first).to_contain_text("nightlatch: the native API")
    page.get_by_label("Access key").fill(site.key_file.read_text().strip())
    creating = operation(page, "Create an organization")
    body = creating.get_by_label("Body (application/json)")
    assert body.input_value() == '{\n  "name": ""\n}'
    body.fill('{"name": "<b>acme</b>"}')
    creating.get_by_label("Idempotency-Key (header)").fill("k-1")
    said = []
    for _ in range(2):
        creating.get_by_role("button", name="Send").click()
        expect(creating.get_by_role("status")).to_contain_text("201")
        said.append(creating.get_by_role("status").inner_text())
    assert '"name": "<b>acme</b>"' in said[0]
    assert "location: /v1/organizations/" in said[1]
    listing = operation(page, "List organizations")
    listing.get_by_label("limit (query)").fill("1")
    listing.get_by_role("button", name="Send").click()
    expect(listing.get_by_role("status")).to_contain_text('"name": "default"')
    judged(window)
    page.get_by_label("API").select_option("/openapi.json")
    expect(page.get_by_role("status").first).to_contain_text("nightlatch: the admin port")
    judged(window)


def test_it_is_tried_from_the_keyboard_alone(window: Window, site: Development) -> None:
    window.open("/v1/docs")
    page = window.page
    expect(page.get_by_role("status").first).to_contain_text("operations")
    page.get_by_label("Access key").focus()
    page.keyboard.type(site.key_file.read_text().strip())
    for key in ("Tab", "Enter", "Tab", "1", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("details[open]").get_by_role("status")).to_contain_text('"organizations": [')


@pytest.mark.parametrize(
    "path", ["/v1/openapi.json", "/openapi.json", "/sessions-api/openapi.json", "/api/openapi.json"]
)
def test_every_operation_of_a_document_is_shown_and_the_page_can_be_used_by_everybody(
    browser_program: Chromium, site: Development, path: str
) -> None:
    look: dict[str, Any] = {"color_scheme": "dark", "viewport": {"width": 320, "height": 640}}
    window = Window(browser_program, site.admin, scripts=True, **look)
    window.open("/v1/docs")
    window.page.get_by_label("API").select_option(path)
    document = window.page.request.get(site.admin + path).json()
    count = sum(len(operations) for operations in document["paths"].values())
    expect(window.page.get_by_role("status").first).to_contain_text(f": {count} operations.")
    window.page.locator("details").evaluate_all("all => all.slice(0, 4).forEach((each) => { each.open = true })")
    judged(window)
    window.context.close()
    assert window.problems == []
