"""Where people may be sent back to: only what the configuration allows, compared after a whole parse."""

import re
from urllib.parse import SplitResult, quote, urlsplit

from nightlatch.doors.http.routing import Call
from nightlatch.doors.kratos.errors import ReturnForbidden
from nightlatch.doors.kratos.parts import Parts

# A browser drops or folds these before it follows: what we compared would not be where it goes.
# Case is spelled out: with IGNORECASE the range would hold s and k too, by their likes beyond ASCII.
# What a query holds is no path: it may be another place, quoted.
_NEVER = re.compile(r"[\x00-\x20\x7f-\U0010ffff\\]|^[^?#]*(?:/\.\.?(?:[/;?#]|$)|%2[EeFf]|%5[Cc])")
_PORTS = {"http": 80, "https": 443}


def checked(call: Call[Parts], name: str = "return_to") -> str | None:
    """The place that the request names; None when it names none. ReturnForbidden for one that is not allowed."""
    wanted = call.query(name)
    if not wanted:
        return None
    if not allowed(call.door, wanted):
        raise ReturnForbidden
    return wanted


def carried(url: str, wanted: str | None) -> str:
    """`url` with the request to return to `wanted`, if that is anywhere."""
    return f"{url}{'&' if '?' in url else '?'}return_to={quote(wanted, safe='')}" if wanted else url


def after(parts: Parts, act: str, wanted: str | None) -> str:
    """Where a browser goes from the end of `act`: to `wanted`, if the configuration allows it still. Empty where
    none is configured."""
    return wanted if wanted and allowed(parts, wanted) else parts.flows.after_urls.get(act, "")


def allowed(parts: Parts, wanted: str) -> bool:
    """Whether the configuration lets browsers be sent there."""
    return any(_within(wanted, one) for one in (*parts.flows.allowed_return_urls, f"{parts.public_url}self-service"))


def _within(wanted: str, allowed: str) -> bool:
    if _NEVER.search(wanted):
        return False
    try:
        ours, theirs = urlsplit(allowed), urlsplit(wanted)
        if theirs.username is not None or theirs.scheme.lower() != ours.scheme.lower() or _port(theirs) != _port(ours):
            return False
    except ValueError:
        return False
    host, mine = (theirs.hostname or ""), (ours.hostname or "")
    if not (host == mine or (mine.startswith("*.") and host.endswith(mine[1:]))):
        return False
    path, prefix = theirs.path or "/", ours.path or "/"
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else prefix + "/")


def _port(url: SplitResult) -> int | None:
    return url.port or _PORTS.get(url.scheme.lower())
