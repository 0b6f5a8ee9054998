"""The admin operations on messages, and the mailbox page of development."""

from html import escape

from msgspec import UNSET

from nightlatch.core.courier.model import Filter, Letter, Message, Status, Template, Undelivered
from nightlatch.core.identities.notices import reader
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.doors.http.routing import Answer, Call
from nightlatch.doors.kratos import paging
from nightlatch.doors.kratos.bodies import path_id
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.shapes import CourierMessage, MessageDispatch, at, encode
from nightlatch.kernel.ids import id_text
from nightlatch.problems import Invalid, MessageNotFound

_MOST = 500
_HIDDEN = "<redacted-unless-dev-mode>"
# Clients know a closed list of types and refuse a whole page for one that is not on it.
_TYPES = {
    Template.RECOVERY_LINK: "recovery_valid",
    Template.RECOVERY_UNKNOWN: "recovery_invalid",
    Template.VERIFICATION_LINK: "verification_valid",
    Template.VERIFICATION_UNKNOWN: "verification_invalid",
} | {each: f"{each}_valid" for each in Template if each.endswith("_code")}
_UNNAMED = "stub"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_STYLE = """:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:44em;margin:2em auto;
padding:0 1em}article{border-top:1px solid;padding:1em 0}h2{font-size:1.1em;margin:0}pre{white-space:pre-wrap}"""


async def list_courier_messages(call: Call[Parts]) -> Answer:
    where = Filter(_status(call), call.query("recipient") or None)
    page = paging.asked(call, _MOST, numbered=False)
    before = paging.read_token(call, page, "messages", bytes)
    organization = call.act.organization
    rows = await call.door.store.scan(lambda tx: tx.messages.page(organization, where, before, page.size + 1))
    headers = paging.token_link(call, page, "messages", rows, lambda message: message.id)
    return Answer(200, encode([await _shown(call.door, row) for row in rows[: page.size]]), headers)


async def get_courier_message(call: Call[Parts]) -> Answer:
    message_id = path_id(call.path("id"))
    message = await call.door.store.read(lambda tx: tx.messages.get(call.act.organization, message_id))
    if message is None:
        raise MessageNotFound
    shown = await _shown(call.door, message)
    shown.dispatches = [
        MessageDispatch(
            id_text(d.id),
            shown.id,
            "success" if d.error is None else "failed",
            at(d.at),
            at(d.at),
            {"message": d.error} if d.error else UNSET,
        )
        for d in message.dispatches
    ]
    return Answer(200, encode(shown))


async def mailbox(parts: Parts, _headers: object) -> Answer:
    """The newest messages as people would read them. Only where `parts.letters` is there: in development."""
    rows = await parts.store.scan(lambda tx: tx.messages.page(DEFAULT, Filter(), None, 50))
    articles = "".join([await _article(parts, row) for row in rows]) or "<p>No message was written yet.</p>"
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mailbox</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style></head><body><main><h1>Mailbox</h1>{articles}</main></body></html>"
    )
    headers = (("content-security-policy", _POLICY),)
    return Answer(200, page.encode(), headers, "text/html; charset=utf-8")


async def _article(parts: Parts, message: Message) -> str:
    letter = await _letter(parts, message)
    lines = [f'<a href="{each}">{each}</a>' if each.startswith(("https://", "http://")) else each
             for each in escape(letter.text).splitlines()]  # fmt: skip
    told = f"{message.recipient}, {at(message.created_at):%Y-%m-%d %H:%M:%S} UTC, {message.status}"
    title = escape(letter.subject or message.template)
    return f"<article><h2>{title}</h2><p>{escape(told)}</p><pre>{chr(10).join(lines)}</pre></article>"


async def _letter(parts: Parts, message: Message) -> Letter:
    """What stands in it, in development only: elsewhere a code is for the person alone."""
    if parts.letters is None:
        return Letter(_HIDDEN, _HIDDEN, _HIDDEN)
    try:
        return parts.letters(message, await parts.store.read(lambda tx: reader(tx, message)))
    except Undelivered as failure:
        return Letter("", failure.reason, "")


async def _shown(parts: Parts, m: Message) -> CourierMessage:
    letter = await _letter(parts, m)
    return CourierMessage(
        id=id_text(m.id),
        status=m.status,
        type="email" if m.channel == "email" else "phone",
        channel=m.channel,
        recipient=m.recipient,
        subject=letter.subject,
        body=letter.text,
        template_type=_TYPES.get(Template(m.template), _UNNAMED),
        send_count=m.send_count,
        created_at=at(m.created_at),
        updated_at=at(m.updated_at),
    )


def _status(call: Call[Parts]) -> Status | None:
    text = call.query("status")
    if text is None:
        return None
    if text not in list(Status):
        raise Invalid("Message status is not valid")
    return Status(text)
