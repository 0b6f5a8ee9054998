"""Pages by token: `limit`, `cursor`, and `next_cursor` in the answer while there is more."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Call, Parameter
from nightlatch.problems import FieldInvalid, PageTokenInvalid

R = TypeVar("R")
PARAMETERS = (Parameter("limit", int), Parameter("cursor"))
_DEFAULT, _MOST = 100, 500


class Page(NamedTuple):
    """Rows after the place `after`, which is an id unless the list says otherwise. Ask for `size` + 1 of them: one
    more says that there is a next page."""

    kind: str
    after: bytes | None
    size: int


def asked(call: Call[Shared], kind: str, width: int = 16) -> Page:
    """The page that the request asks for of the list `kind`, whose places are `width` bytes. FieldInvalid,
    PageTokenInvalid."""
    text = call.query("limit") or str(_DEFAULT)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise FieldInvalid("limit", "A limit is a whole number from 1 to 500.")
    size, token = min(int(text), _MOST), call.query("cursor")
    if not token:
        return Page(kind, None, size)
    opened = call.door.page_keys.unseal(token, tuple[str, bytes])
    if opened is None or opened[0] != kind or len(opened[1]) != width:
        raise PageTokenInvalid
    return Page(kind, opened[1], size)


def cut(call: Call[Shared], page: Page, rows: Sequence[tuple[bytes, R]]) -> tuple[list[R], str | None]:
    """The rows of the page, of rows with their places, and the token of the next page."""
    more = len(rows) > page.size
    token = call.door.page_keys.seal((page.kind, rows[page.size - 1][0])) if more else None
    return [row for _, row in rows[: page.size]], token
