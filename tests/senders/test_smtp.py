"""Mail to a real server: one that is well, and one that is ill in every way."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.database import Run
from tests.senders.mail_server import MailServer, mail_server
from tests.senders.written import LETTER, message

from nightlatch.core.courier.model import Relay, Undelivered
from nightlatch.senders import smtp
from nightlatch.senders.smtp import Smtp


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for localhost that nobody signed but itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def served(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def hand_in(relay: Relay, **more: Any) -> Awaitable[None]:
    return Smtp(relay, "no-reply@example.com", "Éxample, Inc.")(message(), LETTER, **more)


def with_server(run: Run, work: Callable[[MailServer], Awaitable[None]], *how: Any) -> MailServer:
    async def scene() -> MailServer:
        async with mail_server(*how) as server:
            await work(server)
            return server

    return run(scene())


def refused(run: Run, mood: Any) -> tuple[Undelivered, MailServer]:
    caught: list[Undelivered] = []

    async def work(server: MailServer) -> None:
        server.mood = mood
        with pytest.raises(Undelivered) as error:
            await hand_in(server.relay())
        caught.append(error.value)

    server = with_server(run, work)
    return caught[0], server


def test_a_letter_is_text_and_page_from_the_configured_sender(run: Run) -> None:
    server = with_server(run, lambda server: hand_in(server.relay()))
    [mail], [envelope] = server.letters, server.envelopes
    assert (mail["from"], mail["to"]) == ('"Éxample, Inc." <no-reply@example.com>', "anna@example.org")
    assert (mail["subject"], mail["auto-submitted"]) == ("Your code", "auto-generated")
    assert mail["message-id"] == "<0199aabb-ccdd-7000-8000-00000000cafe@example.com>"
    assert mail["date"].datetime == datetime(1970, 1, 1, tzinfo=UTC)
    text, page = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert page is not None
    assert (text.get_content().strip(), page.get_content().strip()) == (LETTER.text, LETTER.html)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@example.com", ["anna@example.org"])


@pytest.mark.parametrize(
    ("mood", "final"),
    [
        (("RCPT", "450 Later"), False),
        (("RCPT", "550 No such box"), True),
        (("DATA", "451 Later"), False),
        (("DATA", "554 Not this"), True),
        ("cut", False),
    ],
)
def test_F18_a_server_that_refuses_for_now_is_asked_again_and_one_that_refuses_for_good_is_not(
    run: Run, mood: Any, final: bool
) -> None:
    failure, server = refused(run, mood)
    assert failure.final is final
    assert "anna" not in failure.reason
    assert len(server.letters) == (mood == "cut")


def test_F18_a_server_that_is_down_or_is_none_is_asked_again(run: Run) -> None:
    async def scene() -> None:
        async with mail_server() as server:
            relay = server.relay()
        silent = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        closing = Relay("127.0.0.1", silent.sockets[0].getsockname()[1], "none")
        for each in (relay, closing, Relay("nowhere.invalid", 25, "none")):
            with pytest.raises(Undelivered) as error:
                await hand_in(each)
            assert not error.value.final
        silent.close()

    run(scene())


@pytest.mark.parametrize("tls", ["tls", "starttls"])
def test_W14_over_tls_the_server_proves_its_name(
    run: Run, certificate: Path, tls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(server: MailServer) -> None:
        with pytest.raises(Undelivered):
            await hand_in(server.relay(tls))
        assert server.letters == []
        await hand_in(server.relay(tls, verify=False))
        knowing = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr(smtp, "_context", lambda *, verify: knowing)
        await hand_in(server.relay(tls))

    assert len(with_server(run, work, tls, served(certificate)).letters) == 2


def test_W14_nothing_is_said_to_a_server_without_the_encryption_that_was_asked_for(run: Run) -> None:
    async def work(server: MailServer) -> None:
        for tls in ("starttls", "tls"):
            with pytest.raises(Undelivered):
                await hand_in(server.relay(tls, user="u", password="p@ss"))

    server = with_server(run, work)
    assert (server.letters, server.signed_in) == ([], [])


def test_it_signs_in_and_a_refused_password_is_no_verdict_on_the_letter(run: Run) -> None:
    async def work(server: MailServer) -> None:
        await hand_in(server.relay(user="u", password="p@ss"))
        with pytest.raises(Undelivered) as error:
            await hand_in(server.relay(user="u", password="wrong"))
        assert error.value.reason == "the mail server refuses: 535"
        assert not error.value.final

    assert with_server(run, work).signed_in[:2] == [b"p@ss", b"wrong"]
