"""Signing in and up with a password."""

from collections.abc import Iterator

import msgspec

from nightlatch.core.authentication.authenticator import Attempt
from nightlatch.core.events.model import Act
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.login import rules as login
from nightlatch.core.registration import rules as registration
from nightlatch.doors.kratos import texts
from nightlatch.doors.kratos.inputs import Node, input_
from nightlatch.doors.kratos.methods.method import Given, is_text
from nightlatch.doors.kratos.parts import Flows, Parts


class Password:
    type = "password"

    def is_on(self, flows: Flows) -> bool:
        return flows.password_enabled

    def to_sign_in(self, flow: Flow) -> Iterator[Node]:
        yield input_("password", "password", "password", texts.PASSWORD, required=True, autocomplete="current-password")
        label = texts.SIGN_IN if flow.facts.refresh else texts.SIGN_IN_WITH_PASSWORD
        yield input_("password", "method", "submit", label, value="password")

    def to_sign_up(self, flow: Flow) -> Iterator[Node]:
        yield input_("password", "password", "password", texts.PASSWORD, required=True, autocomplete="new-password")
        yield input_("password", "method", "submit", texts.SIGN_UP, value="password")

    def missing(self, flow: Flow, given: Given) -> list[str]:
        names = {"identifier": given.get("identifier") or given.get("password_identifier")}
        wanted = (names if flow.act is Kind.LOGIN else {}) | {"password": given.get("password")}
        return [name for name, value in wanted.items() if not is_text(value)]

    async def sign_in(
        self, parts: Parts, act: Act, flow: Flow, given: Given, attempt: Attempt
    ) -> login.SignedIn | Flow:
        return await login.sign_in(parts.means, act, parts.flows.password, _with_password(attempt, given))

    async def sign_up(
        self, parts: Parts, act: Act, flow: Flow, given: Given, attempt: Attempt
    ) -> registration.Registered | Flow:
        session = "password" in parts.flows.signing_in
        tried = _with_password(attempt, given)
        return await registration.register(
            parts.means, parts.schemas, act, parts.flows.password, tried, session=session
        )


def _with_password(attempt: Attempt, given: Given) -> Attempt:
    return msgspec.structs.replace(attempt, secret=given["password"])
