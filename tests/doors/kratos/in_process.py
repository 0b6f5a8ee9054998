"""Both ports over one store in this process: no socket, and time stands still until it is moved."""

import asyncio
import json
import os
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any, Self, TypeVar
from urllib.parse import unquote

import msgspec
from tests.core.world import THROTTLING, letter_url
from tests.places import Here
from tests.serving import SCHEMAS

from nightlatch.core.access.model import AccessKey
from nightlatch.core.attempts.model import Throttling
from nightlatch.core.authentication.code import Code
from nightlatch.core.authentication.password import Password
from nightlatch.core.credentials.hashing import Hasher
from nightlatch.core.credentials.person import Vault
from nightlatch.core.credentials.policy import Policy
from nightlatch.core.events.model import Act, Event
from nightlatch.core.identities.schemas import Schema, Schemas
from nightlatch.core.means import Post
from nightlatch.core.organizations import rules as organizations
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.recovery.rules import Redeeming
from nightlatch.core.sessions.cache import Checks
from nightlatch.core.sessions.model import Device, Method, Session
from nightlatch.core.sessions.rules import Lifetime, issue
from nightlatch.core.sessions.seen import LastSeen
from nightlatch.core.settings import rules as settings
from nightlatch.core.store import Store
from nightlatch.doors.http.client_address import ClientAddress, Network
from nightlatch.doors.http.cors import Cors
from nightlatch.doors.http.door import Door
from nightlatch.doors.http.parts import Access
from nightlatch.doors.http.port import Port
from nightlatch.doors.http.repeats import Repeats
from nightlatch.doors.http.routing import MIB
from nightlatch.doors.huawei import door as huawei
from nightlatch.doors.kratos import door as kratos
from nightlatch.doors.kratos.cookies import Cookies, attributes
from nightlatch.doors.kratos.parts import Flows, Parts, Told
from nightlatch.doors.kratos.shapes import Render
from nightlatch.doors.native import door as native
from nightlatch.doors.pages import door as pages
from nightlatch.doors.pages.parts import Brand, Site
from nightlatch.doors.sessions_api import door as sessions_api
from nightlatch.doors.slack import door as slack
from nightlatch.kernel.clock import DAY, HOUR, MINUTE, SetClock
from nightlatch.kernel.secrets import Keys, digest, new_token
from nightlatch.problems import StoreDown
from nightlatch.stores.opening import migrate, open_store

T = TypeVar("T")
KEY = "test-key-0123456789abcdef0123456789abcdef"
PASSWORD = "Tr0ut-lamp*ferry 91"
BEGIN = 1_700_000_000_000_000
PUBLIC_URL, ADMIN_URL = "https://id.example.org/", "http://admin.example.org:4434/"
PUBLIC_PORT, ADMIN_PORT = 4433, 4434
SECRET = b"a secret of the tests, 32 bytes."
PAGES = ("login", "registration", "recovery", "verification", "settings", "error")
SITE = Site(PUBLIC_URL, Keys([SECRET], "pages"), frozenset({"registration", "recovery"}), Brand("Night & Latch"), 8)
UNKNOWN = "8d3fbd3a-1f0b-4c8e-9d7e-0c1f7a5b6e42"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def ok(self, status: int = 200) -> Any:
        """The body of an answer that must have this status; None when it must be empty."""
        assert self.status == status, self
        return self.json if self.body else None

    def refused(self, status: int) -> dict[str, Any]:
        """The error of a refusal, which must be in the one envelope."""
        assert self.status == status, self
        assert self.headers["content-type"] == "application/json", self
        error = self.json["error"]
        assert error["code"] == status, self
        assert error["status"], self
        assert error["message"], self
        assert error["request"] == self.headers["x-request-id"], self
        return dict(error)


class Doors:
    """`events` are those committed, `failures` the bugs that a port met. `changes` are laid over the parts."""

    def __init__(self, dsn: str, **changes: Any) -> None:
        self.clock = SetClock(BEGIN)
        self.events: list[Event] = []
        self.failures: list[BaseException] = []
        self.statuses: list[tuple[str, int]] = []
        self._networks = ip_network("10.0.0.0/8").hosts()
        self.keyless: tuple[Network, ...] = ()
        self.cors: Cors | None = None
        self.site = SITE
        self._runner = asyncio.Runner()
        self._dsn = dsn
        self._changes = changes

    def __enter__(self) -> Self:
        self._runner.__enter__()
        self.store: Store = self.run(open_store(self._dsn, self.events.extend))
        self.parts = replace(_parts(self.store, self.clock), **self._changes)
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.parts.hasher.close()
        self.run(self.store.close())
        self._runner.__exit__(None, None, None)

    def listen(self, **changes: Any) -> None:
        """Makes the ports, with these parts from now on. Answers that were kept go with the old ones, as in a new
        process; while they are, they have to be as good as those from the rows, whatever a test does."""
        kept = self.store.generations and Checks[Told](self.store.generations, self.parts.seen, self.clock.now, MIB)
        self.parts = replace(self.parts, **{"checks": kept, **changes})
        flows = kratos.public_door(self.parts)
        self._public = self.port(flows, pages.public_door(self.parts, self.site, self.port(flows).ask), cors=self.cors)
        self._public.repeats = Repeats(
            MIB, os.urandom, lambda seconds: self._observe(None, kratos.WHOAMI, 200, seconds)
        )
        self._admin = self.port(
            kratos.admin_door(self.parts),
            sessions_api.admin_door(self.parts, self.keyless),
            slack.admin_door(self.parts),
            huawei.admin_door(self.parts),
            native.admin_door(self.parts),
        )

    def port(self, *doors: Door[Any], cors: Cors | None = None) -> Port:
        return Port(doors, os.urandom, self._observe, self._failed, cors)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def admin(self, method: str, target: str, sent: Any = None, *, key: str | None = KEY, **more: Any) -> Reply:
        """A request to the admin port. `sent` is the body: bytes as they are, anything else as JSON."""
        authorization = {} if key is None else {"authorization": f"Bearer {key}"}
        headers = {**authorization, **more.pop("headers", {})}
        return self.ask(self._admin, ADMIN_PORT, method, target, sent, headers=headers, **more)

    def public(self, method: str, target: str, sent: Any = None, *, token: str | None = None, **more: Any) -> Reply:
        # From a network that nobody used before, unless a test says otherwise: what one may do is seldom the question.
        more.setdefault("peer", str(next(self._networks)))
        credentials = {} if token is None else {"x-session-token": token}
        headers = {**credentials, **more.pop("headers", {})}
        return self.ask(self._public, PUBLIC_PORT, method, target, sent, headers=headers, **more)

    def ask(self, app: Any, port: int, method: str, target: str, sent: Any, **more: Any) -> Reply:
        return self.run(request(app, port, method, target, sent, **more))

    def write(self, unit: Callable[[Any], Awaitable[T]]) -> T:
        return self.run(self.store.write(unit))  # type: ignore[arg-type]

    def read(self, unit: Callable[[Any], Awaitable[T]]) -> T:
        return self.run(self.store.read(unit))  # type: ignore[arg-type]

    def act(self) -> Act:
        return Act(DEFAULT, "the tests", self.clock.now(), os.urandom, ("*",))

    def key(self, *scopes: str, expires_at: int | None = None, organization: bytes = DEFAULT) -> str:
        """The token of a new access key; its scopes may be such as nobody could give it."""
        token = new_token("nl_key_", os.urandom)
        act = self.act()
        made = AccessKey(act.new_id(), organization, "a key", digest(token), scopes or ("*",), act.now, expires_at)
        self.write(lambda tx: tx.access_keys.add(made))
        return token

    def organization(self, name: str) -> bytes:
        """The id of a new organization."""
        return self.write(lambda tx: organizations.create(tx, self.act(), name)).id

    def person(self, name: str = "ada", **fields: Any) -> dict[str, Any]:
        """A new identity with PASSWORD, as the admin port shows it."""
        password = {"password": {"config": {"password": PASSWORD}}}
        body = {"schema_id": "default", "traits": {"email": f"{name}@example.org"}, "credentials": password}
        return dict(self.admin("POST", "/admin/identities", body | fields).ok(201))

    def session(self, identity_id: str) -> tuple[str, str]:
        """A new session of the identity, without a proof: its id and its token."""

        async def unit(tx: Any) -> tuple[Session, str]:
            identity = await tx.identities.get(DEFAULT, uuid.UUID(identity_id).bytes)
            epochs = await tx.sessions.epochs(DEFAULT, identity.id)
            how = (Method("password", 1, self.clock.now()),)
            device = Device("192.0.2.7", "curl/8", None, "other")
            return await issue(tx, self.act(), identity, how, device, self.parts.lifetime, epochs)

        session, token = self.write(unit)
        return str(uuid.UUID(bytes=session.id)), token

    def sign_in(self, name: str = "ada", password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        """The answer of a login: `session` and `session_token`."""
        return dict(self.try_sign_in(f"{name}@example.org", password, **more).ok())

    def try_sign_in(self, identifier: str, password: str, **more: Any) -> Reply:
        flow = self.public("GET", "/self-service/login/api").ok()["id"]
        body = {"method": "password", "identifier": identifier, "password": password}
        return self.public("POST", f"/self-service/login?flow={flow}", body, **more)

    def happened(self) -> list[str]:
        """The names of the events since the last time that this was asked."""
        names = [event.name for event in self.events]
        self.events.clear()
        return names

    def _observe(self, scope: Any, route: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.statuses.append((route, status))

    def _failed(self, request_id: str, error: BaseException) -> None:
        assert request_id
        if not isinstance(error, StoreDown):  # told to the log, but no fault of ours
            self.failures.append(error)


async def request(
    app: Any,
    port: int,
    method: str,
    target: str,
    sent: Any = None,
    *,
    headers: dict[str, str] | None = None,
    peer: str = "127.0.0.1",
) -> Reply:
    """Asks an ASGI application as a server would, with the target just as it is spelled."""
    body = sent if isinstance(sent, bytes) else b"" if sent is None else json.dumps(sent).encode()
    fields = {"host": f"127.0.0.1:{port}", "content-length": str(len(body))}
    fields |= {"content-type": "application/json"} if sent is not None else {}
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(n.lower().encode(), v.encode("latin-1")) for n, v in (fields | (headers or {})).items()],
        "server": ("127.0.0.1", port),
        "client": (peer, 50000),
    }
    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    await app(scope, receive, send)
    start, *rest = answers
    named = [(name.decode(), value.decode("latin-1")) for name, value in start["headers"]]
    cookies = [value for name, value in named if name == "set-cookie"]
    named = [(name, value) for name, value in named if name != "set-cookie"]
    assert len(dict(named)) == len(named), f"a header is there twice: {named}"
    more = {"set-cookie": "\n".join(cookies)} if cookies else {}
    return Reply(start["status"], dict(named) | more, b"".join(each["body"] for each in rest))


def migrated(dsn: str) -> str:
    """`dsn`, whose database is now as the server wants it."""
    asyncio.run(migrate(dsn, BEGIN))
    return dsn


def _parts(store: Store, clock: SetClock) -> Parts:
    vault = Vault(Keys([SECRET], "credentials"))
    cheap = Hasher(memory=8, time=1, parallelism=1, places=[Here()], queue=64, entropy=os.urandom)
    schemas = Schemas([Schema(name, file.read_bytes()) for name, file in SCHEMAS.items()], "default")
    key = AccessKey(bytes(16), DEFAULT, "configured", digest(KEY), ("*",), 0)
    return Parts(
        store=store,
        clock=clock,
        entropy=os.urandom,
        schemas=schemas,
        hasher=cheap,
        vault=vault,
        throttling=throttling(),
        code_keys=Keys([SECRET], "codes"),
        post=Post({"code": 10 * MINUTE, "link": HOUR}, letter_url, Keys([SECRET], "device links")),
        page_keys=Keys([SECRET], "page tokens"),
        pair_keys=Keys([SECRET], "key pairs"),
        render=Render(PUBLIC_URL, vault),
        lifetime=Lifetime(DAY, HOUR),
        seen=LastSeen(),
        flows=flows(),
        access=Access({key.token_hash: key}, ()),
        cookies=cookies([SECRET]),
        error_keys=Keys([SECRET], "errors"),
        origins=("https://id.example.org", "https://ui.example.org"),
        public_url=PUBLIC_URL,
        admin_url=ADMIN_URL,
        highest_aal=True,
        cache_for=None,
        faster_extend=False,
        client_address=ClientAddress((), "x-forwarded-for"),
        metrics=lambda: b"nightlatch_sessions_issued_total 0\n",
    )


def cookies(secrets: list[bytes], **changes: Any) -> Cookies:
    """Those of the parts, under `secrets`."""
    scope = attributes(None, "/", "Lax", secure=True)
    made = Cookies(Keys(secrets, "cookies"), os.urandom, "ory_kratos_session", scope, True, "csrf_token_x", scope)
    return replace(made, **changes)


def throttling(**changes: Any) -> Throttling:
    return msgspec.structs.replace(THROTTLING, **changes)


def flows(**changes: Any) -> Flows:
    made = Flows(
        lifespans=dict.fromkeys(PAGES, HOUR),
        ui_urls={name: f"https://ui.example.org/{name}" for name in PAGES},
        after_urls={name: f"https://ui.example.org/after-{name}" for name in (*PAGES, "logout") if name != "settings"}
        | {f"{act}.{by}": f"https://ui.example.org/after-{act}" for act in PAGES[:2] for by in ("password", "code")},
        password=Password(),
        code=Code(5),
        signing_in=frozenset({"password", "code"}),
        alone=frozenset(),
        unified=False,
        identifier_first=False,
        registration_enabled=True,
        recovery_enabled=True,
        verification_enabled=True,
        password_enabled=True,
        passwordless=False,
        secrets=frozenset({"code", "link"}),
        use={"recovery": "code", "verification": "code"},
        tell_unknown=frozenset(),
        shows_verification=frozenset(),
        link_confirmation=True,
        code_lifespan=HOUR,
        redeeming=Redeeming(5, 15 * MINUTE),
        settings=settings.Rules(Policy(), 15 * MINUTE),
        settings_highest_aal=True,
        remember_me=None,
        allowed_return_urls=("https://ui.example.org/",),
    )
    return replace(made, **changes)
