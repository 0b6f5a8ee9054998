"""The application: store, parts and doors → one ASGI application a port, in each worker process."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from nightlatch.config import Config, keys_of, load
from nightlatch.core.administration.jobs import advance
from nightlatch.core.courier.model import Message, Status
from nightlatch.core.events.model import Act, Event
from nightlatch.core.events.seals import PURPOSE as SEALS
from nightlatch.core.housekeeping import Retention, SteadyClock, seal_events, sweep
from nightlatch.core.identities.filling import want
from nightlatch.core.identities.schemas import Schemas
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.core.sessions.cache import Checks
from nightlatch.core.sessions.generations import Generations
from nightlatch.core.sessions.model import REASONS, SEEN_FLUSH
from nightlatch.core.sessions.seen import LastSeen
from nightlatch.core.store import Store
from nightlatch.doors.http import logs
from nightlatch.doors.http.client_address import ClientAddress
from nightlatch.doors.http.cors import Cors
from nightlatch.doors.http.door import Door
from nightlatch.doors.http.limits import Address, Fault
from nightlatch.doors.http.metrics import Metrics
from nightlatch.doors.http.port import Port
from nightlatch.doors.http.repeats import Repeats
from nightlatch.doors.http.request_ids import request_id
from nightlatch.doors.http.routing import MIB, Answer
from nightlatch.doors.huawei import door as huawei
from nightlatch.doors.kratos import door as kratos
from nightlatch.doors.kratos.parts import Told
from nightlatch.doors.native import door as native
from nightlatch.doors.pages import door as pages
from nightlatch.doors.sessions_api import door as sessions_api
from nightlatch.doors.slack import door as slack
from nightlatch.kernel.clock import SECOND, SystemClock
from nightlatch.kernel.ids import id_text
from nightlatch.problems import Problem, StoreDown, Unavailable
from nightlatch.senders.delivery import MOST, deliver
from nightlatch.stores.gate import LOST
from nightlatch.stores.opening import open_store
from nightlatch.wiring import (
    cors_of,
    hasher_of,
    joining_of,
    keyless_of,
    letters_of,
    limits_of,
    parts_of,
    schemas_of,
    senders_of,
    site_of,
)

HTTP_OK = 200


class Run(NamedTuple):
    """What a worker must be told besides the configuration, which it reads itself: plain values, for a new process."""

    config: str | None
    dev: bool
    dsn: str
    admin_key: str | None
    metrics: str
    keeps: bool = True
    """Whether answers to session checks may be kept."""


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
        self._ports: dict[int, Port] = {}
        self.peers: dict[Address, int] = {}
        self.limits = limits_of(config)

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

    def at_once(self, port: int) -> frozenset[bytes]:
        return self._ports[port].at_once

    def repeats(self, port: int) -> Repeats | None:
        return self._ports[port].repeats

    def begin(self, scope: Scope) -> Answer | ASGIApp:
        return self._ports[scope["server"][1]].begin(scope)

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
        store = await open_store(self._run.dsn, self._committed, joining_of(self._config))
        half = self._config.nightlatch.session.cache * MIB // 2 if self._run.keeps else 0
        checks, repeats = None, None
        if half and store.generations:
            checks = Checks[Told](store.generations, seen, SystemClock().now, half)
            repeats = self._repeats(half)
        await store.write(lambda tx: want(tx, schemas))
        parts = parts_of(
            self._config,
            self._run.admin_key,
            store,
            hasher,
            seen,
            schemas,
            self._metrics,
            self._addresses,
            checks,
        )
        if parts.flows.passwordless and not any(schema.by_code for schema in schemas):
            self._log.warning("nobody can sign in by a code: no identity schema has a trait with credentials.code")
        public = kratos.public_door(parts)
        https = self._config.serve.public.base_url.startswith("https:")
        own_pages = pages.public_door(parts, site_of(self._config), self._port(public).ask)
        self._ports = {
            self._public_port: self._port(public, own_pages, cors=cors_of(self._config), repeats=repeats, https=https),
            self._admin_port: self._port(
                kratos.admin_door(parts),
                sessions_api.admin_door(parts, keyless_of(self._config)),
                slack.admin_door(parts),
                huawei.admin_door(parts),
                native.admin_door(parts),
            ),
        }
        tasks = [
            asyncio.create_task(self._flush_often(seen, store)),
            asyncio.create_task(self._keep_house(store, schemas)),
            asyncio.create_task(self._send(store)),
            asyncio.create_task(self._do_jobs(store, schemas)),
        ]
        if store.generations:
            tasks.append(asyncio.create_task(self._watch(store.generations)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(Unavailable):
                await _flush(seen, store)
            hasher.close()
            await store.close()

    def _port(
        self, *doors: Door[Any], cors: Cors | None = None, repeats: Repeats | None = None, https: bool = False
    ) -> Port:
        return Port(doors, os.urandom, self._observe, self._failed, cors, repeats, https=https)  # noqa: TID251

    def _repeats(self, most: int) -> Repeats | None:
        if self._checks_logged:
            return None
        return Repeats(most, os.urandom, self._metrics.requests("public", kratos.WHOAMI, "GET", HTTP_OK))  # noqa: TID251

    async def _watch(self, generations: Generations) -> None:
        while True:
            await asyncio.sleep(1)
            if generations.lost():
                # Others may be marking in a new table: whatever is kept here could be stale from now on.
                self._log.critical("the server ends", reason=LOST)
                os._exit(1)

    async def _flush_often(self, seen: LastSeen, store: Store) -> None:
        while True:
            await asyncio.sleep(SEEN_FLUSH / SECOND)
            try:
                await _flush(seen, store)
            except Unavailable as problem:
                self._log.warning("last seen is not written", reason=problem.reason)

    async def _keep_house(self, store: Store, schemas: Schemas) -> None:
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
                await sweep(store, act, holder, retention, schemas, self._removed)
                await seal_events(store, act, holder, seals)
            except Problem as problem:
                self._log.warning("nothing is cleaned up or sealed", problem=problem.code, reason=problem.reason)

    async def _send(self, store: Store) -> None:
        clock, letters, senders = SystemClock(), letters_of(self._config), senders_of(self._config)
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

    async def _do_jobs(self, store: Store, schemas: Schemas) -> None:
        clock, holder = SystemClock(), os.urandom(16)  # noqa: TID251
        while True:
            wait = 1
            try:
                act = lambda: Act(DEFAULT, "jobs", clock.now(), os.urandom)  # noqa: E731, TID251
                if await advance(store, act, holder, schemas.traits):
                    continue
            except Problem as problem:
                wait = 10
                self._log.warning("no job goes on", problem=problem.code, reason=problem.reason)
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
