"""A walk at random over everything that people can ask of the public port (row P14): a session comes only out of a proof.

Browsers and apps send any method to any line with any flow, any fields and any token, often right and often not. Whatever
is issued must follow from the request alone: the password of its identifier, a code of its flow, a registration.
"""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from tests.doors.kratos.by_code import listen
from tests.doors.kratos.in_process import PASSWORD, UNKNOWN, Doors, Reply
from tests.doors.kratos.table import PUBLIC, Line
from tests.doors.kratos.visitor import PAGE, SCRIPT, UI, Visitor

from nightlatch.core.courier.model import Filter
from nightlatch.core.courier.rules import opened
from nightlatch.core.events.model import Event
from nightlatch.core.organizations.model import DEFAULT
from nightlatch.kernel.clock import DAY, MINUTE, SECOND

LINES = [line for line in PUBLIC if line.path.startswith(("/self-service/", "/sessions")) and line.status < 300]
SUBMITS = [line for line in LINES if line.method == "POST"]
BEGINS = [line for line in LINES if line.path.endswith(("/api", "/browser")) and "logout" not in line.path]
ACTS = ("login", "registration", "recovery", "settings", "verification")
PASSWORDS = [PASSWORD, "Harp*dune-lantern 38", "Quartz.meadow 552", "wrong", "short", ""]
TRAITS: list[Any] = [
    {"email": f"{name}@example.org"} for name in ("ada", "bob", "eve", "kim", "zoe", "ida", "max", "liv", "tom", "uma")
]
METHODS = [
    "password",
    "identifier_first",
    "profile",
    "code",
    "link",
    "totp",
    "lookup_secret",
    "profile:back",
    "",
    ["password"],
]
FORM = {"content-type": "application/x-www-form-urlencoded", "origin": UI, "sec-fetch-site": "same-site"}
ISSUED, CHANGED = {"session.issued", "session.renewed"}, {"identity.changed"}


@dataclass
class Person:
    """What the model knows of somebody."""

    organization: str | None
    email: str
    password: str


@dataclass
class Agent:
    """A browser, or an app where `visitor` keeps no cookie; `who` is the identity whose session it has at most."""

    visitor: Visitor
    in_browser: bool
    token: str | None = None
    who: str | None = None
    flows: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Sent:
    """A request, as the model sees it."""

    line: Line
    flow: str
    fields: dict[str, Any]
    agent: Agent


class Walk:
    def __init__(self, doors: Doors, seed: int) -> None:
        self.doors, self.random = doors, Random(seed)
        listen(doors, identifier_first=True)
        self.acme = str(UUID(bytes=doors.organization("acme")))
        self.keys = {self.acme: doors.key(organization=UUID(self.acme).bytes), None: doors.key()}
        self.people: dict[str, Person] = {}
        self.flows: dict[str, tuple[str, str | None]] = {}
        self.codes: dict[str, tuple[str, str]] = {}
        self.mailed: dict[str, tuple[str, str]] = {}
        self.letters: set[bytes] = set()
        self.agents = [Agent(Visitor(doors), number < 4) for number in range(6)]
        self.seen: Counter[str] = Counter()
        for organization, email in ((None, "ada"), (None, "bob"), (self.acme, "ada")):
            self.person(organization, f"{email}@example.org")
        doors.events.clear()

    def person(self, organization: str | None, email: str) -> None:
        body = {"schema_id": "default", "traits": {"email": email}}
        body["credentials"] = {"password": {"config": {"password": PASSWORD}}}
        made = self.doors.admin("POST", "/admin/identities", body, key=self.keys[organization]).ok(201)
        self.people[made["id"]] = Person(organization, email, PASSWORD)

    def step(self) -> None:
        chance = self.random.random()
        if chance < 0.03:
            self.doors.clock.advance(self.random.choice([SECOND, MINUTE, 16 * MINUTE, 61 * MINUTE, DAY]))
        elif chance < 0.06:
            self.code()
        else:
            sent, reply = self.send()
            assert reply.status < 500, (sent, reply)
            self.read_mail(sent)
            self.learn(sent, reply)
            self.judge(sent)
        self.doors.events.clear()

    def code(self) -> None:
        """An administrator makes one, for an app or a browser."""
        who = self.random.choice(list(self.people))
        organization = self.people[who].organization
        asked = {"identity_id": who, "flow_type": self.random.choice(["api", "browser"])}
        made = self.doors.admin("POST", "/admin/recovery/code", asked, key=self.keys[organization]).ok(201)
        flow = made["recovery_link"].partition("flow=")[2]
        self.flows[flow] = "recovery", organization
        self.codes[flow] = made["recovery_code"], who
        for agent in self.random.sample(self.agents, 2):
            agent.flows.setdefault("recovery", []).append(flow)

    def read_mail(self, sent: Sent) -> None:
        """The code that the request had sent: of its flow, and to whom."""
        pages = [
            self.doors.read(lambda tx, where=where: tx.messages.page(where, Filter(), None, 5))
            for where in (DEFAULT, UUID(self.acme).bytes)
        ]
        for row in (row for rows in pages for row in rows if row.id not in self.letters):
            self.letters.add(row.id)
            data = opened(self.doors.parts.vault.keys, row)
            if data and "code" in data and row.template != "verification_code":
                self.mailed[sent.flow] = data["code"], row.recipient

    def send(self) -> tuple[Sent, Reply]:
        pick, agent = self.random.choice, self.random.choice(self.agents)
        line = pick(self.random.choices([SUBMITS, BEGINS, LINES], [5, 3, 2])[0])
        act = next((act for act in ACTS if act in line.path), "login")
        flow = self.pick_flow(agent, act)
        waiting = [(act, each) for act in ACTS for each in agent.flows.get(act, [])[-3:] if each in self.mailed]
        if waiting and self.random.random() < 0.3:
            act, flow = pick(waiting)
            line = next(each for each in SUBMITS if each.path == f"/self-service/{act}")
        fields = self.fields(agent, act, flow) if line.method != "GET" else {}
        method = line.method if self.random.random() < 0.95 else pick(["GET", "POST", "DELETE", "PUT", "HEAD"])
        target = f"{line.path.replace('{id}', UNKNOWN)}?{urlencode(self.query(line, flow))}"
        headers: dict[str, str] = {}
        if self.random.random() < 0.02:
            agent.token = None
        if agent.token and self.random.random() < 0.9:
            headers = {"x-session-token": agent.token}
        sent = Sent(line._replace(method=method), flow, fields, agent)
        if not agent.in_browser:
            return sent, self.doors.public(method, target, fields or None, headers=headers)
        if method == "POST" and self.random.random() < 0.5:
            body = {n: v for n, v in fields.items() if isinstance(v, str)}
            body |= {f"traits.{n}": v for n, v in fields.get("traits", {}).items()}
            sent.fields = fields if "traits" in fields else body
            return sent, agent.visitor.ask(method, target, urlencode(body).encode(), PAGE | FORM)
        return sent, agent.visitor.ask(method, target, fields or None, pick([PAGE, SCRIPT]) | {"origin": UI})

    def pick_flow(self, agent: Agent, act: str) -> str:
        """Mostly one of its own of that kind, of the last ones; else anybody's, of any kind."""
        own = agent.flows.get(act, [])[-3:]
        # Where somebody waits for a letter is where they go on, often enough.
        own = [each for each in own if each in self.mailed and self.random.random() < 0.5] or own
        if own and self.random.random() < 0.85:
            return self.random.choice(own)
        return self.random.choice([*list(self.flows)[-30:], UNKNOWN])

    def query(self, line: Line, flow: str) -> dict[str, str]:
        known = {"flow": flow, "id": flow, "token": "ory_lo_x", "return_to": f"{UI}/x", "refresh": "true"}
        known |= {"organization": self.acme, "aal": "aal1"}
        needed = {p.name: known[p.name] for p in line.query if p.name in {"flow", "id"}}
        often = {"refresh": 0.8}  # who is signed in begins no other login
        asked = [p.name for p in line.query if self.random.random() < often.get(p.name, 0.4)]
        return needed | {name: known[name] for name in asked if name in known}

    def fields(self, agent: Agent, act: str, flow: str) -> dict[str, Any]:
        """Those that fit mostly; some left out, some exchanged for others."""
        pick = self.random.choice
        own = agent.who in self.people and self.random.random() < 0.8
        person = self.people[str(agent.who)] if own else pick(list(self.people.values()))
        method = {"recovery": "code", "settings": pick(["password", "profile"])}.get(act, pick(["password", "code"]))
        made = {
            "method": method if self.random.random() < 0.9 else pick(METHODS),
            "identifier": person.email,
            "password": person.password if act == "login" else pick(PASSWORDS[:4] if act == "settings" else PASSWORDS),
            "traits": pick(TRAITS),
            "csrf_token": self.csrf_token(agent),
        }
        if act == "recovery" and flow not in self.codes and flow not in self.mailed and self.random.random() < 0.8:
            made["email"] = person.email
        elif act == "recovery":
            known = self.codes.get(flow) or self.mailed.get(flow) or ("000000", "")
            made["code"] = known[0] if self.random.random() < 0.8 else "123456"
        elif method == "code" and flow in self.mailed and self.random.random() < 0.8:
            made["code"], made["traits"] = self.mailed[flow][0], {"email": self.mailed[flow][1]}
        elif method == "code" and agent.who and self.random.random() < 0.5:
            del made["identifier"]  # a refresh knows it
        if self.random.random() < 0.15:
            del made[pick(list(made))]
        if self.random.random() < 0.15:
            other = {"password": pick(PASSWORDS), "screen": "previous", "identity_id": pick(list(self.people))}
            other |= {"session_token": agent.token or "ory_st_x", "identifier": "nobody@example.org"}
            name = pick(list(other))
            made[name] = other[name]
        return made

    def csrf_token(self, agent: Agent) -> str:
        """Mostly that of this browser."""
        whose = agent if self.random.random() < 0.9 else self.random.choice(self.agents)
        cookies = self.doors.parts.cookies
        secret = cookies.secret([f"csrf_token_x={whose.visitor.jar.get('csrf_token_x', '')}".encode()])
        return cookies.masked(secret) if secret else ""

    def learn(self, sent: Sent, reply: Reply) -> None:
        """The flows and the token of an answer."""
        where = reply.headers.get("location", "")
        shown = reply.json if reply.body.startswith(b"{") else {}
        act = next((act for act in ACTS if f"/{act}" in where or f"/{act}" in sent.line.path), "")
        for found in (where.partition("flow=")[2], shown.get("use_flow_id"), shown["id"] if "ui" in shown else ""):
            if found and "&" not in found and "%" not in found:
                sent.agent.flows.setdefault(act, []).append(found)
                self.flows.setdefault(found, (act, None))
        for then in shown.get("continue_with") or ():
            if then["action"] == "show_settings_ui":
                sent.agent.flows.setdefault("settings", []).append(then["flow"]["id"])
            sent.agent.token = then.get("ory_session_token", sent.agent.token)
        if not sent.agent.in_browser:
            sent.agent.token = shown.get("session_token", sent.agent.token)
        else:
            assert b"ory_st_" not in reply.body

    def judge(self, sent: Sent) -> None:
        events = list(self.doors.events)
        for event in events:
            who = str(UUID(bytes=event.identity_id)) if event.identity_id else None
            if event.name == "identity.registered":
                assert who is not None
                self.registered(sent, event, who)
            elif event.name in CHANGED:
                self.changed(sent, who)
        for event in events:
            if event.name in ISSUED:
                who = str(UUID(bytes=event.identity_id or b""))
                self.seen[f"{event.name} by {self.proof(sent, who)}"] += 1
                sent.agent.who = who
        self.look(sent.agent)

    def proof(self, sent: Sent, who: str) -> str:
        """What in the request proves that it is `who`."""
        assert sent.line.method == "POST", sent
        person, fields = self.people[who], sent.fields
        if sent.line.path == "/self-service/login":
            if by_code(fields):
                # Popped, as below.
                assert self.mailed.pop(sent.flow) == (fields["code"], person.email), sent
                return "mailed code"
            assert (fields["method"], fields["identifier"]) == ("password", person.email), sent
            assert fields["password"] == person.password, sent
            return "password"
        if sent.line.path == "/self-service/recovery":
            # Popped: a code is good once.
            if sent.flow in self.mailed:
                assert self.mailed.pop(sent.flow) == (fields["code"], person.email), sent
                return "code that recovers"
            assert self.codes.pop(sent.flow) == (fields["code"], who), sent
            return "code"
        assert sent.line.path == "/self-service/registration", sent
        assert any(e.name == "identity.registered" and e.identity_id == UUID(who).bytes for e in self.doors.events), (
            sent
        )
        return "registration"

    def registered(self, sent: Sent, event: Event, who: str) -> None:
        organization = str(UUID(bytes=event.organization))
        own = organization if organization in self.keys else None
        if by_code(sent.fields):
            code, email = self.mailed.pop(sent.flow)
            assert sent.fields["code"] == code, sent
            self.seen["registered by mailed code"] += 1
            self.people[who] = Person(own, email, "none was set")
        else:
            self.people[who] = Person(own, sent.fields["traits"]["email"], sent.fields["password"])

    def changed(self, sent: Sent, who: str | None) -> None:
        """Nobody changes anybody but themselves, and that by the form of settings; or proves an address by a code."""
        if sent.line.path in {"/self-service/login", "/self-service/recovery"}:
            assert self.mailed[sent.flow] == (sent.fields["code"], self.people[str(who)].email), sent
            return
        assert (sent.line.method, sent.line.path) == ("POST", "/self-service/settings"), sent
        assert who is not None
        assert who == sent.agent.who, sent
        person, fields = self.people[who], sent.fields
        self.seen[f"changed {fields['method']}"] += 1
        if fields["method"] == "password":
            person.password = fields["password"]
        else:
            person.email = fields["traits"]["email"]

    def look(self, agent: Agent) -> None:
        """Who it is now: nobody, or whom it proved to be last; never at a higher level than its proof."""
        headers = {"x-session-token": agent.token} if agent.token else {}
        reply = agent.visitor.ask("GET", "/sessions/whoami", None, SCRIPT | headers)
        if reply.status == 200:
            assert (reply.json["identity"]["id"], reply.json["authenticator_assurance_level"]) == (agent.who, "aal1")
            self.seen["signed in"] += 1


def by_code(fields: dict[str, Any]) -> bool:
    """Named so, or not at all: a flow that waits for a code needs no name."""
    return fields.get("method") not in METHODS or fields["method"] in ("code", "", ["password"])


def walked(doors: Doors, seed: int, steps: int) -> Counter[str]:
    """What came of so many steps, or of a few more until each way in was found."""
    walk = Walk(doors, seed)
    for taken in range(steps + 10_000):
        if taken >= steps and set(walk.seen) >= WAYS:
            break
        walk.step()
    return walk.seen


WAYS = {
    "session.issued by password", "session.issued by registration", "session.issued by code",
    "session.issued by mailed code", "session.renewed by mailed code", "registered by mailed code",
    "session.issued by code that recovers",
    "session.renewed by password", "changed password", "changed profile", "signed in",
}  # fmt: skip


def test_P14_a_session_comes_only_out_of_a_proof_wherever_one_walks(doors: Doors) -> None:
    assert set(walked(doors, 3, 1000)) == WAYS


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_P14_a_session_comes_only_out_of_a_proof_however_far_one_walks(doors: Doors, seed: int) -> None:
    assert set(walked(doors, seed, 20_000)) == WAYS
