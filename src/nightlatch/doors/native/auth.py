"""Who is asking: an access key in Authorization."""

from starlette.requests import Request

from nightlatch.core.events.model import Act
from nightlatch.doors.http import access
from nightlatch.doors.http.parts import Shared


async def administrator(parts: Shared, request: Request, scope: str) -> Act:
    """The act of whoever presents an access key with `scope`. KeyRequired, ScopeMissing."""
    return await access.bearer(parts, request, access.authorization(request), scope)
