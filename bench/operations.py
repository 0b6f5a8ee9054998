"""The operations, each with the requests that measure it. Those that use people up come after those that read them."""

import itertools
import json
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple
from urllib.parse import quote

from bench import people
from bench.people import IDENTITIES, PASSWORD, PASSWORD_HASH, SESSIONS
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


Make = Callable[[Site, Sequence[int]], list[bytes]]


class Operation(NamedTuple):
    """`whom` it is measured with, and how many of them: in all, or for each second where nobody can be taken twice."""

    name: str
    port: Port
    make: Make
    whom: Callable[[Crowd, int], list[int]] = Crowd.kept
    many: int = _ROUND
    once: bool = False
    connections: int = 64

    def numbers(self, crowd: Crowd, seconds: float) -> list[int]:
        return self.whom(crowd, round(self.many * seconds) + self.connections if self.once else self.many)


class _Words:
    """What stands for `{session}` and the like in the path of a request about the session of number n."""

    def __init__(self, n: int) -> None:
        self._n, self._owner = n, n % IDENTITIES

    def __getitem__(self, word: str) -> str:
        match word:
            case "identity":
                return id_text(people.identity_id(self._owner))
            case "external_id":
                return people.external_id(self._owner)
            case "email":
                return people.email(self._owner)
            case "session":
                return id_text(people.session_id(self._n))
            case "other_session":
                return id_text(people.session_id(self._n + IDENTITIES))
        raise KeyError(word)


def _each(request: Callable[[Site, int], bytes]) -> Make:
    return lambda site, numbers: [request(site, n) for n in numbers]


def _admin(method: str, path: str) -> Make:
    return _each(lambda site, n: site.admin(method, path.format_map(_Words(n))))


def _public(method: str, path: str) -> Make:
    return lambda site, numbers: [site.public(method, path) for _ in numbers]


def _mine(method: str, path: str, scheme: str = "X-Session-Token:") -> Make:
    """By whose session it is."""
    return _each(lambda site, n: site.public(method, path.format_map(_Words(n)), token=people.token(n), scheme=scheme))


def _known(make: Make) -> Make:
    """Requests that were answered before, so often that whoever keeps answers has them."""

    def made(site: Site, numbers: Sequence[int]) -> list[bytes]:
        requests = make(site, numbers)
        site.ask("public", requests * 3)
        return requests

    return made


def identity(n: int) -> str:
    return _Words(n)["identity"]


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
        "traits": {"email": _Words(n)["email"], "name": {"first": "Ada", "last": f"Changed {n}"}},
        "external_id": _Words(n)["external_id"],
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
    requests = [site.public("GET", f"/self-service/{kind}/api") for _ in range(count)]
    return [answer.json()["id"] for answer in site.ask("public", requests)]


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
            json.dumps({"method": "password", "identifier": _Words(n)["email"], "password": PASSWORD}),
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


def _create(site: Site, n: int) -> bytes:
    return site.admin("POST", "/admin/identities", json.dumps(new_person(n)))


def _sign_out(site: Site, n: int) -> bytes:
    return site.public("DELETE", "/self-service/logout/api", json.dumps({"session_token": people.token(n)}))


_Once = partial(Operation, once=True)
_IDENTITY = "/admin/identities/{identity}"
_ALL = "expand=identity&expand=devices"
_MANY = 10 * _ROUND
OPERATIONS = (
    Operation("to_session", "public", _mine("GET", "/sessions/whoami"), many=_MANY),
    Operation("to_session, bearer", "public", _mine("GET", "/sessions/whoami", "Authorization: Bearer"), many=_MANY),
    Operation("to_session, 1,000 sessions", "public", _known(_mine("GET", "/sessions/whoami")), many=1_000),
    Operation("list_my_sessions", "public", _mine("GET", "/sessions")),
    Operation("get_session", "admin", _admin("GET", "/admin/sessions/{session}?" + _ALL)),
    Operation("list_sessions, 250", "admin", _admin("GET", "/admin/sessions?page_size=250&" + _ALL), many=1),
    Operation("list_identity_sessions", "admin", _admin("GET", _IDENTITY + "/sessions")),
    Operation("get_identity", "admin", _admin("GET", _IDENTITY)),
    Operation("get_identity_by_external_id", "admin", _admin("GET", "/admin/identities/by/external/{external_id}")),
    Operation("list_identities, 250", "admin", _admin("GET", "/admin/identities?page_size=250"), many=1),
    Operation("list_identities, one", "admin", _admin("GET", "/admin/identities?credentials_identifier={email}")),
    Operation("list_identity_schemas", "admin", _admin("GET", "/schemas"), many=1),
    Operation("get_identity_schema", "admin", _admin("GET", "/schemas/default"), many=1),
    Operation("is_alive", "admin", _admin("GET", "/health/alive"), many=1),
    Operation("is_ready", "admin", _admin("GET", "/health/ready"), many=1),
    Operation("get_version", "admin", _admin("GET", "/version"), many=1),
    Operation("metrics", "admin", _admin("GET", "/metrics/prometheus"), many=1),
    Operation("create_login_flow", "public", _public("GET", "/self-service/login/api")),
    Operation("get_login_flow", "public", _flow("login"), many=100),
    _Once("submit_login", "public", _sign_in, Crowd.kept, 80, connections=4),
    Operation("create_registration_flow", "public", _public("GET", "/self-service/registration/api")),
    Operation("get_registration_flow", "public", _flow("registration"), many=100),
    _Once("submit_registration", "public", _sign_up, Crowd.new, 80, connections=4),
    Operation("create_recovery_code", "admin", _recovery("code")),
    Operation("create_recovery_link", "admin", _recovery("link")),
    Operation("get_recovery_flow", "public", _recovery_flow, many=100),
    _Once("create_identity", "admin", _each(_create), Crowd.new, 4_000),
    _Once("batch_patch_identities, 100", "admin", _batches, Crowd.new, 20_000, connections=4),
    Operation("update_identity", "admin", _each(_update)),
    Operation("patch_identity", "admin", _each(_patch)),
    Operation("extend_session", "admin", _admin("PATCH", "/admin/sessions/{session}/extend")),
    _Once("delete_identity_credentials", "admin", _credentials, Crowd.new, 2_500),
    _Once("disable_session", "admin", _admin("DELETE", "/admin/sessions/{session}"), Crowd.sessions, 4_000),
    _Once("disable_my_session", "public", _mine("DELETE", "/sessions/{other_session}"), Crowd.identities, 2_500),
    _Once("disable_my_other_sessions", "public", _mine("DELETE", "/sessions"), Crowd.identities, 2_500),
    _Once("perform_native_logout", "public", _each(_sign_out), Crowd.sessions, 4_000),
    _Once("submit_recovery", "public", _redeem, Crowd.identities, 1_500),
    _Once("delete_identity_sessions", "admin", _admin("DELETE", _IDENTITY + "/sessions"), Crowd.identities, 2_500),
    _Once("delete_identity", "admin", _admin("DELETE", _IDENTITY), Crowd.identities, 2_500),
)
