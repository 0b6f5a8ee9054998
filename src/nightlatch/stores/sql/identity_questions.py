"""Questions over identities as SQL."""

from collections.abc import Sequence

from nightlatch.core.identities.model import Identity
from nightlatch.core.identities.question import ATTRIBUTES, Question
from nightlatch.core.questions import Summary
from nightlatch.kernel.filters import Comparison, Op
from nightlatch.stores.sql.filters import Asked, Filtered, Order
from nightlatch.stores.sql.identities import COLUMNS, identity_of
from nightlatch.stores.sql.questions import BY_EXTERNAL_ID


class _Asked(Filtered[Question]):
    attributes = ATTRIBUTES
    columns = {name: f"i.{name}" for name in ATTRIBUTES} | {
        "organization": "i.organization_id",
        "schema": "i.schema_id",
    }
    organization, identity = "i.organization_id", "i.id"
    by = Order("i.created_at", "i.id", upwards=False)

    def pick(self) -> None:
        question = self._question
        narrow = question.reach.narrow
        if narrow is None or narrow.path == "id":
            self.walk()
        elif narrow.path == "external_id":
            # Of the organization, as those found by a trait are: SQLite would walk all of it, in the order of the list.
            self.add(BY_EXTERNAL_ID.format(column="i.id"), question.organization, narrow.value)
        else:
            self.found_by("i.id", narrow)
        if question.where is not None:
            self.add(self.text(question.where))


class SqlIdentityQuestions(Asked[Question, Identity]):
    conditions = _Asked
    walked = source = "identities i"
    shown = COLUMNS
    read = staticmethod(identity_of)

    async def summary(self, question: Question, schemas: Sequence[str] = ()) -> Summary:
        states = ATTRIBUTES["state"].choices if schemas else ()
        wanted = [Comparison("state", Op.EQ, state) for state in states]
        return await self._summary(question, [*wanted, *(Comparison("schema", Op.EQ, each) for each in schemas)])
