"""What every method of proof answers, so that signing in and signing up ask of none which one it is."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from nightlatch.core.credentials.model import Config, Credential
from nightlatch.core.credentials.person import Person, find
from nightlatch.core.events.model import Act
from nightlatch.core.flows.model import Flow
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Address, Identity, State
from nightlatch.core.identities.schemas import Derived
from nightlatch.core.means import Floor, Means
from nightlatch.core.sessions.model import Device, Standing
from nightlatch.core.verification.rules import After


class Attempt(msgspec.Struct, frozen=True):
    """What was submitted: `secret` is a password or a code. `current` is the session of who signs in again, `traits`
    are those of who signs up, `after` is where the verification of an address goes on."""

    flow_id: bytes
    secret: str
    device: Device
    identifier: str = ""
    current: Standing | None = None
    traits: Any = None
    after: After = After()


class Proof(msgspec.Struct, frozen=True):
    """Whom a secret was checked against, and the state of things when that was read; `refused` says why it does not
    do. `settle` is what is written with the sign-in: the person as they are then, or None for a proof that is stale."""

    flow: Flow
    identity: Identity | None = None
    credential: Credential | None = None
    epochs: tuple[int, int, int, int] | None = None
    refused: str | None = None
    settle: Callable[[Tx, Person], Awaitable[Person | None]] | None = None


class Enrolment(msgspec.Struct, frozen=True):
    """What somebody who signs up brings besides traits: credentials by type, and addresses that were proved; or, in
    `refused`, why not."""

    credentials: Mapping[str, Config] = {}
    addresses: tuple[Address, ...] = ()
    refused: str | None = None


class Authenticator(Protocol):
    """One method of proof. `type` is that of its credential, and what sessions call it; `aal` is the assurance level
    that it gives; `wrong` is what a refusal is called that says no more."""

    @property
    def type(self) -> str: ...

    @property
    def aal(self) -> int: ...

    @property
    def wrong(self) -> str: ...

    async def verify(self, means: Means, act: Act, attempt: Attempt, floor: Floor) -> Proof:
        """Counts the attempt, then checks it. FlowNotFound, FlowExpired, Throttled, Busy."""
        ...

    async def enrol(self, means: Means, act: Act, flow: Flow, derived: Derived, attempt: Attempt) -> Enrolment:
        """Counts the attempt to sign up with it, then checks it. PasswordRefused, Throttled, Busy."""
        ...


async def proof_of(tx: Tx, act: Act, flow: Flow, identity_id: bytes | None, type_: str) -> Proof:
    """What is to be checked, and to be the same when it was; of nobody where there is none."""
    person = await find(tx, act.organization, identity_id) if identity_id else None
    if person is None or identity_id is None:
        return Proof(flow)
    epochs = await tx.sessions.epochs(act.organization, identity_id)
    return Proof(flow, person.identity, person.credentials.get(type_), epochs)


async def unchanged(tx: Tx, act: Act, proof: Proof, type_: str) -> Person | None:
    """The person of the proof, held until the commit; None when their credential or an epoch is another by now."""
    if proof.identity is None or proof.credential is None:
        return None
    person = await find(tx, act.organization, proof.identity.id, lock=True)
    credential = person.credentials.get(type_) if person else None
    epochs = await tx.sessions.epochs(act.organization, proof.identity.id)
    same = credential is not None and credential.revision == proof.credential.revision and epochs == proof.epochs
    return person if same else None


def refused(proof: Proof, why: str) -> Proof:
    """The proof, which does not do."""
    return msgspec.structs.replace(proof, refused=why)


def is_active(person: Person) -> bool:
    return person.identity.state is State.ACTIVE
