"""For Django: WhoMiddleware in MIDDLEWARE, IdentityBackend in AUTHENTICATION_BACKENDS, and the arguments of Whoami as
NIGHTLATCH in the settings. Who is asked at each request; Django's own sessions, which know of no ending, stay unused.
"""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.backends import RemoteUserBackend
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse

from nightlatch.client.whoami import REFUSAL, REFUSAL_HEADERS, Unreachable, Who, Whoami
from nightlatch.client.wsgi import headers


class WhoMiddleware:
    """Sets `request.who`, and `request.user` by the backends. Answers 503 when the server does not say."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._whoami = Whoami(**settings.NIGHTLATCH)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            who = self._whoami.ask(headers(request.META))
        except Unreachable:
            return HttpResponse(REFUSAL, status=503, headers=REFUSAL_HEADERS)
        request.who = who
        request.user = (who and authenticate(request, who=who)) or AnonymousUser()
        return self._get_response(request)


class IdentityBackend(RemoteUserBackend):
    """A user for each identity, made when first seen, with the identity's id as username; one that is not active is
    nobody. What more a user gets of `request.who`, a subclass says in configure_user, as Django describes it."""

    def authenticate(self, request: HttpRequest, who: Who) -> User | None:
        return super().authenticate(request, str(who.id))
