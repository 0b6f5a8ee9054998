"""The only wiring: configuration → store → parts → doors → one ASGI application a port, in each worker process."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from nightlatch.config import Config, keys_of, load
from nightlatch.core.access.model import EVERYTHING, AccessKey
from nightlatch.core.access.rules import PURPOSE
from nightlatch.core.attempts.model import Limit, Throttling
from nightlatch.core.courier.model import Message, Status
from nightlatch.core.credentials.hashing import Hasher
from nightlatch.core.credentials.person import Vault
from nightlatch.core.credentials.policy import Policy
from nightlatch.core.events.model import Act, Event
from nightlatch.core.events.seals import PURPOSE as SEALS
from nightlatch.core.housekeeping import Retention, SteadyClock, seal_events, sweep
from nightlatch.core.identities.schemas import Schemas, load_schemas
from nightlatch.core.means import Post, Verifying
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.recovery.rules import Redeeming
from nightlatch.core.registration.rules import Rules
from nightlatch.core.sessions.model import REASONS
from nightlatch.core.sessions.rules import SEEN_FLUSH, Lifetime
from nightlatch.core.sessions.seen import LastSeen
from nightlatch.core.settings import rules as settings
from nightlatch.core.store import Store
from nightlatch.doors.http import logs
from nightlatch.doors.http.client_address import ClientAddress, Network
from nightlatch.doors.http.cors import Cors
from nightlatch.doors.http.door import Door
from nightlatch.doors.http.limits import Address, Fault, Limits
from nightlatch.doors.http.metrics import Metrics
from nightlatch.doors.http.parts import Access
from nightlatch.doors.http.port import Port
from nightlatch.doors.http.request_ids import request_id
from nightlatch.doors.huawei import door as huawei
from nightlatch.doors.kratos import door as kratos
from nightlatch.doors.kratos.cookies import Cookies, attributes
from nightlatch.doors.kratos.parts import Flows, Parts
from nightlatch.doors.kratos.shapes import Render
from nightlatch.doors.native import door as native
from nightlatch.doors.pages import door as pages
from nightlatch.doors.pages.parts import Brand, Site
from nightlatch.doors.sessions_api import door as sessions_api
from nightlatch.doors.slack import door as slack
from nightlatch.kernel.clock import HOUR, MINUTE, SECOND, SystemClock
from nightlatch.kernel.ids import id_text
from nightlatch.kernel.outbound import Outbound
from nightlatch.kernel.secrets import digest
from nightlatch.problems import StoreDown, Unavailable
from nightlatch.senders.delivery import MOST, Sender, deliver, kept
from nightlatch.senders.http import Http
from nightlatch.senders.letters import Letters
from nightlatch.senders.smtp import Smtp
from nightlatch.stores.opening import open_store

HTTP_OK = 200
REVOKE, SHOW_VERIFICATION = "revoke_active_sessions", "show_verification_ui"
REQUIRE_VERIFIED = "require_verified_address"
ADDRESSED = ("recovery", "verification")  # the flows that write to an address
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Run(NamedTuple):
    """What a worker must be told besides the configuration, which it reads itself: plain values, for a new process."""

    config: str | None
    dev: bool
    dsn: str
    admin_key: str | None
    metrics: str


class Application:
    """One worker's applications, by port. As an ASGI application it answers lifespan only."""

    def __init__(self, config: Config, run: Run, public_port: int, admin_port: int) -> None:
        self._config = config
        self._run = run
        self._public_port, self._admin_port = public_port, admin_port
        self._metrics = Metrics(Path(run.metrics))
        logs.configure(config.log.level, config.log.format, SystemClock().now)
        self._log = logs.logger()
        self._down_logged = 0.0
        self._checks_logged = config.log.level in {"debug", "trace"}
        self._access = {
            public_port: ("public", logs.AccessLog("public")),
            admin_port: ("admin", logs.AccessLog("admin")),
        }
        self._addresses = ClientAddress(config.nightlatch.trusted_proxies, config.nightlatch.client_ip_header)
        self._ports: dict[int, ASGIApp] = {}
        self.peers: dict[Address, int] = {}
        self.limits = _limits(config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._running())
            except Exception as error:  # noqa: BLE001 - the outer edge of a start: whoever started it is told why
                self._log.error("the start failed", reason=str(error))
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def of_port(self, port: int) -> ASGIApp:
        return self._ports[port]

    def trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return self._addresses.trusts(address)

    def request_id(self, given: bytes | None) -> bytes:
        return request_id(given, os.urandom).encode("ascii")  # noqa: TID251 - here is where randomness comes from

    def refused(self, why: Fault, client: str) -> None:
        self._metrics.count("nightlatch_refused_total", limit=why.name)
        self._log.info("refused", limit=why.name, client=client)

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        schemas, hasher, seen = await schemas_of(self._config), hasher_of(self._config), LastSeen()
        store = await open_store(self._run.dsn, self._committed)
        parts = _parts(self._config, self._run, store, hasher, seen, schemas, self._metrics, self._addresses)
        flows = kratos.public_door(parts)
        own_pages = pages.public_door(parts, _site(self._config), self._port(flows).ask)
        self._ports = {
            self._public_port: self._port(flows, own_pages, cors=_cors(self._config)),
            self._admin_port: self._port(
                kratos.admin_door(parts),
                sessions_api.admin_door(parts, _keyless(self._config)),
                slack.admin_door(parts),
                huawei.admin_door(parts),
                native.admin_door(parts),
            ),
        }
        tasks = [
            asyncio.create_task(self._flush_often(seen, store)),
            asyncio.create_task(self._keep_house(store)),
            asyncio.create_task(self._send(store)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(Unavailable):
                await _flush(seen, store)
            hasher.close()
            await store.close()

    def _port(self, *doors: Door[Any], cors: Cors | None = None) -> Port:
        return Port(doors, os.urandom, self._observe, self._failed, cors)  # noqa: TID251

    async def _flush_often(self, seen: LastSeen, store: Store) -> None:
        while True:
            await asyncio.sleep(SEEN_FLUSH / SECOND)
            try:
                await _flush(seen, store)
            except Unavailable as problem:
                self._log.warning("last seen is not written", reason=problem.reason)

    async def _keep_house(self, store: Store) -> None:
        house, loop, clock = self._config.nightlatch.housekeeping, asyncio.get_running_loop(), SystemClock()
        retention, holder = Retention(house.sessions, house.flows, house.messages), os.urandom(16)  # noqa: TID251
        steady, seals = SteadyClock(clock.now(), loop.time()), keys_of(self._config.secrets.default, SEALS)
        while True:
            await asyncio.sleep(60)
            if not steady.trusted(clock.now(), loop.time()):
                self._log.warning("nothing is cleaned up for an hour: the clock jumped")
                continue
            act = Act(DEFAULT, "housekeeping", clock.now(), os.urandom)  # noqa: TID251
            try:
                await seal_events(store, act, holder, seals)
                await sweep(store, act, holder, retention, self._removed)
            except Unavailable as problem:
                self._log.warning("nothing is cleaned up", reason=problem.reason)

    async def _send(self, store: Store) -> None:
        clock, letters, senders = SystemClock(), letters_of(self._config), _senders(self._config)
        while True:
            wait = 1
            try:
                act = lambda: Act(DEFAULT, "courier", clock.now(), os.urandom)  # noqa: E731, TID251
                if await deliver(store, act, letters, senders, self._told) == MOST:
                    continue
            except Unavailable as problem:
                wait = 10
                self._log.warning("no message is sent", reason=problem.reason)
            await asyncio.sleep(wait)

    def _told(self, message: Message, status: Status, reason: str) -> None:
        self._metrics.count("nightlatch_messages_total", template=message.template, status=status)
        if reason:
            self._log.warning("a message was not sent", message=id_text(message.id), status=status, reason=reason)

    def _removed(self, what: str, count: int) -> None:
        self._metrics.count("nightlatch_housekeeping_removed_total", count, what=what)

    def _observe(self, scope: Scope, route: str, status: int, seconds: float) -> None:
        port, access = self._access[scope["server"][1]]
        method = scope["method"]
        self._metrics.request(port, route, method, status, seconds)
        if route == kratos.WHOAMI and status == HTTP_OK and not self._checks_logged:
            # Most of all requests: their lines would bury the others, at a third of the cost of the check itself.
            return
        client = self._addresses.of(scope["client"][0], scope["headers"])
        access(
            request_id=scope["request_id"],
            client=client,
            method=method,
            route=route,
            path=scope["path"],
            query=scope["query_string"],
            status=status,
            seconds=seconds,
        )

    def _failed(self, failed_id: str, error: BaseException) -> None:
        if isinstance(error, StoreDown):
            self._log_down(error)
        else:
            self._log.error("a bug: the request was refused", request_id=failed_id, exc_info=error)

    def _log_down(self, problem: StoreDown) -> None:
        now = time.monotonic()
        if now - self._down_logged >= 1:  # every request fails for the same reason
            self._down_logged = now
            self._log.warning("the database fails", reason=problem.reason, cause=str(problem.__cause__ or ""))

    def _committed(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.name == "session.issued":
                self._metrics.count("nightlatch_sessions_issued_total")
            elif event.name == "login.refused":
                self._metrics.count("nightlatch_sign_ins_refused_total", reason=event.reason or "")
            elif event.name == "identity.locked":
                self._metrics.count("nightlatch_locks_total", kind=event.reason or "")
            elif event.name in {"session.ended", "session.deleted"}:
                reason = event.reason if event.reason in REASONS else "other"  # what operators type may be anything
                self._metrics.count("nightlatch_sessions_ended_total", event.amount, reason=reason)


def worker(run: Run, public_port: int, admin_port: int) -> Application:
    """The application of a worker process."""
    config = load(Path(run.config) if run.config else None, os.environ, run.dev)
    return Application(config, run, public_port, admin_port)


async def _flush(seen: LastSeen, store: Store) -> None:
    await seen.flush(lambda times: store.write(lambda tx: tx.sessions.seen(times)))


async def schemas_of(config: Config) -> Schemas:
    """SchemasBroken."""
    sources = [(source.id, source.url) for source in config.identity.schemas]
    return await load_schemas(sources, config.identity.default_schema_id, Outbound().get)


def hasher_of(config: Config) -> Hasher:
    hashing = config.nightlatch.hashing
    return Hasher(
        memory=hashing.memory,
        time=hashing.time,
        parallelism=hashing.parallelism,
        threads=hashing.threads,
        queue=hashing.queue,
        entropy=os.urandom,  # noqa: TID251
    )


def vault_of(config: Config) -> Vault:
    return Vault(keys_of(config.secrets.cipher, "credentials"))


def letters_of(config: Config) -> Letters:
    folder = config.courier.template_override_path
    return Letters(vault_of(config).keys, config.serve.public.base_url, Path(folder) if folder else None)


def _senders(config: Config) -> dict[str, Sender]:
    """By channel. In development what is not configured is read in the mailbox page."""
    courier, outbound = config.courier, Outbound(LOOPBACK if config.dev else ())
    senders: dict[str, Sender] = {"email": kept, "sms": kept} if config.dev else {}
    if courier.delivery_strategy == "http" and courier.http.request_config:
        senders["email"] = Http(outbound, courier.http.request_config)
    elif courier.delivery_strategy == "smtp" and courier.smtp.connection_uri:
        senders["email"] = Smtp(courier.smtp.connection_uri, courier.smtp.from_address, courier.smtp.from_name)
    if courier.channels:
        senders["sms"] = Http(outbound, courier.channels[0])
    return senders


def _parts(
    config: Config,
    run: Run,
    store: Store,
    hasher: Hasher,
    seen: LastSeen,
    schemas: Schemas,
    metrics: Metrics,
    addresses: ClientAddress,
) -> Parts:
    vault = vault_of(config)
    flags = config.feature_flags
    return Parts(
        store=store,
        clock=SystemClock(),
        entropy=os.urandom,  # noqa: TID251
        schemas=schemas,
        hasher=hasher,
        vault=vault,
        throttling=_throttling(config),
        code_keys=keys_of(config.secrets.default, "codes"),
        post=_post(config),
        page_keys=keys_of(config.secrets.pagination, "page tokens"),
        pair_keys=keys_of(config.secrets.cipher, PURPOSE),
        render=Render(config.serve.public.base_url, vault),
        lifetime=lifetime_of(config),
        seen=seen,
        flows=_flows(config),
        access=Access(_configured_keys(run), config.nightlatch.trusted_networks),
        cookies=_cookies(config),
        error_keys=keys_of(config.secrets.cookie, "errors"),
        origins=_origins(config),
        public_url=config.serve.public.base_url,
        admin_url=config.serve.admin.base_url,
        highest_aal=config.session.whoami.required_aal == "highest_available",
        cache_for=(flags.cacheable_sessions_max_age or 0) if flags.cacheable_sessions else None,
        faster_extend=flags.faster_session_extend,
        client_address=addresses.of,
        metrics=metrics.render,
        letters=letters_of(config) if config.dev else None,
    )


def _post(config: Config) -> Post:
    flows, methods, public = config.selfservice.flows, config.selfservice.methods, config.serve.public.base_url
    verification, required = flows.verification, REQUIRE_VERIFIED in flows.login.after.password.hooks
    verifying = Verifying(verification.use, verification.lifespan, required) if verification.enabled else None
    return Post(
        lifespans={"code": methods.code.config.lifespan, "link": methods.link.config.lifespan},
        url=lambda place, query: f"{public}self-service/{place}?{urlencode(query)}",
        endings=keys_of(config.secrets.default, "device links"),
        verifying=verifying,
    )


def lifetime_of(config: Config) -> Lifetime:
    limits = config.nightlatch.session
    alone = REVOKE in config.selfservice.flows.login.after.password.hooks
    return Lifetime(
        config.session.lifespan,
        config.session.earliest_possible_extend,
        limits.idle,
        1 if alone else limits.max_per_identity,
        refuse=limits.at_limit == "refuse" and not alone,
        sliding=limits.sliding,
    )


def _site(config: Config) -> Site:
    flows, ui = config.selfservice.flows, config.nightlatch.ui
    return Site(
        config.serve.public.base_url,
        keys_of(config.secrets.cookie, "pages"),
        frozenset(act for act in ("registration", *ADDRESSED) if getattr(flows, act).enabled),
        Brand(ui.name, ui.logo, ui.stylesheet),
    )


def _cors(config: Config) -> Cors | None:
    cors = config.serve.public.cors
    if not cors.enabled:
        return None
    origins = cors.allowed_origins or _origins(config)
    return Cors(origins, cors.allowed_methods, cors.allowed_headers, cors.exposed_headers, cors.allow_credentials)


def _origins(config: Config) -> tuple[str, ...]:
    """Those of our own pages and of the configured ones, and those that CORS names."""
    flows, public = config.selfservice.flows, config.serve.public
    pages = (flows.login, flows.registration, flows.recovery, flows.verification, flows.settings)
    urls = [urlsplit(url) for url in (public.base_url, *(page.ui_url for page in pages))]
    own = [f"{url.scheme}://{url.netloc}" for url in urls if url.netloc]
    named = [origin for origin in public.cors.allowed_origins if public.cors.enabled and origin != "*"]
    return tuple(dict.fromkeys([*own, *named]))


def _cookies(config: Config) -> Cookies:
    own, all_ = config.session.cookie, config.cookies
    secure = not config.dev or own.name.startswith(("__Host-", "__Secure-"))
    return Cookies(
        keys=keys_of(config.secrets.cookie, "cookies"),
        entropy=os.urandom,  # noqa: TID251
        session=own.name,
        session_scope=attributes(own.domain, own.path, own.same_site, secure=secure),
        persistent=own.persistent,
        browser=f"csrf_token_{sha256(config.serve.public.base_url.encode()).hexdigest()}",
        browser_scope=attributes(all_.domain, all_.path, all_.same_site, secure=not config.dev),
    )


def _throttling(config: Config) -> Throttling:
    t = config.nightlatch.throttling
    return Throttling(
        passwords=Limit(t.attempts, t.attempts_window, t.lock, t.free_attempts, t.attempts_in_row, quiet=True),
        codes=Limit(t.codes_per_hour, HOUR, quiet=True),
        proofs=Limit(t.proofs_per_minute, MINUTE),
        flows=Limit(t.flows_per_minute, MINUTE),
        messages=Limit(t.messages_per_hour, HOUR),
        floor=t.floor,
        keys=keys_of(config.secrets.default, "attempts"),
    )


def _keyless(config: Config) -> tuple[Network, ...]:
    """Who needs no key at the sessions API, whose published client sends none by itself."""
    networks = config.nightlatch.trusted_networks if config.nightlatch.sessions_api.authentication == "none" else ()
    return (*networks, *(LOOPBACK if config.dev else ()))


def _flows(config: Config) -> Flows:
    selfservice = config.selfservice
    flows, methods = selfservice.flows, selfservice.methods
    password = methods.password.config
    named = {name: getattr(flows, name) for name in ("login", "registration", *ADDRESSED, "settings")}
    hooks = flows.registration.after.password.hooks
    policy = Policy(
        password.min_password_length, password.identifier_similarity_check_enabled, password.haveibeenpwned_enabled
    )
    return Flows(
        lifespans={name: flow.lifespan for name, flow in named.items()},
        ui_urls={name: flow.ui_url for name, flow in named.items()} | {"error": flows.error.ui_url},
        after_urls={
            **{
                name: getattr(flows, name).after.default_browser_return_url
                for name in ("login", "registration", *ADDRESSED, "logout")
            },
            "settings.password": flows.settings.after.password.default_browser_return_url or "",
            "settings.profile": flows.settings.after.profile.default_browser_return_url or "",
        },
        registration=Rules(policy, session="session" in hooks),
        registration_enabled=flows.registration.enabled,
        recovery_enabled=flows.recovery.enabled,
        verification_enabled=flows.verification.enabled,
        password_enabled=methods.password.enabled,
        secrets=frozenset(n for n, m in (("code", methods.code), ("link", methods.link)) if m.enabled),
        use={name: named[name].use for name in ADDRESSED},
        tell_unknown=frozenset(name for name in ADDRESSED if named[name].notify_unknown_recipients),
        shows_verification=frozenset(
            n
            for n, named in (("registration", hooks), ("settings", flows.settings.after.profile.hooks))
            if SHOW_VERIFICATION in named
        ),
        link_confirmation=config.nightlatch.recovery.link_confirmation,
        # Who hands a code over by phone or mail needs longer than who waits for it at a screen.
        code_lifespan=max(methods.code.config.lifespan, HOUR),
        redeeming=Redeeming(methods.code.config.max_submissions, flows.settings.lifespan),
        settings=settings.Rules(
            policy,
            flows.settings.privileged_session_max_age,
            always_end_others=REVOKE in flows.settings.after.profile.hooks,
        ),
        remember_me=config.nightlatch.session.remember_me,
        settings_highest_aal=flows.settings.required_aal == "highest_available",
        allowed_return_urls=selfservice.allowed_return_urls,
    )


def _limits(config: Config) -> Limits:
    limits = config.nightlatch.limits
    return Limits(
        header_bytes=limits.header_bytes,
        header_count=limits.header_count,
        url_bytes=limits.url_bytes,
        header_seconds=limits.header_seconds,
        body_seconds=limits.body_seconds,
        connections_per_address=limits.connections_per_address,
    )


def _configured_keys(run: Run) -> dict[bytes, AccessKey]:
    if run.admin_key is None:
        return {}
    token_hash = digest(run.admin_key)
    return {token_hash: AccessKey(bytes(16), DEFAULT, "configured", token_hash, EVERYTHING, 0)}
