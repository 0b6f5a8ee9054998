"""Durations as Go writes them (`24h`, `1h30m`, `500ms`, `-1.5s`), in integer microseconds.

The grammar and the normal form are those of the package `time` of Go's standard library, which clients' tools are
written for. Microseconds are the finest we keep.
"""

import re

_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # the micro sign
    "μs": 1_000,  # the Greek letter
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(ns|us|µs|μs|ms|s|m|h)")
_LIMIT = 2**63
_DIGITS = 19  # of 2^63; more of them decide nothing behind a point, and are too many before it


def parse_duration(text: str) -> int | None:
    """Microseconds, or None for text that is no duration or is beyond 2^63 nanoseconds.

    What is left below a microsecond is rounded away from zero, so the sign stays."""
    unsigned = text[1:] if text[:1] in {"-", "+"} else text
    nanoseconds = 0 if unsigned == "0" else _sum_of_parts(unsigned)
    if nanoseconds is None:
        return None
    negative = text.startswith("-")
    if nanoseconds > _LIMIT - (not negative):
        return None
    microseconds = -(-nanoseconds // 1000)
    return -microseconds if negative else microseconds


def _sum_of_parts(text: str) -> int | None:
    at = total = 0
    while at < len(text) and (part := _PART.match(text, at)):
        whole = (part[1] or "").lstrip("0")
        if len(whole) > _DIGITS:
            return None
        fraction = (part[2] or part[3] or "")[:_DIGITS]
        unit = _NANOSECONDS[part[4]]
        total += int(whole or 0) * unit + int(fraction or 0) * unit // 10 ** len(fraction)
        at = part.end()
    return total if 0 < at == len(text) else None


def duration_text(microseconds: int) -> str:
    """The normal form: `1h0m0s`, `1m30s`, `1.5s`, `500ms`, `0s`."""
    sign, rest = "-" if microseconds < 0 else "", abs(microseconds)
    if rest == 0:
        return "0s"
    if rest < 1_000:
        return f"{sign}{rest}µs"
    if rest < 1_000_000:
        return f"{sign}{_decimal(rest, 1_000)}ms"
    minutes, rest = divmod(rest, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    larger = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{larger}{_decimal(rest, 1_000_000)}s"


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    fraction = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)
