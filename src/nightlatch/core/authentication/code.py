"""One-time codes, sent to an address: who reads what is sent there is whose it is, and it is theirs from then on.

An address that nobody has is sent nothing, and all else goes as for one that somebody has: a code that nobody knows can
be tried, and is wrong.
"""

from functools import partial
from typing import Any, ClassVar

import msgspec

from nightlatch.core.attempts.rules import CODE, check_network
from nightlatch.core.authentication.authenticator import Attempt, Enrolment, Proof, proof_of, refused
from nightlatch.core.credentials.addresses import mark
from nightlatch.core.credentials.person import Person
from nightlatch.core.events.model import Act
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.codes import arrived, is_right, try_code
from nightlatch.core.flows.model import SENT, Flow
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Code as Row
from nightlatch.core.flows.post import post
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Address, Name
from nightlatch.core.identities.model import Kind as Use
from nightlatch.core.identities.normal import LONGEST, normal_identifier, phone_number
from nightlatch.core.identities.schemas import Derived, Schemas
from nightlatch.core.means import Floor, Means
from nightlatch.problems import TraitsInvalid


class Code(msgspec.Struct, frozen=True):
    """A code is good for so many `tries`. With `hide_unknown`, nobody is told that an address has no account."""

    type: ClassVar[str] = CODE
    aal: ClassVar[int] = 1
    wrong: ClassVar[str] = "login_code_wrong"
    tries: int
    hide_unknown: bool = True

    async def send_to_sign_in(self, means: Means, act: Act, attempt: Attempt) -> Flow:
        """The flow, waiting for the code that was sent, or with why none was. FlowNotFound, FlowExpired, Throttled."""
        floor = means.floor(attempt.secret)
        flow = await means.store.write(lambda tx: self._send_to_sign_in(tx, means, act, attempt))
        # As long for who is known: a message more is written for them.
        await floor.reached()
        return flow

    async def send_to_sign_up(self, means: Means, act: Act, attempt: Attempt, schemas: Schemas) -> Flow:
        """The same, to the address among the traits."""
        try:
            derived = schemas.chosen(schemas.default_id).derive(attempt.traits)
        except TraitsInvalid as problem:
            return await means.store.write(partial(_explain, act, attempt, flows.problems_of(problem)))
        if not derived.code_addresses:
            return await means.store.write(partial(_explain, act, attempt, ({"code": "no_identifier"},)))
        to = derived.code_addresses[0]
        return await means.store.write(lambda tx: self._send_to_sign_up(tx, means, act, attempt, to))

    async def verify(self, means: Means, act: Act, attempt: Attempt, floor: Floor) -> Proof:
        proof, code = await means.store.write(lambda tx: self._try(tx, means, act, attempt))
        if code is None:
            return refused(proof, "login_code_spent")
        if not is_right(means.code_keys, code, attempt.secret):
            return refused(proof, self.wrong)
        address = code.address or ""

        async def settle(tx: Tx, person: Person) -> Person | None:
            via, _, value = address.partition(":")
            # The address may have been given up since the code went there.
            if value not in person.credentials[CODE].identifiers:
                return None
            await arrived(tx, act, means.throttling, address, attempt.device.ip)
            return await mark(tx, act, person, (via, value), verified=True)

        return msgspec.structs.replace(proof, settle=settle)

    async def enrol(self, means: Means, act: Act, flow: Flow, derived: Derived, attempt: Attempt) -> Enrolment:
        if attempt.traits != flow.facts.traits:
            # The code went to an address of the earlier ones.
            return Enrolment(refused="traits_changed")
        network = attempt.device.ip
        code = await means.store.write(lambda tx: try_code(tx, act, means.throttling, flow, network, self.tries))
        if code is None:
            return Enrolment(refused="registration_code_spent")
        if not is_right(means.code_keys, code, attempt.secret):
            return Enrolment(refused="registration_code_wrong")
        via, _, value = (code.address or "").partition(":")
        if (via, value) not in derived.code_addresses:
            # Other traits were given since, for which no code could be sent.
            return Enrolment(refused="traits_changed")
        return Enrolment(addresses=(Address(b"", Use.VERIFIABLE, via, value, 0, 0, verified=True),))

    async def _send_to_sign_in(self, tx: Tx, means: Means, act: Act, attempt: Attempt) -> Flow:
        flow = await flows.find_open(tx, act, Kind.LOGIN, attempt.flow_id)
        await check_network(tx, act, "send_code", attempt.device.ip, means.throttling.proofs)
        value = normal_identifier(CODE, attempt.identifier)
        value = value if len(value) <= LONGEST else ""
        whose = await tx.identities.holder(act.organization, Name(CODE, value))
        if whose is None and not self.hide_unknown:
            return await flows.explain(tx, flow, ({"code": "code_unknown"},), identifier=attempt.identifier)
        to = ("sms" if phone_number(value) else "email", value)
        if not await post(tx, act, means, flow, CODE, to, whose, attempt.device.ip):
            return await flows.explain(tx, flow, ({"code": "messages_exhausted"},), identifier=attempt.identifier)
        facts = msgspec.structs.replace(flow.facts, identifier=attempt.identifier, problems=())
        return await flows.move(tx, flow, method=CODE, state=SENT, facts=facts)

    async def _send_to_sign_up(self, tx: Tx, means: Means, act: Act, attempt: Attempt, to: tuple[str, str]) -> Flow:
        flow = await flows.find_open(tx, act, Kind.REGISTRATION, attempt.flow_id)
        await check_network(tx, act, "send_code", attempt.device.ip, means.throttling.proofs)
        if not await post(tx, act, means, flow, CODE, to, None, attempt.device.ip, traits=attempt.traits):
            return await flows.explain(tx, flow, ({"code": "messages_exhausted"},), traits=attempt.traits)
        facts = msgspec.structs.replace(flow.facts, step="credential", traits=attempt.traits, problems=())
        return await flows.move(tx, flow, method=CODE, state=SENT, facts=facts)

    async def _try(self, tx: Tx, means: Means, act: Act, attempt: Attempt) -> tuple[Proof, Row | None]:
        flow = await flows.find_open(tx, act, Kind.LOGIN, attempt.flow_id)
        code = await try_code(tx, act, means.throttling, flow, attempt.device.ip, self.tries)
        return await proof_of(tx, act, flow, code.identity_id if code else None, CODE), code


async def _explain(act: Act, attempt: Attempt, problems: tuple[dict[str, Any], ...], tx: Tx) -> Flow:
    flow = await flows.find_open(tx, act, Kind.REGISTRATION, attempt.flow_id)
    return await flows.explain(tx, flow, problems, traits=attempt.traits)
