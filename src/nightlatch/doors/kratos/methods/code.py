"""Signing in and up with a one-time code: asked for first, then typed in."""

from collections.abc import Iterator

import msgspec

from nightlatch.core.authentication.authenticator import Attempt
from nightlatch.core.events.model import Act
from nightlatch.core.flows.model import SENT, Flow
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.login import rules as login
from nightlatch.core.registration import rules as registration
from nightlatch.doors.kratos import texts
from nightlatch.doors.kratos.inputs import Node, code_inputs, input_
from nightlatch.doors.kratos.methods.method import Given, is_text
from nightlatch.doors.kratos.parts import Flows, Parts


class Code:
    type = "code"

    def is_on(self, flows: Flows) -> bool:
        return flows.passwordless

    def to_sign_in(self, flow: Flow) -> Iterator[Node]:
        return _fields(flow, texts.SEND_LOGIN_CODE, texts.LOGIN_CODE)

    def to_sign_up(self, flow: Flow) -> Iterator[Node]:
        return _fields(flow, texts.SEND_REGISTRATION_CODE, texts.REGISTRATION_CODE)

    def missing(self, flow: Flow, given: Given) -> list[str]:
        if not _asks(flow, given):
            return [] if is_text(given.get("code")) else ["code"]
        known = flow.act is Kind.REGISTRATION or is_text(given.get("identifier") or flow.facts.identifier)
        return [] if known else ["identifier"]

    async def sign_in(
        self, parts: Parts, act: Act, flow: Flow, given: Given, attempt: Attempt
    ) -> login.SignedIn | Flow:
        code = parts.flows.code
        if _asks(flow, given):
            whose = attempt.identifier or flow.facts.identifier or ""
            return await code.send_to_sign_in(parts.means, act, msgspec.structs.replace(attempt, identifier=whose))
        return await login.sign_in(parts.means, act, code, msgspec.structs.replace(attempt, secret=given["code"]))

    async def sign_up(
        self, parts: Parts, act: Act, flow: Flow, given: Given, attempt: Attempt
    ) -> registration.Registered | Flow:
        code = parts.flows.code
        tried = msgspec.structs.replace(attempt, traits=attempt.traits or flow.facts.traits or {})
        if _asks(flow, given):
            return await code.send_to_sign_up(parts.means, act, tried, parts.schemas)
        tried = msgspec.structs.replace(tried, secret=given["code"])
        session = "code" in parts.flows.signing_in
        return await registration.register(parts.means, parts.schemas, act, code, tried, session=session)


def _fields(flow: Flow, ask: texts.Message, label: texts.Message) -> Iterator[Node]:
    if flow.state != SENT:
        yield input_("code", "method", "submit", ask, value="code")
        return
    yield from code_inputs(label)
    yield input_("code", "resend", "submit", texts.RESEND, value="code")


def _asks(flow: Flow, given: Given) -> bool:
    """Whether a code is to be sent: none was, it got lost, or the address was wrong."""
    if flow.state != SENT or is_text(given.get("resend")):
        return True
    return not is_text(given.get("code")) and given.get("identifier") not in (
        None,
        flow.facts.identifier,
    )  # a tuple: what was sent may be unhashable
