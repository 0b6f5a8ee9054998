"""What in a request names a session. Nothing else of it leaves the application."""

import re
from collections.abc import Iterable

Headers = Iterable[tuple[bytes, bytes]]
Credentials = tuple[tuple[bytes, bytes], ...]

COOKIE = "ory_kratos_session"
_OF_A_SESSION = b"ory_st_"
_SENDABLE = re.compile(rb"[\x20-\x7e]+")


def credentials(headers: Headers, cookie: str) -> Credentials:
    """The headers to ask with, in the order in which they came; none for a request that names no session."""
    found = tuple((name, value.strip()) for name, value in _chosen(headers, cookie.encode()))
    return found if all(_SENDABLE.fullmatch(value) for _, value in found) else ()


def _chosen(headers: Headers, cookie: bytes) -> Iterable[tuple[bytes, bytes]]:
    for name, value in headers:
        match name.lower():
            case b"x-session-token" as lower if value:
                yield lower, value
            case b"authorization" as lower if _is_bearer(value):
                yield lower, value
            case b"cookie" as lower:
                crumbs = [crumb.strip() for crumb in value.split(b";")]
                # All of that name: of several, which counts is the server's to say.
                if mine := [crumb for crumb in crumbs if crumb.startswith(cookie + b"=")]:
                    yield lower, b"; ".join(mine)


def _is_bearer(value: bytes) -> bool:
    # An application has bearer tokens of its own, which the server must not be told.
    scheme, _, token = value.partition(b" ")
    return scheme.lower() == b"bearer" and token.startswith(_OF_A_SESSION)
