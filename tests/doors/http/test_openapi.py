"""The document that a route table and its shapes make."""

import asyncio
import json
from typing import Any, NotRequired, TypedDict

import msgspec
from msgspec import UNSET, Raw, UnsetType

from nightlatch import __version__
from nightlatch.doors.http.openapi import Document, described, document, operation_id
from nightlatch.doors.http.routing import Answer, Call, Parameter, Route


class Part(msgspec.Struct):
    name: str


class Thing(msgspec.Struct):
    id: str
    free: Raw
    parts: list[Part]
    label: str | None = None
    part: Part | None = None
    both: str | int | None = None
    seen: str | UnsetType = UNSET


class NewThing(msgspec.Struct, forbid_unknown_fields=True):
    label: str | None = None


class Fault(TypedDict):
    message: str
    reason: NotRequired[str]


async def get_thing_by_serial_id(call: Call[None]) -> Answer:
    return Answer(200)


async def create_thing(call: Call[None]) -> Answer:
    return Answer(201)


async def delete_thing(call: Call[None]) -> Answer:
    return Answer(204)


async def my_things(call: Call[None]) -> Answer:
    return Answer(200)


async def text(call: Call[None]) -> Answer:
    return Answer(200)


PAGE = (Parameter("page", int), Parameter("ids", many=True, help="Only these."))
ROUTES = (
    Route[None](
        "GET", "/admin/things/{id}", get_thing_by_serial_id, "things:read", None, Thing, 200, (404,), PAGE, "A"
    ),
    Route[None]("GET", "/things/{id}", get_thing_by_serial_id, "things:read", None, Thing, 200, (404,), PAGE, "A"),
    Route[None]("POST", "/things", create_thing, None, NewThing, Thing, 201, (409,), (), "Make", Thing),
    Route[None]("DELETE", "/things/{name:path}", delete_thing, status=204),
    Route[None]("GET", "/mine", my_things, None, None, list[Thing], 200, (401,)),
    Route[None]("GET", "/text", text, gives=str),
    Route[None]("GET", "/elsewhere", delete_thing, status=307),
)
ABOUT = Document("Things", Fault)
MADE = document(ROUTES, ABOUT)
ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Fault"}}}


def operation(method: str, path: str) -> dict[str, Any]:
    return dict(MADE["paths"][path][method])


def test_the_document_says_what_it_is() -> None:
    assert (MADE["openapi"], MADE["info"]) == ("3.0.3", {"title": "Things", "version": __version__})


def test_every_line_is_there_in_its_order_and_no_other() -> None:
    listed = [(m, p) for p, operations in MADE["paths"].items() for m in operations]
    assert listed == [(r.method.lower(), r.path.replace(":path", "")) for r in ROUTES]


def test_an_operation_has_the_name_of_its_function_and_has_it_once() -> None:
    assert operation_id(ROUTES[0]) == "getThingBySerialID"
    assert operation("get", "/admin/things/{id}")["operationId"] == "getThingBySerialID"
    assert "operationId" not in operation("get", "/things/{id}")
    assert "operationId" not in operation("get", "/elsewhere")


def test_parameters_are_those_of_the_path_and_of_the_query() -> None:
    text_schema = {"type": "string"}
    assert operation("get", "/things/{id}")["parameters"] == [
        {"name": "id", "in": "path", "required": True, "schema": text_schema},
        {"name": "page", "in": "query", "schema": {"type": "integer"}},
        {"name": "ids", "in": "query", "description": "Only these.", "schema": {"type": "array", "items": text_schema}},
    ]
    assert [p["name"] for p in operation("delete", "/things/{name}")["parameters"]] == ["name"]


def test_what_is_guarded_says_by_what() -> None:
    assert operation("get", "/things/{id}")["security"] == [{"accessKey": []}]
    assert operation("get", "/things/{id}")["description"] == "Needs an access key with the scope things:read."
    assert operation("get", "/mine")["security"] == [{"sessionToken": []}]
    assert "security" not in operation("get", "/text")
    schemes = MADE["components"]["securitySchemes"]
    assert (schemes["accessKey"]["type"], schemes["accessKey"]["scheme"]) == ("http", "bearer")
    assert schemes["sessionToken"]["name"] == "X-Session-Token"


def test_bodies_and_answers_are_shapes_and_refusals_are_the_one_error() -> None:
    make = operation("post", "/things")
    new = {"application/json": {"schema": {"$ref": "#/components/schemas/NewThing"}}}
    assert make["requestBody"] == {"required": True, "content": new}
    answers = make["responses"]
    thing = {"$ref": "#/components/schemas/Thing"}
    assert answers["201"]["content"] == {"application/json": {"schema": thing}}
    assert set(answers) == {"201", "400", "409", "413", "415", "default"}
    again = {"anyOf": [thing, {"$ref": "#/components/schemas/Fault"}]}
    assert answers["400"]["content"] == {"application/json": {"schema": again}}
    assert {status: answers[status]["content"] for status in ("409", "413", "default")} == dict.fromkeys(("409", "413", "default"), ERROR)  # fmt: skip
    assert set(operation("get", "/things/{id}")["responses"]) == {"200", "401", "403", "404", "default"}
    assert "content" not in operation("delete", "/things/{name}")["responses"]["204"]
    assert operation("get", "/text")["responses"]["200"]["content"] == {"text/plain": {"schema": {"type": "string"}}}


def test_shapes_are_said_in_the_words_of_3_0() -> None:
    schemas = MADE["components"]["schemas"]
    assert schemas["Thing"]["required"] == ["id", "free", "parts"]
    told = schemas["Thing"]["properties"]
    assert told["free"] == {}
    assert told["label"] == {"type": "string", "nullable": True}
    assert told["part"] == {"allOf": [{"$ref": "#/components/schemas/Part"}], "nullable": True}
    assert told["both"] == {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True}
    assert told["seen"] == {"type": "string"}
    assert told["parts"] == {"type": "array", "items": {"$ref": "#/components/schemas/Part"}}
    assert "required" not in schemas["NewThing"]
    assert schemas["NewThing"]["additionalProperties"] is False
    assert schemas["Fault"]["required"] == ["message"]
    assert '"null"' not in json.dumps(MADE)


def test_a_described_table_has_one_line_more_which_answers_with_the_document_of_them_all() -> None:
    routes = described(ROUTES, ABOUT)
    assert routes[:-1] == ROUTES
    own = routes[-1]
    assert (own.method, own.path, own.scope) == ("GET", "/openapi.json", None)
    answers = [asyncio.run(own.endpoint(None)) for _ in range(2)]  # type: ignore[arg-type]
    assert json.loads(answers[0].body) == document(routes, ABOUT)
    assert "/openapi.json" in json.loads(answers[0].body)["paths"]
    assert answers[0].body is answers[1].body


def test_a_document_of_today_says_null_as_a_type_and_errors_with_their_own_media_type() -> None:
    made = document(ROUTES, Document("Things", Fault, "/v9/openapi.json", "3.1.0", "application/problem+json"))
    assert made["openapi"] == "3.1.0"
    assert '"nullable"' not in json.dumps(made)
    assert '{"type": "null"}' in json.dumps(made)
    answers = [a for path in made["paths"].values() for o in path.values() for a in o["responses"].values()]
    assert {media for answer in answers for media in answer.get("content", {})} > {"application/problem+json"}


def test_a_document_of_a_prefix_tells_it_to_clients_as_their_host_and_names_their_class() -> None:
    class Invalid(msgspec.Struct):
        detail: list[str]

    asked = (Parameter("X-User-Id", place="header"),)
    routes = (Route[None]("DELETE", "/things-api/things/{id}", delete_thing, "things:end", None, None, 204, (404, 422), asked),)  # fmt: skip
    about = ABOUT._replace(path="/things-api/openapi.json", prefix="/things-api", tag="things", errors={422: Invalid})
    made = document(described(routes, about), about)
    assert made["servers"] == [{"url": "/things-api"}]
    assert set(made["paths"]) == {"/things/{id}", "/openapi.json"}
    operation = made["paths"]["/things/{id}"]["delete"]
    assert operation["tags"] == ["things"]
    assert operation["parameters"][1] == {"name": "X-User-Id", "in": "header", "schema": {"type": "string"}}
    assert operation["responses"]["422"]["content"]["application/json"]["schema"]["$ref"].endswith("/Invalid")
    assert operation["responses"]["404"]["content"] == ERROR
    assert "tags" not in made["paths"]["/openapi.json"]["get"]
