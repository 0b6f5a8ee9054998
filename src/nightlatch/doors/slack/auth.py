"""Who is asking: the token is in Authorization, in a header of that name, or among the arguments."""

from starlette.requests import Request

from nightlatch.core.events.model import Act
from nightlatch.doors.http import access
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.slack.arguments import read
from nightlatch.doors.slack.errors import BodyRefused, SlackScopeMissing, TokenMissing
from nightlatch.problems import KeyRequired, ScopeMissing

SCOPES = {"sessions:read": "admin.users:read", "sessions:end": "admin.users:write"}


async def administrator(parts: Shared, request: Request, scope: str) -> Act:
    """The act of whoever presents an access key with `scope`. KeyRequired, ScopeMissing."""
    token = await _token(request)
    try:
        return await access.bearer(parts, request, token, scope)
    except KeyRequired:
        raise (KeyRequired if token else TokenMissing) from None
    except ScopeMissing:
        raise SlackScopeMissing(SCOPES[scope], await _provided(parts, request, token)) from None


async def _token(request: Request) -> str:
    authorization = request.headers.get("authorization", "")
    if authorization:
        scheme, _, rest = authorization.partition(" ")
        return rest if scheme.lower() == "bearer" else authorization
    if token := request.headers.get("token", ""):
        return token
    try:
        given = (await read(request)).get("token")
    except BodyRefused:
        return ""
    return given if isinstance(given, str) else ""


async def _provided(parts: Shared, request: Request, token: str) -> str:
    has = []
    for scope, name in SCOPES.items():
        try:
            await access.bearer(parts, request, token, scope)
        except ScopeMissing:
            continue
        has.append(name)
    return ",".join(has)
