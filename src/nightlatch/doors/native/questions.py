"""How a list is asked for by a filter: its parameters, its order by time, and pages that are good for it alone; how
many it has, where that is asked, too."""

from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from nightlatch.core.questions import Place, Summary
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.routing import Call, Parameter
from nightlatch.doors.native import paging
from nightlatch.doors.native.shapes import Counted
from nightlatch.kernel.filters import Filter
from nightlatch.problems import FieldInvalid

_PLACE = 24  # bytes


class Asking(NamedTuple):
    """What was asked, and the page of it with the place that it begins after."""

    where: Filter | None
    oldest_first: bool
    allow_scan: bool
    page: paging.Page
    after: Place | None


def parameters(example: str, time: str) -> tuple[Parameter, ...]:
    """The parameters of a list by `time`, for the document."""
    return (
        Parameter("filter", help=f"Which, in the grammar of SCIM: {example}"),
        Parameter("sort", help=f"-{time} (the newest first, as when nothing is said) or {time}."),
        Parameter("allow_scan", bool, help="Read as many rows as it takes, though no index serves the filter."),
        *paging.PARAMETERS,
    )


def asking(call: Call[Shared], organization_id: bytes, filter_of: Callable[[str], Filter], time: str) -> Asking:
    """FieldInvalid, PageTokenInvalid, and FilterInvalid as of `filter_of`."""
    text, sort = call.query("filter"), call.query("sort") or f"-{time}"
    if sort not in {time, f"-{time}"}:
        raise FieldInvalid("sort", f"sort is one of -{time}, {time}.")
    where, scan = None if text is None else filter_of(text), _flag(call, "allow_scan")
    words = f"{call.request.url.path} {where} {sort} of {organization_id.hex()}"
    page = paging.asked(call, sha256(words.encode()).hexdigest(), _PLACE)
    at = page.after
    after = None if at is None else (int.from_bytes(at[:8], "big", signed=True), at[8:])
    return Asking(where, sort == time, scan, page, after)


INCLUDE = Parameter("include", help="total, facets, or both with a comma between: of all pages.")


def include(call: Call[Shared]) -> set[str]:
    """FieldInvalid."""
    wanted = {*(call.query("include") or "").split(",")} - {""}
    if wanted - {"total", "facets"}:
        raise FieldInvalid("include", "include is total, facets, or both with a comma between.")
    return wanted


def counted(answer: Counted, summary: Summary | None, include: set[str]) -> None:
    """Says in the answer what was asked of the summary."""
    if summary is not None and "total" in include:
        answer.total = summary.total
    if summary is not None and "facets" in include:
        answer.facets = summary.facets


def placed(time: int, row_id: bytes) -> bytes:
    """A place as a cursor has it."""
    return time.to_bytes(8, "big", signed=True) + row_id


def _flag(call: Call[Shared], name: str) -> bool:
    text = call.query(name) or "false"
    if text not in {"true", "false"}:
        raise FieldInvalid(name, f"{name} is true or false.")
    return text == "true"
