"""Every way to end sessions, in the core and through the doors: each leaves the same kind of event, exactly once.

A new way is a new line of WAYS.
"""

import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from tests.doors.huawei.signing import signer
from tests.doors.kratos.in_process import PASSWORD, PUBLIC_URL, Doors, migrated
from tests.doors.kratos.table import device_token
from tests.doors.kratos.visitor import Visitor

from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.model import REASONS, How, Where
from nightlatch.core.sessions.rules import Lifetime, end
from nightlatch.kernel.clock import DAY, HOUR

KEY, ME, NOBODY, TESTS = "key:", "identity:", "anonymous", "the tests"
ENDED, DELETED = "session.ended", "session.deleted"


class Scene:
    """Ada with three sessions, oldest first, and Bob with one. Each way ends the first of Ada's, or more."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.ada = str(doors.person("ada")["id"])
        self.bob = str(doors.person("bob")["id"])
        self.sessions, self.tokens = [], []
        for owner in (self.ada, self.ada, self.ada, self.bob):
            session, token = doors.session(owner)
            self.sessions.append(session)
            self.tokens.append(token)
            doors.clock.advance(1000)
        code = doors.admin("POST", "/admin/recovery/code", {"identity_id": self.ada}).ok(201)
        self.code, self.flow = code["recovery_code"], code["recovery_link"].partition("flow=")[2]
        doors.happened()

    def admin(self, method: str, path: str, body: Any = None) -> None:
        assert self.doors.admin(method, f"/admin{path}", body).status < 300

    def deleted(self, session: str) -> None:
        assert self.doors.admin("DELETE", f"/sessions-api/sessions/{session}").status == 204

    def slack(self, method: str, **arguments: Any) -> None:
        assert self.doors.admin("POST", f"/api/admin.users.session.{method}", arguments).ok() == {"ok": True}

    def native(self, **which: Any) -> None:
        """As it is asked, or through the token of a trial where that is asked first."""
        asked = {"reason": "taken over", **which}
        answer = self.doors.admin("POST", "/v1/sessions/end", asked).ok()
        if "token" in answer:
            self.native(token=answer["token"])

    def mine(self, method: str, path: str, body: Any = None) -> None:
        """By Ada's second session."""
        assert self.doors.public(method, path, body, token=self.tokens[1]).status < 300

    def rule(self, how: How = How.DISABLE, **where: Any) -> None:
        chosen = Where(**where)
        self.doors.write(lambda tx: end(tx, self.doors.act(), chosen, how, "a rule"))

    def number(self) -> int:
        session = uuid.UUID(self.sessions[0]).bytes
        standing = self.doors.read(lambda tx: tx.sessions.get(self.doors.act().organization, session))
        return int(standing.session.number)

    def recover(self) -> None:
        body = {"method": "code", "code": self.code}
        assert self.doors.public("POST", f"/self-service/recovery?flow={self.flow}", body).status < 300

    def sign_out(self) -> None:
        asked = {"accept": "application/json", "x-session-token": self.tokens[0]}
        way = self.doors.public("GET", "/self-service/logout/browser", headers=asked).ok()["logout_url"]
        assert self.doors.public("GET", way.removeprefix(PUBLIC_URL[:-1]), headers=asked).status == 204

    def follow(self) -> None:
        """The link of a letter about the first session."""
        token = device_token(self.doors, self.sessions[0])
        assert self.doors.public("POST", f"/self-service/device?token={token}").status < 300

    def come_in(self) -> None:
        """Bob, where Ada's first session was."""
        ada = {"x-session-token": self.tokens[0]}
        visitor = Visitor(self.doors)
        flow = visitor.fetch("GET", "/self-service/login/browser?refresh=true", **ada).ok()
        fields = {"method": "password", "identifier": "bob@example.org", "password": PASSWORD}
        visitor.post(flow, fields, **ada).ok()

    def crowd_out(self) -> None:
        self.doors.listen(lifetime=Lifetime(DAY, HOUR, most=3))
        self.doors.session(self.ada)

    def alive(self) -> list[bool]:
        return [self.doors.public("GET", "/sessions/whoami", token=t).status == 200 for t in self.tokens]

    def ids(self, *texts: str) -> tuple[bytes, ...]:
        return tuple(uuid.UUID(text).bytes for text in texts)


class Way(NamedTuple):
    """What ends, by whom and why: `name` of the event, how many it counts, who of the four sessions lives on."""

    says: str
    do: Callable[[Scene], Any]
    actor: str
    reason: str
    name: str = ENDED
    amount: int = 3
    left: str = "...b"


def _put(scene: Scene, **changes: Any) -> None:
    scene.admin("PUT", f"/identities/{scene.ada}", {"traits": {"email": "ada@example.org"}, **changes})


def _bulk(scene: Scene, action: str, **whom: list[str]) -> None:
    scene.admin("POST", "/sessions", {"action": action, **whom})


def _signed(scene: Scene, *sessions: str) -> None:
    """Bob's session is named too, and is not Ada's."""
    path = f"/v1/identity-stores/{uuid.UUID(bytes=DEFAULT)}/users/{scene.ada}/sessions/batch-delete"
    ask = signer(scene.doors)
    scene.doors.happened()
    assert ask("POST", path, {"session_ids": [*sessions, scene.sessions[3]]}).status < 300


_NEW_PASSWORD = {"password": {"config": {"password": PASSWORD + "!"}}}

WAYS = [
    Way("rule: session_id", lambda s: s.rule(session_id=s.ids(s.sessions[0])[0]), TESTS, "a rule", ENDED, 1, ".aab"),
    Way("rule: session_ids", lambda s: s.rule(session_ids=s.ids(*s.sessions[:2])), TESTS, "a rule", ENDED, 2, "..ab"),
    Way("rule: number", lambda s: s.rule(number=s.number()), TESTS, "a rule", ENDED, 1, ".aab"),
    Way("rule: identity_id", lambda s: s.rule(identity_id=s.ids(s.ada)[0]), TESTS, "a rule"),
    Way("rule: identity_ids", lambda s: s.rule(How.DELETE, identity_ids=s.ids(s.ada, s.bob)), TESTS, "a rule", DELETED, 4, "...."),
    Way("rule: kinds", lambda s: s.rule(identity_ids=s.ids(s.ada), kinds=("other",)), TESTS, "a rule"),
    Way("rule: everybody", lambda s: s.rule(everybody=True), TESTS, "a rule", ENDED, 4, "...."),
    Way("rule: the most of an identity", lambda s: s.crowd_out(), TESTS, "limit", ENDED, 1, ".aab"),
    Way("kratos: disableSession", lambda s: s.admin("DELETE", f"/sessions/{s.sessions[0]}"), KEY, "admin", ENDED, 1, ".aab"),
    Way("kratos: deleteIdentitySessions", lambda s: s.admin("DELETE", f"/identities/{s.ada}/sessions"), KEY, "admin", DELETED),
    Way("kratos: manageSessions, sessions", lambda s: _bulk(s, "delete", sessions=s.sessions[:2]), KEY, "admin", DELETED, 2, "..ab"),
    Way("kratos: manageSessions, identities", lambda s: _bulk(s, "disable", identities=[s.ada]), KEY, "admin"),
    Way("kratos: manageSessions, everybody", lambda s: _bulk(s, "disable", identities=["*"]), KEY, "admin", ENDED, 4, "...."),
    Way("kratos: deactivation", lambda s: _put(s, state="inactive"), KEY, "identity_deactivated"),
    Way("kratos: another password", lambda s: _put(s, credentials=_NEW_PASSWORD), KEY, "credential_changed"),
    Way("kratos: deleteIdentity", lambda s: s.admin("DELETE", f"/identities/{s.ada}"), KEY, "identity_deleted", DELETED),
    Way("kratos: disableMySession", lambda s: s.mine("DELETE", f"/sessions/{s.sessions[0]}"), ME, "own", ENDED, 1, ".aab"),
    Way("kratos: disableMyOtherSessions", lambda s: s.mine("DELETE", "/sessions"), ME, "own_others", ENDED, 2, ".a.b"),
    Way("kratos: performNativeLogout", lambda s: s.mine("DELETE", "/self-service/logout/api", {"session_token": s.tokens[0]}), NOBODY, "logout", ENDED, 1, ".aab"),
    Way("kratos: updateLogoutFlow", lambda s: s.sign_out(), ME, "logout", ENDED, 1, ".aab"),
    Way("kratos: a browser's next person", lambda s: s.come_in(), NOBODY, "replaced", ENDED, 1, ".aab"),
    Way("kratos: endDevice", lambda s: s.follow(), NOBODY, "own_link", ENDED, 1, ".aab"),
    Way("huawei: batchDeleteSessions", lambda s: _signed(s, *s.sessions[:2]), KEY, "admin", DELETED, 2, "..ab"),
    Way("kratos: recovery", lambda s: s.recover(), NOBODY, "recovery"),
    Way("sessions_api: deleteSession", lambda s: s.deleted(s.sessions[0]), KEY, "admin", DELETED, 1, ".aab"),
    Way("native: filter", lambda s: s.native(filter=f'id eq "{s.sessions[0]}"'), KEY, "taken over", ENDED, 1, ".aab"),
    Way("native: trial", lambda s: s.native(filter=f'identity.id eq "{s.ada}"', how="delete", dry_run=True), KEY, "taken over", DELETED),
    Way("native: ids", lambda s: s.native(ids=s.sessions[:2]), KEY, "taken over", ENDED, 2, "..ab"),
    Way("native: identities", lambda s: s.native(identities=[s.ada, s.bob]), KEY, "taken over", ENDED, 4, "...."),
    Way("native: organization", lambda s: s.native(organization=str(uuid.UUID(bytes=DEFAULT))), KEY, "taken over", ENDED, 4, "...."),
    Way("native: everybody", lambda s: s.native(everybody=True, how="delete"), KEY, "taken over", DELETED, 4, "...."),
    Way("slack: invalidate", lambda s: s.slack("invalidate", session_id=s.number()), KEY, "admin", ENDED, 1, ".aab"),
    Way("slack: reset", lambda s: s.slack("reset", user_id=s.ada), KEY, "admin"),
    Way("slack: resetBulk", lambda s: s.slack("resetBulk", user_ids=[s.ada, s.bob]), KEY, "admin", ENDED, 4, "...."),
]  # fmt: skip


def test_every_reason_but_those_that_somebody_types_is_one_of_a_short_list() -> None:
    assert {way.reason for way in WAYS} - {"a rule", "taken over"} <= REASONS


@pytest.fixture
def scene(dsn: str) -> Iterator[Scene]:
    with Doors(migrated(dsn)) as doors:
        yield Scene(doors)
        assert doors.failures == []


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.says)
def test_S4_S7_every_way_to_end_sessions_leaves_one_event_with_actor_and_reason(scene: Scene, way: Way) -> None:
    assert scene.alive() == [True] * 4
    way.do(scene)
    assert scene.alive() == [mark != "." for mark in way.left]
    told = [event for event in scene.doors.events if event.name in {ENDED, DELETED}]
    assert [(e.name, e.reason, e.amount) for e in told] == [(way.name, way.reason, way.amount)]
    assert told[0].actor.startswith(way.actor)
    assert told[0].at == scene.doors.clock.now()
    whose = {uuid.UUID(bytes=e.identity_id).hex for e in told if e.identity_id}
    assert whose == (set() if way.amount == 4 else {uuid.UUID(scene.ada).hex})
