"""Requests to this door in each of the forms in which its clients make them, and people with sessions to ask about."""

import json
import uuid
from typing import Any
from urllib.parse import urlencode

from tests.doors.kratos.in_process import KEY, UNKNOWN, Doors, Reply

from nightlatch.core.organizations.model import DEFAULT, Alias, AliasKind, Organization
from nightlatch.core.organizations.rules import create
from nightlatch.core.sessions.model import Device, Method, Session
from nightlatch.core.sessions.rules import issue
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Route
from nightlatch.doors.slack.routes import ADMIN

FAMILY = "/api/admin.users.session."
FORM = "application/x-www-form-urlencoded"
METHODS = [route for route in ADMIN if route.scope is not None]
TEAM = str(uuid.UUID(bytes=DEFAULT))
AGENTS = {"web": "Mozilla/5.0 (X11) Firefox/140", "mobile": "App/1 iOS", "desktop": "App/1 Linux", "other": "curl/8"}
Line = Route[Shared]


def name(line: Line) -> str:
    return line.path.removeprefix(FAMILY)


def call(doors: Doors, method: str, key: str | None = KEY, **arguments: Any) -> Reply:
    """As slack_sdk does: a form."""
    return sent(doors, method, urlencode(arguments).encode(), key=key)


def sent(doors: Doors, method: str, body: bytes, kind: str = FORM, key: str | None = KEY, **headers: str) -> Reply:
    return doors.admin("POST", FAMILY + method, body, key=key, headers={"content-type": kind, **headers})


def as_json(doors: Doors, method: str, key: str | None = KEY, **arguments: Any) -> Reply:
    return sent(doors, method, json.dumps(arguments).encode(), "application/json;charset=utf-8", key)


def ok(reply: Reply) -> dict[str, Any]:
    assert reply.status == 200, reply
    assert reply.json["ok"] is True, reply
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    return dict(reply.json)


def error(reply: Reply, status: int = 200) -> str:
    assert reply.status == status, reply
    assert reply.json["ok"] is False, reply
    return str(reply.json["error"])


def session(doors: Doors, identity_id: str, kind: str = "web", organization: bytes = DEFAULT) -> tuple[int, str]:
    """The number and the token of a new session on a device of this kind."""

    async def unit(tx: Any) -> tuple[Session, str]:
        identity = await tx.identities.get(organization, uuid.UUID(identity_id).bytes)
        epochs = await tx.sessions.epochs(organization, identity.id)
        how = (Method("password", 1, doors.clock.now()),)
        device = Device("192.0.2.7", AGENTS[kind], None, kind)
        return await issue(tx, doors.act(), identity, how, device, doors.parts.lifetime, epochs)

    made, token = doors.write(unit)
    return made.number, token


def organization(doors: Doors, team: str) -> Organization:
    """A new one with this team id."""
    return doors.write(lambda tx: create(tx, doors.act(), f"organization of {team}", [Alias(AliasKind.TEAM, team)]))


def alive(doors: Doors, *tokens: str) -> list[bool]:
    return [doors.public("GET", "/sessions/whoami", token=token).status == 200 for token in tokens]


ARGUMENTS: dict[str, dict[str, Any]] = {
    "invalidate": {"session_id": "NUMBER", "team_id": TEAM},
    "reset": {"user_id": "IDENTITY"},
    "resetBulk": {"user_ids": "IDENTITY"},
    "list": {"user_id": "IDENTITY", "team_id": TEAM},
    "getSettings": {"user_ids": "IDENTITY"},
    "setSettings": {"user_ids": "IDENTITY", "duration": 86400},
    "clearSettings": {"user_ids": "IDENTITY"},
}


class World:
    """One person with a session; `ask` sends a line of the table for them."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.identity: str = doors.person("ada")["id"]
        self.number, self.token = session(doors, self.identity)
        doors.happened()

    def arguments(self, line: Line) -> dict[str, Any]:
        real = {"NUMBER": self.number, "IDENTITY": self.identity}
        return {k: real.get(v, v) for k, v in ARGUMENTS[name(line)].items()}

    def ask(self, line: Line, key: str | None = KEY) -> Reply:
        return call(self.doors, name(line), key, **self.arguments(line))


__all__ = ["UNKNOWN"]
