"""People who sign in by one-time codes, are checked all the time and end their sessions; everything is written down."""

import asyncio
import itertools
import json
import signal
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from random import Random
from typing import Any
from urllib.parse import urlsplit

from tests.checker.cluster import Cluster, send
from tests.checker.history import EVERYBODY, Op
from tests.checker.line import Answer, Line
from tests.serving import KEY

TRIES = 5  # of a code: the default
_STANDING = 12  # sessions that are left, before any of them is ended
_RECENT = 48  # sessions that watchers ask about most


class Made:
    """A session: its token, its id once a check has shown it, and whose it is."""

    def __init__(self, token: str, identity: str) -> None:
        self.token, self.identity, self.id = token, identity, ""
        self.ended = False


End = Callable[[Line, Line, Made], Awaitable[bool]]
Told = Callable[[Answer], dict[str, Any]]


class Clients:
    """`lines` are kept connections to all servers, so that every worker has some."""

    def __init__(self, cluster: Cluster, random: Random, people: int, watchers: int) -> None:
        self._cluster, self._random = cluster, random
        self._people, self._watchers = people, watchers
        self.history: list[Op] = []
        self.sessions: list[Made] = []
        self._ended: list[Made] = []  # in the order in which they did
        self._standing: list[Made] = []  # that somebody left, of people who do nothing else
        self.lines: list[Line] = []
        self._ports = [(_port(server.public), _port(server.admin)) for server in cluster.servers]
        self._networks = ip_network("10.0.0.0/8").hosts()
        self._numbers = itertools.count()

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._people):
                group.create_task(self._person())
            for _ in range(self._watchers):
                group.create_task(self._watch())

    def line(self, *, admin: bool = False, of: int | None = None) -> Line:
        """To the server of that number, or to any."""
        ports = self._random.choice(self._ports) if of is None else self._ports[of]
        made = Line(ports[admin])
        self.lines.append(made)
        return made

    async def close(self) -> None:
        for line in self.lines:
            line.cut()
        await asyncio.sleep(0.1)

    def _leave(self, line: Line) -> None:
        line.cut()
        self.lines.remove(line)

    async def look_at_ended(self, most: int | None = None) -> None:
        """Asks an administrator's door and a check about sessions of whose ending nobody may know otherwise any more."""
        lines = self.line(), self.line(admin=True)
        for made in self._ended[-most:] if most else [*self._ended]:
            await self.check(lines[0], made)
            await self._look(lines[1], made)
        for line in lines:
            self._leave(line)

    async def signed_in(self, admin: Line, public: Line) -> Made:
        """Somebody new, with a session."""
        identity = await self._create(admin)
        code = await self._new_code(admin, identity)
        made = await self._redeem(public, identity, code) if code else None
        assert made is not None
        return made

    async def _person(self) -> None:
        public, other, admin = self.line(), self.line(), self.line(admin=True)
        identity = ""
        while True:
            if not identity or self._random.random() < 0.05:
                identity = await self._create(admin)
            guessing = self._random.random() < 0.1
            whose = await self._create(admin) if guessing else identity
            if not whose or not (code := await self._new_code(admin, whose)):
                await asyncio.sleep(0.05)
                continue
            if guessing:
                await self._guess(code)
            both = [public, other] if self._random.random() < 0.5 else [public]
            made = [each for each in await asyncio.gather(*(self._redeem(line, whose, code) for line in both)) if each]
            for each in made:
                await self.check(public, each)
                await self.check(other, each)
            await asyncio.sleep(self._random.uniform(0, 0.05))
            if made and self._random.random() < 0.2:
                self._standing += made
                identity, made = "", self._some_standing()
            for each in made:
                await self._end(self._random.choice([self.end_one, self._all, self._out]), public, admin, each)
            if self._random.random() < 0.1:
                await self._redeem(other, whose, code)
            if self._random.random() < 0.004:
                await self._everybody(admin)

    def _some_standing(self) -> list[Made]:
        """One that was left, once there are some."""
        if len(self._standing) < _STANDING:
            return []
        return [self._standing.pop(self._random.randrange(len(self._standing)))]

    def _over(self, made: Made) -> None:
        if not made.ended:
            made.ended = True
            self._ended.append(made)

    async def _watch(self) -> None:
        line = self.line()
        while True:
            if not self.sessions:
                await asyncio.sleep(0.01)
                continue
            some = self.sessions[-_RECENT:] if self._random.random() < 0.9 else self.sessions
            if await self.check(line, self._random.choice(some)) is None:
                await asyncio.sleep(0.02)

    async def _told(self, line: Line, request: bytes, op: Op | None = None, told: Told = lambda _: {}) -> Answer | None:
        """The answer, if there was one. The operation is written down with what it told, also if it is cut short."""
        call, answer = time.monotonic_ns(), None
        try:
            answer = await line.ask(request)
        except OSError:
            await asyncio.sleep(0.02)
        finally:
            if op is not None:
                known = {} if answer is None or answer.status >= 500 else told(answer)
                self.history.append(op._replace(call=call, back=time.monotonic_ns(), **known))
        return answer

    async def check(self, line: Line, made: Made) -> bool | None:
        request = b"GET /sessions/whoami HTTP/1.1\r\nHost: a\r\nX-Session-Token: %b\r\n\r\n" % made.token.encode()
        answer = await self._told(line, request, _op("check", made), _done)
        if answer and answer.status == 200 and not made.id:
            made.id = answer.json()["id"]
        return None if answer is None else answer.status == 200

    async def _look(self, line: Line, made: Made) -> None:
        def active(answer: Answer) -> dict[str, Any]:
            return {"outcome": _done(answer)["outcome"] and bool(answer.json()["active"])}

        if made.id:
            await self._told(line, self._admin("GET", f"/admin/sessions/{made.id}"), _op("look", made), active)

    async def _create(self, admin: Line) -> str:
        body = {"schema_id": "default", "traits": {"email": f"{next(self._numbers)}@example.com"}}
        answer = await self._told(admin, self._admin("POST", "/admin/identities", body))
        return answer.json()["id"] if answer and answer.status == 201 else ""

    async def _new_code(self, admin: Line, identity: str) -> tuple[str, str] | None:
        body = {"identity_id": identity, "flow_type": "api"}
        answer = await self._told(admin, self._admin("POST", "/admin/recovery/code", body))
        if answer is None or answer.status != 201:
            return None
        found = answer.json()
        return found["recovery_link"].partition("flow=")[2], found["recovery_code"]

    async def _guess(self, code: tuple[str, str]) -> None:
        """As often as it may be tried, each on a connection of its own: any worker may take it."""
        flow, right = code
        wrong = f"{(int(right) + 1) % 1_000_000:06}"
        for _ in range(TRIES):
            line = self.line()
            await self._told(line, self._submit(flow, wrong), Op("guess", code=flow), lambda _: {"outcome": False})
            self._leave(line)

    async def _redeem(self, line: Line, identity: str, code: tuple[str, str]) -> Made | None:
        """A code that lets in ends the person's other sessions."""

        def redeemed(answer: Answer) -> dict[str, Any]:
            token = _token(answer)
            return {"outcome": bool(token), "session": token, "ends": identity if token else ""}

        op = Op("redeem", identity=identity, code=code[0], ends=identity)
        answer = await self._told(line, self._submit(*code), op, redeemed)
        token = _token(answer) if answer and answer.status < 500 else ""
        if not token:
            return None
        made = Made(token, identity)
        for former in self.sessions[-1000:]:
            if former.identity == identity:
                self._over(former)
        self.sessions.append(made)
        return made

    async def _end(self, how: End, public: Line, admin: Line, made: Made) -> None:
        """Whoever is not told that it ended, tries again."""
        for _ in range(4):
            if await how(public, admin, made):
                self._over(made)
                return
            await asyncio.sleep(0.05)

    async def end_one(self, _: Line, admin: Line, made: Made) -> bool:
        if not made.id:
            return await self._all(_, admin, made)
        return await self._ending(admin, self._admin("DELETE", f"/admin/sessions/{made.id}"), made.token)

    async def _all(self, _: Line, admin: Line, made: Made) -> bool:
        request = self._admin("DELETE", f"/admin/identities/{made.identity}/sessions")
        return await self._ending(admin, request, made.identity)

    async def _out(self, public: Line, _: Line, made: Made) -> bool:
        body = {"session_token": made.token}
        return await self._ending(public, _request("DELETE", "/self-service/logout/api", "", body), made.token)

    async def _everybody(self, admin: Line) -> None:
        body = {"action": "disable", "identities": ["*"]}
        if await self._ending(admin, self._admin("POST", "/admin/sessions", body), EVERYBODY):
            for made in self.sessions[-1000:]:
                self._over(made)

    async def _ending(self, line: Line, request: bytes, what: str) -> bool:
        answer = await self._told(line, request, Op("end", ends=what), _done)
        return answer is not None and answer.status < 300

    async def end_by_command(self, random: Random, what: signal.Signals) -> None:
        """Ends a session by the command line, which is killed or stopped on its way."""
        living = [made for made in self.sessions[-_RECENT:] if made.id and not made.ended]
        if not living:
            return
        made, call = random.choice(living), time.monotonic_ns()
        process = self._cluster.command("sessions", "end", made.id)
        await asyncio.sleep(random.uniform(0.2, 1.2))
        send(process.pid, what)
        if what is signal.SIGSTOP:
            await asyncio.sleep(random.uniform(0.1, 1.5))
            send(process.pid, signal.SIGCONT)
        code = await asyncio.to_thread(process.wait, 60)
        outcome = True if code == 0 else None
        self.history.append(Op("end", call, time.monotonic_ns(), outcome, ends=made.token))

    def _admin(self, method: str, path: str, body: object = None) -> bytes:
        return _request(method, path, f"Authorization: Bearer {KEY}\r\n", body)

    def _submit(self, flow: str, code: str) -> bytes:
        headers = f"X-Forwarded-For: {next(self._networks)}\r\n"
        return _request("POST", f"/self-service/recovery?flow={flow}", headers, {"method": "code", "code": code})


def _request(method: str, path: str, headers: str, body: object = None) -> bytes:
    text = "" if body is None else json.dumps(body)
    length = f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n" if text else ""
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\n{headers}{length}\r\n{text}".encode()


def _op(kind: str, made: Made) -> Op:
    return Op(kind, session=made.token, identity=made.identity)


def _done(answer: Answer) -> dict[str, Any]:
    """What is over, is 401 to itself, 403 to who ends it and 404 to an administrator."""
    assert answer.status < 300 or answer.status in {401, 403, 404}, f"{answer.status} {answer.body!r}"
    return {"outcome": answer.status < 300}


def _token(answer: Answer) -> str:
    steps = answer.json().get("continue_with", ())
    return next((each["ory_session_token"] for each in steps if "ory_session_token" in each), "")


def _port(url: str) -> int:
    return urlsplit(url).port or 0
