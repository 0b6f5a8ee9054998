"""Questions over sessions as SQL."""

from collections.abc import Sequence

import msgspec

from nightlatch.core.questions import Summary
from nightlatch.core.sessions.model import How, Standing
from nightlatch.core.sessions.question import ATTRIBUTES, Question
from nightlatch.kernel.filters import Comparison, Op
from nightlatch.kernel.ids import id_text
from nightlatch.stores.sql.filters import SIGNS, Asked, Filtered, Order
from nightlatch.stores.sql.policies import ENDS, IDLE, idle
from nightlatch.stores.sql.sessions import ENDED, JOINS, STANDING, standing_of

BY_EXTERNAL_ID = """{column} = (select identity_id from names
    where organization_id = {{}} and kind = 'external_id' and value = {{}})"""


class _Asked(Filtered[Question]):
    """The conditions of a question."""

    attributes = ATTRIBUTES
    columns = {name: f"s.{name}" for name in ATTRIBUTES} | {
        "organization": "s.organization_id",
        "identity.id": "s.identity_id",
        "identity.state": "i.state",
        "identity.schema": "i.schema_id",
        "identity.external_id": "i.external_id",
        "expires_at": f"({ENDS})",
        "device.kind": "s.device_kind",
        "device.ip": "s.ip",
        "device.user_agent": "s.user_agent",
        "device.location": "s.location",
    }
    organization, identity = "s.organization_id", "s.identity_id"
    by = Order("s.created_at", "s.id", upwards=True)

    def pick(self) -> None:
        question = self._question
        if (narrow := question.reach.narrow) is None:
            self.walk()
        else:
            # Asked of the identity: SQLite would walk all sessions of the organization, whose index is in that order.
            self.add("i.organization_id = {}", question.organization)
            if narrow.path == "identity.external_id":
                self.add(BY_EXTERNAL_ID.format(column="s.identity_id"), question.organization, narrow.value)
            elif narrow is question.few:
                self.found_by("s.identity_id", narrow)
        if question.how is How.DISABLE:
            self.add(f"not {ENDED}")
        if question.issued_by is not None:
            self.add("s.issued_at <= {}", question.issued_by)
        if question.where is not None:
            self.add(self.text(question.where))

    def compared(self, comparison: Comparison) -> str:
        if comparison.path == "state":
            return self._of_state(comparison)
        if comparison.path == "methods":
            return self._of_methods(comparison)
        return super().compared(comparison)

    def _of_state(self, comparison: Comparison) -> str:
        if comparison.op is Op.PR:
            return "true"
        asked = self._question
        values = map(self.parameter, (asked.now, *idle(asked.idle, asked.now)))
        over = f"{ENDS} <= {{}} or {IDLE}".format(*values)
        state = f"case when {ENDED} then 'ended' when {over} then 'expired' else i.state end"
        return f"{state} {SIGNS[comparison.op]} {self.parameter(comparison.value)}"

    def _of_methods(self, comparison: Comparison) -> str:
        if comparison.op is Op.PR:
            return "s.methods <> '[]'"
        member = '"method":' + msgspec.json.encode(comparison.value).decode()
        sign = "<>" if comparison.op is Op.EQ else "="
        return f"replace(s.methods, {self.parameter(member)}, '') {sign} s.methods"


class SqlQuestions(Asked[Question, Standing]):
    conditions = _Asked
    walked = "sessions s"
    source = f"sessions s {JOINS}"
    shown = STANDING
    read = staticmethod(standing_of)

    async def summary(self, question: Question, methods: Sequence[str] = ()) -> Summary:
        kinds = ATTRIBUTES["device.kind"].choices if methods else ()
        wanted = [Comparison("device.kind", Op.EQ, kind) for kind in kinds]
        wanted += [Comparison("methods", Op.EQ, each) for each in methods]
        summary = await self._summary(question, wanted)
        if methods:
            summary.facets["organization"] = {id_text(question.organization): summary.total} if summary.total else {}
            summary.facets["country"] = dict(await self._countries(question))
        return summary

    async def _countries(self, question: Question) -> Sequence[tuple[str, int]]:
        conditions = _Asked(self._connection, question)
        conditions.pick()
        conditions.add("s.location is not null")
        country = "substr(s.location, length(s.location) - 1)"  # that of `Ulm, DE`
        statement = conditions.statement(f"select {country}, count(*) from {self.source} where %s group by {country}")
        return await self._all(lambda row: (row[0], row[1]), statement, *conditions.arguments)
