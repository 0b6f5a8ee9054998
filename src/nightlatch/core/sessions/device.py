"""What device a user agent speaks for."""

from functools import lru_cache

_MOBILE = {"iOS", "Android", "Windows Phone", "KaiOS", "Tizen"}
_DESKTOP = {"Windows", "Mac OS X", "Linux", "Ubuntu", "Debian", "Fedora", "Chrome OS", "FreeBSD"}


def kind_of(user_agent: str) -> str:
    """web for a browser, mobile for anything on a phone, desktop for other programs on a computer, or other."""
    system, program = _parsed(user_agent[:512])
    if system in _MOBILE:
        return "mobile"
    if program and user_agent.startswith("Mozilla/"):
        return "web"
    return "desktop" if system in _DESKTOP else "other"


def name_of(user_agent: str) -> str:
    """What its person calls it: `Firefox on Windows`."""
    system, program = _parsed(user_agent[:512])
    if program and system:
        return f"{program} on {system}"
    return program or system or "Unknown device"


@lru_cache(maxsize=1024)
def _parsed(user_agent: str) -> tuple[str, str]:
    # Late, for the start: its tables are large, and a server that only checks sessions never needs them.
    from ua_parser import parse

    parsed = parse(user_agent)
    return parsed.os.family if parsed.os else "", parsed.user_agent.family if parsed.user_agent else ""
