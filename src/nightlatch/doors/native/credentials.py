"""The operations on the credentials of an identity. What one holds is never shown."""

from collections.abc import Awaitable, Callable

import msgspec

from nightlatch.core.administration import identities as rules
from nightlatch.core.credentials.given import without_nulls
from nightlatch.core.credentials.methods import METHODS
from nightlatch.core.credentials.model import Config
from nightlatch.core.credentials.person import Person, find
from nightlatch.core.flows.store import Tx
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import MIB, Answer, Call
from nightlatch.doors.native import shapes
from nightlatch.doors.native.conditions import check, tagged
from nightlatch.problems import CredentialNotFound, FieldInvalid, IdentityNotFound

_MEMBERS = {
    "password": {"password", "hashed_password"},
    "oidc": {"providers"},
    "totp": {"totp_url"},
    "lookup_secret": {"codes"},
    "webauthn": {"credentials", "user_handle"},
    "passkey": {"credentials", "user_handle"},
}


async def list_credentials(call: Call[Shared]) -> Answer:
    return Answer(200, _all(await _person(call)))


async def get_credential(call: Call[Shared]) -> Answer:
    shown = _one(await _person(call), call.path("type"))
    if shown is None:
        raise CredentialNotFound
    return tagged(shown)


async def put_credential(call: Call[Shared]) -> Answer:
    type_ = _type(call)
    config = _config(type_, shapes.decode(await call.body(MIB), shapes.NewCredential))
    config = (await rules.hash_passwords(call.door.hasher, {type_: config}))[type_]

    async def put(tx: Tx, before: Person) -> Person:
        return await rules.put_credential(tx, call.act, call.door.schemas, call.door.vault, before, type_, config)

    before, after = await _change(call, put)
    return tagged(_one(after, type_) or b"", 200 if type_ in before.credentials else 201)


async def remove_credential(call: Call[Shared]) -> Answer:
    async def remove(tx: Tx, before: Person) -> Person:
        return await rules.remove_credential(tx, call.act, call.door.vault, before, call.path("type"))

    return Answer(200, _all((await _change(call, remove))[1]))


async def _change(call: Call[Shared], change: Callable[[Tx, Person], Awaitable[Person]]) -> tuple[Person, Person]:
    """Who it was, and who it is."""
    identity_id = _identity_id(call)

    async def unit(tx: Tx) -> tuple[Person, Person]:
        before = await rules.locked(tx, call.act, identity_id)
        check(call, _one(before, call.path("type")))
        return before, await change(tx, before)

    return await call.door.store.write(unit)


async def _person(call: Call[Shared]) -> Person:
    identity_id = _identity_id(call)
    person = await call.door.store.read(lambda tx: find(tx, call.act.organization, identity_id))
    if person is None:
        raise IdentityNotFound
    return person


def _identity_id(call: Call[Shared]) -> bytes:
    return call.path_id("id", IdentityNotFound)


def _type(call: Call[Shared]) -> str:
    type_ = call.path("type")
    if type_ not in METHODS:
        raise CredentialNotFound(f"There is no such type. There are {', '.join(METHODS)}.")
    return type_


def _config(type_: str, given: shapes.NewCredential) -> Config:
    config: Config = without_nulls(msgspec.to_builtins(given))
    known = _MEMBERS.get(type_, set())
    for wrong in sorted(config.keys() - known):
        raise FieldInvalid(wrong, f"A credential of type {type_} has no {wrong}.")
    if known and (not config or config.keys() == _MEMBERS["password"]):
        raise FieldInvalid(type_, f"It needs {' or '.join(sorted(known))}.")
    return config


def _all(person: Person) -> bytes:
    return shapes.encode(shapes.Credentials([shapes.credential(each) for each in person.credentials.values()]))


def _one(person: Person, type_: str) -> bytes | None:
    found = person.credentials.get(type_)
    return None if found is None else shapes.encode(shapes.credential(found))
