"""Identities made, changed and deleted by an administrator.

Adding a credential leaves sessions alone; replacing or deleting one ends them all, and every open flow with them, and
the person is told.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from nightlatch.core.attempts.rules import PASSWORD, forgive
from nightlatch.core.courier.model import Template
from nightlatch.core.credentials.hashing import Hasher
from nightlatch.core.credentials.methods import METHODS
from nightlatch.core.credentials.model import Config
from nightlatch.core.credentials.person import (
    Named,
    Person,
    Profile,
    Vault,
    add,
    change,
    compose,
    find,
    kept,
    loses,
    names_of,
    with_config,
)
from nightlatch.core.credentials.policy import check_length
from nightlatch.core.events.model import Act, event
from nightlatch.core.flows.store import Tx
from nightlatch.core.identities.model import Filter, Identity, State
from nightlatch.core.identities.notices import tell
from nightlatch.core.identities.schemas import Schemas
from nightlatch.core.sessions.model import How, Where
from nightlatch.core.sessions.rules import end
from nightlatch.problems import (
    Conflict,
    CredentialNotFound,
    FieldInvalid,
    IdentityNotFound,
    LastFirstFactor,
    VersionMismatch,
)


async def hash_passwords(hasher: Hasher, credentials: Mapping[str, Config]) -> dict[str, Config]:
    """`credentials` with a plain password turned into its hash. Only its length is judged: an administrator may set
    what a person may not choose. Waits for its turn
    behind those who sign in. PasswordRefused."""
    password = credentials.get("password", {}).get("password")
    if not password:
        return dict(credentials)
    check_length(password)
    return {**credentials, "password": {"hashed_password": await hasher.hash(password, patient=True)}}


async def create(tx: Tx, act: Act, person: Person) -> Person:
    """Stores a new identity. Conflict when one of its names is taken."""
    outcome = (await add(tx, act, [(person, names_of(person))]))[0]
    if isinstance(outcome, Conflict):
        raise outcome
    return outcome


async def create_many(tx: Tx, act: Act, people: Sequence[Named]) -> list[Person | Conflict]:
    """Stores those whose names are free; Conflict in the place of the others."""
    return await add(tx, act, people)


async def locked(tx: Tx, act: Act, identity_id: bytes, versions: Collection[int] | None = None) -> Person:
    """The person, held for a change. IdentityNotFound; VersionMismatch when `versions` lack the stored one."""
    person = await find(tx, act.organization, identity_id, lock=True)
    if person is None:
        raise IdentityNotFound
    if versions is not None and person.identity.version not in versions:
        raise VersionMismatch
    return person


async def update(tx: Tx, act: Act, schemas: Schemas, vault: Vault, before: Person, profile: Profile) -> Person:
    """`before`, as `locked` gave it, made what `profile` says. Ends its sessions when it is deactivated or a
    credential is replaced. Problems of `compose`; Conflict."""
    after = compose(act, schemas, vault, profile, before)
    await change(tx, act, before, after)
    if before.credentials.get("password") is not after.credentials.get("password"):
        await forgive(tx, before.identity.id, PASSWORD)
    if before.identity.state is State.ACTIVE and after.identity.state is State.INACTIVE:
        await _end_all(tx, act, before.identity, "identity_deactivated")
    elif any(
        loses(vault, c, after.credentials.get(c.type))
        for c in before.credentials.values()
        if c.type in profile.credentials
    ):
        await _credential_lost(tx, act, vault, before.identity, "credential_changed")
    return after


async def unlock(tx: Tx, act: Act, identity_id: bytes) -> bool:
    """Forgets all wrong passwords and codes of the identity; whether there were any. IdentityNotFound."""
    if await tx.identities.get(act.organization, identity_id) is None:
        raise IdentityNotFound
    forgiven = await forgive(tx, identity_id)
    if forgiven:
        await tx.events.add([event(act, "identity.unlocked", identity_id=identity_id)])
    return forgiven


async def deactivate(tx: Tx, act: Act, identity_id: bytes, reason: str | None = None) -> bool:
    """Keeps it from signing in and ends its sessions; false when it was inactive. What the schema says of it is not
    asked. IdentityNotFound."""
    before = await locked(tx, act, identity_id)
    if before.identity.state is State.INACTIVE:
        return False
    identity = msgspec.structs.replace(
        before.identity,
        state=State.INACTIVE,
        state_changed_at=act.now,
        version=before.identity.version + 1,
        updated_at=act.now,
    )
    await change(tx, act, before, Person(identity, before.credentials), reason)
    await _end_all(tx, act, identity, reason or "identity_deactivated")
    return True


async def delete(tx: Tx, act: Act, identity_id: bytes, reason: str | None = None) -> bool:
    """Deletes it with its sessions and all else; false when there is none."""
    if await tx.identities.lock(act.organization, identity_id) is None:
        return False
    await end(tx, act, Where(identity_id=identity_id), How.DELETE, reason or "identity_deleted")
    await forgive(tx, identity_id)
    await tx.identities.remove(act.organization, identity_id)
    await tx.events.add([event(act, "identity.deleted", identity_id=identity_id, reason=reason)])
    return True


async def delete_credential(
    tx: Tx, act: Act, vault: Vault, identity_id: bytes, type_: str, identifier: str | None
) -> Person:
    """Deletes one credential and ends the sessions. IdentityNotFound, CredentialNotFound, LastFirstFactor, Invalid."""
    person = await locked(tx, act, identity_id)
    credential = person.credentials.get(type_)
    if credential is None:
        raise CredentialNotFound(f"You tried to remove a {type_} but this user have no {type_} set up.")
    firsts = sum(c.first_factors for c in person.credentials.values())
    if type_ in {"password", "oidc"} and firsts < 2:
        raise LastFirstFactor
    left = METHODS[type_].without(vault.open(credential), credential.identifiers, identifier)
    return await _leave(tx, act, vault, person, type_, left)


async def put_credential(
    tx: Tx, act: Act, schemas: Schemas, vault: Vault, person: Person, type_: str, config: Config
) -> Person:
    """The person, as `locked` gave them, with `config` for this credential, or in its place. Problems of `update`;
    FieldInvalid where nobody could prove anything by it."""
    after = await update(tx, act, schemas, vault, person, kept(person.identity, {type_: config}, whole=True))
    given = after.credentials.get(type_)
    if given is None or not (given.first_factors or given.second_factors):
        raise FieldInvalid(type_, "Nobody could sign in by this credential: remove it instead.")
    return after


async def remove_credential(tx: Tx, act: Act, vault: Vault, person: Person, type_: str) -> Person:
    """The person, as `locked` gave them, without any of this credential, be it their last; and ends the sessions.
    CredentialNotFound; FieldInvalid for one that comes from the traits."""
    if type_ not in person.credentials:
        raise CredentialNotFound
    if type_ == "code":
        raise FieldInvalid("type", "Codes go to the addresses in the traits: change those.")
    return await _leave(tx, act, vault, person, type_, None)


async def _leave(
    tx: Tx, act: Act, vault: Vault, person: Person, type_: str, left: tuple[Config, tuple[str, ...]] | None
) -> Person:
    """The person, of whose credential this is `left`."""
    credential, identity_id = person.credentials[type_], person.identity.id
    credentials = {t: c for t, c in person.credentials.items() if t != type_}
    if left is not None:
        credentials[type_] = with_config(act, vault, credential, identity_id, type_, *left)
    identity = msgspec.structs.replace(person.identity, version=person.identity.version + 1, updated_at=act.now)
    after = Person(identity, credentials)
    await change(tx, act, person, after)
    await _credential_lost(tx, act, vault, identity, "credential_deleted")
    return after


async def exported(tx: Tx, act: Act) -> None:
    """Leaves the event of everybody's being written down, credentials too."""
    amount = await tx.identities.count(act.organization, Filter())
    await tx.events.add([event(act, "identity.exported", amount=amount)])


async def _credential_lost(tx: Tx, act: Act, vault: Vault, before: Identity, reason: str) -> None:
    await _end_all(tx, act, before, reason)
    await tell(tx, act, vault.keys, before, Template.CREDENTIAL_CHANGED)


async def _end_all(tx: Tx, act: Act, identity: Identity, reason: str) -> None:
    await end(tx, act, Where(identity_id=identity.id), How.DISABLE, reason)
    await tx.flows.close(identity.id, act.now)
