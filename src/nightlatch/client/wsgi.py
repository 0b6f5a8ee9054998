"""For WSGI applications (Flask, Bottle, Pyramid): app.wsgi_app = WhoMiddleware(app.wsgi_app, Whoami(URL))."""

from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from nightlatch.client.credentials import Headers
from nightlatch.client.whoami import KEY, REFUSAL, REFUSAL_HEADERS, Unreachable, Whoami

_READ = (
    ("x-session-token", "HTTP_X_SESSION_TOKEN"),
    ("cookie", "HTTP_COOKIE"),
    ("authorization", "HTTP_AUTHORIZATION"),
)


class WhoMiddleware:
    """Asks about every request before `app` sees it, which then has `who(environ)`. Answers 503, and leaves `app` out,
    when the server does not say."""

    def __init__(self, app: WSGIApplication, whoami: Whoami) -> None:
        self._app = app
        self._whoami = whoami

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            environ[KEY] = self._whoami.ask(headers(environ))
        except Unreachable:
            start_response("503 Service Unavailable", [*REFUSAL_HEADERS.items()])
            return [REFUSAL]
        return self._app(environ, start_response)


def headers(environ: dict[str, Any]) -> Headers:
    """Those that may name a session, as they came."""
    return [(name.encode(), environ[key].encode("latin-1")) for name, key in _READ if key in environ]
