"""People who come from elsewhere. Each is brought in once, however often it is tried: whoever is here already is known
again by an id or a name, and by having the same schema, traits and external id.
"""

from collections.abc import Collection, Sequence
from enum import Enum

import msgspec

from nightlatch.core.credentials.person import Named, Person, Profile, Vault, add_named, compose_named
from nightlatch.core.credentials.store import Tx
from nightlatch.core.events.model import Act
from nightlatch.core.identities.model import Filter, Identity, Name
from nightlatch.core.identities.schemas import Schemas
from nightlatch.kernel.ids import named_id


class Arrival(msgspec.Struct, frozen=True):
    """`spelled` is what the profile was read from: who has neither id nor name gets an id made of it."""

    act: Act
    profile: Profile
    spelled: bytes


class Sketch(msgspec.Struct, frozen=True):
    """As much of a profile as tells whether it is of somebody who is here."""

    id: bytes | None
    name: Name | None
    schema_id: str
    traits: str
    external_id: str | None


class Newcomer(msgspec.Struct, frozen=True):
    """`keeps_id`: the id came with the person, so only the identity of that id can be the same."""

    person: Person
    names: set[Name]
    keeps_id: bool


class Standing(Enum):
    NEW = "new"
    HERE = "here"
    TAKEN = "taken"


class Found(msgspec.Struct, frozen=True):
    """`identity` is the new one, the same one, or the one that stands in the way by `name` (None: by its id)."""

    standing: Standing
    identity: Identity
    name: Name | None = None


def sketch(schemas: Schemas, arrival: Arrival) -> Sketch:
    """SchemaUnknown, TraitsInvalid."""
    profile = arrival.profile
    schema = schemas.chosen(profile.schema_id)
    derived = schema.derive(msgspec.json.decode(profile.traits))
    traits = msgspec.json.encode(derived.traits).decode() if derived.changed else profile.traits
    names = [Name("external_id", profile.external_id)] if profile.external_id else derived.names()
    own = profile.id or (None if names else named_id(arrival.spelled))
    return Sketch(own, next(iter(names), None), schema.id, traits, profile.external_id or None)


async def recognise(tx: Tx, act: Act, sketches: Sequence[Sketch]) -> list[Found | None]:
    """Who of them is here already. It looks at one name of each, and so not at everybody who may be in the way."""
    wanted = {each.name for each in sketches if each.name and not each.id}
    holders = await tx.identities.holders(act.organization, wanted) if wanted else {}
    ids = [each.id or (holders.get(each.name) if each.name else None) for each in sketches]
    there = await _identities(tx, act, {each for each in ids if each})
    found = [there.get(each) if each else None for each in ids]
    pairs = zip(sketches, found, strict=True)
    return [Found(Standing.HERE, one) if one and _same(one, wanted) else None for wanted, one in pairs]


def settle(schemas: Schemas, vault: Vault, arrival: Arrival) -> Newcomer:
    """The person that would be stored. The Problems of `compose`."""
    profile = arrival.profile
    person, names = compose_named(arrival.act, schemas, vault, profile)
    if not (profile.id or names):
        profile = msgspec.structs.replace(profile, id=named_id(arrival.spelled))
        person, names = compose_named(arrival.act, schemas, vault, profile)
    return Newcomer(person, names, profile.id is not None)


async def bring_in(tx: Tx, act: Act, newcomers: Sequence[Newcomer]) -> list[Found]:
    """Stores those who are not here and in nobody's way, of those before them either."""
    holders = await tx.identities.holders(act.organization, {name for each in newcomers for name in each.names})
    own = {each.person.identity.id for each in newcomers if each.keeps_id}
    known = _Known(holders, await _identities(tx, act, own.union(holders.values())))
    found: list[Found] = []
    new: list[Named] = []
    for newcomer in newcomers:
        one = known.find(newcomer)
        if one is None:
            one = Found(Standing.NEW, newcomer.person.identity)
            new.append((newcomer.person, newcomer.names))
            known.learn(newcomer)
        found.append(one)
    await add_named(tx, act, new)
    return found


class _Known:
    """Who is here, and grows by those who are brought in."""

    def __init__(self, holders: dict[Name, bytes], identities: dict[bytes, Identity]) -> None:
        self._holders, self._identities = holders, identities

    def learn(self, newcomer: Newcomer) -> None:
        identity = newcomer.person.identity
        self._identities[identity.id] = identity
        self._holders.update(dict.fromkeys(newcomer.names, identity.id))

    def find(self, newcomer: Newcomer) -> Found | None:
        wanted = newcomer.person.identity
        held: dict[bytes, Name | None] = {wanted.id: None} if wanted.id in self._identities else {}
        held |= {self._holders[name]: name for name in newcomer.names if name in self._holders}
        for identity_id, name in held.items():
            there = self._identities[identity_id]
            other = newcomer.keeps_id and identity_id != wanted.id
            if other or len(held) > 1 or not _same(there, wanted):
                return Found(Standing.TAKEN, there, name)
        return next((Found(Standing.HERE, self._identities[each]) for each in held), None)


async def _identities(tx: Tx, act: Act, ids: Collection[bytes]) -> dict[bytes, Identity]:
    if not ids:
        return {}
    found = await tx.identities.list(act.organization, Filter(ids=tuple(ids)), None, 0, len(ids))
    return {identity.id: identity for identity in found}


def _same(there: Identity, wanted: Identity | Sketch) -> bool:
    return (there.schema_id, there.external_id) == (wanted.schema_id, wanted.external_id) and (
        there.traits == wanted.traits or msgspec.json.decode(there.traits) == msgspec.json.decode(wanted.traits)
    )
