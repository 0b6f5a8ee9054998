"""The routes of this door. Each line names the scope that a key pair must have."""

from nightlatch.doors.http.openapi import Document, described
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Route
from nightlatch.doors.huawei import sessions, shapes

_Route = Route[Shared]
_SESSIONS = "/v1/identity-stores/{identity_store_id}/users/{user_id}/sessions"

_LINES = (
    _Route("POST", f"{_SESSIONS}/batch-delete", sessions.batch_delete_sessions, "sessions:end", shapes.BatchDeleteSessionsReqBody, shapes.BatchDeleteSessionsResponse, 200, (404,), (), "End sessions of a user"),
    _Route("GET", _SESSIONS, sessions.list_sessions, "sessions:read", None, shapes.ListSessionsResponse, 200, (404,), (), "List the sessions in force of a user"),
)  # fmt: skip

_DOCUMENT = Document(
    "nightlatch: the identity store",
    shapes.ErrorShown,
    "/v1/identity-stores/openapi.json",
    key={
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "SDK-HMAC-SHA256 by a key pair that has the scope of the operation.",
    },
)

ROUTES = described(_LINES, _DOCUMENT)
