"""Questions over events as SQL."""

import msgspec

from nightlatch.core.events.model import Event, Logged
from nightlatch.core.events.question import ATTRIBUTES, Question
from nightlatch.stores.sql.events import COLUMNS
from nightlatch.stores.sql.filters import Asked, Filtered, Order
from nightlatch.stores.sql.statement import Row


class _Asked(Filtered[Question]):
    attributes = ATTRIBUTES
    columns = {"identity.id": "identity_id", "session.id": "session_id"}
    by = Order("at", "id", upwards=False)


def _logged(row: Row) -> Logged:
    fields = [*row[:9], row[9] and msgspec.json.decode(row[9])]
    return Logged(Event(*fields), row[10])


class SqlLog(Asked[Question, Logged]):
    conditions = _Asked
    walked = source = "events"
    shown = f"{COLUMNS}, position"
    read = staticmethod(_logged)
