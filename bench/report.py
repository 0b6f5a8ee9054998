"""The tables of a run, as Markdown."""

from collections.abc import Sequence
from typing import TypeAlias

from bench.figures import Figures
from bench.load import Window
from bench.operations import Operation

Measured: TypeAlias = tuple[Operation, dict[str, Window]]
_LIMIT, _PEER = "nginx", "peer"


def write(stores: Sequence[str], measured: Sequence[Measured], figures: dict[str, Figures]) -> None:
    limits = [windows[_LIMIT].core for _, windows in measured if _LIMIT in windows]
    if limits:
        print(f"\nnginx, a static file of 1 KB: {min(limits):,.0f} to {max(limits):,.0f} requests a core-second")
    for store in stores:
        _write_operations(store, measured)
    _write_figures(figures)


def _write_operations(store: str, measured: Sequence[Measured]) -> None:
    print(f"\n### {store}\n")
    peers = any(_PEER in windows for _, windows in measured)
    heads = ["operation", "requests/s", "a core-second", "p50 ms", "p99 ms", "of nginx", "database cores"]
    if peers:
        heads += ["peer: requests/s", "a core-second", "p50 ms", "p99 ms", "ours to peer"]
    _row(heads)
    _row(["---"] + ["---:"] * (len(heads) - 1))
    for operation, windows in measured:
        if store not in windows:
            continue
        ours, limit, peer = windows[store], windows.get(_LIMIT), windows.get(_PEER)
        cells = [*_cells(ours), f"{ours.core / limit.core:.3f}" if limit else "", f"{ours.database:.2f}"]
        if peers:
            cells += [*_cells(peer), f"{ours.core / peer.core:.1f}" if peer.core else ""] if peer else [""] * 5
        _row([operation.name, *cells])


def _cells(window: Window) -> list[str]:
    rate = f"{window.rate:,.0f}" + (f" ({window.wrong:.0f} wrong)" if window.wrong else "")
    return [rate, f"{window.core:,.0f}", f"{window.p50:.2f}", f"{window.p99:.2f}"]


def _write_figures(figures: dict[str, Figures]) -> None:
    print("\n### single figures\n")
    _row(["figure", *figures])
    _row(["---"] + ["---:"] * len(figures))
    for name in dict.fromkeys(name for found in figures.values() for name in found):
        _row([name, *(f"{found[name]:,.2f}" if name in found else "" for found in figures.values())])


def _row(cells: Sequence[str]) -> None:
    print("| " + " | ".join(cells) + " |")
