"""The core as app.py wires it, on a real store and a clock that stands still; the hashes are cheap."""

import json
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlencode

import msgspec
from tests.database import Database, T, Unit
from tests.places import Here

from nightlatch.core.administration import identities as administration
from nightlatch.core.attempts.model import Limit, Throttling
from nightlatch.core.authentication.authenticator import Attempt
from nightlatch.core.authentication.password import Password
from nightlatch.core.courier.model import Filter
from nightlatch.core.courier.rules import opened
from nightlatch.core.credentials.hashing import Hasher, Turn
from nightlatch.core.credentials.person import Person, Profile, Vault, compose, find
from nightlatch.core.events.model import Act
from nightlatch.core.flows.model import Act as Kind
from nightlatch.core.flows.model import Flow
from nightlatch.core.flows.rules import open_flow
from nightlatch.core.identities.schemas import Schema, Schemas
from nightlatch.core.login.rules import SignedIn, sign_in
from nightlatch.core.means import Means, Post
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.recovery.rules import Recovered, Redeeming, make_code, redeem
from nightlatch.core.sessions.model import Device, Standing
from nightlatch.core.sessions.rules import Lifetime, check
from nightlatch.kernel.clock import DAY, HOUR, MINUTE, SECOND, SetClock
from nightlatch.kernel.ids import Entropy
from nightlatch.kernel.secrets import Keys
from nightlatch.problems import SessionRequired

NOW = 1_800_000_000 * SECOND + 123_456
PASSWORD = "a long enough password"
DEVICE = Device("203.0.113.9", "a test", None, "other")
LIFETIME = Lifetime(lifespan=DAY, extend_within=DAY)
SECRET, OLDER_SECRET = b"a secret of the tests, 32 bytes.", b"the secret that was used before."
THROTTLING = Throttling(
    passwords=Limit(10, 15 * MINUTE, 15 * MINUTE, 5, 100, quiet=True),
    codes=Limit(10, HOUR, quiet=True),
    proofs=Limit(30, MINUTE),
    flows=Limit(120, MINUTE),
    messages=Limit(6, HOUR),
    floor=0,
    keys=Keys([SECRET], "attempts"),
)

Meanwhile = Callable[[], Coroutine[Any, Any, Any]]

_NAME = {"credentials": {"password": {"identifier": True}, "webauthn": {"identifier": True}}}
_MAIL = {
    "credentials": {**_NAME["credentials"], "code": {"identifier": True, "via": "email"}},
    "verification": {"via": "email"},
    "recovery": {"via": "email"},
}
_PHONE = {"verification": {"via": "sms"}, "recovery": {"via": "sms"}}
_PERSON = {
    "email": {"type": "string", "format": "email", "ory.sh/kratos": _MAIL},
    "phone": {"type": "string", "format": "tel", "ory.sh/kratos": _PHONE},
    "handle": {"type": "string", "ory.sh/kratos": _NAME},
    "age": {"type": "integer"},
}


def _schema(name: str, traits: dict[str, Any]) -> Schema:
    body = {"type": "object", "properties": traits, "additionalProperties": False}
    return Schema(name, json.dumps({"type": "object", "properties": {"traits": body}}).encode())


SCHEMAS = Schemas([_schema("default", _PERSON), _schema("robot", {"model": {"type": "string"}})], "default")


def letter_url(place: str, query: Mapping[str, str]) -> str:
    return f"https://id.example.org/self-service/{place}?{urlencode(query)}"


class World:
    """Whatever is asked happens now; `clock` is moved by the test."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.run = db.run
        self.clock = SetClock(NOW)
        self.entropy: Entropy = random.Random(5).randbytes
        self.schemas = SCHEMAS
        self.hasher = Hasher(memory=16, time=1, parallelism=1, places=[Here()] * 2, queue=64, entropy=self.entropy)
        self.vault = Vault(Keys([SECRET], "credentials"))
        self.code_keys = Keys([SECRET], "codes")
        self.post = Post({"code": 10 * MINUTE, "link": HOUR}, letter_url, Keys([SECRET], "device links"))
        self.networks = ip_network("10.0.0.0/8").hosts()

    @property
    def now(self) -> int:
        return self.clock.now()

    def act(self) -> Act:
        return Act(DEFAULT, "test", self.now, self.entropy, ("*",))

    def write(self, unit: Unit[T]) -> T:
        return self.db.write(unit)

    def read(self, unit: Unit[T]) -> T:
        return self.db.read(unit)

    def profile(self, traits: Any = None, password: str | None = None, **more: Any) -> Profile:
        """A profile as an administrator gives it, its password hashed."""
        given = more.pop("credentials", {}) | ({"password": {"password": password}} if password else {})
        credentials = self.run(administration.hash_passwords(self.hasher, given))
        return Profile(more.pop("schema_id", "default"), json.dumps(traits or {}), credentials=credentials, **more)

    def create(self, traits: Any = None, password: str | None = None, **more: Any) -> Person:
        """A stored person, made by an administrator or by themselves. Problems of composing and adding."""
        act = msgspec.structs.replace(self.act(), scopes=() if more.pop("themselves", False) else ("*",))
        person = compose(act, self.schemas, self.vault, self.profile(traits, password, **more))
        made = self.write(lambda tx: administration.create(tx, act, person))
        return msgspec.structs.replace(made, searchable=None)  # as it is read again

    def anna(self, **more: Any) -> Person:
        return self.create({"email": "anna@example.org"}, PASSWORD, **more)

    def find(self, identity_id: bytes) -> Person | None:
        return self.read(lambda tx: find(tx, DEFAULT, identity_id))

    def stored(self, person: Person) -> Person:
        """As it is in the store now."""
        found = self.find(person.identity.id)
        assert found is not None
        return found

    def update(self, person: Person, traits: Any = None, password: str | None = None, **changes: Any) -> Person:
        """Changes what is given and keeps the rest."""
        old = self.stored(person).identity
        kept = {name: getattr(old, name) for name in ("schema_id", "state", "metadata_public", "metadata_admin")}
        kept["external_id"] = old.external_id
        profile = self.profile(json.loads(old.traits) if traits is None else traits, password, **kept | changes)

        async def unit(tx: Any) -> Person:
            before = await administration.locked(tx, self.act(), old.id)
            return await administration.update(tx, self.act(), self.schemas, self.vault, before, profile)

        return msgspec.structs.replace(self.write(unit), searchable=None)

    def means(self, **changes: Any) -> Means:
        return replace(
            Means(self.db.store, self.hasher, self.vault, LIFETIME, THROTTLING, self.code_keys, self.post), **changes
        )

    def elsewhere(self) -> Device:
        """A device in a network that nobody used before: what one network may do is not what is tested."""
        return msgspec.structs.replace(DEVICE, ip=str(next(self.networks)))

    def unlock(self, person: Person) -> bool:
        return self.write(lambda tx: administration.unlock(tx, self.act(), person.identity.id))

    def recover(self, person: Person) -> Recovered | Flow:
        """Through a code that an administrator made."""
        made = self.write(
            lambda tx: make_code(tx, self.act(), self.code_keys, person.identity.id, HOUR, "http://x/", flow_type="api")
        )
        redeeming = Redeeming(5, HOUR)
        return self.run(redeem(self.means(), self.act(), made.flow.id, made.secret, self.elsewhere(), redeeming))

    def config(self, person: Person, type_: str) -> dict[str, Any]:
        return self.vault.open(self.stored(person).credentials[type_])

    def flow(self, kind: Kind, **more: Any) -> Flow:
        url = f"https://example.org/self-service/{kind}/api"
        return self.write(lambda tx: open_flow(tx, self.act(), kind, HOUR, url, **more))

    def stored_flow(self, flow_id: bytes) -> Flow | None:
        found: Flow | None = self.read(lambda tx: tx.flows.get(flow_id))
        return found

    def login(
        self,
        identifier: str = "anna@example.org",
        password: str = PASSWORD,
        *,
        flow: Flow | None = None,
        current: Standing | None = None,
        hasher: Any = None,
        lifetime: Lifetime = LIFETIME,
        device: Device | None = None,
    ) -> SignedIn | Flow:
        flow_id = (flow or self.flow(Kind.LOGIN)).id
        means = self.means(hasher=hasher or self.hasher, lifetime=lifetime)
        attempt = Attempt(flow_id, password, device or self.elsewhere(), identifier, current)
        return self.run(sign_in(means, self.act(), Password(), attempt))

    def signed_in(self, identifier: str = "anna@example.org", password: str = PASSWORD, **more: Any) -> str:
        """The token of a new session."""
        outcome = self.login(identifier, password, **more)
        assert isinstance(outcome, SignedIn)
        assert outcome.token is not None
        return outcome.token

    def standing(self, token: str, lifetime: Lifetime = LIFETIME) -> Standing:
        return self.read(lambda tx: check(tx, token, lifetime, self.now))

    def accepts(self, token: str, lifetime: Lifetime = LIFETIME) -> bool:
        try:
            self.standing(token, lifetime)
        except SessionRequired:
            return False
        return True

    def letters(self) -> list[tuple[str, str, dict[str, str]]]:
        """Template, recipient and content of what was written, newest first."""
        rows = self.read(lambda tx: tx.messages.page(DEFAULT, Filter(), None, 100))
        return [(row.template, row.recipient, opened(self.vault.keys, row) or {}) for row in rows]

    def told(self) -> list[tuple[str, str | None, int]]:
        """Name, reason and amount of what happened since the last time that this was asked."""
        told = [(event.name, event.reason, event.amount) for event in self.db.happened]
        self.db.happened.clear()
        return told

    def close(self) -> None:
        self.hasher.close()


class Watched:
    """A hasher that does something between the check of a password and its answer, and counts what it is asked."""

    def __init__(self, hasher: Hasher, meanwhile: Meanwhile | None = None) -> None:
        self._hasher = hasher
        self._meanwhile = meanwhile
        self._turn: Turn
        self.asked: list[str] = []
        self.weaker = hasher.weaker

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Any]:
        async with self._hasher.turn() as turn:
            self._turn = turn
            yield self

    async def idle(self, waited: Callable[[float], None]) -> None:
        self.asked.append("idle")
        await self._turn.idle(waited)

    async def hash(self, password: str) -> str:
        self.asked.append("hash")
        return await self._turn.hash(password)

    async def verify(self, password: str, hashed: str | None, waited: Callable[[float], None] = lambda _: None) -> bool:
        self.asked.append("verify")
        right = await self._turn.verify(password, hashed, waited)
        if self._meanwhile is not None:
            await self._meanwhile()
        return right


def aged(lifetime: Lifetime = LIFETIME, **changes: Any) -> Lifetime:
    return msgspec.structs.replace(lifetime, **changes)
