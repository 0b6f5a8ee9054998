"""What every method says of a failure, whatever it is sent in whatever form, and that the document is true."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.doors.kratos.in_process import KEY, Doors
from tests.doors.kratos.test_sweep_answers import Failing, instance, kinds_of_problem
from tests.doors.slack.asking import FORM, METHODS, Line, World, alive, call, error, name, ok, sent

from nightlatch import problems
from nightlatch.doors.http.routing import Answer
from nightlatch.doors.slack import errors
from nightlatch.doors.slack.door import admin_door
from nightlatch.doors.slack.routes import ADMIN

every = pytest.mark.parametrize("line", METHODS, ids=name)
JSON = "application/json;charset=utf-8"
GIVEN: dict[type[problems.Problem], tuple[Any, ...]] = {
    errors.Said: ("missing_team",), errors.BodyRefused: ("invalid_json",),
    errors.SlackScopeMissing: ("admin.users:read", ""), errors.SomeUsersNotFound: (["W1"],),
}  # fmt: skip
CODES = {
    problems.Problem: "invalid_arguments", problems.IdentityNotFound: "user_not_found",
    problems.SessionNotFound: "session_not_found", problems.OrganizationNotFound: "team_not_found",
    problems.SessionEnded: "session_expired", problems.PageTokenInvalid: "invalid_cursor",
    problems.Unauthenticated: "invalid_auth", problems.Forbidden: "access_denied", problems.ScopeMissing: "missing_scope",
    problems.FeatureDisabled: "feature_not_enabled", problems.Throttled: "ratelimited", problems.Unavailable: "service_unavailable",
    errors.TokenMissing: "not_authed", errors.Said: "missing_team", errors.BodyRefused: "invalid_json",
    errors.SomeUsersNotFound: "failed_for_some_users",
}  # fmt: skip


@pytest.fixture
def world(doors: Doors) -> World:
    return World(doors)


def put(doors: Doors, endpoint: Any) -> None:
    """Has every line lead to `endpoint`."""
    door = admin_door(doors.parts)
    routes = tuple(route._replace(endpoint=endpoint) for route in door.routes)
    doors._admin = doors.port(replace(door, prefix="/", routes=routes))


@pytest.mark.parametrize("kind", kinds_of_problem(door=errors.__name__))
def test_every_method_says_every_problem_in_the_codes_of_this_dialect(
    doors: Doors, kind: type[problems.Problem]
) -> None:
    problem = kind(*GIVEN[kind]) if kind in GIVEN else instance(kind)
    unavailable = isinstance(problem, problems.Unavailable)

    async def fail(_call: Any) -> Answer:
        raise problem

    put(doors, fail)
    for line in METHODS:
        reply = doors.admin("POST", line.path)
        status = 429 if kind is problems.Throttled else 503 if unavailable else 200
        assert error(reply, status) == next(CODES[each] for each in kind.__mro__ if each in CODES)
        said = reply.json.get("response_metadata", {"messages": []})["messages"]
        assert said == ([f"[ERROR] {problem.reason}"] if problem.reason else [])
        assert ("retry-after" in reply.headers) is (status != 200)


@every
def test_W10_a_bug_in_a_method_is_told_to_the_log_alone(doors: Doors, line: Line) -> None:
    async def bug(_call: Any) -> Answer:
        raise KeyError("canary")

    put(doors, bug)
    reply = doors.admin("POST", line.path)
    assert error(reply, 500) == "internal_error"
    assert "canary" not in repr(reply)
    assert [type(failure) for failure in doors.failures] == [KeyError]
    doors.failures.clear()


@every
def test_W10_when_the_database_fails_no_session_is_said_to_be_gone(world: World, line: Line) -> None:
    for at in (1, 2):
        world.doors.listen(store=Failing(world.doors.store, at, problems.StoreDown))
        key = KEY if at == 1 else world.doors.key()
        assert error(world.ask(line, key), 503) == "service_unavailable"


GOLDEN = {
    "ok": b'{"ok":true}',
    "refused": b'{"ok":false,"error":"user_not_found"}',
    "scope": b'{"ok":false,"error":"missing_scope","needed":"admin.users:write","provided":"","response_metadata":'
    b'{"messages":["[ERROR] The access key lacks the scope admin.users:write."]}}',
    "some": b'{"ok":false,"error":"failed_for_some_users","failed_user_ids":{"W9":"user_not_found"}}',
}


def test_the_bodies_are_these_to_the_byte(world: World) -> None:
    doors = world.doors
    assert call(doors, "reset", user_id=world.identity).body == GOLDEN["ok"]
    assert call(doors, "reset", user_id="W9").body == GOLDEN["refused"]
    assert call(doors, "resetBulk", user_ids=f"W9,{world.identity}").body == GOLDEN["some"]
    assert call(doors, "reset", doors.key("identities:read"), user_id="W9").body == GOLDEN["scope"]


# Forms


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, "user_ids=W1,W2"),
        (FORM, "user_ids=W1%2C+W2%2C&web_only=&ignored=1"),
        (FORM + "; charset=UTF-8", "user_ids=%5B%22W1%22%2C%22W2%22%5D"),
        (JSON, '{"user_ids":["W1","W2"]}'),
        (JSON, '{"user_ids":"W1,W2","web_only":null,"ignored":{}}'),
        ("Application/JSON", '{"user_ids":"[\\"W1\\",\\"W2\\"]"}'),
    ],
)  # fmt: skip
def test_a_list_is_understood_in_each_of_its_spellings(doors: Doors, kind: str, body: str) -> None:
    tokens = []
    for name_ in ("W1", "W2"):
        identity = doors.person(name_.lower(), external_id=name_)["id"]
        tokens.append(doors.session(identity)[1])
    ok(sent(doors, "resetBulk", body.encode(), kind))
    assert alive(doors, *tokens) == [False, False]


@pytest.mark.parametrize("kind", [FORM, JSON, "text/plain", ""])
def test_an_empty_body_is_no_arguments_whatever_it_says_it_is(world: World, kind: str) -> None:
    ok(sent(world.doors, "list", b"", kind))
    assert error(sent(world.doors, "reset", b"", kind)) == "invalid_arguments"


HOSTILE: list[tuple[str, bytes, str]] = [
    (JSON, b"[" * 200_000, "invalid_json"),
    (JSON, b'{"user_id":' + b"[" * 40 + b"]" * 40 + b"}", "invalid_json"),
    (JSON, b'{"user_id":"a","user_id":"b"}', "invalid_json"),
    (JSON, b'{"user_id":"\\u0000"}', "invalid_json"),
    (JSON, b'{"user_id":"\\ud800"}', "invalid_json"),
    (JSON, b'{"user_id":NaN}', "invalid_json"),
    (JSON, b'{"user_id":"\xff"}', "invalid_json"),
    (JSON, b"nonsense", "invalid_json"),
    (JSON, b'["user_id"]', "json_not_object"),
    (JSON, b"null", "json_not_object"),
    (JSON, b'{"session_id":1%s,"limit":"x"}' % (b"0" * 4000), "invalid_arguments"),
    (JSON, b'{"session_id":1e300,"user_id":5,"user_ids":{"a":1},"limit":true}', "invalid_arguments"),
    (JSON, b'{"session_id":9007199254740992,"user_id":["x"],"user_ids":[1],"limit":1001}', "invalid_arguments"),
    (FORM, b"nonsense", "invalid_form_data"),
    (FORM, b"user_id=%ff", "invalid_form_data"),
    (FORM, b"user_id=\xff", "invalid_form_data"),
    (FORM, b"user_id=%00", "invalid_form_data"),
    (FORM, b"user_id=a&user_id=b", "invalid_form_data"),
    (FORM, b"&".join(b"a%d=b" % n for n in range(101)), "invalid_form_data"),
    (FORM, b"session_id=-1&user_id=&user_ids=,,&limit=0", "invalid_arguments"),
    (FORM, b"session_id=x&user_ids=%5B1%5D&limit=x", "invalid_arguments"),
    (FORM, b"session_id=0&limit=x&user_ids=%5B" + b"%5B" * 50, "invalid_arguments"),
    ("", b"user_id=a", "missing_post_type"),
    ("text/plain", b"user_id=a", "invalid_post_type"),
    ("multipart/form-data; boundary=x", b"--x--", "invalid_post_type"),
    (FORM, b"a=" + b"b" * (256 * 1024), "invalid_arguments"),
]


@every
def test_W11_hostile_bodies_are_refused_in_each_method_and_nothing_is_done(world: World, line: Line) -> None:
    doors = world.doors
    for kind, body, code in HOSTILE:
        reply = sent(doors, name(line), body, kind)
        assert error(reply) == code, (kind, body[:60], reply.body)
    packed = sent(doors, name(line), b"user_id=a", **{"content-encoding": "gzip"})
    assert error(packed) == "invalid_post_type"
    assert doors.happened() == []
    assert alive(doors, world.token) == [True]


def test_W11_who_has_no_key_learns_nothing_of_the_body_that_they_sent(doors: Doors) -> None:
    for kind, body, _ in HOSTILE[:-1]:
        assert error(sent(doors, "reset", body, kind, None)) == "not_authed"


def test_W1_this_door_is_not_on_the_public_port(world: World) -> None:
    for line in ADMIN:
        world.doors.public(line.method, line.path, headers={"authorization": f"Bearer {KEY}"}).refused(404)


# The document


def test_the_document_names_every_method_its_arguments_and_its_scope(doors: Doors) -> None:
    made = doors.admin("GET", "/api/openapi.json", key=None).ok()
    assert made["servers"] == [{"url": "/api"}]
    assert [path for path, operations in made["paths"].items() if list(operations) == ["post"]] == [
        route.path.removeprefix("/api") for route in METHODS
    ]
    for line in METHODS:
        operation = made["paths"][line.path.removeprefix("/api")]["post"]
        assert operation["operationId"] == line.path.removeprefix("/api/").replace(".", "_")
        ref = operation["requestBody"]["content"][FORM]["schema"]["$ref"].rpartition("/")[2]
        assert set(made["components"]["schemas"][ref]["properties"]) == set(line.takes.__struct_fields__)
        [[scope]] = [guard["slackAuth"] for guard in operation["security"]]
        assert scope in operation["parameters"][0]["description"]
    for shape in ("DefaultSuccessTemplate", "DefaultErrorTemplate", "ListAnswer", "SettingsAnswer"):
        schema = made["components"]["schemas"][shape]
        assert (schema["required"], schema["additionalProperties"]) == (["ok"], True)
        assert schema["properties"]["ok"] == {"type": "boolean"}
    assert json.dumps(made).count("null") == json.dumps(made).count("nullable")


def test_what_is_answered_has_the_members_that_the_document_names(world: World) -> None:
    shapes = world.doors.admin("GET", "/api/openapi.json", key=None).ok()["components"]["schemas"]
    ok(call(world.doors, "setSettings", user_ids=world.identity, duration=28_800))
    for line in sorted(METHODS, key=lambda line: str(line.scope), reverse=True):
        body = ok(world.ask(line)) if name(line) != "reset" else ok(call(world.doors, "reset", user_id=world.identity))
        assert set(body) <= set(shapes[line.gives.__name__]["properties"])
        if name(line) == "list":
            [shown] = body["active_sessions"]
            assert set(shown) == set(shapes["ActiveSession"]["properties"])
            assert set(shown["created"]) == set(shapes["Software"]["properties"])


def test_the_longest_list_of_users_fits_into_a_body(doors: Doors) -> None:
    ids = [f"https://people.example.com/{n:04}-{'x' * 80}" for n in range(1000)]
    reply = sent(doors, "resetBulk", urlencode({"user_ids": json.dumps(ids)}).encode())
    assert len(reply.json["failed_user_ids"]) == 1000
