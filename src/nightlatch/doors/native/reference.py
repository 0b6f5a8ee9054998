"""A page to read the APIs of this port, and to try them. Nothing on it is secret: the documents that it shows need no
key either, and what is tried needs the key of whoever tries it."""

from functools import cache
from pathlib import Path

from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Answer, Call, Endpoint, Route

_FOLDER = Path(__file__).parent / "page"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (("content-security-policy", _POLICY), ("cross-origin-opener-policy", "same-origin"))


def _file(name: str, kind: str) -> Endpoint[Shared]:
    read = cache((_FOLDER / name).read_bytes)

    async def get_file(_call: Call[Shared]) -> Answer:
        return Answer(200, read(), _HEADERS, f"{kind}; charset=utf-8")

    return get_file


REFERENCE = tuple(
    Route[Shared]("GET", path, _file(name, kind))
    for path, name, kind in (
        ("/v1/docs", "page.html", "text/html"),
        ("/v1/docs/page.css", "page.css", "text/css"),
        ("/v1/docs/page.js", "page.js", "text/javascript"),
    )
)
