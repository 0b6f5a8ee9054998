"""The OpenAPI document of a door, made from its route table and the shapes that the table names.

Every generator of clients reads version 3.0.3. msgspec writes the JSON Schema of today, which is that of 3.1; what 3.0
says in other words (null, empty lists of what is required) is said again in those.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

import msgspec

from nightlatch import __version__
from nightlatch.doors.http.routing import Answer, Call, Parameter, Route

D = TypeVar("D")
PATH = "/openapi.json"
_Object = dict[str, Any]
_TEXTS = {str: "text/plain", bytes: "text/html"}  # what a line gives that is no JSON

_IN_PATH = re.compile(r"\{(\w+)(?::path)?\}")
_KEY, _SESSION = "accessKey", "sessionToken"
_SECURITY = {
    _KEY: {"type": "http", "scheme": "bearer", "description": "An access key that has the scope of the operation."},
    _SESSION: {"type": "apiKey", "in": "header", "name": "X-Session-Token", "description": "The token of a session."},
}


class Document(NamedTuple):
    """What a document says of its door as a whole: `error` is the shape of every refusal but `others` (by status; of
    a second good answer, too), `refusal` its media type, `key` the security scheme of an access key. For who generates
    a client: the `prefix` that its host ends with, and the `tag` that names the class of the guarded operations."""

    title: str
    error: Any
    path: str = PATH
    version: str = "3.0.3"
    refusal: str = "application/json"
    others: Mapping[int, Any] = {}
    prefix: str = ""
    tag: str = ""
    key: Mapping[str, str] = _SECURITY[_KEY]


def described(routes: Sequence[Route[D]], about: Document) -> tuple[Route[D], ...]:
    """`routes`, and one more that answers with the document of them all."""
    own = document_route(about.path, lambda: document([*routes, own], about))
    return (*routes, own)


def document_route(path: str, make: Callable[[], _Object]) -> Route[Any]:
    """The route of a document, which is made when it is first asked for."""

    @cache
    def encoded() -> bytes:
        return msgspec.json.encode(make())

    async def get_document(_call: Call[Any]) -> Answer:
        return Answer(200, encoded())

    return Route("GET", path, get_document, gives=_Object, summary="This document")


def document(routes: Sequence[Route[Any]], about: Document) -> _Object:
    """The OpenAPI document of `routes`, in their order."""
    schemas, components = _schemas(routes, about)
    paths: dict[str, _Object] = {}
    named: set[str] = set()
    for route in routes:
        operation = _operation(route, schemas, about)
        # Second spellings of an operation, and ways to another port, are paths without a name of their own.
        name = operation_id(route)
        if name not in named and route.status < HTTPStatus.MULTIPLE_CHOICES:
            named.add(name)
            operation = {"operationId": name, **operation}
        path = _IN_PATH.sub(r"{\1}", route.path.removeprefix(about.prefix))
        paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": about.version,
        "info": {"title": about.title, "version": __version__},
        **({"servers": [{"url": about.prefix}]} if about.prefix else {}),
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {**_SECURITY, _KEY: about.key}},
    }


def operation_id(route: Route[Any]) -> str:
    """The name of its function, as clients spell it: get_identity_by_external_id is getIdentityByExternalID."""
    first, *rest = route.endpoint.__name__.split("_")
    return first + "".join("ID" if word == "id" else word.capitalize() for word in rest)


def _operation(route: Route[Any], schemas: dict[Any, _Object], about: Document) -> _Object:
    operation: _Object = {"summary": route.summary}
    if route.scope is not None:
        operation |= {"tags": [about.tag]} if about.tag else {}
        operation["description"] = f"Needs an access key with the scope {route.scope}."
    declared = {parameter.name: parameter for parameter in route.query}
    in_path = {name: declared.pop(name, Parameter(name, place="path")) for name in _IN_PATH.findall(route.path)}
    if parameters := [*in_path.values(), *declared.values()]:
        operation["parameters"] = [_parameter(parameter, schemas) for parameter in parameters]
    if route.takes is not None:
        operation["requestBody"] = {"required": True, "content": _json(schemas[route.takes])}
    operation["responses"] = _responses(route, schemas, about)
    guards = _guards(route)
    return {**operation, "security": guards} if guards else operation


def _guards(route: Route[Any]) -> list[dict[str, list[str]]]:
    if route.scope is not None:
        return [{_KEY: []}]
    return [{_SESSION: []}] if HTTPStatus.UNAUTHORIZED in route.refuses else []


def _responses(route: Route[Any], schemas: dict[Any, _Object], about: Document) -> _Object:
    statuses = sorted({*route.refuses, *_statuses_of_kind(route)})
    refused = {"content": {about.refusal: {"schema": schemas[about.error]}}}
    others = {status: {"content": _json(schemas[shape])} for status, shape in about.others.items()}
    bodies = {s: others.get(s, refused) for s in statuses if s >= HTTPStatus.BAD_REQUEST or s in others}
    answers = {str(status): {"description": _phrase(status), **bodies.get(status, {})} for status in statuses}
    if route.again is not None:
        content = _json({"anyOf": [schemas[route.again], schemas[about.error]]})
        answers["400"] = {"description": "The same again, with what was wrong", "content": content}
    good: _Object = {"description": _phrase(route.status)}
    if route.gives in _TEXTS:
        good["content"] = {_TEXTS[route.gives]: {"schema": {"type": "string"}}}
    elif route.gives is not None:
        good["content"] = _json(schemas[route.gives])
    more = {str(s): {**good, "description": _phrase(s)} for s in statuses if s == HTTPStatus.CREATED}
    return {str(route.status): good, **answers, **more, "default": {"description": "Any other refusal", **refused}}


def _statuses_of_kind(route: Route[Any]) -> Iterable[int]:
    """Refusals that follow from what a route is, and not from what it does."""
    if route.scope is not None:
        yield from (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    if route.takes is not None:
        yield from (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


def _parameter(parameter: Parameter, schemas: dict[Any, _Object]) -> _Object:
    one = schemas[parameter.kind]
    schema = {"type": "array", "items": one} if parameter.many else one
    said: _Object = {"description": parameter.help} if parameter.help else {}
    if parameter.place == "path":
        said["required"] = True
    return {"name": parameter.name, "in": parameter.place, **said, "schema": schema}


def _schemas(routes: Sequence[Route[Any]], about: Document) -> tuple[dict[Any, _Object], _Object]:
    """The schema of every shape that the routes name, and the components that these refer to."""
    kinds = {kind: None for route in routes for kind in (route.takes, route.gives, route.again) if kind is not None}
    kinds |= {parameter.kind: None for route in routes for parameter in route.query} | {str: None}
    kinds |= dict.fromkeys([about.error, *about.others.values()])
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    said = in_3_0 if about.version < "3.1" else lambda schema: schema
    return dict(zip(kinds, map(said, schemas), strict=True)), said(components)


def in_3_0(schema: Any) -> Any:
    """`schema` with what 3.0 says in other words than JSON Schema."""
    if isinstance(schema, list):
        return [in_3_0(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    said = {k: in_3_0(v) for k, v in schema.items() if (k, v) not in (("default", None), ("required", []))}
    options = said.get("anyOf", [])
    if {"type": "null"} in options:
        del said["anyOf"]
        left = [option for option in options if option != {"type": "null"}]
        said |= {"anyOf": left} if len(left) > 1 else {"allOf": left} if "$ref" in left[0] else left[0]
        said["nullable"] = True
    return said


def _json(schema: _Object) -> _Object:
    return {"application/json": {"schema": schema}}


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase
