"""The link of the letter about a new device: a page with a button, and no session is needed for it."""

import re

import pytest
from tests.doors.kratos.in_process import Doors
from tests.doors.kratos.test_recovery_by_mail import letter, press
from tests.doors.kratos.visitor import Visitor

ADDRESS = {"value": "ada@example.org", "via": "email", "verified": True, "status": "completed"}


@pytest.fixture
def stranger(doors: Doors) -> tuple[str, str]:
    """The token of Ada's session on a second device, and the link of the letter about it."""
    doors.person("ada", verifiable_addresses=[ADDRESS])
    doors.sign_in()
    assert letter(doors) == {}
    token = doors.sign_in(headers={"user-agent": "stranger/1.0"})["session_token"]
    doors.public("GET", "/sessions/whoami", token=token).ok()
    return token, letter(doors)["link"]


def test_the_button_of_the_page_signs_the_device_out_and_opening_the_link_does_not(
    doors: Doors, stranger: tuple[str, str]
) -> None:
    token, link = stranger
    visitor = Visitor(doors)
    page = visitor.visit(link)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"<script" not in page.body
    doors.public("GET", "/sessions/whoami", token=token).ok()
    doors.happened()
    done = press(visitor, page)
    assert done.status == 200
    assert b"signed out" in done.body
    assert b"<form" not in done.body
    doors.public("GET", "/sessions/whoami", token=token).refused(401)
    assert doors.happened() == ["session.ended"]
    assert press(visitor, page).status == 200


def test_a_link_that_is_none_of_ours_ends_nothing(doors: Doors, stranger: tuple[str, str]) -> None:
    token, link = stranger
    visitor = Visitor(doors)
    wrong = re.sub("token=.", "token=_", link)
    assert visitor.error(press(visitor, visitor.visit(wrong)))["code"] == 400
    doors.public("POST", "/self-service/device").refused(400)
    doors.public("GET", "/sessions/whoami", token=token).ok()
