"""Messages written, claimed and settled.

Whoever claims a message is alone with it until the claim is over, which is longer than any try takes: of many processes
one sends it. Only a process that dies between the server's "taken" and its own word makes a second one.
"""

import msgspec

from nightlatch.core.courier.model import Dispatch, Message, Status, Template, Undelivered
from nightlatch.core.courier.store import Tx
from nightlatch.core.events.model import Act, event
from nightlatch.kernel.clock import DAY, HOUR, MINUTE, SECOND
from nightlatch.kernel.secrets import Keys

GIVEN_UP = DAY
TRY = 30 * SECOND
_CLAIM = 2 * MINUTE
_FIRST_WAIT = 10 * SECOND


async def send(
    tx: Tx,
    act: Act,
    keys: Keys,
    template: Template,
    channel: str,
    recipient: str,
    identity_id: bytes | None = None,
    **data: str,
) -> Message:
    """A message in the outbox, written with what it tells of: without that it is never sent, and with it always."""
    message_id = act.new_id()
    sealed = keys.encrypt(msgspec.json.encode(data), _context(message_id), act.entropy)
    message = Message(
        message_id, act.organization, identity_id, channel, recipient, template, sealed, act.now, act.now, act.now
    )
    await tx.messages.add(message)
    return message


def opened(keys: Keys, message: Message) -> dict[str, str] | None:
    """What `send` was given for the template; None when no configured secret opens it."""
    text = keys.decrypt(message.data, _context(message.id))
    return None if text is None else msgspec.json.decode(text, type=dict[str, str])


async def claim(tx: Tx, act: Act, most: int) -> list[Message]:
    """At most `most` messages, for the caller alone to send, each within TRY."""
    return await tx.messages.claim(act.now, act.now + _CLAIM, most)


async def settle(tx: Tx, act: Act, message: Message, failure: Undelivered | None) -> Status | None:
    """What becomes of a claimed message after a try: sent, queued for later, or abandoned, a day after it was written
    or when another try is of no use. None when the claim was over and somebody else has it."""
    tried = (*message.dispatches, Dispatch(act.new_id(), act.now, failure.reason if failure else None))
    status, next_at = Status.SENT, None
    if failure is not None:
        status, next_at = Status.QUEUED, act.now + min(_FIRST_WAIT << min(message.send_count - 1, 20), HOUR)
        if failure.final or next_at >= message.created_at + GIVEN_UP:
            status, next_at = Status.ABANDONED, None
    done_at = act.now if next_at is None else None
    settled = msgspec.structs.replace(
        message, status=status, next_at=next_at, done_at=done_at, dispatches=tried, updated_at=act.now
    )
    if not await tx.messages.settle(settled):
        return None
    if status is Status.ABANDONED:
        whose = msgspec.structs.replace(act, organization=message.organization)
        await tx.events.add([event(whose, "message.abandoned", identity_id=message.identity_id)])
    return status


def _context(message_id: bytes) -> bytes:
    return message_id + b"message"
