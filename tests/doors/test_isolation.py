"""Every guarded line of every door, asked without a good key and with a key of another organization (rows W1 and W3).

A new door is a line of DIALECTS; a new route of a known door is swept without a word more."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
from tests.doors.kratos import table
from tests.doors.kratos.in_process import KEY, Doors, Reply
from tests.stores.rows import job

from nightlatch.core.access import rules as access
from nightlatch.core.access.model import SCOPES
from nightlatch.core.courier.model import Filter as Messages
from nightlatch.core.identities.model import Filter as Identities
from nightlatch.core.organizations import rules as organizations
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import Filter as Sessions
from nightlatch.doors.http.routing import Route
from nightlatch.doors.native import routes as native
from nightlatch.doors.sessions_api import routes as sessions_api
from nightlatch.kernel.clock import HOUR
from nightlatch.kernel.secrets import digest

Ask = Callable[[Doors, Route[Any], str, Any, str | None], Reply]


def by_bearer(doors: Doors, route: Route[Any], target: str, body: Any, key: str | None) -> Reply:
    return doors.admin(route.method, target, body, key=key)


class Dialect(NamedTuple):
    """How a door is asked, and what it says to whom it does not know, and to whom it knows and who may not."""

    name: str
    routes: tuple[Route[Any], ...]
    ask: Ask
    unknown: Callable[[Reply], bool]
    forbidden: Callable[[Reply], bool]
    bodies: Mapping[str, Any]


DIALECTS = (
    Dialect("kratos", table.ADMIN, by_bearer, lambda r: r.status == 401, lambda r: r.status == 403, table.BODIES),
    Dialect(
        "native",
        native.ADMIN,
        by_bearer,
        lambda r: r.status == 401 and r.json["type"].endswith(":key_required"),
        lambda r: r.status == 403 and r.json["type"].endswith(":scope_missing"),
        {
            "create_organization": {"name": "new"},
            "rename_organization": {"name": "renamed"},
            "put_organization_policy": {"idle": "1h"},
            "put_identity_policy": {"idle": "1h"},
            "put_credential": {"password": "Harp*dune-lantern 38"},
            "end_sessions": {"everybody": True, "reason": "a test"},
            "deactivate_identities": {"ids": ["IDENTITY"], "reason": "a test"},
            "delete_identities": {"ids": ["IDENTITY"], "reason": "a test"},
            "create_key": {"name": "new", "scopes": ["sessions:read"]},
        },
    ),
    Dialect("sessions_api", sessions_api.ADMIN, by_bearer, lambda r: r.status == 401, lambda r: r.status == 403, {}),
)
LINES = [(dialect, route) for dialect in DIALECTS for route in dialect.routes if route.scope is not None]
NAMING = [(dialect, route) for dialect, route in LINES if "{" in route.path]
every = pytest.mark.parametrize(("dialect", "line"), LINES, ids=[f"{d.name} {r.method} {r.path}" for d, r in LINES])


class Theirs:
    """What is the default organization's: a person with sessions, a key, an alias. `target` names them."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.world = table.World(doors)
        made = doors.write(lambda tx: access.create(tx, doors.act(), "their-key"))
        self.key = str(uuid.UUID(bytes=made[0].id))
        theirs = job()
        doors.write(lambda tx: tx.jobs.add(theirs))
        self.job = str(uuid.UUID(bytes=theirs.id))
        alias = organizations.alias_of("team", "THEIR-TEAM")
        doors.write(lambda tx: organizations.add_alias(tx, doors.act(), DEFAULT, alias))
        doors.happened()
        self.before = self.now()

    def target(self, line: Route[Any]) -> str:
        filled = line.path.replace("/keys/{id}", f"/keys/{self.key}").replace("{kind}/{value}", "team/THEIR-TEAM")
        filled = filled.replace("/jobs/{id}", f"/jobs/{self.job}")
        filled = filled.replace("/organizations/{id}", f"/organizations/{uuid.UUID(bytes=DEFAULT)}")
        filled = filled.replace("{session_id}", self.world.session).replace("{user_id}", self.world.identity)
        return self.world.target(line._replace(path=filled))

    def body(self, dialect: Dialect, line: Route[Any]) -> Any:
        if line.takes is None:
            return None
        real = {"IDENTITY": self.world.identity}
        body = dialect.bodies[line.endpoint.__name__]
        return {k: _real(v, real) for k, v in body.items()} if isinstance(body, dict) else body

    def now(self) -> Any:
        """Everything of theirs that there is."""
        now = self.doors.clock.now()

        async def unit(tx: Any) -> Any:
            return (
                list(await tx.identities.list(DEFAULT, Identities(), None, 0, 99)),
                list(await tx.sessions.list(DEFAULT, Sessions(None, None, None, None), now, None, 0, 99)),
                [each for each in await tx.access_keys.list(DEFAULT, None, 99) if each.name == "their-key"],
                list(await tx.organizations.list(None, 1)),
                list(await tx.jobs.list(DEFAULT, None, 99)),
                list(await tx.messages.page(DEFAULT, Messages(), None, 99)),
            )

        return self.doors.read(unit)

    @property
    def ids(self) -> tuple[str, ...]:
        return (self.world.identity, self.world.session, self.world.message, self.key, self.job)

    def said_in(self, reply: Reply) -> list[str]:
        known = (*self.ids, "their-key", "THEIR-TEAM", "ada@example.org", "crm-1")
        return [each for each in known if each in reply.body.decode()]


def _real(value: Any, real: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_real(each, real) for each in value]
    return real.get(value, value) if isinstance(value, str) else value


@pytest.fixture
def theirs(doors: Doors) -> Theirs:
    return Theirs(doors)


def test_every_guarded_line_names_a_scope_that_there_is() -> None:
    assert {line.scope for _, line in LINES} <= set(SCOPES)


@every
def test_W1_no_line_of_any_door_answers_without_a_good_key(theirs: Theirs, dialect: Dialect, line: Route[Any]) -> None:
    doors, target, body = theirs.doors, theirs.target(line), theirs.body(dialect, line)
    revoked = doors.key()
    revoked_id = doors.read(lambda tx: tx.access_keys.by_token(digest(revoked))).id
    doors.write(lambda tx: access.revoke(tx, doors.act(), revoked_id))
    expired = doors.key(expires_at=doors.clock.now() + HOUR)
    doors.clock.advance(HOUR)
    doors.happened()
    for key in (None, "", KEY[:-1], KEY + "x", "nl_key_" + "a" * 43, revoked, expired, theirs.world.token):
        reply = dialect.ask(doors, line, target, body, key)
        assert dialect.unknown(reply), (key, reply)
        assert theirs.said_in(reply) == []
    assert doors.happened() == []
    assert theirs.now() == theirs.before


@every
def test_W1_no_line_of_any_door_answers_to_a_key_without_its_scope(
    theirs: Theirs, dialect: Dialect, line: Route[Any]
) -> None:
    doors, target, body = theirs.doors, theirs.target(line), theirs.body(dialect, line)
    noun, _, verb = str(line.scope).partition(":")
    key = doors.key(*(scope for scope in SCOPES if scope != line.scope), noun, f"{noun}:", f":{verb}", f"*:{verb}")
    doors.happened()
    reply = dialect.ask(doors, line, target, body, key)
    assert dialect.forbidden(reply), reply
    assert theirs.said_in(reply) == []
    assert doors.happened() == []
    assert theirs.now() == theirs.before


@every
def test_W3_a_key_of_another_organization_sees_and_touches_nothing(
    theirs: Theirs, dialect: Dialect, line: Route[Any]
) -> None:
    doors, target, body = theirs.doors, theirs.target(line), theirs.body(dialect, line)
    acme = doors.organization("acme")
    key = doors.key(organization=acme)
    doors.happened()
    for query in ("", f"{'&' if '?' in target else '?'}organization_id={uuid.UUID(bytes=DEFAULT)}"):
        reply = dialect.ask(doors, line, target + query, body, key)
        assert theirs.said_in(reply) == [], reply
        assert not dialect.unknown(reply)
    assert {event.organization for event in doors.events} <= {acme}
    assert theirs.now() == theirs.before
    doors.public("GET", "/sessions/whoami", token=theirs.world.token).ok()


@pytest.mark.parametrize(("dialect", "line"), NAMING, ids=[f"{d.name} {r.method} {r.path}" for d, r in NAMING])
def test_W3_what_is_another_organizations_is_answered_as_what_is_not(
    theirs: Theirs, dialect: Dialect, line: Route[Any]
) -> None:
    doors, target, body = theirs.doors, theirs.target(line), theirs.body(dialect, line)
    key = doors.key(organization=doors.organization("acme"))
    absent = target.replace("crm-1", "crm-2")
    for known in (*theirs.ids, str(uuid.UUID(bytes=DEFAULT))):
        absent = absent.replace(known, str(uuid.uuid4()))
    assert absent != target
    replies = [dialect.ask(doors, line, each, body, key) for each in (target, absent)]
    told = [(r.status, r.body.decode().replace(r.headers["x-request-id"], ""), sorted(r.headers)) for r in replies]
    assert told[0] == told[1]
