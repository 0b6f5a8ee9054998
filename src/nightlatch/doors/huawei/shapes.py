"""What this dialect is sent and sends. Times are milliseconds since 1970; what is not known is left out."""

import msgspec

from nightlatch.core.sessions.model import Standing
from nightlatch.kernel.ids import id_text


class BatchDeleteSessionsReqBody(msgspec.Struct):
    session_ids: list[str]


class BatchDeleteSessionsResponse(msgspec.Struct):
    pass


class UserSession(msgspec.Struct, omit_defaults=True):
    session_id: str
    user_id: str
    creation_time: int
    session_not_valid_after: int
    ip_address: str | None = None
    user_agent: str | None = None


class ListSessionsResponse(msgspec.Struct):
    session_list: list[UserSession]


class ErrorShown(msgspec.Struct, omit_defaults=True):
    error_code: str
    error_msg: str
    request_id: str
    encoded_authorization_message: str | None = None


def session(standing: Standing) -> UserSession:
    s = standing.session
    return UserSession(
        session_id=id_text(s.id),
        user_id=id_text(s.identity_id),
        creation_time=s.created_at // 1000,
        session_not_valid_after=s.expires_at // 1000,
        ip_address=s.device.ip,
        user_agent=s.device.user_agent,
    )
