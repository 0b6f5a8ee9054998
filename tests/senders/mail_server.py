"""A mail server of the tests' own, on a real socket, that behaves as it is told."""

import asyncio
import re
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope

from nightlatch.core.courier.model import Relay


class MailServer:
    """`mood` is ok, slow, cut (after the letter was read), or the answer to a command: ("RCPT", "450 Later")."""

    def __init__(self) -> None:
        self.mood: Any = "ok"
        self.letters: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.signed_in: list[bytes] = []
        self.port = 0

    def relay(self, tls: str = "none", **more: Any) -> Relay:
        return Relay("localhost" if tls != "none" else "127.0.0.1", self.port, tls, **more)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, _options: Any) -> str:
        if self.mood[0] == "RCPT":
            return self.mood[1]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        if self.mood == "slow":
            await asyncio.sleep(30)
        if self.mood == "cut":
            assert server.transport is not None
            server.transport.abort()
        if self.mood[0] == "DATA":
            return self.mood[1]
        self.letters.append(message_from_bytes(envelope.content or b"", policy=policy.default))  # type: ignore[arg-type]
        self.envelopes.append(envelope)
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.signed_in.append(data.password)
        return AuthResult(success=data.password == b"p@ss", handled=False)


@asynccontextmanager
async def mail_server(tls: str = "none", context: ssl.SSLContext | None = None) -> AsyncIterator[MailServer]:
    """A server until the block ends; `tls` as in a Relay."""
    handler = MailServer()

    def protocol() -> SMTP:
        more = {"tls_context": context, "require_starttls": True} if tls == "starttls" else {}
        return SMTP(
            handler, hostname="mail.test", authenticator=handler.authenticate, auth_require_tls=tls == "starttls", **more
        )  # fmt: skip

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if tls == "tls" else None)
    handler.port = listening.sockets[0].getsockname()[1]
    try:
        yield handler
    finally:
        listening.close()
        await asyncio.sleep(0)


@contextmanager
def mail_server_beside() -> Iterator[MailServer]:
    """The same in a thread of its own, for tests of whole servers."""
    ready, over, made = threading.Event(), threading.Event(), []

    async def listen() -> None:
        async with mail_server() as server:
            made.append(server)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    assert ready.wait(10)
    try:
        yield made[0]
    finally:
        over.set()
        thread.join()


def soon(holds: Callable[[], bool]) -> None:
    for _ in range(100):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen in ten seconds")


def by_smtp(mail: MailServer) -> dict[str, Any]:
    """The configuration of a courier that hands its letters to `mail`."""
    uri = f"smtp://127.0.0.1:{mail.port}/?disable_starttls=true"
    return {"courier": {"smtp": {"connection_uri": uri, "from_address": "id@example.com"}}}


def code_sent(mail: MailServer, recipient: str, nth: int = 1) -> str:
    """The code of the nth letter to `recipient`, for which it waits."""
    for _ in range(100):
        letters = [letter for letter in list(mail.letters) if str(letter["to"]) == recipient]
        body = letters[nth - 1].get_body(("plain",)) if len(letters) >= nth else None
        if body is not None and (found := re.search(r"^([0-9]{6})\s*$", body.get_content(), re.MULTILINE)):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"no code came to {recipient} in ten seconds")
