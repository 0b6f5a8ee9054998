"""Figures that are no rate: start, memory, a batch, and pages at both ends of a million rows."""

import re
import time
from statistics import median
from urllib.parse import urlsplit

from bench.operations import Crowd, batch
from bench.people import SESSIONS
from bench.processes import SERVER, on, resident
from bench.sites import Refused, Site
from tests.serving import Server

_PAGE = 250
_WALK = 1000
_NEXT = re.compile(r'<([^>]+)>; ?rel="next"')
Figures = dict[str, float]


def start(server: Server, times: int = 5) -> Figures:
    """Restarts it; what the first start compiled, the others read."""
    took = []
    for _ in range(times):
        server.stop()
        with on(SERVER):
            began = time.perf_counter()
            server.start()
            took.append(time.perf_counter() - began)
    return {"start to first answer, s": median(took)}


def memory(site: Site) -> Figures:
    return {"memory of the worker after the run, MiB": resident(site.pids[0])}


def batches(site: Site, crowd: Crowd, times: int = 7) -> Figures:
    requests = [site.admin("PATCH", "/admin/identities", batch(crowd.new(1000))) for _ in range(times)]
    return {"batch of 1,000 identities, ms": median(_times(site, requests))}


def session_pages(site: Site, _crowd: Crowd, times: int = 15) -> Figures:
    """The first, the middle and the last page of all sessions, with identities and devices."""
    paths = _walk(site)
    last = len(paths) - 1
    found = {name: _page(site, paths[at], times) for name, at in (("first", 0), ("middle", last // 2), ("last", last))}
    figures = {f"{name} page of {SESSIONS:,} sessions, ms": ms for name, ms in found.items()}
    return {**figures, "slowest of these to fastest": max(found.values()) / min(found.values())}


def identity_pages(site: Site, _crowd: Crowd, times: int = 15) -> Figures:
    """The first page of identities, with what counting them costs."""
    return {
        "first page of identities, by token, ms": _page(site, f"/admin/identities?page_size={_PAGE}", times),
        "first page of identities, by number, ms": _page(site, f"/admin/identities?page=1&per_page={_PAGE}", times),
    }


def deep_page(site: Site, _crowd: Crowd, times: int = 15) -> Figures:
    ms = _page(site, f"/admin/identities?page={100_000 // _PAGE}&per_page={_PAGE}", times)
    return {"page of identities near row 100,000, by number, ms": ms}


def _walk(site: Site) -> list[str]:
    """The paths of all pages of sessions; found by the largest ones, whose tokens are good for any size."""
    path = f"/admin/sessions?page_size={_WALK}"
    paths, rows = [], 0
    while path:
        paths.append(path)
        (answer,) = site.ask("admin", [site.admin("GET", path)], 1)
        rows += answer.body.count(b'"authenticator_assurance_level"')
        link = _NEXT.search(answer.header("link"))
        parts = urlsplit(link[1]) if link else None
        path = f"{parts.path}?{parts.query}" if parts else ""
    if rows < SESSIONS:
        raise Refused(f"{site.name}: {rows} sessions in {len(paths)} pages: some are skipped")
    expanded = f"page_size={_PAGE}&expand=identity&expand=devices"
    return [each.replace(f"page_size={_WALK}", expanded) for each in paths]


def _page(site: Site, path: str, times: int) -> float:
    return median(_times(site, [site.admin("GET", path)] * times))


def _times(site: Site, requests: list[bytes]) -> list[float]:
    return [1000 * answer.seconds for answer in site.ask("admin", requests, 1)]
