"""An identity together with its credentials, composed from traits by the identity schema, and stored as one.

Addresses and identifiers are computed from the traits at every write; what was known of an address (that it is
verified) stays only while a trait still yields it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from nightlatch.core.credentials.methods import METHODS
from nightlatch.core.credentials.model import Config, Credential
from nightlatch.core.credentials.store import Tx
from nightlatch.core.events.model import Act, event
from nightlatch.core.identities.model import Address, Identity, Kind, Name, Searchable, State
from nightlatch.core.identities.normal import LONGEST
from nightlatch.core.identities.schemas import Derived, Schemas
from nightlatch.kernel.ids import id_text
from nightlatch.kernel.secrets import Keys
from nightlatch.problems import Conflict, FieldInvalid

_FROM_SCHEMA = ("password", "webauthn", "code")


class Person(msgspec.Struct, frozen=True):
    """`searchable` is what filters find; None where that is what it was."""

    identity: Identity
    credentials: dict[str, Credential]
    searchable: Searchable | None = None


Named = tuple[Person, set[Name]]
"""With what only one identity of the organization may hold."""


class Profile(msgspec.Struct, frozen=True):
    """What somebody asks an identity to be. Traits and metadata are JSON texts; `addresses` are claims about the state
    of addresses; `credentials` holds what is imported, by type, with passwords hashed already: on top of what is kept,
    or, when `whole`, in its place. Who comes from elsewhere may bring an id and a time of creation."""

    schema_id: str
    traits: str
    state: State = State.ACTIVE
    metadata_public: str | None = None
    metadata_admin: str | None = None
    external_id: str | None = None
    addresses: tuple[Address, ...] = ()
    credentials: Mapping[str, Config] = {}
    whole: bool = False
    id: bytes | None = None
    created_at: int | None = None


def kept(identity: Identity, credentials: Mapping[str, Config], *, whole: bool = False) -> Profile:
    """The profile of who stays as they are, but for these credentials."""
    return Profile(
        identity.schema_id,
        identity.traits,
        identity.state,
        identity.metadata_public,
        identity.metadata_admin,
        identity.external_id,
        credentials=credentials,
        whole=whole,
    )


class Vault:
    """Seals the configs that hold secrets; a sealed text opens only for the identity and type it was made for."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    def close(self, act: Act, identity_id: bytes, type_: str, config: Config) -> str:
        text = msgspec.json.encode(config)
        if not METHODS[type_].sealed:
            return text.decode()
        return self.keys.encrypt(text, identity_id + type_.encode(), act.entropy).hex()

    def open(self, credential: Credential) -> Config:
        """The config; an empty one when no configured secret opens it."""
        if not METHODS[credential.type].sealed:
            return msgspec.json.decode(credential.config, type=Config)
        context = credential.identity_id + credential.type.encode()
        text = self.keys.decrypt(bytes.fromhex(credential.config), context)
        return {} if text is None else msgspec.json.decode(text, type=Config)


def compose(act: Act, schemas: Schemas, vault: Vault, profile: Profile, before: Person | None = None) -> Person:
    """The person that `profile` describes: a new one, or `before` changed. SchemaUnknown, TraitsInvalid, FieldInvalid,
    HashRefused."""
    return compose_named(act, schemas, vault, profile, before)[0]


def compose_named(act: Act, schemas: Schemas, vault: Vault, profile: Profile, before: Person | None = None) -> Named:
    """As `compose`, with the names."""
    schema = schemas.chosen(profile.schema_id)
    derived = schema.derive(msgspec.json.decode(profile.traits))
    old = before.identity if before else None
    identity_id = old.id if old else profile.id or act.new_id()
    traits = msgspec.json.encode(derived.traits).decode() if derived.changed else profile.traits
    identity = Identity(
        id=identity_id,
        organization=act.organization,
        schema_id=schema.id,
        state=profile.state,
        state_changed_at=old.state_changed_at if old and old.state is profile.state else act.now,
        traits=traits,
        metadata_public=profile.metadata_public,
        metadata_admin=profile.metadata_admin,
        external_id=profile.external_id or None,
        addresses=_addresses(act, derived, profile.addresses, old.addresses if old else ()),
        version=old.version + 1 if old else 1,
        ended_before=old.ended_before if old else 0,
        deleted_before=old.deleted_before if old else 0,
        created_at=old.created_at if old else profile.created_at or act.now,
        updated_at=act.now,
    )
    credentials = _credentials(act, vault, derived, profile, identity_id, before)
    person = Person(identity, credentials, Searchable(schemas.marks, derived.searchable))
    return person, names_of(person)


def with_config(
    act: Act,
    vault: Vault,
    old: Credential | None,
    identity_id: bytes,
    type_: str,
    config: Config,
    identifiers: tuple[str, ...],
) -> Credential:
    """The credential of `config`; the very `old` one when nothing of it changes."""
    if old and old.identifiers == identifiers and vault.open(old) == config:
        return old
    first, second = METHODS[type_].factors(config, identifiers)
    return Credential(
        identity_id, type_, identifiers, vault.close(act, identity_id, type_, config), first, second,
        old.revision + 1 if old else 1, old.created_at if old else act.now, act.now,
    )  # fmt: skip


async def find(tx: Tx, organization: bytes, identity_id: bytes, *, lock: bool = False) -> Person | None:
    """The identity with all its credentials, or None. With `lock`, nobody else changes it before the commit."""
    get = tx.identities.lock if lock else tx.identities.get
    identity = await get(organization, identity_id)
    if identity is None:
        return None
    credentials = await tx.credentials.of([identity_id])
    return Person(identity, {c.type: c for c in credentials.get(identity_id, ())})


async def add(tx: Tx, act: Act, people: Sequence[Named]) -> list[Person | Conflict]:
    """Stores the new ones; Conflict in the place of each that wants a name that somebody holds, here or before it."""
    taken = set(await tx.identities.holders(act.organization, {name for _, names in people for name in names}))
    outcome: list[Person | Conflict] = []
    new: list[Named] = []
    for person, names in people:
        if names & taken:
            outcome.append(Conflict())
            continue
        taken |= names
        outcome.append(person)
        new.append((person, names))
    await add_named(tx, act, new)
    return outcome


async def add_named(tx: Tx, act: Act, new: Sequence[Named]) -> None:
    """Stores new ones, of whose names it is known that nobody holds them."""
    await tx.identities.add([(person.identity, names) for person, names in new])
    await tx.credentials.add([c for person, _ in new for c in person.credentials.values()])
    await tx.searchable.put([(person.identity, person.searchable) for person, _ in new if person.searchable], new=True)
    await tx.events.add([event(act, "identity.created", identity_id=person.identity.id) for person, _ in new])


async def change(tx: Tx, act: Act, before: Person, after: Person, reason: str | None = None) -> None:
    """Stores what differs. Conflict when a name is taken."""
    names = names_of(after)
    new = names - names_of(before)
    if await tx.identities.holders(act.organization, new):
        raise Conflict
    await tx.identities.change(after.identity, names)
    if after.searchable:
        await tx.searchable.put([(after.identity, after.searchable)])
    old = before.credentials
    await tx.credentials.put([c for c in after.credentials.values() if old.get(c.type) is not c])
    await tx.credentials.remove(before.identity.id, old.keys() - after.credentials.keys())
    await tx.events.add([event(act, "identity.changed", identity_id=before.identity.id, reason=reason)])


def loses(vault: Vault, old: Credential, new: Credential | None) -> bool:
    """Whether something that `old` proves an identity with is gone, or another, in `new`. What only grew loses none."""
    if old is new or new is None:
        return new is None
    after = vault.open(new)
    for key, value in vault.open(old).items():
        kept = after.get(key)
        if isinstance(value, list) and isinstance(kept, list):
            if any(item not in kept for item in value):
                return True
        elif kept != value:
            return True
    return False


def names_of(person: Person) -> set[Name]:
    """What only one identity of the organization may hold. FieldInvalid for what is too long for a name."""
    identity = person.identity
    names = {Name(f"{a.kind}:{a.via}", a.value) for a in identity.addresses}
    if identity.external_id:
        names.add(Name("external_id", identity.external_id))
    shared = (c for c in person.credentials.values() if METHODS[c.type].shared)
    names |= {Name(c.type, identifier) for c in shared for identifier in c.identifiers}
    for name in names:
        if len(name.value) > LONGEST // 4 and len(name.value.encode()) > LONGEST:
            raise FieldInvalid(name.kind, f"The {name.kind} is longer than {LONGEST} bytes.")
    return names


def _addresses(act: Act, derived: Derived, claimed: Iterable[Address], kept: Iterable[Address]) -> tuple[Address, ...]:
    old = {(address.kind, address.via, address.value): address for address in kept}
    claims = old | {(address.kind, address.via, address.value): address for address in reversed([*claimed])}
    wanted = [(Kind.VERIFIABLE, *pair) for pair in derived.verifiable] + [
        (Kind.RECOVERY, *pair) for pair in derived.recovery
    ]
    return tuple(_address(act, key, claims.get(key), old.get(key)) for key in dict.fromkeys(wanted))


def _address(act: Act, key: tuple[Kind, str, str], claim: Address | None, old: Address | None) -> Address:
    # Who put it there first: an administrator who changes something else says nothing about it.
    vouched = old.by_administrator if old else bool(act.scopes)
    if claim is None:
        return Address(act.new_id(), *key, act.now, act.now, by_administrator=vouched)
    verified = claim.kind is Kind.VERIFIABLE and claim.verified
    return msgspec.structs.replace(
        claim,
        id=claim.id or act.new_id(),
        created_at=claim.created_at or act.now,
        updated_at=claim.updated_at or act.now,
        # An address that is verified is through with its verification, whatever else is claimed.
        status="completed" if verified else claim.status or "pending",
        verified=verified,
        verified_at=(claim.verified_at or act.now) if verified else None,
        by_administrator=vouched,
    )


def _credentials(
    act: Act, vault: Vault, derived: Derived, profile: Profile, identity_id: bytes, before: Person | None
) -> dict[str, Credential]:
    old = dict(before.credentials) if before else {}
    result = dict(old)
    for type_ in [*_FROM_SCHEMA, *(t for t in profile.credentials if t not in _FROM_SCHEMA)]:
        if type_ not in METHODS:
            raise FieldInvalid("credentials", f"Credentials type {type_} is not supported.")
        kept = vault.open(old[type_]) if type_ in old else None
        config, own = kept, None
        if type_ in profile.credentials:
            under = None if profile.whole else kept
            config, own = METHODS[type_].imported(profile.credentials[type_], under, id_text(identity_id))
        if type_ == "code" and derived.code_addresses:
            config = {"addresses": [{"channel": via, "address": value} for via, value in derived.code_addresses]}
        identifiers = own if own is not None else _identifiers(type_, derived, old)
        if config is None and identifiers and type_ in _FROM_SCHEMA and before is None:
            # Only for who is new: a credential that was deleted must not take its name back.
            config = {}
        if config is None or (type_ == "code" and not derived.code_addresses):
            result.pop(type_, None)
            continue
        result[type_] = with_config(act, vault, old.get(type_), identity_id, type_, config, identifiers)
    return result


def _identifiers(type_: str, derived: Derived, old: Mapping[str, Any]) -> tuple[str, ...]:
    if type_ in _FROM_SCHEMA:
        return tuple(sorted(derived.identifiers.get(type_, ())))
    kept = old.get(type_)
    return kept.identifiers if kept else ()
