"""What happened, as an administrator asks for it."""

from collections.abc import Sequence

from nightlatch.core.administration import questions
from nightlatch.core.events.model import Logged
from nightlatch.core.events.question import Question
from nightlatch.core.identities.store import Tx
from nightlatch.core.questions import Place

_UNSERVED = "Name id or position with eq, or bound at, beside all else with and"


async def page(
    tx: Tx, question: Question, after: Place | None, size: int, *, allow_scan: bool = False
) -> Sequence[Logged]:
    """The next `size` that fit. QueryTooBroad when 50,000 were looked at and did not hold so many."""
    return await questions.page(tx, tx.log, question, after, size, _UNSERVED, allow_scan=allow_scan)
