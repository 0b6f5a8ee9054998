"""Whole servers that send mail: of several workers one sends each message, and in development it is read on a page."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.development import Development
from tests.senders.mail_server import MailServer, by_smtp, mail_server_beside, soon
from tests.serving import Server

PASSWORD = "Tr0ut-lamp*ferry 91"


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server_beside() as server:
        yield server


def replace_password(ask: Callable[..., httpx.Response], email: str) -> None:
    """Of a new person whose address is verified."""
    address = {"value": email, "via": "email", "verified": True, "status": "completed"}
    body: dict[str, Any] = {"schema_id": "default", "traits": {"email": email}, "verifiable_addresses": [address]}
    secrets = [{"password": {"config": {"password": PASSWORD + more}}} for more in ("", " 2")]
    made = ask("POST", "/admin/identities", json=body | {"credentials": secrets[0]}).json()
    replaced = body | {"credentials": secrets[1], "state": "active"}
    assert ask("PUT", f"/admin/identities/{made['id']}", json=replaced).status_code == 200


def test_P15_three_workers_send_one_mail_of_each_message(serve: Callable[..., Server], mail: MailServer) -> None:
    server = serve(workers=3, settings=by_smtp(mail))
    people = [f"p{n}@example.com" for n in range(5)]
    for person in people:
        replace_password(server.ask_admin, person)
    soon(lambda: len(mail.letters) >= len(people))
    time.sleep(1.5)
    assert sorted(str(letter["to"]) for letter in mail.letters) == people
    assert {str(letter["subject"]) for letter in mail.letters} == {"The way you sign in was changed"}
    messages = server.ask_admin("GET", "/admin/courier/messages").json()
    assert {(message["status"], message["send_count"]) for message in messages} == {("sent", 1)}


def test_in_development_the_mail_is_read_on_a_page(tmp_path: Path) -> None:
    development = Development(tmp_path)

    def ask(method: str, path: str, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {development.key_file.read_text().strip()}"}
        return httpx.request(method, development.admin + path, headers=headers, trust_env=False, **request)

    with development.running():
        replace_password(ask, "ada@example.com")
        page = httpx.get(f"{development.public}/dev/mailbox", trust_env=False).text
        assert "ada@example.com" in page
        assert "The way you sign in was changed" in page
        soon(lambda: ask("GET", "/admin/courier/messages").json()[0]["status"] == "sent")
