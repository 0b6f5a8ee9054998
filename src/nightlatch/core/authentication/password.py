"""Passwords: hashed with nothing open, and counted before.

The attempt is counted before the hash and committed apart, so that no race and no rollback gives a guess for nothing.
"""

from typing import ClassVar

import msgspec

from nightlatch.core.attempts.model import Throttling
from nightlatch.core.attempts.rules import PASSWORD, check_network, reserve
from nightlatch.core.authentication.authenticator import Attempt, Enrolment, Proof, proof_of, refused
from nightlatch.core.credentials.person import Person, with_config
from nightlatch.core.credentials.policy import MAX_LENGTH, Policy, check_password
from nightlatch.core.events.model import Act
from nightlatch.core.flows import rules as flows
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Name
from nightlatch.core.identities.normal import normal_identifier
from nightlatch.core.identities.schemas import Derived
from nightlatch.core.means import Floor, Means
from nightlatch.core.sessions.model import Device


class Password(msgspec.Struct, frozen=True):
    """`policy` is for new ones."""

    type: ClassVar[str] = PASSWORD
    aal: ClassVar[int] = 1
    wrong: ClassVar[str] = "credentials_wrong"
    policy: Policy = Policy()

    async def verify(self, means: Means, act: Act, attempt: Attempt, floor: Floor) -> Proof:
        store, hasher, password = means.store, means.hasher, attempt.secret
        name = Name("password", normal_identifier("password", attempt.identifier))
        proof = await store.read(lambda tx: _read(tx, act, attempt.flow_id, name))
        if len(password) > MAX_LENGTH:
            return refused(proof, self.wrong)
        hashed = means.vault.open(proof.credential).get("hashed_password") if proof.credential else None
        # Before the attempt is counted: nobody pays with one for finding no room.
        async with hasher.turn() as turn:
            if not await store.write(lambda tx: _reserve(tx, act, means.throttling, proof, name, attempt.device)):
                # It waits for its turn as if it would hash, and does not.
                await turn.idle(floor.later)
                return refused(proof, "locked")
            # A name that nobody has costs as much as a wrong password: who is known here must not be told.
            if not await turn.verify(password, hashed or None, floor.later):
                return refused(proof, self.wrong)
            better = await turn.hash(password) if hasher.weaker(hashed or "") else None

        async def settle(tx: Tx, person: Person) -> Person:
            if better is not None:
                old, config = person.credentials["password"], {"hashed_password": better}
                await tx.credentials.put(
                    [with_config(act, means.vault, old, person.identity.id, "password", config, old.identifiers)]
                )
            return person

        return msgspec.structs.replace(proof, settle=settle)

    async def enrol(self, means: Means, act: Act, flow: Flow, derived: Derived, attempt: Attempt) -> Enrolment:
        check_password(attempt.secret, derived.identifiers.get("password", ()), self.policy)
        network = attempt.device.ip
        async with means.hasher.turn() as turn:
            await means.store.write(lambda tx: check_network(tx, act, flow.act, network, means.throttling.proofs))
            return Enrolment({"password": {"hashed_password": await turn.hash(attempt.secret)}})


async def _read(tx: Tx, act: Act, flow_id: bytes, name: Name) -> Proof:
    flow = await flows.find_open(tx, act, Kind.LOGIN, flow_id)
    return await proof_of(tx, act, flow, await tx.identities.holder(act.organization, name), "password")


async def _reserve(tx: Tx, act: Act, throttling: Throttling, proof: Proof, name: Name, device: Device) -> bool:
    await check_network(tx, act, "sign_in", device.ip, throttling.proofs)
    who = proof.identity.id if proof.identity else throttling.of_nobody(act.organization, name.value)
    return await reserve(tx, act, PASSWORD, who, throttling.passwords) == 0
