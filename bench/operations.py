"""The operations, each with the requests that measure it. Those that use people up come after those that read them."""

import itertools
import json
import random
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote

from bench.people import IDENTITIES, PASSWORD, PASSWORD_HASH, SESSIONS, email, external_id, identity_id, session_id, token
from bench.sites import Port, Site
from nightlatch.kernel.ids import id_text

_KEPT = 4  # every fourth identity is only read, so that reads find the whole database and not a corner of it
_ROUND = 20_000


class Crowd:
    """Who an operation is measured with: numbers of bench/people.py. Nobody is used up twice."""

    def __init__(self) -> None:
        self._random = random.Random(17)
        self._unused = (n for n in range(IDENTITIES) if n % _KEPT)
        self._new = itertools.count(time.time_ns() // 1_000_000 * 1_000)

    def kept(self, count: int) -> list[int]:
        """Sessions that stay, anywhere among the million."""
        return [_KEPT * self._random.randrange(SESSIONS // _KEPT) for _ in range(count)]

    def identities(self, count: int) -> list[int]:
        """Identities that nobody has touched."""
        found = list(itertools.islice(self._unused, count))
        if len(found) < count:
            raise SystemExit("all identities are used up: ask for fewer rounds, seconds or operations")
        return found

    def sessions(self, count: int) -> list[int]:
        """Sessions that nobody has touched, of identities that nobody has touched."""
        owners = self.identities(-(-count // (SESSIONS // IDENTITIES)))
        return [owner + n for owner in owners for n in range(0, SESSIONS, IDENTITIES)]

    def new(self, count: int) -> list[int]:
        """Numbers of people that are nowhere yet."""
        return list(itertools.islice(self._new, count))

    def nobody(self, count: int) -> list[int]:  # noqa: ARG002 - one of the sources of numbers
        return [0]


Make = Callable[[Site, Sequence[int]], list[bytes]]


class Operation(NamedTuple):
    """`people` says with whom, `count` with how many: in all, or for each second where nobody can be taken twice."""

    name: str
    port: Port
    make: Make
    people: Callable[[Crowd, int], list[int]] = Crowd.kept
    count: int = _ROUND
    once: bool = False
    connections: int = 64

    def requests(self, site: Site, numbers: Sequence[int]) -> list[bytes]:
        return self.make(site, numbers)

    def numbers(self, crowd: Crowd, seconds: float) -> list[int]:
        return self.people(crowd, round(self.count * seconds) + self.connections if self.once else self.count)


def _each(request: Callable[[Site, int], bytes]) -> Make:
    return lambda site, numbers: [request(site, n) for n in numbers]


def _get(path: str) -> Make:
    return lambda site, _: [site.admin("GET", path)]


def _get_public(path: str) -> Make:
    return lambda site, _: [site.public("GET", path)]


def identity(n: int) -> str:
    return id_text(identity_id(n % IDENTITIES))


def session(n: int) -> str:
    return id_text(session_id(n))


def new_person(n: int, **more: object) -> dict[str, object]:
    """A body of create_identity that nothing has to be hashed for."""
    return {"schema_id": "default", "traits": {"email": f"new-{n}@example.net", "name": {"first": "Grace"}}, **more}


def batch(numbers: Sequence[int], **more: object) -> str:
    """A body of batch_patch_identities."""
    return json.dumps({"identities": [{"create": new_person(n, **more)} for n in numbers]})


def _update(site: Site, n: int) -> bytes:
    body = {
        "schema_id": "default",
        "state": "active",
        "traits": {"email": email(n % IDENTITIES), "name": {"first": "Ada", "last": f"Changed {n}"}},
        "external_id": external_id(n % IDENTITIES),
    }
    return site.admin("PUT", f"/admin/identities/{identity(n)}", json.dumps(body))


def _patch(site: Site, n: int) -> bytes:
    body = [{"op": "replace", "path": "/traits/name/last", "value": f"Patched {n}"}]
    return site.admin("PATCH", f"/admin/identities/{identity(n)}", json.dumps(body))


def _batches(site: Site, numbers: Sequence[int]) -> list[bytes]:
    hundreds = (numbers[at : at + 100] for at in range(0, len(numbers), 100))
    return [site.admin("PATCH", "/admin/identities", batch(some)) for some in hundreds]


def _credentials(site: Site, numbers: Sequence[int]) -> list[bytes]:
    """People with a password and an account elsewhere; the latter is deleted."""
    entries = []
    for n in numbers:
        oidc = {"config": {"providers": [{"provider": "google", "subject": str(n)}]}}
        password = {"config": {"hashed_password": PASSWORD_HASH}}
        entries.append({"create": new_person(n, credentials={"password": password, "oidc": oidc})})
    bodies = [json.dumps({"identities": entries[at : at + 500]}) for at in range(0, len(entries), 500)]
    answers = site.ask("admin", [site.admin("PATCH", "/admin/identities", body) for body in bodies], 1)
    made = [each["identity"] for answer in answers for each in answer.json()["identities"]]
    path = "/admin/identities/{}/credentials/oidc?identifier={}"
    return [site.admin("DELETE", path.format(i, quote(f"google:{n}"))) for i, n in zip(made, numbers, strict=True)]


def _recovery(kind: str) -> Make:
    return _each(lambda s, n: s.admin("POST", f"/admin/recovery/{kind}", json.dumps({"identity_id": identity(n)})))


def _flows(site: Site, kind: str, count: int) -> list[str]:
    request = site.public("GET", f"/self-service/{kind}/api")
    return [answer.json()["id"] for answer in site.ask("public", [request] * count)]


def _flow(kind: str) -> Make:
    """Reads of flows that were begun before."""

    def make(site: Site, numbers: Sequence[int]) -> list[bytes]:
        found = _flows(site, kind, len(numbers))
        return [site.public("GET", f"/self-service/{kind}/flows?id={flow}") for flow in found]

    return make


def _sign_in(site: Site, numbers: Sequence[int]) -> list[bytes]:
    return [
        site.public(
            "POST",
            f"/self-service/login?flow={flow}",
            json.dumps({"method": "password", "identifier": email(n % IDENTITIES), "password": PASSWORD}),
        )
        for flow, n in zip(_flows(site, "login", len(numbers)), numbers, strict=True)
    ]


def _sign_up(site: Site, numbers: Sequence[int]) -> list[bytes]:
    return [
        site.public(
            "POST",
            f"/self-service/registration?flow={flow}",
            json.dumps({"method": "password", "traits": new_person(n)["traits"], "password": PASSWORD}),
        )
        for flow, n in zip(_flows(site, "registration", len(numbers)), numbers, strict=True)
    ]


def _codes(site: Site, numbers: Sequence[int]) -> list[tuple[str, str]]:
    bodies = (json.dumps({"identity_id": identity(n), "flow_type": "api"}) for n in numbers)
    answers = site.ask("admin", [site.admin("POST", "/admin/recovery/code", body) for body in bodies], 16)
    made = [answer.json() for answer in answers]
    return [(each["recovery_link"].partition("flow=")[2], each["recovery_code"]) for each in made]


def _redeem(site: Site, numbers: Sequence[int]) -> list[bytes]:
    return [
        site.public("POST", f"/self-service/recovery?flow={flow}", json.dumps({"method": "code", "code": code}))
        for flow, code in _codes(site, numbers)
    ]


def _recovery_flow(site: Site, numbers: Sequence[int]) -> list[bytes]:
    return [site.public("GET", f"/self-service/recovery/flows?id={flow}") for flow, _ in _codes(site, numbers)]


def _whoami(scheme: str = "X-Session-Token:") -> Make:
    return _each(lambda s, n: s.public("GET", "/sessions/whoami", token=token(n), scheme=scheme))


_SIGN_OUT = "/self-service/logout/api"
_EXPAND = "expand=identity&expand=devices"
OPERATIONS = (
    Operation("to_session", "public", _whoami(), count=10 * _ROUND),
    Operation("to_session, bearer", "public", _whoami("Authorization: Bearer"), count=10 * _ROUND),
    Operation("to_session, 1,000 sessions", "public", _whoami(), count=1_000),
    Operation("list_my_sessions", "public", _each(lambda s, n: s.public("GET", "/sessions", token=token(n)))),
    Operation("get_session", "admin", _each(lambda s, n: s.admin("GET", f"/admin/sessions/{session(n)}?{_EXPAND}"))),
    Operation("list_sessions, 250", "admin", _get(f"/admin/sessions?page_size=250&{_EXPAND}"), Crowd.nobody, 1),
    Operation("list_identity_sessions", "admin", _each(lambda s, n: s.admin("GET", f"/admin/identities/{identity(n)}/sessions"))),
    Operation("get_identity", "admin", _each(lambda s, n: s.admin("GET", f"/admin/identities/{identity(n)}"))),
    Operation("get_identity_by_external_id", "admin", _each(lambda s, n: s.admin("GET", f"/admin/identities/by/external/{external_id(n % IDENTITIES)}"))),
    Operation("list_identities, 250", "admin", _get("/admin/identities?page_size=250"), Crowd.nobody, 1),
    Operation("list_identities, by identifier", "admin", _each(lambda s, n: s.admin("GET", f"/admin/identities?credentials_identifier={email(n % IDENTITIES)}"))),
    Operation("list_identity_schemas", "admin", _get("/schemas"), Crowd.nobody, 1),
    Operation("get_identity_schema", "admin", _get("/schemas/default"), Crowd.nobody, 1),
    Operation("is_alive", "admin", _get("/health/alive"), Crowd.nobody, 1),
    Operation("is_ready", "admin", _get("/health/ready"), Crowd.nobody, 1),
    Operation("get_version", "admin", _get("/version"), Crowd.nobody, 1),
    Operation("metrics", "admin", _get("/metrics/prometheus"), Crowd.nobody, 1),
    Operation("create_login_flow", "public", _get_public("/self-service/login/api"), Crowd.nobody, 1),
    Operation("get_login_flow", "public", _flow("login"), Crowd.nobody, 1),
    Operation("submit_login", "public", _sign_in, Crowd.kept, 80, once=True, connections=4),
    Operation("create_registration_flow", "public", _get_public("/self-service/registration/api"), Crowd.nobody, 1),
    Operation("get_registration_flow", "public", _flow("registration"), Crowd.nobody, 1),
    Operation("submit_registration", "public", _sign_up, Crowd.new, 80, once=True, connections=4),
    Operation("create_recovery_code", "admin", _recovery("code")),
    Operation("create_recovery_link", "admin", _recovery("link")),
    Operation("get_recovery_flow", "public", _recovery_flow, count=100),
    Operation("create_identity", "admin", _each(lambda s, n: s.admin("POST", "/admin/identities", json.dumps(new_person(n)))), Crowd.new, 4_000, once=True),
    Operation("batch_patch_identities, 100", "admin", _batches, Crowd.new, 20_000, once=True, connections=4),
    Operation("update_identity", "admin", _each(_update)),
    Operation("patch_identity", "admin", _each(_patch)),
    Operation("extend_session", "admin", _each(lambda s, n: s.admin("PATCH", f"/admin/sessions/{session(n)}/extend"))),
    Operation("delete_identity_credentials", "admin", _credentials, Crowd.new, 2_500, once=True),
    Operation("disable_session", "admin", _each(lambda s, n: s.admin("DELETE", f"/admin/sessions/{session(n)}")), Crowd.sessions, 4_000, once=True),
    Operation("disable_my_session", "public", _each(lambda s, n: s.public("DELETE", f"/sessions/{session(n + IDENTITIES)}", token=token(n))), Crowd.identities, 2_500, once=True),
    Operation("disable_my_other_sessions", "public", _each(lambda s, n: s.public("DELETE", "/sessions", token=token(n))), Crowd.identities, 2_500, once=True),
    Operation("perform_native_logout", "public", _each(lambda s, n: s.public("DELETE", _SIGN_OUT, json.dumps({"session_token": token(n)}))), Crowd.sessions, 4_000, once=True),
    Operation("submit_recovery", "public", _redeem, Crowd.identities, 1_500, once=True),
    Operation("delete_identity_sessions", "admin", _each(lambda s, n: s.admin("DELETE", f"/admin/identities/{identity(n)}/sessions")), Crowd.identities, 2_500, once=True),
    Operation("delete_identity", "admin", _each(lambda s, n: s.admin("DELETE", f"/admin/identities/{identity(n)}")), Crowd.identities, 2_500, once=True),
)  # fmt: skip
