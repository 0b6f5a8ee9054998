"""Log lines: one event a line, as text or JSON, on standard error.

Nothing reaches a line unwatched: the values of secret fields, and what looks like a token, a hash or an email address
in any text, are replaced; control characters are escaped, so that no value can start a line or colour a terminal.
"""

import contextlib
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, BinaryIO

import msgspec


@contextlib.contextmanager
def _without(module: str) -> Iterator[None]:
    kept = sys.modules.get(module)
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if kept is None:
            del sys.modules[module]
        else:
            sys.modules[module] = kept


# structlog paints tracebacks with rich where it finds it. A server never does, and rich takes 100 ms to import.
with _without("rich"):
    import structlog
    from structlog.typing import FilteringBoundLogger

LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
    "panic": logging.CRITICAL,
}
REDACTED = "[redacted]"
LONGEST = 2000

_SECRET_WORDS = re.compile(
    r"(?:^|[^a-z])(?:password|secret|token|cookie|authorization|csrf|t?otp|code|email|phone|identifier|trait|credential)"
    r"s?(?:$|[^a-z])"
)
_WORD = r"""[^\s@%"'<>()\[\]{},;:=/&?|]"""
# Possessive where it can be: no text that a client sends makes the search slow.
_PRIVATE = re.compile(
    rf"(?<!{_WORD}){_WORD}++(?:@|%40){_WORD}+"  # an email address
    r"|(?<=://)[^\s/@]*+(?=@)"  # user and password of a URL
    r"|(?<![A-Za-z])[a-z]{2,16}_[a-z]{2,8}_[A-Za-z0-9]{16,}"  # a token with its prefix
    r"|\$(?:argon2|2[abxy]|scrypt|pbkdf2)[^\s\"']{8,}"  # a hash
    r"|(?<=earer )[^\s\"',;]{8,}|(?<=asic )[^\s\"',;]{8,}"
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHOWN = frozenset(b"page page_size per_page active expand include_credential refresh aal".split())
_NAME = re.compile(rb"[a-z_]{1,24}")

_Event = MutableMapping[str, Any]


def configure(level: str, form: str, now: Callable[[], int], stream: BinaryIO | None = None) -> None:
    """Sends what structlog and the standard library log from `level` (of LEVELS) on to `stream` (standard error), as
    `form`: "json" or "text". `now` gives microseconds since 1970."""
    lines = _Lines(stream or sys.stderr.buffer)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _Stamp(now),
            structlog.processors.format_exc_info,
            _scrub,
            _as_json if form == "json" else _as_text,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Foreign()]
    root.setLevel(LEVELS[level])
    logging.getLogger("httpx").setLevel(logging.WARNING)  # at info it writes whole URLs


def logger(**fields: Any) -> FilteringBoundLogger:
    """A logger of the present configuration; each of its lines has `fields`."""
    log: FilteringBoundLogger = structlog.get_logger()
    return log.bind(**fields)


class AccessLog:
    """One line a request, at info; nothing at all when that level is off."""

    def __init__(self, port: str) -> None:
        self._log = logger(port=port)
        self._on = self._log.is_enabled_for(logging.INFO)

    def __call__(
        self,
        *,
        request_id: str,
        client: str,
        method: str,
        route: str,
        path: str,
        query: bytes,
        status: int,
        seconds: float,
    ) -> None:
        """`query` as it was sent: only values of harmless names are shown."""
        if self._on:
            self._log.info(
                "request",
                request_id=request_id,
                client=client,
                method=method,
                route=route,
                path=path,
                query=shown_query(query) if query else "",
                status=status,
                ms=round(seconds * 1000, 2),
            )


def shown_query(query: bytes) -> str:
    """`query` with what it may tell anybody: names, and values of paging and the like."""
    return "&".join(_shown_pair(*pair.partition(b"=")) for pair in query.split(b"&"))


def _shown_pair(name: bytes, equals: bytes, value: bytes) -> str:
    if not _NAME.fullmatch(name) or not equals:
        return "…"
    return f"{name.decode()}={value[:40].decode('latin-1') if name in _SHOWN else '…'}"


class _Stamp:
    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._second = -1
        self._text = ""

    def __call__(self, _log: Any, _method: str, event: _Event) -> _Event:
        seconds, rest = divmod(self._now(), 1_000_000)
        if seconds != self._second:
            self._second, self._text = seconds, datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
        event["at"] = f"{self._text}.{rest // 1000:03}Z"
        return event


def _scrub(_log: Any, _method: str, event: _Event) -> _Event:
    for name, value in event.items():
        if name == "exception":
            event[name] = "\n".join(_text(line) for line in value.split("\n"))
        elif type(value) is not int and type(value) is not float:
            event[name] = _clean(name, value)
    return event


def _clean(name: str, value: Any) -> Any:
    if _is_secret(name):
        return REDACTED
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {_text(str(key)): _clean(str(key), each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", each) for each in value]
    return _text(str(value))


@lru_cache(1024)
def _is_secret(name: str) -> bool:
    return bool(_SECRET_WORDS.search(name.lower()))


def _text(value: str) -> str:
    if "@" in value or "_" in value or "$" in value or "%" in value or " " in value:
        value = _PRIVATE.sub(REDACTED, value)
    if not value.isprintable():
        value = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
    return value if len(value) <= LONGEST else value[:LONGEST] + "…"


def _as_json(_log: Any, _method: str, event: _Event) -> bytes:
    return _ENCODE(event) + b"\n"


def _as_text(_log: Any, _method: str, event: _Event) -> bytes:
    exception = event.pop("exception", "")
    line = f"{event.pop('at')} {event.pop('level'):<8} {event.pop('event')}"
    line += "".join(f" {name}={_field(value)}" for name, value in event.items() if value not in ("", None))
    # Indented, no line of a traceback can pass for an event.
    return "\n".join([line, *(f"    | {each}" for each in exception.split("\n") if each)]).encode() + b"\n"


def _field(value: Any) -> str:
    text = value if isinstance(value, str) else _ENCODE(value).decode()
    return _ENCODE(text).decode() if " " in text or '"' in text or "=" in text else text


_ENCODE = msgspec.json.Encoder().encode


class _Lines:
    """Where the lines go. A stream that takes no more must not fail a request: the line is lost."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, line: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line)
            self._stream.flush()

    debug = info = warning = error = critical = write


class _Foreign(logging.Handler):
    """Takes what libraries log by the standard library into the same lines."""

    def emit(self, record: logging.LogRecord) -> None:
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        fields = {"exc_info": record.exc_info} if record.exc_info else {}
        logger().log(level, record.getMessage().rstrip(), logger=record.name, **fields)
