"""Letters by SMTP: a connection each, encrypted, to a server that proves its name, unless the URL says otherwise."""

import contextlib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from functools import cache
from types import ModuleType

from nightlatch.core.courier.model import Letter, Message, Relay, Undelivered
from nightlatch.core.courier.rules import TRY
from nightlatch.kernel.clock import SECOND, moment
from nightlatch.kernel.ids import id_text

_FINAL = 500  # RFC 5321, 4.2.1: from here on the same command will fail again


class Smtp:
    def __init__(self, relay: Relay, from_address: str, from_name: str | None) -> None:
        self._relay = relay
        self._from = from_address
        self._shown = formataddr((from_name, from_address)) if from_name else from_address

    async def __call__(self, message: Message, letter: Letter) -> None:
        """Undelivered; finally so when the server will not have this recipient or this letter."""
        smtp = _smtp()
        try:
            await self._hand_in(smtp, message, letter)
        except smtp.SMTPRecipientsRefused as error:
            code = error.recipients[0].code
            raise Undelivered(f"the recipient is refused: {code}", final=code >= _FINAL) from None
        except smtp.SMTPDataError as error:
            raise Undelivered(f"the letter is refused: {error.code}", final=error.code >= _FINAL) from None
        except smtp.SMTPResponseException as error:
            raise Undelivered(f"the mail server refuses: {error.code}") from None
        except (smtp.SMTPException, OSError, ValueError) as error:
            raise Undelivered(f"the mail server does not answer as it should: {type(error).__name__}") from None

    async def _hand_in(self, smtp: ModuleType, message: Message, letter: Letter) -> None:
        relay = self._relay
        client = smtp.SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.user,
            password=relay.password,
            use_tls=relay.tls == "tls",
            start_tls=relay.tls
            == "starttls",  # True, and never None, which would go on in clear where it is not offered
            tls_context=_context(verify=relay.verify),
            timeout=TRY / SECOND,
        )
        try:
            await client.connect()
            await client.send_message(self._mail(message, letter), sender=self._from, recipients=[message.recipient])
            # The letter is taken: how the server parts is no reason to send it again.
            with contextlib.suppress(smtp.SMTPException, OSError):
                await client.quit(timeout=1)
        finally:
            # Its own context manager would wait for a slow server before it lets go.
            client.close()

    def _mail(self, message: Message, letter: Letter) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._shown, message.recipient, letter.subject
        mail["Date"] = format_datetime(moment(message.created_at))
        # The same at every try: a mailbox can tell that it has the letter already.
        mail["Message-ID"] = f"<{id_text(message.id)}@{self._from.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(letter.text)
        mail.add_alternative(letter.html, subtype="html")
        return mail


@cache
def _context(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@cache
def _smtp() -> ModuleType:
    import aiosmtplib  # as jinja2

    return aiosmtplib
