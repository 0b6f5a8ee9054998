"""What every page tells the browser besides its text, the error page, and the brand."""

from pathlib import Path

import pytest
from tests.doors.kratos.in_process import PUBLIC_URL, SITE, Doors, Reply
from tests.doors.pages.browser import Browser
from tests.doors.pages.reader import Page

from nightlatch.doors.pages.parts import Brand


def policy(reply: Reply) -> dict[str, str]:
    parts = (each.strip().partition(" ") for each in reply.headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize(
    "target", ["/ui/login", "/ui/registration", "/ui/error?id=stub:500", "/ui/error?id=x", "/ui/nothing"]
)
def test_W8_every_page_runs_nothing_is_framed_by_nobody_and_kept_nowhere(browser: Browser, target: str) -> None:
    browser.at = target
    browser.open(target)
    reply = browser.visit(browser.at)
    assert policy(reply) == {
        "default-src": "'none'", "style-src": "'self'", "img-src": "'self' data:", "form-action": "'self' https:",
        "base-uri": "'none'", "frame-ancestors": "'none'",
    }  # fmt: skip
    assert "no-store" in reply.headers["cache-control"]
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "same-origin"
    assert reply.headers["cross-origin-opener-policy"] == "same-origin"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(reply)
    assert ("html", {"lang": "en"}) in page.all
    assert not any(name.startswith("on") or name == "style" for _, attributes in page.all for name in attributes)


def test_the_error_page_says_what_the_error_was(browser: Browser) -> None:
    reply = browser.visit("/self-service/login/browser?return_to=https://evil.example.org/")
    page = browser.follow(reply)
    assert (page.status, page.said("h1")) == (200, ["Something went wrong"])
    assert "Requested return_to URL is not allowed." in page.said("p")
    assert page.links() == {"Back to the start": f"{PUBLIC_URL}ui/login"}


def test_an_error_that_nobody_made_is_told_as_such(browser: Browser) -> None:
    page = browser.open("/ui/error?id=forged")
    assert (page.status, page.said("p")[0]) == (404, "There is no error of that id.")


def test_the_brand_is_on_every_page(doors: Doors, browser: Browser, tmp_path: Path) -> None:
    logo, style = tmp_path / "logo.png", tmp_path / "brand.css"
    logo.write_bytes(b"a picture")
    style.write_text(":root { --accent: teal }")
    doors.site = SITE._replace(brand=Brand("Ann <Bo>", logo, style))
    doors.listen()
    page = browser.open("/ui/login")
    assert page.said("title") == ["Sign in · Ann <Bo>"]
    named = {attributes.get("rel"): attributes["href"] for tag, attributes in page.all if tag == "link"}
    sheet, icon = (browser.visit(str(named[each])) for each in ("stylesheet", "icon"))
    assert (sheet.headers["content-type"], icon.headers["content-type"]) == ("text/css; charset=utf-8", "image/png")
    assert sheet.body.endswith(b"--accent: teal }")
    assert icon.body == b"a picture"
    for asset in (sheet, icon):
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert policy(icon)["default-src"] == "'none'"
    assert "no-store" in browser.visit("/ui/style.css").headers["cache-control"]


def test_a_changed_stylesheet_has_another_url(doors: Doors, browser: Browser, tmp_path: Path) -> None:
    urls = set()
    for colour in ("teal", "navy"):
        style = tmp_path / f"{colour}.css"
        style.write_text(f":root {{ --accent: {colour} }}")
        doors.site = SITE._replace(brand=Brand("x", None, style))
        doors.listen()
        urls |= {each["href"] for tag, each in browser.open("/ui/login").all if tag == "link"}
    assert len(urls) == 3
