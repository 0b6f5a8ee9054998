"""Requests made from the route tables, so that a new line is swept without a word more."""

import uuid
from typing import Any

from tests.doors.kratos.in_process import PASSWORD, UNKNOWN, Doors, flows

from nightlatch.core.courier.model import Template
from nightlatch.core.courier.rules import send
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.doors.http.routing import Route
from nightlatch.doors.kratos.parts import Parts
from nightlatch.doors.kratos.routes import ADMIN, PUBLIC
from nightlatch.kernel.clock import DAY
from nightlatch.kernel.ids import id_text

Line = Route[Parts]
GUARDED = [route for route in ADMIN if route.scope is not None]
OPEN = [route for route in ADMIN if route.scope is None]
LISTS = [(port, route) for port, routes in (("admin", ADMIN), ("public", PUBLIC)) for route in routes if any(p.name == "page_token" for p in route.query)]  # fmt: skip
WITH_BODY = [(port, route) for port, routes in (("admin", ADMIN), ("public", PUBLIC)) for route in routes if route.takes is not None]  # fmt: skip
NEW = {"schema_id": "robot", "traits": {"model": "T"}}
BODIES: dict[str, Any] = {
    "create_identity": NEW,
    "batch_patch_identities": {"identities": [{"create": NEW}]},
    "update_identity": {"traits": {"email": "ada@example.org"}},
    "patch_identity": [{"op": "add", "path": "/metadata_public", "value": 1}],
    "manage_sessions": {"action": "disable", "sessions": [UNKNOWN]},
    "create_recovery_code_for_identity": {"identity_id": "IDENTITY"},
    "create_recovery_link_for_identity": {"identity_id": "IDENTITY"},
    "update_login_flow": {"method": "password", "identifier": "ada@example.org", "password": PASSWORD},
    "update_registration_flow": {"method": "password", "traits": {"email": "eve@example.org"}, "password": PASSWORD},
    "update_recovery_flow": {"method": "code", "code": "CODE"},
    "update_verification_flow": {"method": "code", "email": "ada@example.org"},
    "update_settings_flow": {"method": "profile", "traits": {"email": "ada@example.org"}},
    "perform_native_logout": {"session_token": "TOKEN"},
}


def name(line: Line) -> str:
    return f"{line.method} {line.path}"


def device_token(doors: Doors, session: str) -> str:
    """Of a link that ends the session."""
    ending = (DEFAULT, uuid.UUID(session).bytes, doors.clock.now() + DAY)
    return doors.parts.post.endings.seal(ending)


class World:
    """One person with a session, an external id and open flows of every kind; `ask` sends a line of a table for them."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.totp = {"config": {"totp_url": "otpauth://totp/x?secret=JBSWY3DPCANARY"}}
        credentials = {"password": {"config": {"password": PASSWORD}}, "totp": self.totp}
        secret = {"note": "metadata-admin-canary"}
        made = doors.person("ada", external_id="crm-1", credentials=credentials, metadata_admin=secret)
        self.identity: str = made["id"]
        doors.listen(highest_aal=False, flows=flows(settings_highest_aal=False))
        self.session, self.token = doors.session(self.identity)
        code = doors.admin("POST", "/admin/recovery/code", {"identity_id": self.identity}).ok(201)
        self.code: str = code["recovery_code"]
        self.flows = {
            act: doors.public("GET", f"/self-service/{act}/api").ok()["id"]
            for act in ("login", "registration", "verification")
        }
        self.flows["settings"] = doors.public("GET", "/self-service/settings/api", token=self.token).ok()["id"]
        self.flows["recovery"] = code["recovery_link"].partition("flow=")[2]
        self.message = self.told()
        self.flows["errors"] = (
            doors.public("GET", "/self-service/login/browser?aal=x").headers["location"].split("id=")[1]
        )
        logout = doors.public("GET", "/self-service/logout/browser", token=self.token).ok()
        self.flows["logout"] = logout["logout_token"]
        self.flows["device"] = device_token(doors, self.session)
        doors.happened()

    def told(self) -> str:
        """The id of a new message to the person."""
        doors, keys = self.doors, self.doors.parts.vault.keys
        written = doors.write(
            lambda tx: send(tx, doors.act(), keys, Template.RECOVERED, "email", "ada@example.org", ip="")
        )
        return id_text(written.id)

    def target(self, line: Line, query: str = "") -> str:
        kinds = {"schemas": "default", "messages": self.message, "identities": self.identity, "sessions": self.session}
        filled = line.path.replace("{id}", next((kinds[kind] for kind in kinds if kind in line.path), ""))
        filled = filled.replace("{external_id:path}", "crm-1").replace("{type}", "totp")
        act = next((act for act in self.flows if act in line.path), "")
        asked = [
            f"{p.name}={self.flows[act]}"
            for p in line.query
            if p.name in {"id", "flow"} | {"token" if act in {"logout", "device"} else ""}
        ]
        return filled + ("?" if asked or query else "") + "&".join([*asked, *([query] if query else [])])

    def body(self, line: Line) -> Any:
        real = {"IDENTITY": self.identity, "CODE": self.code, "TOKEN": self.token}
        body = BODIES[line.endpoint.__name__] if line.takes is not None else None
        return (
            {k: real.get(v, v) if isinstance(v, str) else v for k, v in body.items()}
            if isinstance(body, dict)
            else body
        )

    def ask(self, port: str, line: Line, **more: Any) -> Any:
        """A request that is right in everything, unless `more` says otherwise."""
        return self.send(port, line, self.body(line), **more)

    def send(self, port: str, line: Line, body: Any, **more: Any) -> Any:
        """The same with a body of the test's own."""
        if port == "admin":
            return self.doors.admin(line.method, self.target(line), body, **more)
        token = None if "login" in line.path or "registration" in line.path else self.token
        return self.doors.public(line.method, self.target(line), body, **{"token": token} | more)
