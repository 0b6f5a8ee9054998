"""The routes of this dialect: one a method of its API. Scopes in its own words: auth.py."""

from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Route
from nightlatch.doors.slack import sessions, settings, shapes
from nightlatch.doors.slack.document import described

_FAMILY = "/api/admin.users.session."
_Route = Route[Shared]
_DONE = shapes.DefaultSuccessTemplate

ADMIN = described(
    _Route("POST", _FAMILY + "invalidate", sessions.invalidate, "sessions:end", shapes.InvalidateArguments, _DONE, summary="Invalidate a single session for a user by session_id"),
    _Route("POST", _FAMILY + "reset", sessions.reset, "sessions:end", shapes.ResetArguments, _DONE, summary="Wipes all valid sessions on all devices for a given user"),
    _Route("POST", _FAMILY + "resetBulk", sessions.reset_bulk, "sessions:end", shapes.ResetBulkArguments, _DONE, summary="Wipes all valid sessions on all devices for a given list of users"),
    _Route("POST", _FAMILY + "list", sessions.list_sessions, "sessions:read", shapes.ListArguments, shapes.ListAnswer, summary="Lists active sessions of the organization, or of one user"),
    _Route("POST", _FAMILY + "getSettings", settings.get_settings, "sessions:read", shapes.UsersArguments, shapes.SettingsAnswer, summary="Get the session settings of a list of users"),
    _Route("POST", _FAMILY + "setSettings", settings.set_settings, "sessions:end", shapes.SetSettingsArguments, _DONE, summary="Set how long the sessions of a list of users live, and what ends them"),
    _Route("POST", _FAMILY + "clearSettings", settings.clear, "sessions:end", shapes.UsersArguments, _DONE, summary="Clear the session settings of a list of users"),
)  # fmt: skip
