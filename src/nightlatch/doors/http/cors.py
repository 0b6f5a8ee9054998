"""Pages of other origins (the Fetch standard, CORS): which may read answers, and what the others are told."""

from typing import NamedTuple

from starlette.types import Scope

from nightlatch.doors.http.refusal import Headers, Refusal
from nightlatch.doors.http.routing import Answer

_ASKS = b"access-control-request-method"
_KEPT = "600"  # seconds; more is not honoured everywhere
_ANY = "*"


class Cors(NamedTuple):
    """`origins` are whole (`https://app.example.com`), with all subdomains (`https://*.example.com`), or `*`: any, and
    then nobody is let in with cookies."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    credentials: bool

    def preflight(self, scope: Scope) -> Answer | None:
        """The answer to a browser that asks before it sends; None for any other request. Refusal 403."""
        if scope["method"] != "OPTIONS" or not any(name == _ASKS for name, _ in scope["headers"]):
            return None
        origin = _origin(scope)
        if not self._allows(origin):
            raise Refusal(403, f"The origin {origin} is none of serve.public.cors.allowed_origins.")
        allowed = (
            ("access-control-allow-methods", ", ".join(self.methods)),
            ("access-control-allow-headers", ", ".join(self.headers)),
            ("access-control-max-age", _KEPT),
        )
        return Answer(204, headers=allowed)

    def beside(self, scope: Scope) -> Headers:
        """What every answer says to the page that asked."""
        origin = _origin(scope)
        if not self._allows(origin):
            return (("vary", "Origin"),)
        known = any(fits(origin, each) for each in self.origins)
        credentials = (("access-control-allow-credentials", "true"),) if known and self.credentials else ()
        return (
            ("vary", "Origin"),
            ("access-control-allow-origin", origin if known else _ANY),
            ("access-control-expose-headers", ", ".join(self.exposed)),
            *credentials,
        )

    def _allows(self, origin: str) -> bool:
        return origin != "" and (_ANY in self.origins or any(fits(origin, each) for each in self.origins))


def fits(origin: str, allowed: str) -> bool:
    """Whether `origin` is the one that is `allowed`, or a subdomain where that begins with `*.`"""
    scheme, star, domain = allowed.lower().partition("*.")
    if not star:
        return origin.lower() == allowed.lower().rstrip("/")
    host = origin.lower().removeprefix(scheme)
    fit = origin.lower().startswith(scheme) and host.endswith("." + domain.rstrip("/"))
    return fit and "/" not in host and not host.startswith(".")


def _origin(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"), "")
