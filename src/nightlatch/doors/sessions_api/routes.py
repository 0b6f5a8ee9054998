"""The routes of this dialect, all on the admin port."""

from uuid import UUID

from nightlatch.doors.http.openapi import Document, described
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Parameter, Route
from nightlatch.doors.sessions_api import sessions, shapes

PREFIX = "/sessions-api"
_SESSION = Parameter("session_id", UUID, place="path")
_USER = Parameter("user_id", UUID, place="path")
_WHOSE = (Parameter("X-User-Id", UUID, place="header"), Parameter("X-Workspace-Id", int, place="header"))
_Route = Route[Shared]

_ADMIN_PORT = (
    _Route("GET", "/sessions-api/sessions/{session_id}", sessions.get_session, "sessions:read", None, shapes.SessionResponse, 200, (404, 422), (_SESSION,), "Get Sessions"),
    _Route("GET", "/sessions-api/sessions/user/{user_id}", sessions.get_user_sessions, "sessions:read", None, list[shapes.SessionResponse], 200, (404, 422), (_USER,), "Get User Sessions"),
    _Route("DELETE", "/sessions-api/sessions/{session_id}", sessions.delete_session, "sessions:end", None, None, 204, (404, 422), (_SESSION, *_WHOSE), "Delete Session"),
)  # fmt: skip

_ABOUT = Document(
    "nightlatch: the sessions API",
    shapes.Refused,
    f"{PREFIX}/openapi.json",
    errors={422: shapes.HTTPValidationError},
    prefix=PREFIX,
    tag="sessions",
)
ADMIN = described(_ADMIN_PORT, _ABOUT)
