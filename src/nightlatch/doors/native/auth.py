"""Who asks in this dialect, and in which words: a parameter that nobody knows might have said whose sessions end."""

from collections import Counter

from starlette.requests import Request

from nightlatch.core.events.model import Act
from nightlatch.doors.http.access import administrator
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.native.routes import ADMIN
from nightlatch.problems import FieldInvalid

_KNOWN = {(route.method, route.path): {each.name for each in route.query if each.place == "query"} for route in ADMIN}


async def asking(parts: Shared, request: Request, scope: str) -> Act:
    """The act of an administrator. FieldInvalid for a parameter that is unknown or comes twice; KeyRequired,
    ScopeMissing."""
    act = await administrator(parts, request, scope)
    method = "GET" if request.method == "HEAD" else request.method
    known = _KNOWN[method, request.scope["route_path"]]
    for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known:
            raise FieldInvalid(
                name[:64], f"There is no such parameter. There are {', '.join(sorted(known)) or 'none'}."
            )
        if times > 1:
            raise FieldInvalid(name, "It is given more than once.")
    return act
