"""What is due, sent: claimed in one short unit, written and handed in with no transaction open, settled in another."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from nightlatch.core.courier.model import Letter, Message, Status, Undelivered
from nightlatch.core.courier.rules import TRY, claim, settle
from nightlatch.core.events.model import Act
from nightlatch.core.identities.notices import reader
from nightlatch.core.store import Store
from nightlatch.kernel.clock import SECOND

MOST = 10  # at once: mail servers count connections
Sender = Callable[[Message, Letter], Awaitable[None]]
Write = Callable[[Message, str | None], Letter]
Told = Callable[[Message, Status, str], None]


async def kept(_message: Message, _letter: Letter) -> None:
    """The sender of development: letters are read where they lie."""


async def deliver(
    store: Store,
    act: Callable[[], Act],
    letters: Write,
    senders: Mapping[str, Sender],
    told: Told,
) -> int:
    """Sends what is due, by the sender of its channel, MOST at once; how many were claimed. `letters` is given the
    traits of whom it writes to, `told` hears of each message what became of it and why it was not taken."""
    now = act()
    if not await store.read(lambda tx: tx.messages.any_due(now.now)):
        return 0
    claimed = await store.write(lambda tx: claim(tx, now, MOST))

    async def one(message: Message) -> None:
        traits = await store.read(lambda tx: reader(tx, message))
        failure = await _tried(message, partial(letters, message, traits), senders.get(message.channel))
        over = act()
        if status := await store.write(lambda tx: settle(tx, over, message, failure)):
            told(message, status, failure.reason if failure else "")

    await asyncio.gather(*map(one, claimed))
    return len(claimed)


async def _tried(message: Message, write: Callable[[], Letter], sender: Sender | None) -> Undelivered | None:
    try:
        if sender is None:
            raise Undelivered(f"the channel {message.channel} is not configured", final=True)
        async with asyncio.timeout(TRY / SECOND):
            await sender(message, write())
    except Undelivered as failure:
        return failure
    except TimeoutError:
        return Undelivered("no answer in time")
    except Exception as error:  # noqa: BLE001 - one letter that cannot be sent holds up no other
        return Undelivered(f"a bug: {type(error).__name__}")
    return None
