"""Conditional requests (RFC 9110, section 13): the tag of a resource is a hash of how it is shown, so it is strong."""

from hashlib import sha256

from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call, Parameter
from nightlatch.problems import VersionMismatch

IF_MATCH = Parameter("If-Match", help="The ETag of what is to be changed: 412 if it is another now.", place="header")
IF_NONE_MATCH = Parameter("If-None-Match", help="With *: 412 if there is one.", place="header")


def tagged(body: bytes, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An answer that shows one resource, with its tag."""
    return Answer(status, body, (*headers, ("etag", _tag(body))))


def check(call: Call[Shared], body: bytes | None) -> None:
    """VersionMismatch unless the request means what is shown by `body`, where it says which it means. None: there is
    nothing yet."""
    match, none_match = (call.request.headers.get(name) for name in ("if-match", "if-none-match"))
    if match is not None and not _among(match, body):
        raise VersionMismatch("It is not, or no longer, what If-Match names.")
    if none_match is not None and _among(none_match, body):
        raise VersionMismatch("It is there already, as If-None-Match names it.")


def _among(tags: str, body: bytes | None) -> bool:
    # A weak tag is no tag of ours and matches nothing.
    return body is not None and (tags.strip() == "*" or _tag(body) in {each.strip() for each in tags.split(",")})


def _tag(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()[:32]}"'
