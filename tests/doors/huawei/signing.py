"""Requests as the published client signs them, and a person whose sessions they are about."""

import hashlib
import hmac
import json
import os
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from tests.doors.kratos.in_process import Doors, Reply

from nightlatch.core.access import rules
from nightlatch.core.events.model import Act
from nightlatch.core.organizations.model import DEFAULT, Alias, AliasKind
from nightlatch.core.organizations.rules import add_alias
from nightlatch.kernel.clock import SECOND

STORE = "d-9a672f1be3"
HOST = "127.0.0.1:4434"


@dataclass(frozen=True)
class Signer:
    """Asks the admin port with one key pair; `late` is how far its clock is behind, in microseconds."""

    doors: Doors
    id: str
    secret: str
    token: str | None = None
    late: int = 0

    def __call__(self, method: str, target: str, sent: Any = None, **headers: str) -> Reply:
        body = sent if isinstance(sent, bytes) else b"" if sent is None else json.dumps(sent).encode()
        return self.doors.admin(method, target, body, key=None, headers=self.headers(method, target, body, **headers))

    def headers(self, method: str, target: str, body: bytes = b"", **more: str) -> dict[str, str]:
        moment = datetime.fromtimestamp((self.doors.clock.now() - self.late) // SECOND, UTC)
        token = {} if self.token is None else {"x-security-token": self.token}
        signed = {"host": HOST, "content-type": "application/json", "x-sdk-date": f"{moment:%Y%m%dT%H%M%SZ}", **token}
        path, _, query = target.partition("?")
        pairs = sorted(tuple(map(unquote, pair.partition("=")[::2])) for pair in query.split("&") if pair)
        names = ";".join(sorted(signed))
        canonical = [
            method,
            quote(unquote(path)).removesuffix("/") + "/",
            "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs),
            *(f"{name}:{signed[name]}" for name in sorted(signed)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
        hashed = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
        message = f"SDK-HMAC-SHA256\n{signed['x-sdk-date']}\n{hashed}"
        signature = hmac.digest(self.secret.encode(), message.encode(), "sha256").hex()
        said = f"SDK-HMAC-SHA256 Access={self.id}, SignedHeaders={names}, Signature={signature}"
        return {**signed, "authorization": said, **more}

    def but(self, **changes: Any) -> "Signer":
        return replace(self, **changes)


def signer(
    doors: Doors, *scopes: str, organization: bytes = DEFAULT, expires_at: int | None = None, temporary: bool = False
) -> Signer:
    """A new key pair of the organization."""
    act = Act(organization, "the tests", doors.clock.now(), os.urandom, ("*",))
    keys = doors.parts.pair_keys
    shown = doors.write(
        lambda tx: rules.create_pair(tx, act, keys, "a pair", scopes or ("*",), expires_at, security_token=temporary)
    )[1]
    return Signer(doors, shown.id, shown.secret, shown.security_token)


def named(doors: Doors, organization: bytes, store: str) -> None:
    """Gives the organization this identity store."""
    doors.write(lambda tx: add_alias(tx, doors.act(), organization, Alias(AliasKind.IDENTITY_STORE, store)))


class World:
    """A person with two sessions in the store STORE, and somebody else with one."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        named(doors, DEFAULT, STORE)
        self.ask = signer(doors)
        self.ada, self.bob = (str(doors.person(name)["id"]) for name in ("ada", "bob"))
        (self.one, self.one_token), (self.two, self.two_token), (self.bobs, self.bobs_token) = (
            doors.session(person) for person in (self.ada, self.ada, self.bob)
        )
        doors.happened()

    def path(self, user: str | None = None, store: str = STORE) -> str:
        return f"/v1/identity-stores/{store}/users/{user or self.ada}/sessions"

    def delete(self, *session_ids: str, user: str | None = None, store: str = STORE) -> Reply:
        return self.ask("POST", self.path(user, store) + "/batch-delete", {"session_ids": list(session_ids)})

    def listed(self, user: str | None = None) -> list[dict[str, Any]]:
        return list(self.ask("GET", self.path(user)).ok()["session_list"])

    def alive(self) -> list[bool]:
        """Whether the two, and that of the other, are accepted."""
        tokens = (self.one_token, self.two_token, self.bobs_token)
        return [self.doors.public("GET", "/sessions/whoami", token=token).status == 200 for token in tokens]


def refused(reply: Reply, status: int, code: str) -> dict[str, Any]:
    """The error of a refusal, which must be in the one shape."""
    assert reply.status == status, reply
    error = dict(reply.json)
    assert error["error_code"] == code, error
    assert error["error_msg"]
    assert error["request_id"] == reply.headers["x-request-id"]
    assert set(error) - {"encoded_authorization_message"} == {"error_code", "error_msg", "request_id"}
    return error


def new_organization(doors: Doors, store: str) -> bytes:
    organization = doors.organization(f"org-{uuid.uuid4().hex[:8]}")
    named(doors, organization, store)
    return organization
