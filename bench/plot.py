"""Lines over the size of a database, drawn as SVG; the Chromium of the tests makes a PNG of it."""

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from tests.doors.pages.chromium import running

_WIDE, _HIGH, _LEFT, _TOP, _LEGEND = 460, 360, 60, 40, 400
_COLOURS = (
    "#1b6ca8",
    "#c8553d",
    "#3a7d44",
    "#8e5572",
    "#b8860b",
    "#2a9d8f",
    "#6c757d",
    "#5f0f40",
    "#e07a5f",
    "#003049",
)
_TICKS = (0.5, 1, 1.5, 2, 4, 8, 16, 32)


def write(file: Path, sizes: Sequence[int], panels: dict[str, dict[str, list[float]]]) -> None:
    """Each panel's lines: how many times as much as at the first size, by name."""
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    top = max(2.0, *(value for lines in panels.values() for line in lines.values() for value in line))
    parts = [_panel(n, title, sizes, lines, names, top) for n, (title, lines) in enumerate(panels.items())]
    left = len(panels) * (_WIDE + _LEFT) + _LEFT
    parts += [_named(left, n, name) for n, name in enumerate(names)]
    height = max(_HIGH + 2 * _TOP, 20 * len(names) + 2 * _TOP)
    size = f'width="{left + _LEGEND}" height="{height}"'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">{"".join(parts)}</svg>'
    )
    with running() as chromium:
        page = chromium.new_page(viewport={"width": left + _LEGEND, "height": height})
        page.set_content(f'<body style="margin:0">{svg}</body>')
        page.screenshot(path=file)


def _panel(
    number: int, title: str, sizes: Sequence[int], lines: dict[str, list[float]], names: list[str], top: float
) -> str:
    left = number * (_WIDE + _LEFT) + _LEFT

    def x(size: float) -> float:
        return left + 20 + (_WIDE - 40) * math.log(size / sizes[0]) / max(1e-9, math.log(sizes[-1] / sizes[0]))

    def y(ratio: float) -> float:
        return _TOP + _HIGH - _HIGH * math.log(max(ratio, 0.5) / 0.5) / math.log(top / 0.5)

    parts = [
        f'<text x="{left}" y="{_TOP - 14}" font-size="14">{escape(title)}: times as much as at {sizes[0]:,}</text>'
    ]
    for tick in (tick for tick in _TICKS if tick <= top):
        parts.append(f'<line x1="{left}" x2="{left + _WIDE}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    foot = f'y="{_TOP + _HIGH + 18}" text-anchor="middle"'
    parts += [f'<text x="{x(size):.1f}" {foot}>{size:,}</text>' for size in sizes]
    for name, values in lines.items():
        points = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in zip(sizes, values, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke-width="2" {_stroke(names.index(name))}/>')
    return "".join(parts)


def _named(left: int, number: int, name: str) -> str:
    y = _TOP + 20 * number
    line = f'<line x1="{left}" x2="{left + 30}" y1="{y}" y2="{y}" stroke-width="2" {_stroke(number)}/>'
    return f'{line}<text x="{left + 38}" y="{y + 4}">{escape(name)}</text>'


def _stroke(number: int) -> str:
    dashes = ("", ' stroke-dasharray="6 3"', ' stroke-dasharray="2 3"')[number // len(_COLOURS) % 3]
    return f'stroke="{_COLOURS[number % len(_COLOURS)]}"{dashes}'
