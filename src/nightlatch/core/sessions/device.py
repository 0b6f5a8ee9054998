"""What kind of device a user agent speaks for."""

from functools import lru_cache

_MOBILE = {"iOS", "Android", "Windows Phone", "KaiOS", "Tizen"}
_DESKTOP = {"Windows", "Mac OS X", "Linux", "Ubuntu", "Debian", "Fedora", "Chrome OS", "FreeBSD"}


@lru_cache(maxsize=1024)
def kind_of(user_agent: str) -> str:
    """web for a browser, mobile for anything on a phone, desktop for other programs on a computer, or other."""
    # Late, for the start: its tables are large, and a server that only checks sessions never needs them.
    from ua_parser import parse

    parsed = parse(user_agent[:512])
    system = parsed.os.family if parsed.os else ""
    if system in _MOBILE:
        return "mobile"
    if parsed.user_agent and user_agent.startswith("Mozilla/"):
        return "web"
    return "desktop" if system in _DESKTOP else "other"
