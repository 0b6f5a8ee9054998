"""What every line of the table says of a failure, whatever it is sent, and that its document is true."""

import asyncio
import json
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from tests.doors.kratos.in_process import KEY, Doors
from tests.doors.kratos.test_sweep_answers import STATUS, Failing, instance, kinds_of_problem
from tests.doors.sessions_api.asking import ADMIN, GUARDED, Line, Person, name, refused

from nightlatch import problems
from nightlatch.doors.http.routing import Answer
from nightlatch.doors.sessions_api.door import admin_door
from nightlatch.doors.sessions_api.errors import Unprocessable

STATUSES = STATUS | {problems.Invalid: 422}
every = pytest.mark.parametrize("line", ADMIN, ids=name)


def put(doors: Doors, endpoint: Any) -> None:
    """Has every line lead to `endpoint`."""
    door = admin_door(doors.parts, ())
    routes = tuple(route._replace(endpoint=endpoint) for route in door.routes)
    doors._admin = doors.port(replace(door, prefix="/", routes=routes))


@pytest.mark.parametrize("kind", kinds_of_problem(door=problems.__name__))
def test_every_line_says_every_problem_in_the_one_form(doors: Doors, kind: type[problems.Problem]) -> None:
    ada, problem = Person(doors), instance(kind)
    expected = STATUSES.get(kind) or next(STATUSES[parent] for parent in kind.__mro__ if parent in STATUSES)

    async def fail(_call: Any) -> Answer:
        raise problem

    put(doors, fail)
    for line in ADMIN:
        reply = ada.ask(line)
        said = refused(reply, expected)
        told = problem.reason or HTTPStatus(expected).phrase
        if expected == 404:
            assert said == "Not Found"
        elif expected == 422:
            assert said == [{"loc": [], "msg": problem.reason, "type": problem.code}]
        else:
            assert said == told
        assert ("retry-after" in reply.headers) is isinstance(problem, problems.Unavailable | problems.Throttled)
        assert ("www-authenticate" in reply.headers) is isinstance(problem, problems.KeyRequired)


def test_a_parameter_at_fault_is_named(doors: Doors) -> None:
    ada = Person(doors)

    async def fail(_call: Any) -> Answer:
        raise Unprocessable("header", "x-user-id", "a reason", "a_word")

    put(doors, fail)
    for line in ADMIN:
        said = refused(ada.ask(line), 422)
        assert said == [{"loc": ["header", "x-user-id"], "msg": "a reason", "type": "a_word"}]


@every
def test_W10_a_bug_is_told_to_the_log_alone(doors: Doors, line: Line) -> None:
    ada = Person(doors)

    async def bug(_call: Any) -> Answer:
        raise KeyError("canary")

    put(doors, bug)
    reply = ada.ask(line)
    assert refused(reply, 500) == "Internal Server Error"
    assert "canary" not in repr(reply)
    assert [type(error) for error in doors.failures] == [KeyError]
    doors.failures.clear()


@pytest.mark.parametrize("line", GUARDED, ids=name)
def test_W10_when_the_database_fails_the_answer_is_503_and_no_session_is_said_to_be_gone(
    doors: Doors, line: Line
) -> None:
    ada = Person(doors)
    doors.listen(store=Failing(doors.store, 1, problems.StoreDown))
    reply = ada.ask(line)
    refused(reply, 503)
    assert reply.headers["retry-after"] == "1"


@every
def test_what_http_refuses_has_the_one_form_too(doors: Doors, line: Line) -> None:
    ada = Person(doors)
    allowed = {route.method for route in ADMIN if route.path == line.path}
    for method in ("POST", "PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND"):
        reply = doors.admin(method, ada.target(line))
        assert refused(reply, 405) == "Method Not Allowed"
        assert set(reply.headers["allow"].split(", ")) == allowed | ({"HEAD"} if "GET" in allowed else set())


@pytest.mark.parametrize(
    "path",
    ["", "sessions", "sessions/", "sessions/user/", "sessions//x", "sessions/../sessions", "users/x", "openapi.json/"],
)
def test_W18_a_path_that_is_none_of_the_table_is_404(doors: Doors, path: str) -> None:
    reply = doors.admin("GET", f"/sessions-api/{path}")
    assert (reply.status, refused(reply, 404)) == (404, "Not Found")


def test_W11_what_is_hostile_in_a_target_is_refused_before_anything_is_looked_up(doors: Doors) -> None:
    for target in ("sessions/%00", "sessions/x%0a", "sessions/user/%0d", "sessions/x?a=%00"):
        refused(doors.admin("GET", f"/sessions-api/{target}"), 400)
    for text in ("a" * 7000, "%ff%fe", "{x}", "..%2f..", "%F0%9F%92%A9", "' or 1=1 --", "1" * 40):
        refused(doors.admin("GET", f"/sessions-api/sessions/{text}"), 404 if "%2f" in text else 422)


def test_W11_a_query_and_a_body_change_nothing(doors: Doors) -> None:
    ada = Person(doors)
    other = doors.person("bob")["id"]
    said = doors.admin("GET", f"/sessions-api/sessions/user/{ada.id}?user_id={other}&user_id=x&x-user-id={other}")
    assert [each["id"] for each in said.ok()] == [ada.session]
    body = b"[" * 200_000
    assert doors.admin("DELETE", f"/sessions-api/sessions/{ada.session}", body).status == 204


def test_W1_this_door_is_on_the_admin_port_only(doors: Doors) -> None:
    ada = Person(doors)
    for line in ADMIN:
        doors.public(line.method, ada.target(line), token=ada.token).refused(404)
    assert ada.alive()


# The document


def test_the_document_names_every_line_and_says_where_it_lies(doors: Doors) -> None:
    made = doors.admin("GET", "/sessions-api/openapi.json", key=None).ok()
    listed = {(method.upper(), path) for path, operations in made["paths"].items() for method in operations}
    assert listed == {(route.method, route.path.removeprefix("/sessions-api")) for route in ADMIN}
    assert made["servers"] == [{"url": "/sessions-api"}]


def test_what_is_answered_is_what_this_document_promises(doors: Doors) -> None:
    ada = Person(doors)
    schema = schemathesis.openapi.from_dict(doors.admin("GET", "/sessions-api/openapi.json", key=None).ok())

    async def answered(case: Any) -> httpx.Response:
        sent = case.as_transport_kwargs(base_url="http://127.0.0.1/sessions-api")
        headers = dict(sent["headers"]) | {"authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(doors._admin), trust_env=False) as client:
            request = client.build_request(sent["method"], sent["url"], headers=headers)
            return await asyncio.wait_for(client.send(request), 30)

    for result in schema.get_all_operations():

        @settings(
            max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )  # fmt: skip
        @given(case=result.ok().as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE))
        def run(case: Any) -> None:
            if case.path_parameters:
                case.path_parameters |= {"session_id": ada.session, "user_id": ada.id}
            case.validate_response(doors.run(answered(case)))

        run()


def test_the_shape_of_a_session_is_the_published_one(doors: Doors) -> None:
    shape = doors.admin("GET", "/sessions-api/openapi.json", key=None).ok()["components"]["schemas"]["SessionResponse"]
    assert shape["required"] == ["id", "type", "created_at", "updated_at", "is_expired", "valid_until"]
    assert set(shape["properties"]) - set(shape["required"]) == {
        "status", "device_id", "browser", "ip_address", "user_agent", "user_id", "flow_id",
    }  # fmt: skip
    assert shape["properties"]["type"]["enum"] == ["guest", "user"]
    assert shape["properties"]["status"]["enum"] == ["active", "blocked", "idle"]
    assert json.dumps(shape).count("null") == 0
