"""The arguments and the answers of this dialect's methods."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from nightlatch.core.sessions.model import Standing
from nightlatch.doors.http.refusal import Headers
from nightlatch.doors.http.routing import Answer

MOST = 1000
SHORTEST, LONGEST = 28_800, 315_569_520  # seconds: eight hours, and ten years

UserIds = Annotated[
    list[str], Meta(min_length=1, max_length=MOST, description=f"IDs of up to {MOST} users, separated by commas")
]


class Arguments(msgspec.Struct):
    """What a method is asked. Members that are not known are ignored."""


class InvalidateArguments(Arguments):
    session_id: Annotated[int, Meta(ge=1, le=2**53 - 1)]  # what JavaScript keeps exact
    team_id: Annotated[str, Meta(description="ID of the team that the session belongs to")] | None = None
    user_id: Annotated[str, Meta(description="The ID of the user that the session belongs to")] | None = None


class DeviceArguments(Arguments):
    mobile_only: Annotated[bool, Meta(description="Only expire mobile sessions (default: false)")] | None = None
    web_only: Annotated[bool, Meta(description="Only expire web sessions (default: false)")] | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of device whose sessions end; none said means all."""
        return ("mobile",) * bool(self.mobile_only) + ("web",) * bool(self.web_only)


class ResetArguments(DeviceArguments, kw_only=True):
    user_id: Annotated[str, Meta(description="The ID of the user to wipe sessions for")]


class ResetBulkArguments(DeviceArguments, kw_only=True):
    user_ids: UserIds


class ListArguments(Arguments):
    cursor: Annotated[str, Meta(description="The next_cursor of the page before")] | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST)] = MOST
    team_id: Annotated[str, Meta(description="The ID of the team, together with user_id")] | None = None
    user_id: Annotated[str, Meta(description="The ID of the user, together with team_id")] | None = None


class UsersArguments(Arguments):
    user_ids: UserIds


class SetSettingsArguments(UsersArguments, kw_only=True):
    desktop_app_browser_quit: (
        Annotated[bool, Meta(description="End the session when the app or browser is closed")] | None
    ) = None
    duration: Annotated[int, Meta(ge=SHORTEST, le=LONGEST, description="The session duration, in seconds")] | None = (
        None
    )


class DefaultSuccessTemplate(msgspec.Struct):
    ok: bool = True


class DefaultErrorTemplate(msgspec.Struct, omit_defaults=True):
    """`needed` and `provided` are scopes; `failed_user_ids` says why, by user."""

    ok: bool
    error: str
    needed: str | None = None
    provided: str | None = None
    failed_user_ids: dict[str, str] | None = None
    response_metadata: dict[str, list[str]] | None = None


class Software(msgspec.Struct, omit_defaults=True):
    """Where a session was made from. The user agent is given whole, as the version of the client."""

    device_hardware: str
    slack_client_version: str | None
    ip: str | None


class ActiveSession(msgspec.Struct):
    user_id: str
    team_id: str
    session_id: int
    created: Software


class Cursor(msgspec.Struct):
    next_cursor: str = ""


class ListAnswer(msgspec.Struct, kw_only=True):
    ok: bool = True
    active_sessions: list[ActiveSession]
    response_metadata: Cursor


class SettingsShown(msgspec.Struct):
    user_id: str
    desktop_app_browser_quit: bool
    duration: int


class SettingsAnswer(msgspec.Struct, kw_only=True):
    ok: bool = True
    session_settings: list[SettingsShown]
    no_settings_applied: list[str]


def answered(body: Any, status: int = 200, headers: Headers = ()) -> Answer:
    return Answer(status, msgspec.json.encode(body), headers)


def done() -> Answer:
    return answered(DefaultSuccessTemplate())


def active_session(standing: Standing, user_id: str, team_id: str) -> ActiveSession:
    device = standing.session.device
    created = Software(device.kind, device.user_agent, device.ip)
    return ActiveSession(user_id, team_id, standing.session.number, created)
