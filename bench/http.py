"""Every operation of the Kratos door over loopback, beside nginx and beside a server that speaks the same API.

One worker on one core, the load on another, a million sessions in the database. Prints Markdown tables; what the
figures are is in bench/README.md.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
# Not this file's own folder, where Python would take this file for the standard library's http.
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

from bench import figures, report, seed, servers  # noqa: E402
from bench.load import Window, window  # noqa: E402
from bench.operations import OPERATIONS, Crowd, Operation  # noqa: E402
from bench.processes import GENERATOR  # noqa: E402
from bench.sites import Refused, Site  # noqa: E402

STORES = ("sqlite", "postgres")


def main() -> None:
    options = _options()
    os.sched_setaffinity(0, GENERATOR)
    chosen = [each for each in OPERATIONS if any(text in each.name for text in options.operations)]
    stores = STORES if options.store == "both" else (options.store,)
    seed.BUILD.mkdir(parents=True, exist_ok=True)
    crowd = Crowd()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=seed.BUILD)))
        ours = [stack.enter_context(servers.nightlatch(folder, store)) for store in stores]
        sites = [site for site, _ in ours]
        if options.peer:
            sites.append(servers.peer(options.peer, options.peer_public, options.peer_key))
        limit = stack.enter_context(servers.nginx(folder)) if servers.has_nginx() else None
        found = {site.name: _figures(site, crowd) for site in sites}
        measured = [_measure(each, sites, limit, crowd, options.seconds, options.rounds) for each in chosen]
        for site in sites:
            found[site.name] |= figures.memory(site)
        for site, server in ours:
            found[site.name] |= figures.start(server)
    report.write(stores, measured, found)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=[*STORES, "both"], default="both")
    parser.add_argument("--seconds", type=float, default=3, help="of a window of load")
    parser.add_argument("--rounds", type=int, default=3, help="windows of each operation; the median counts")
    parser.add_argument(
        "--operations", nargs="+", default=[""], metavar="TEXT", help="those whose names have one of these"
    )
    parser.add_argument("--quick", action="store_true", help="one round of one second")
    parser.add_argument("--peer", metavar="URL", help="admin URL of another server that holds the same people")
    parser.add_argument("--peer-public", metavar="URL", help="its public URL")
    parser.add_argument("--peer-key", metavar="KEY", help="its access key, if it needs one")
    options = parser.parse_args()
    if options.peer and not options.peer_public:
        parser.error("--peer needs --peer-public")
    if options.quick:
        options.seconds, options.rounds = 1, 1
    return options


def _figures(site: Site, crowd: Crowd) -> figures.Figures:
    _say(site.name)
    found: figures.Figures = {}
    for figure in (figures.batches, figures.session_pages, figures.identity_pages, figures.deep_page):
        try:
            found |= figure(site, crowd)
        except Refused as refusal:
            _say(str(refusal))
    return found


def _measure(
    operation: Operation, sites: Sequence[Site], limit: Site | None, crowd: Crowd, seconds: float, rounds: int
) -> report.Measured:
    """Rounds of one window a server, so that what else the machine does hits all alike."""
    _say(operation.name)
    windows: dict[str, list[Window]] = {site.name: [] for site in sites}
    for _ in range(rounds):
        numbers = operation.numbers(crowd, seconds)
        for site in sites:
            windows[site.name] += _window(operation, site, numbers, seconds)
        if limit is not None:
            file = [limit.public("GET", servers.STATIC)]
            once = window(limit.address("public"), file, seconds, 64, once=False, pids=limit.pids)
            windows.setdefault(limit.name, []).append(once)
    return operation, {name: _median(some) for name, some in windows.items() if some}


def _window(operation: Operation, site: Site, numbers: Sequence[int], seconds: float) -> list[Window]:
    try:
        requests = operation.make(site, numbers)
    except Refused as refusal:
        _say(str(refusal))
        return []
    address = site.address(operation.port)
    return [
        window(
            address,
            requests,
            seconds,
            operation.connections,
            once=operation.once,
            pids=site.pids,
            database=site.database,
        )
    ]


def _median(windows: Sequence[Window]) -> Window:
    return Window(*(median(column) for column in zip(*windows, strict=True)))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
