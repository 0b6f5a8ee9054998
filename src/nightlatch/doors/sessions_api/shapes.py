"""What this dialect sends: sessions, and its two forms of refusal.

Optional members are left out where there is nothing to say. `browser` and `flow_id` never are there.
"""

from datetime import datetime
from typing import Annotated, Literal, TypedDict
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from nightlatch.core.sessions.model import Standing
from nightlatch.kernel.clock import moment
from nightlatch.kernel.ids import id_text

Moment = Annotated[datetime, Meta(tz=True)]
encode = msgspec.json.Encoder().encode


class SessionResponse(msgspec.Struct):
    id: UUID
    type: Literal["user", "guest"]
    created_at: Moment
    updated_at: Moment
    is_expired: bool
    valid_until: Moment
    status: Literal["active", "idle", "blocked"] | UnsetType = UNSET
    device_id: str | UnsetType = UNSET
    browser: str | UnsetType = UNSET
    ip_address: str | UnsetType = UNSET
    user_agent: str | UnsetType = UNSET
    user_id: UUID | UnsetType = UNSET
    flow_id: UUID | UnsetType = UNSET


class ValidationError(TypedDict):
    """What is wrong with one parameter: where it is, a sentence, and a word for programs."""

    loc: list[str | int]
    msg: str
    type: str


class HTTPValidationError(TypedDict):
    detail: list[ValidationError]


class Refused(TypedDict):
    """Every refusal but those of 422."""

    detail: str


def session(standing: Standing, *, active: bool) -> SessionResponse:
    s, device = standing.session, standing.session.device
    return SessionResponse(
        id=UUID(bytes=s.id),
        type="user",
        created_at=moment(s.created_at),
        updated_at=moment(max(s.issued_at, s.last_seen, s.ended_at or 0)),
        is_expired=not active,
        valid_until=moment(s.expires_at),
        # Clients know three statuses, none of which is true of a session that is over.
        status="active" if active else UNSET,
        device_id=id_text(s.device_id),
        ip_address=device.ip or UNSET,
        user_agent=device.user_agent or UNSET,
        user_id=UUID(bytes=s.identity_id),
    )
