"""Rows for the tests of the stores: valid, every field set, each with ids and names of its own."""

import itertools
import random
from collections.abc import Collection
from typing import Any

import msgspec
from tests.database import Database

from nightlatch.core.access.model import AccessKey
from nightlatch.core.credentials.model import Credential
from nightlatch.core.flows.model import Act, Code, Facts, Flow
from nightlatch.core.identities.model import Address, Identity, Kind, Name, Searchable, State, Trait, indexed
from nightlatch.core.jobs.model import Job, Which
from nightlatch.core.jobs.model import Kind as JobKind
from nightlatch.core.organizations.model import DEFAULT, Organization
from nightlatch.core.sessions.model import Device, Method, Session
from nightlatch.kernel.clock import DAY, HOUR, SECOND
from nightlatch.kernel.ids import new_id, new_number

NOW = 1_800_000_000 * SECOND + 123_456
_random = random.Random(20)
_counted = itertools.count(1)


def an_id(now: int = NOW) -> bytes:
    return new_id(now, _random.randbytes)


def bits(length: int = 32) -> bytes:
    return _random.randbytes(length)


def identity(**changes: Any) -> Identity:
    n = next(_counted)
    made = Identity(
        id=an_id(),
        organization=DEFAULT,
        schema_id="default",
        state=State.ACTIVE,
        state_changed_at=NOW - 3,
        traits=f'{{"email": "P{n}@example.org",  "n": 1e2}}',
        metadata_public='{"plan":"gold"}',
        metadata_admin="[1, 2]",
        external_id=f"hr-{n}",
        addresses=(
            Address(an_id(), Kind.VERIFIABLE, "email", f"p{n}@example.org", NOW - 2, NOW - 1, "completed", True, NOW),
            Address(an_id(), Kind.RECOVERY, "email", f"p{n}@example.org", NOW - 2, NOW - 1),
        ),
        version=3,
        ended_before=0,
        deleted_before=0,
        created_at=NOW - 2,
        updated_at=NOW - 1,
    )
    return msgspec.structs.replace(made, **changes)


def session(of: Identity, **changes: Any) -> Session:
    made = Session(
        id=an_id(),
        number=new_number(_random.randbytes),
        organization=of.organization,
        identity_id=of.id,
        token_hash=bits(),
        aal=2,
        methods=(Method("password", 1, NOW), Method("totp", 2, NOW + 1)),
        created_at=NOW,
        issued_at=NOW + 1,
        authenticated_at=NOW + 2,
        expires_at=NOW + DAY,
        ended_at=None,
        last_seen=NOW + 3,
        device_id=an_id(),
        device=Device("203.0.113.9", "Mozilla/5.0 (X11; Linux x86_64)", "Ulm", "web"),
        epochs=(of.ended_before, of.deleted_before, 0, 0),
    )
    return msgspec.structs.replace(made, **changes)


def credential(of: Identity, type_: str = "password", **changes: Any) -> Credential:
    made = Credential(of.id, type_, (f"{of.external_id}@x", "b"), '{"hashed_password":"x"}', 1, 0, 4, NOW - 5, NOW - 4)
    return msgspec.structs.replace(made, **changes)


def flow(**changes: Any) -> Flow:
    made = Flow(
        id=an_id(),
        organization=DEFAULT,
        act=Act.LOGIN,
        type="api",
        state="choose_method",
        method="password",
        identity_id=None,
        request_url="http://127.0.0.1:4433/self-service/login/api",
        return_to="https://app.example.org/",
        facts=Facts("credential", ({"code": "traits_invalid", "pointer": "/email"},), "a@b", {"n": [1, None]}, True),
        issued_at=NOW,
        expires_at=NOW + HOUR,
        used_at=None,
    )
    return msgspec.structs.replace(made, **changes)


def code(of: Identity, on: Flow, **changes: Any) -> Code:
    made = Code(an_id(), of.organization, of.id, on.id, "code", bits(), NOW + HOUR)
    return msgspec.structs.replace(made, **changes)


def access_key(**changes: Any) -> AccessKey:
    made = AccessKey(an_id(), DEFAULT, "deploy", bits(), ("identities:read", "sessions:*"), NOW, NOW + DAY, None)
    return msgspec.structs.replace(made, **changes)


def job(**changes: Any) -> Job:
    made = Job(
        id=an_id(),
        organization=DEFAULT,
        kind=JobKind.END_SESSIONS,
        actor="test",
        reason="stolen passwords",
        which=Which(NOW, 'state eq "active"', idle=9, by=NOW - 1),
        total=7,
        created_at=NOW,
        updated_at=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def add_people(db: Database, count: int = 1, **changes: Any) -> list[Identity]:
    """Identities that are stored, each holding its external id and its addresses as names."""
    people = [identity(**changes) for _ in range(count)]
    db.write(lambda tx: tx.identities.add([(person, names_of(person)) for person in people]))
    return people


def names_of(person: Identity) -> Collection[Name]:
    held = {Name(f"{a.kind}:{a.via}", a.value) for a in person.addresses}
    return held | ({Name("external_id", person.external_id)} if person.external_id else set())


def add_person(db: Database, **changes: Any) -> Identity:
    return add_people(db, 1, **changes)[0]


def add_traits(db: Database, of: Identity, traits: dict[str, list[Any]]) -> None:
    """Has it found by these values."""
    values = tuple(Trait(name, indexed(value)) for name, some in traits.items() for value in some)
    db.write(lambda tx: tx.searchable.put([(of, Searchable((), values))]))


def add_session(db: Database, of: Identity, **changes: Any) -> Session:
    added = session(of, **changes)
    assert db.write(lambda tx: tx.sessions.add(added))
    return added


def add_sessions(db: Database, of: Identity, count: int, **changes: Any) -> list[Session]:
    added = [session(of, created_at=NOW + n // 3, **changes) for n in range(count)]

    async def unit(tx: Any) -> None:
        for one in added:
            await tx.sessions.add(one)

    db.write(unit)
    return added


def add_organization(db: Database) -> bytes:
    """A second tenant."""
    made = an_id()
    db.write(lambda tx: tx.organizations.add(Organization(made, made.hex(), NOW)))
    return made
