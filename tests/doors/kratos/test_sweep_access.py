"""Who may use the admin port, over every line of its table (rows W1 and W3)."""

import ipaddress
import uuid
from collections.abc import Iterator

import pytest
from tests.doors.kratos.in_process import KEY, Doors
from tests.doors.kratos.table import ADMIN, GUARDED, OPEN, PUBLIC, Line, World, name

from nightlatch.core.access import rules
from nightlatch.core.access.model import AccessKey
from nightlatch.doors.http.openapi import operation_id
from nightlatch.doors.http.parts import Access
from nightlatch.kernel.clock import HOUR
from nightlatch.kernel.secrets import digest

SCOPES = sorted({route.scope for route in GUARDED if route.scope})
guarded = pytest.mark.parametrize("line", GUARDED, ids=name)


@pytest.fixture
def world(doors: Doors) -> World:
    return World(doors)


@pytest.fixture
def unchanged(world: World) -> Iterator[None]:
    """Nothing happens in the test."""
    world.doors.happened()
    yield
    assert world.doors.happened() == []


def test_W1_the_lines_that_need_no_key_are_these_and_no_others() -> None:
    assert {name(route) for route in OPEN} == {
        "GET /schemas", "GET /schemas/{id}", "GET /health/alive", "GET /health/ready", "GET /version",
        "GET /openapi.json", "GET /admin/schemas", "GET /admin/schemas/{id}", "GET /admin/sessions/whoami",
        "GET /sessions/whoami", "DELETE /admin/sessions",
    }  # fmt: skip


def test_W1_a_scope_is_named_by_what_it_allows() -> None:
    writes = {route.scope for route in GUARDED if route.method != "GET"}
    reads = {route.scope for route in GUARDED if route.method == "GET"}
    assert writes.isdisjoint(reads)
    assert {scope.partition(":")[2] for scope in SCOPES} == {"read", "write", "end", "create"}


NO_KEY: list[dict[str, str]] = [
    {}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": "Bearer "}, {"authorization": "nonsense"},
    {"authorization": f"Basic {KEY}"}, {"authorization": f"Token {KEY}"}, {"authorization": f"Bearer  {KEY}"},
    {"authorization": f"Bearer {KEY} "}, {"authorization": f"Bearer {KEY[:-1]}"}, {"authorization": f"Bearer {KEY}x"},
    {"authorization": f"Bearer {KEY.upper()}"}, {"authorization": f"{KEY}, {KEY}"}, {"x-api-key": KEY}, {"token": KEY},
    {"x-session-token": KEY}, {"cookie": f"authorization={KEY}"}, {"x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1"},
    {"x-http-method-override": "GET"}, {"x-forwarded-user": "admin"}, {"host": "localhost"},
]  # fmt: skip


@guarded
def test_W1_without_a_good_key_nothing_is_answered_and_nothing_done(world: World, unchanged: None, line: Line) -> None:
    for headers in NO_KEY:
        for target in (world.target(line), world.target(line, f"access_token={KEY}&key={KEY}&userId={world.identity}")):
            reply = world.doors.admin(line.method, target, world.body(line), key=None, headers=headers)
            error = reply.refused(401)
            assert error["reason"] == "A valid access key is needed: send it as Authorization: Bearer KEY.", headers
            assert reply.headers["www-authenticate"] == "Bearer"
            assert world.identity not in reply.body.decode()


@guarded
def test_W1_revoked_expired_and_foreign_keys_and_a_persons_token_are_none(world: World, line: Line) -> None:
    doors = world.doors
    revoked = doors.key()
    [made] = doors.read(lambda tx: tx.access_keys.list(doors.act().organization, None, 9))
    doors.write(lambda tx: rules.revoke(tx, doors.act(), made.id))
    expiring = doors.key(expires_at=doors.clock.now() + HOUR)
    assert doors.admin("GET", "/metrics", key=expiring).status == 200
    doors.happened()
    doors.clock.advance(HOUR)
    for key in (revoked, expiring, world.token, "nl_key_" + "a" * 43):
        world.ask("admin", line, key=key).refused(401)
    assert doors.happened() == []


@guarded
def test_W1_only_the_scope_of_the_line_opens_it(world: World, line: Line) -> None:
    doors = world.doors
    others = [scope for scope in SCOPES if scope != line.scope]
    noun, _, verb = str(line.scope).partition(":")
    beside = doors.key(*others, f"{noun}:", f"{noun}", f":{verb}", f"{noun}s:*", f"*:{verb}")
    doors.happened()
    error = world.ask("admin", line, key=beside).refused(403)
    assert error["reason"] == f"The access key lacks the scope {line.scope}."
    assert doors.happened() == []
    for scopes in ((str(line.scope),), (f"{noun}:*",), ("*",)):
        assert world.ask("admin", line, key=doors.key(*scopes)).status not in {401, 403}


@guarded
def test_W1_another_method_opens_nothing(world: World, line: Line) -> None:
    doors = world.doors
    reader = doors.key("identities:read", "sessions:read", "messages:read", "metrics:read")
    doors.happened()
    allowed = {route.method for route in ADMIN if route.path == line.path}
    for method in ("HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "GET\x00", ""):
        reply = doors.admin(method, world.target(line), world.body(line), key=None)
        assert reply.status == (401 if method == "HEAD" and "GET" in allowed else 405), method
    if "GET" in allowed:
        override = {"x-http-method-override": "DELETE", "x-http-method": "DELETE", "x-method-override": "DELETE"}
        assert doors.admin("GET", world.target(line) + "?_method=DELETE", key=reader, headers=override).status == 200
        assert doors.admin("HEAD", world.target(line), key=reader).body == b""
    assert doors.happened() == []


@guarded
def test_W1_a_key_is_accepted_bare_as_old_clients_send_it(world: World, line: Line) -> None:
    """Clients, part 2."""
    assert world.ask("admin", line, key=None, headers={"authorization": KEY}).status < 400


def test_W3_organization_id_names_the_callers_own_and_no_other(doors: Doors) -> None:
    acme, other = doors.organization("acme"), doors.organization("other")
    key = doors.key(organization=acme)
    body = {"schema_id": "robot", "organization_id": str(uuid.UUID(bytes=acme))}
    made = doors.admin("POST", "/admin/identities", body, key=key).ok(201)
    assert made["organization_id"] == body["organization_id"]
    for foreign in (other, doors.act().organization):
        named = str(uuid.UUID(bytes=foreign))
        doors.admin("POST", "/admin/identities", body | {"organization_id": named}, key=key).refused(400)
        assert doors.admin("GET", f"/admin/identities?organization_id={named}", key=key).ok() == []
    assert len(doors.admin("GET", f"/admin/identities?organization_id={made['organization_id']}", key=key).ok()) == 1
    assert doors.admin("GET", f"/admin/identities?organization_id={made['organization_id']}").ok() == []


def test_W1_a_network_that_needs_no_key_is_the_peers_own_and_nothing_that_a_header_says(doors: Doors) -> None:
    network = ipaddress.ip_network("10.1.0.0/16")
    doors.listen(access=Access(doors.parts.access.keys, (network,)))
    path = "/admin/identities"
    doors.admin("GET", path, key=None, peer="10.1.2.3").ok()
    for peer in ("10.2.0.1", "127.0.0.1", "::1", "unix"):
        doors.admin("GET", path, key=None, peer=peer, headers={"x-forwarded-for": "10.1.2.3"}).refused(401)
    doors.admin("GET", path, key="wrong", peer="10.1.2.3").refused(401)
    doors.admin("POST", path, {"schema_id": "robot"}, key=None, peer="10.1.2.3").ok(201)
    assert doors.events[-1].actor == "network:10.1.2.3"


def test_W1_what_is_done_is_done_in_the_name_of_the_key(doors: Doors) -> None:
    key = doors.key("identities:write")
    doors.admin("POST", "/admin/identities", {"schema_id": "robot"}, key=key).ok(201)
    [made] = doors.read(lambda tx: tx.access_keys.list(doors.act().organization, None, 9))
    assert doors.events[-1].actor == f"key:{uuid.UUID(bytes=made.id)}"
    assert key not in repr(doors.events)


def test_W1_keys_of_the_configuration_have_their_scopes_too(doors: Doors) -> None:
    made = AccessKey(bytes(16), doors.act().organization, "small", digest("small-key"), ("sessions:read",), 0)
    doors.listen(access=Access({made.token_hash: made}, ()))
    doors.admin("GET", "/admin/sessions", key="small-key").ok()
    doors.admin("GET", "/admin/identities", key="small-key").refused(403)
    doors.admin("GET", "/admin/sessions").refused(401)


def test_W1_the_document_names_every_line_and_no_other(doors: Doors) -> None:
    documents = (doors.admin("GET", "/openapi.json", key=None), doors.public("GET", "/openapi.json"))
    for reply, routes in zip(documents, (ADMIN, PUBLIC), strict=True):
        paths = reply.ok()["paths"]
        listed = {(method.upper(), path) for path, operations in paths.items() for method in operations}
        assert listed == {(r.method, r.path.replace(":path", "")) for r in routes}


def test_every_operation_has_the_name_that_clients_know() -> None:
    """The published clients' methods, in the spelling of their document."""
    known = {
        "batchPatchIdentities", "createIdentity", "createRecoveryCodeForIdentity", "createRecoveryLinkForIdentity",
        "deleteIdentity", "deleteIdentityCredentials", "deleteIdentitySessions", "disableSession", "extendSession",
        "getIdentity", "getIdentityByExternalID", "getIdentitySchema", "getSession", "listIdentities",
        "listIdentitySchemas", "listIdentitySessions", "listSessions", "manageSessions", "patchIdentity", "updateIdentity",
        "listCourierMessages", "getCourierMessage", "isAlive", "isReady", "getVersion",
    }  # fmt: skip
    own = {"getMetrics", "getDocument"}
    assert {operation_id(route) for route in ADMIN if route.status < 300} == known | own
    frontend = {
        "toSession", "listMySessions", "disableMyOtherSessions", "disableMySession", "createNativeLoginFlow",
        "getLoginFlow", "updateLoginFlow", "createNativeRegistrationFlow", "getRegistrationFlow",
        "updateRegistrationFlow", "getRecoveryFlow", "updateRecoveryFlow", "performNativeLogout", "getIdentitySchema",
        "createNativeSettingsFlow", "createBrowserSettingsFlow", "getSettingsFlow", "updateSettingsFlow",
        "listIdentitySchemas", "isAlive", "isReady", "getVersion", "createBrowserLoginFlow", "createBrowserLogoutFlow",
        "createBrowserRegistrationFlow", "updateLogoutFlow", "getFlowError", "createNativeRecoveryFlow",
        "createBrowserRecoveryFlow", "createNativeVerificationFlow", "createBrowserVerificationFlow",
        "getVerificationFlow", "updateVerificationFlow",
    }  # fmt: skip
    own = {
        "getDocument",
        "returnToSettingsFlow",
        "followRecoveryLink",
        "followVerificationLink",
        "showDevice",
        "endDevice",
    }
    assert {operation_id(route) for route in PUBLIC if route.status < 300} == frontend | own


# The public port


def test_W3_no_line_of_the_public_port_tells_or_touches_what_is_somebody_elses(world: World) -> None:
    """Every line that takes an id, asked by another person."""
    doors = world.doors
    bob = doors.session(doors.person("bob")["id"])[1]
    doors.happened()
    with_id = [route for route in PUBLIC if "{" in route.path and "schemas" not in route.path]
    assert len(with_id) > 10
    for route in with_id:
        for session_id in (world.session, world.identity):
            target = world.target(route).replace(world.session, session_id)
            reply = doors.public(route.method, target, world.body(route), token=bob)
            assert reply.status in {204, 307, 400}, (name(route), reply)
            assert "ada@example.org" not in reply.body.decode()
    assert doors.happened() == []
    doors.public("GET", "/sessions/whoami", token=world.token).ok()


def test_W3_what_is_for_administrators_is_never_on_the_public_port(world: World) -> None:
    doors = world.doors
    said = []
    for route in PUBLIC:
        reply = world.ask("public", route)
        said.append(reply.body + repr(reply.headers).encode())
    for secret in (b"metadata-admin-canary", b"metadata_admin", b"CANARY", b"$argon2", b'"credentials"'):
        for route, text in zip(PUBLIC, said, strict=True):
            document = route.path == "/openapi.json" or "schemas" in route.path
            assert document or secret not in text, (name(route), secret)
    assert doors.admin("GET", f"/admin/identities/{world.identity}").ok()["metadata_admin"]
