"""Requests made from this door's route table, and people with sessions to ask about."""

import uuid
from typing import Any

from tests.doors.kratos.in_process import KEY, Doors, Reply

from nightlatch.core.organizations.model import DEFAULT, Alias, AliasKind
from nightlatch.core.organizations.rules import create
from nightlatch.core.sessions.model import Device, Method, Session
from nightlatch.core.sessions.rules import issue
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Route
from nightlatch.doors.sessions_api.routes import ADMIN, PREFIX

Line = Route[Shared]
GUARDED = [route for route in ADMIN if route.scope is not None]
DEVICE = Device("192.0.2.7", "Mozilla/5.0 (X11) Firefox/140", None, "web")
UNKNOWN = "8d3fbd3a-1f0b-4c8e-9d7e-0c1f7a5b6e42"
NOT_FOUND = b'{"detail":"Not Found"}'


def name(line: Line) -> str:
    return f"{line.method} {line.path}"


def refused(reply: Reply, status: int) -> Any:
    """What a refusal says, which must be in this dialect's one form."""
    assert reply.status == status, reply
    assert reply.headers["content-type"] == "application/json", reply
    assert set(reply.json) == {"detail"}, reply
    detail = reply.json["detail"]
    assert isinstance(detail, list) is (status == 422), reply
    for fault in detail if status == 422 else ():
        assert {member: type(value) for member, value in fault.items()} == {"loc": list, "msg": str, "type": str}
    assert detail, reply
    return detail


def fault(reply: Reply) -> tuple[list[Any], str]:
    (only,) = refused(reply, 422)
    return only["loc"], only["type"]


def workspace(doors: Doors, number: int) -> bytes:
    """The id of a new organization with this workspace number."""
    alias = Alias(AliasKind.WORKSPACE, str(number))
    return doors.write(lambda tx: create(tx, doors.act(), f"workspace {number}", [alias])).id


class Person:
    """A new person of an organization, with a session; `ask` sends a line of the table about them."""

    def __init__(self, doors: Doors, name: str = "ada", organization: bytes = DEFAULT) -> None:
        self.doors, self.organization = doors, organization
        key = KEY if organization == DEFAULT else doors.key(organization=organization)
        body = {"schema_id": "default", "traits": {"email": f"{name}@example.org"}}
        self.id: str = doors.admin("POST", "/admin/identities", body, key=key).ok(201)["id"]
        self.session, self.token = self.another()
        doors.happened()

    def another(self, device: Device = DEVICE) -> tuple[str, str]:
        """The id and the token of one more session."""

        async def unit(tx: Any) -> tuple[Session, str]:
            identity = await tx.identities.get(self.organization, uuid.UUID(self.id).bytes)
            epochs = await tx.sessions.epochs(self.organization, identity.id)
            how = (Method("password", 1, self.doors.clock.now()),)
            return await issue(tx, self.doors.act(), identity, how, device, self.doors.parts.lifetime, epochs)

        made, token = self.doors.write(unit)
        return str(uuid.UUID(bytes=made.id)), token

    def alive(self, token: str | None = None) -> bool:
        return self.doors.public("GET", "/sessions/whoami", token=token or self.token).status == 200

    def target(self, line: Line) -> str:
        return line.path.replace("{session_id}", self.session).replace("{user_id}", self.id)

    def ask(self, line: Line, **more: Any) -> Reply:
        """A request that is right in everything, unless `more` says otherwise."""
        return self.doors.admin(line.method, self.target(line), **more)


def get(doors: Doors, path: str, **more: Any) -> Reply:
    return doors.admin("GET", f"{PREFIX}/sessions/{path}", **more)


def delete(doors: Doors, session_id: str, **more: Any) -> Reply:
    return doors.admin("DELETE", f"{PREFIX}/sessions/{session_id}", **more)
