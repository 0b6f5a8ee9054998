"""What this dialect is sent: ids in paths and headers. What cannot be read is 422, before anything is looked up."""

import re

from starlette.requests import Request

from nightlatch.doors.sessions_api.errors import Unprocessable
from nightlatch.kernel.ids import parse_id

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


def path_id(request: Request, name: str) -> bytes:
    """The id in the path. Unprocessable."""
    return _id(request.path_params[name], "path", name)


def user(request: Request) -> bytes | None:
    """Whose the session must be: X-User-Id. Unprocessable."""
    text = _header(request, "x-user-id")
    return None if text is None else _id(text, "header", "x-user-id")


def workspace(request: Request) -> str | None:
    """X-Workspace-Id, an integer in its one spelling. Unprocessable."""
    text = _header(request, "x-workspace-id")
    if text is None:
        return None
    if not _INTEGER.fullmatch(text):
        raise Unprocessable("header", "x-workspace-id", "Input should be a valid integer", "int_parsing")
    return str(int(text))


def _header(request: Request, name: str) -> str | None:
    values = request.headers.getlist(name)
    if len(values) > 1:  # a proxy may have judged another of them than we would
        raise Unprocessable("header", name, "Input should be given once", "repeated")
    return values[0] if values else None


def _id(text: str, place: str, name: str) -> bytes:
    found = parse_id(text)
    if found is None:
        raise Unprocessable(place, name, "Input should be a valid UUID", "uuid_parsing")
    return found
