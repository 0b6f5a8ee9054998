"""The OpenAPI document of this door, made from its route table in the shape that Slack's own has.

Bodies are forms, the token is a header, and there is one answer for whatever went wrong.
"""

from typing import Any

import msgspec

from nightlatch import __version__
from nightlatch.doors.http.openapi import document_route, in_3_0
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Route
from nightlatch.doors.slack.auth import SCOPES
from nightlatch.doors.slack.shapes import DefaultErrorTemplate

PATH = "/api/openapi.json"
_TAG = "admin.users.session"
_Object = dict[str, Any]


def described(*routes: Route[Shared]) -> tuple[Route[Shared], ...]:
    """`routes`, and one more that answers with the document of them."""
    return (*routes, document_route(PATH, lambda: document(routes)))


def document(routes: tuple[Route[Shared], ...]) -> _Object:
    kinds = {kind for route in routes for kind in (route.takes, route.gives)} | {DefaultErrorTemplate}
    ordered = sorted(kinds, key=lambda kind: kind.__name__)
    schemas, components = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    of_kind = dict(zip(ordered, schemas, strict=True))
    for kind in {route.gives for route in routes} | {DefaultErrorTemplate}:
        _open(components[kind.__name__])
    flow = {"authorizationUrl": "/", "tokenUrl": "/", "scopes": {name: scope for scope, name in SCOPES.items()}}
    oauth = {"type": "oauth2", "flows": {"authorizationCode": flow}}
    made: _Object = in_3_0(
        {
            "openapi": "3.0.3",
            "info": {"title": "nightlatch, Slack's administration of sessions", "version": __version__},
            "servers": [{"url": "/api"}],
            "tags": [{"name": _TAG}],
            "paths": {route.path.removeprefix("/api"): {"post": _operation(route, of_kind)} for route in routes},
            "components": {"schemas": components, "securitySchemes": {"slackAuth": oauth}},
        }
    )
    return made


def _operation(route: Route[Shared], schemas: dict[Any, _Object]) -> _Object:
    scope = SCOPES[route.scope or ""]
    token = {
        "name": "token",
        "in": "header",
        "required": True,
        "description": f"Authentication token. Requires scope: `{scope}`",
        "schema": {"type": "string"},
    }
    return {
        "operationId": route.path.removeprefix("/api/").replace(".", "_"),
        "tags": [_TAG],
        "description": route.summary,
        "parameters": [token],
        "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": schemas[route.takes]}}},
        "responses": {
            "200": _answer("Typical success response", schemas[route.gives]),
            "default": _answer("Typical error response", schemas[DefaultErrorTemplate]),
        },
        "security": [{"slackAuth": [scope]}],
    }


def _open(answer: _Object) -> None:
    """Success and failure have one status: of either, a client reads `ok` and finds what else there is."""
    answer |= {"required": ["ok"], "additionalProperties": True}
    answer["properties"]["ok"] = {"type": "boolean"}


def _answer(description: str, schema: _Object) -> _Object:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
