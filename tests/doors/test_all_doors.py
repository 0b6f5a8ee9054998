"""One core behind all doors: a session made by signing in is in the list of each, and ended through any it is over for
every other and for the check, at once. A new door is a line of LISTS and one of ENDINGS."""

import uuid
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from tests.doors.huawei.signing import STORE, named, signer
from tests.doors.kratos.in_process import Doors, migrated

from nightlatch.core.organizations.model import DEFAULT
from nightlatch.kernel.clock import HOUR

SLACK = "/api/admin.users.session."


class SignedIn(NamedTuple):
    id: str
    number: int
    token: str


class Scene:
    """Ada, who is signed in, and a key of each door's kind. Each door says which of her sessions are in force."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.ada = str(doors.person("ada")["id"])
        self.made: list[SignedIn] = []
        self.stays = self.sign_in()
        named(doors, DEFAULT, STORE)
        self.sign = signer(doors)
        self.store = f"/v1/identity-stores/{STORE}/users/{self.ada}/sessions"

    def sign_in(self) -> SignedIn:
        answer = self.doors.sign_in("ada")
        session = uuid.UUID(answer["session"]["id"])
        standing = self.doors.read(lambda tx: tx.sessions.get(DEFAULT, session.bytes))
        self.made.append(SignedIn(str(session), standing.session.number, answer["session_token"]))
        self.doors.happened()
        return self.made[-1]

    def whoami(self) -> set[str]:
        checks = [self.doors.public("GET", "/sessions/whoami", token=each.token) for each in self.made]
        return {reply.json["id"] for reply in checks if reply.status == 200}

    def mine(self) -> set[str]:
        others = self.doors.public("GET", "/sessions", token=self.stays.token).ok()
        return {self.stays.id, *(each["id"] for each in others)}

    def kratos(self) -> set[str]:
        return {each["id"] for each in self.doors.admin("GET", "/admin/sessions?active=true").ok()}

    def kratos_of_identity(self) -> set[str]:
        return {s["id"] for s in self.doors.admin("GET", f"/admin/identities/{self.ada}/sessions").ok() if s["active"]}

    def kratos_one_by_one(self) -> set[str]:
        replies = [self.doors.admin("GET", f"/admin/sessions/{each.id}") for each in self.made]
        return {reply.json["id"] for reply in replies if reply.status == 200 and reply.json["active"]}

    def sessions_api(self) -> set[str]:
        listed = self.doors.admin("GET", f"/sessions-api/sessions/user/{self.ada}").ok()
        return {each["id"] for each in listed if not each["is_expired"]}

    def sessions_api_one_by_one(self) -> set[str]:
        replies = [self.doors.admin("GET", f"/sessions-api/sessions/{each.id}") for each in self.made]
        return {reply.json["id"] for reply in replies if reply.status == 200 and not reply.json["is_expired"]}

    def slack(self) -> set[str]:
        listed = self.doors.admin("POST", SLACK + "list", {}).json["active_sessions"]
        return {self.of_number(each["session_id"]).id for each in listed}

    def huawei(self) -> set[str]:
        return {each["session_id"] for each in self.sign("GET", self.store).ok()["session_list"]}

    def of_number(self, number: int) -> SignedIn:
        (only,) = (each for each in self.made if each.number == number)
        return only

    def in_force(self) -> dict[str, set[str]]:
        return {says: ask(self) for says, ask in LISTS.items()}


LISTS: dict[str, Callable[[Scene], set[str]]] = {
    "the check": Scene.whoami,
    "kratos: mine": Scene.mine,
    "kratos: all": Scene.kratos,
    "kratos: of an identity": Scene.kratos_of_identity,
    "kratos: one by one": Scene.kratos_one_by_one,
    "sessions API: of a user": Scene.sessions_api,
    "sessions API: one by one": Scene.sessions_api_one_by_one,
    "slack": Scene.slack,
    "huawei": Scene.huawei,
}
ENDINGS: dict[str, Callable[[Scene, SignedIn], object]] = {
    "kratos: disableSession": lambda s, it: s.doors.admin("DELETE", f"/admin/sessions/{it.id}").ok(204),
    "kratos: manageSessions": lambda s, it: s.doors.admin("POST", "/admin/sessions", {"action": "delete", "sessions": [it.id]}),
    "kratos: disableMySession": lambda s, it: s.doors.public("DELETE", f"/sessions/{it.id}", token=s.stays.token).ok(204),
    "kratos: performNativeLogout": lambda s, it: s.doors.public("DELETE", "/self-service/logout/api", {"session_token": it.token}).ok(204),
    "sessions API: deleteSession": lambda s, it: s.doors.admin("DELETE", f"/sessions-api/sessions/{it.id}").ok(204),
    "slack: invalidate": lambda s, it: s.doors.admin("POST", SLACK + "invalidate", {"session_id": it.number}).ok(),
    "huawei: batch-delete": lambda s, it: s.sign("POST", s.store + "/batch-delete", {"session_ids": [it.id]}).ok(),
}  # fmt: skip


@pytest.fixture
def scene(dsn: str) -> Iterator[Scene]:
    with Doors(migrated(dsn)) as doors:
        yield Scene(doors)
        assert doors.failures == []


def test_S4_a_session_ended_through_any_door_is_over_for_every_other_at_once(scene: Scene) -> None:
    for how, end in ENDINGS.items():
        ends = scene.sign_in()
        assert scene.in_force() == {door: {scene.stays.id, ends.id} for door in LISTS}, how
        end(scene, ends)
        assert scene.in_force() == {door: {scene.stays.id} for door in LISTS}, how
        assert [(event.session_id, event.amount) for event in scene.doors.events] == [(uuid.UUID(ends.id).bytes, 1)]


@pytest.mark.parametrize("level", ["organizations", "identities"])
@pytest.mark.parametrize("member", ["lifespan", "idle"])
def test_S6_a_policy_that_is_tightened_ends_living_sessions_at_the_next_check_of_every_door(
    scene: Scene, level: str, member: str
) -> None:
    old = scene.sign_in()
    scene.doors.clock.advance(HOUR)
    first, scene.stays = scene.stays, scene.sign_in()
    assert scene.in_force() == {door: {first.id, old.id, scene.stays.id} for door in LISTS}
    fresh = {door: {scene.stays.id} for door in LISTS}
    policy = f"/v1/{level}/{scene.ada if level == 'identities' else uuid.UUID(bytes=DEFAULT)}/policy"
    scene.doors.admin("PUT", policy, {member: "30m"}).ok()
    assert scene.in_force() == fresh
    scene.doors.admin("PUT", policy, {member: "1000h"}).ok()
    assert scene.in_force() == fresh
    scene.doors.admin("DELETE", policy).ok(204)
    assert scene.in_force() == fresh


def test_every_door_that_has_sessions_is_asked_and_ends_one(scene: Scene) -> None:
    without_sessions = {"/v1/"}
    with_sessions = {door.prefix for door, _ in scene.doors._admin._doors} - without_sessions
    for table in (LISTS, ENDINGS):
        assert len({says.partition(":")[0] for says in table} - {"the check"}) == len(with_sessions)
