"""Messages on the admin port, and the mailbox page of development."""

import re

import pytest
from tests.doors.kratos.in_process import UNKNOWN, Doors
from tests.doors.kratos.pages import ids, walk

from nightlatch.core.courier.model import Template, Undelivered
from nightlatch.core.courier.rules import claim, send, settle
from nightlatch.kernel.clock import SECOND
from nightlatch.kernel.ids import id_text
from nightlatch.senders.letters import Letters

LIST = "/admin/courier/messages"


def write(doors: Doors, recipient: str = "ada@example.org", channel: str = "email", **more: str) -> str:
    """The id of a new message."""
    doors.clock.advance(SECOND)
    data = {"code": "483920", "minutes": "10"} | more
    keys = doors.parts.vault.keys
    made = doors.write(lambda tx: send(tx, doors.act(), keys, Template.LOGIN_CODE, channel, recipient, **data))
    return id_text(made.id)


def tried(doors: Doors, reason: str | None = None) -> None:
    """The oldest message, once more."""
    [message] = doors.write(lambda tx: claim(tx, doors.act(), 1))
    doors.write(lambda tx: settle(tx, doors.act(), message, Undelivered(reason) if reason else None))
    doors.clock.advance(60 * SECOND)


@pytest.fixture
def dev(doors: Doors) -> Doors:
    doors.listen(letters=Letters(doors.parts.vault.keys, "https://id.example.org/", None))
    return doors


def test_a_message_is_shown_without_what_is_for_the_person_alone(doors: Doors) -> None:
    message_id = write(doors)
    [shown] = doors.admin("GET", LIST).ok()
    assert shown == {
        "id": message_id,
        "status": "queued",
        "type": "email",
        "channel": "email",
        "recipient": "ada@example.org",
        "subject": "<redacted-unless-dev-mode>",
        "body": "<redacted-unless-dev-mode>",
        "template_type": "login_code_valid",
        "send_count": 0,
        "created_at": shown["created_at"],
        "updated_at": shown["created_at"],
    }


def test_one_message_has_its_tries(doors: Doors) -> None:
    message_id = write(doors, "+15555550100", "sms")
    tried(doors, "the mail server refuses: 450")
    tried(doors)
    shown = doors.admin("GET", f"{LIST}/{message_id}").ok()
    assert (shown["type"], shown["channel"], shown["status"], shown["send_count"]) == ("phone", "sms", "sent", 2)
    assert [(d["status"], d.get("error")) for d in shown["dispatches"]] == [
        ("failed", {"message": "the mail server refuses: 450"}),
        ("success", None),
    ]
    assert {d["message_id"] for d in shown["dispatches"]} == {message_id}
    assert shown["updated_at"] > shown["created_at"]


def test_a_type_that_clients_do_not_know_is_stub(doors: Doors) -> None:
    keys = doors.parts.vault.keys
    doors.write(lambda tx: send(tx, doors.act(), keys, Template.RECOVERED, "email", "a@example.org", ip=""))
    assert doors.admin("GET", LIST).ok()[0]["template_type"] == "stub"


def test_what_is_not_there_is_404_and_what_is_no_id_400(doors: Doors) -> None:
    assert doors.admin("GET", f"{LIST}/{UNKNOWN}").refused(404)
    message = doors.admin("GET", f"{LIST}/BADUUID").refused(400)["message"]
    assert message == 'uuid: incorrect UUID length 7 in string "BADUUID"'


def test_a_list_is_newest_first_in_pages_by_status_and_by_recipient(doors: Doors) -> None:
    made = [write(doors, f"{name}@example.org") for name in "abcde"]
    tried(doors)
    assert [each for page in walk(doors.admin, f"{LIST}?page_size=2") for each in ids(page)] == made[::-1]
    assert ids(doors.admin("GET", f"{LIST}?status=sent")) == made[:1]
    assert ids(doors.admin("GET", f"{LIST}?recipient=c@example.org")) == made[2:3]
    for status in ("lost", ""):
        assert doors.admin("GET", f"{LIST}?status={status}").refused(400)["reason"] == "Message status is not valid"


def test_the_public_port_sends_to_the_admin_port(doors: Doors) -> None:
    for path in (LIST, f"{LIST}/{UNKNOWN}"):
        assert doors.public("GET", path).headers["location"] == f"http://admin.example.org:4434{path}"


def test_in_development_messages_are_read_in_the_list_and_on_a_page(dev: Doors) -> None:
    write(dev)
    [shown] = dev.admin("GET", LIST).ok()
    assert shown["subject"] == "Your code to sign in"
    assert "483920" in shown["body"]
    page = dev.public("GET", "/dev/mailbox")
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "483920" in page.body.decode()


def test_on_the_page_nothing_that_was_typed_is_markup_and_links_can_be_followed(dev: Doors) -> None:
    keys = dev.parts.vault.keys
    link = "https://id.example.org/x?a=1&b=<script>"
    for template in (Template.NEW_DEVICE, Template.RECOVERED):
        data = {"ip": "<script>alert(1)</script>"} | ({"link": link} if template is Template.NEW_DEVICE else {})
        dev.write(lambda tx, t=template, d=data: send(tx, dev.act(), keys, t, "email", "<b>@example.org", **d))  # type: ignore[misc]
    body = dev.public("GET", "/dev/mailbox").body.decode()
    assert not re.search(r"<(script|b)>", body)
    assert '<a href="https://id.example.org/x?a=1&amp;b=&lt;script&gt;">' in body


def test_outside_development_there_is_no_mailbox(doors: Doors) -> None:
    assert doors.public("GET", "/dev/mailbox").refused(404)
