"""People who come from elsewhere. Each is brought in once, however often it is tried: whoever is here already is known
again by an id or a name, and by having the same schema, traits and external id.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import Enum

import msgspec

from nightlatch.core.credentials.person import Person, Profile, Vault, add, compose, names_of
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


class Newcomer(msgspec.Struct, frozen=True):
    """`keeps_id`: the id came with the person, so only the identity of that id can be the same."""

    person: Person
    names: frozenset[Name]
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


def settle(schemas: Schemas, vault: Vault, arrival: Arrival) -> Newcomer:
    """The person that would be stored. The Problems of `compose`."""
    person = compose(arrival.act, schemas, vault, arrival.profile)
    names = names_of(person)
    if arrival.profile.id or names:
        return Newcomer(person, frozenset(names), arrival.profile.id is not None)
    profile = msgspec.structs.replace(arrival.profile, id=named_id(arrival.spelled))
    return Newcomer(compose(arrival.act, schemas, vault, profile), frozenset(), keeps_id=True)


async def seen(tx: Tx, act: Act, newcomers: Sequence[Newcomer]) -> list[Found | None]:
    """Who of them is here already, or would be in somebody's way; None for who may be brought in. Nothing is stored."""
    known = await _known(tx, act, newcomers)
    return [known.find(newcomer) for newcomer in newcomers]


async def bring_in(tx: Tx, act: Act, newcomers: Sequence[Newcomer]) -> list[Found]:
    """Stores those who are not here and in nobody's way, of those before them either."""
    known = await _known(tx, act, newcomers)
    found: list[Found] = []
    new: list[Person] = []
    for newcomer in newcomers:
        one = known.find(newcomer)
        if one is None:
            one = Found(Standing.NEW, newcomer.person.identity)
            new.append(newcomer.person)
            known.learn(newcomer)
        found.append(one)
    await add(tx, act, new)
    return found


class _Known:
    def __init__(self, holders: Mapping[Name, bytes], identities: Collection[Identity]) -> None:
        self._holders = dict(holders)
        self._identities = {identity.id: identity for identity in identities}

    def learn(self, newcomer: Newcomer) -> None:
        identity = newcomer.person.identity
        self._identities[identity.id] = identity
        self._holders.update(dict.fromkeys(newcomer.names, identity.id))

    def find(self, newcomer: Newcomer) -> Found | None:
        wanted = newcomer.person.identity
        held = {self._holders[name]: name for name in newcomer.names if name in self._holders}
        if wanted.id in self._identities:
            held.setdefault(wanted.id)
        if not held:
            return None
        for identity_id, name in held.items():
            there = self._identities[identity_id]
            if len(held) > 1 or (newcomer.keeps_id and there.id != wanted.id) or not _same(there, wanted):
                return Found(Standing.TAKEN, there, name)
        return Found(Standing.HERE, there)


async def _known(tx: Tx, act: Act, newcomers: Sequence[Newcomer]) -> _Known:
    holders = await tx.identities.holders(act.organization, {name for each in newcomers for name in each.names})
    ids = {*holders.values(), *(each.person.identity.id for each in newcomers if each.keeps_id)}
    if not ids:
        return _Known({}, ())
    found = await tx.identities.list(act.organization, Filter(ids=tuple(ids)), None, 0, len(ids))
    return _Known(holders, found)


def _same(there: Identity, wanted: Identity) -> bool:
    return (there.schema_id, there.external_id) == (wanted.schema_id, wanted.external_id) and (
        there.traits == wanted.traits or msgspec.json.decode(there.traits) == msgspec.json.decode(wanted.traits)
    )
