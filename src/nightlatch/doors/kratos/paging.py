"""Pages: by number from 1, or by tokens that only we can make; and the Link header of both."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from nightlatch.doors.http.refusal import Headers, Refusal
from nightlatch.doors.http.routing import Call
from nightlatch.doors.kratos.errors import Malformed
from nightlatch.doors.kratos.parts import Parts
from nightlatch.problems import Invalid, PageTokenInvalid

T = TypeVar("T")
R = TypeVar("R")
DEFAULT_SIZE = 250
DEEPEST = 100_000  # rows that a numbered page may skip: a database reads what it skips
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_PAGING = {"page", "per_page", "page_size", "page_token"}


class Page(msgspec.Struct, frozen=True):
    """`number` is None where pages go by token; `token` is None on the first."""

    size: int
    number: int | None
    token: str | None

    @property
    def skip(self) -> int:
        return 0 if self.number is None else (self.number - 1) * self.size


def asked(call: Call[Parts], most: int, *, numbered: bool | None = None) -> Page:
    """The page that the request asks for. `numbered` False: by token only; True: by number unless a token parameter is
    given; None: by number only when `page` is given. Invalid for a size that is no number (but with True, where the
    peer takes its default), Refusal for a page too deep."""
    size, token, page = call.query("page_size"), call.query("page_token"), call.query("page")
    by_token = size is not None or token is not None
    by_number = numbered is not False and not by_token and (page is not None or numbered is True)
    if not by_number:
        if size is None and numbered is None:
            size = call.query("per_page")
        return Page(_size(size, most, numbered), None, token or None)
    number = max(1, _lenient(page, 1))
    per_page = min(max(1, _lenient(call.query("per_page"), DEFAULT_SIZE)), most)
    if (number - 1) * per_page > DEEPEST:
        raise Refusal(400, f"Pages beyond {DEEPEST} items are reached by page_token and page_size.")
    return Page(per_page, number, None)


def read_token(call: Call[Parts], page: Page, kind: str, position: type[T]) -> T | None:
    """Where the page begins: after this position. PageTokenInvalid for anything but a token of ours for this list."""
    if page.token is None:
        return None
    opened: tuple[str, T] | None = call.door.page_keys.unseal(page.token, tuple[str, position])  # type: ignore[valid-type]
    if opened is None or opened[0] != kind:
        raise PageTokenInvalid
    return opened[1]


def token_link(call: Call[Parts], page: Page, kind: str, rows: Sequence[R], position: Callable[[R], object]) -> Headers:
    """The Link header of a list by token. `rows` may hold one more than the page, which says that there is a next: it
    begins after the `position` of this page's last row."""
    links = [_link(call, "first", page_size=page.size)]
    if len(rows) > page.size:
        token = call.door.page_keys.seal((kind, position(rows[page.size - 1])))
        links.append(_link(call, "next", page_size=page.size, page_token=token))
    return (("link", ",".join(links)),)


def number_link(call: Call[Parts], page: Page, total: int) -> Headers:
    """Link and X-Total-Count of a list by number."""
    assert page.number is not None
    last = max(1, -(-total // page.size))
    wanted = [("first", 1)]
    if page.number < last:
        wanted.append(("next", page.number + 1))
    if page.number > 1:
        wanted.append(("prev", min(page.number - 1, last)))
    wanted.append(("last", last))
    links = [_link(call, rel, page=number, per_page=page.size) for rel, number in wanted]
    return (("link", ",".join(links)), ("x-total-count", str(total)))


def _link(call: Call[Parts], rel: str, **paging: object) -> str:
    kept = [(k, v) for k, v in call.request.query_params.multi_items() if k not in _PAGING]
    query = urlencode(sorted([*kept, *((k, str(v)) for k, v in paging.items())]))
    return f'<{call.target.partition("?")[0]}?{query}>; rel="{rel}"'


def _size(text: str | None, most: int, numbered: bool | None) -> int:
    if not text:
        return DEFAULT_SIZE
    if not _INTEGER.fullmatch(text):
        if numbered is None:
            raise Invalid(f'strconv.Atoi: parsing "{text}": invalid syntax')
        if not numbered:
            raise Malformed("could not parse parameter page_size")
        return DEFAULT_SIZE
    return min(int(text), most) if int(text) > 0 else DEFAULT_SIZE


def _lenient(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default
