"""Who is this? Asked by GET /sessions/whoami, over a bounded pool of connections that are kept open.

There are three answers, and no guess: somebody (`Who`), nobody (None), and Unreachable when the server did not say.
"""

import logging
import time
from collections.abc import Mapping
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import msgspec

from nightlatch.client.credentials import COOKIE, Credentials, Headers, credentials
from nightlatch.client.remembered import Remembered

KEY = "nightlatch.who"
REFUSAL = b"Who you are cannot be told at the moment. Try again in a few seconds.\n"
REFUSAL_HEADERS = {"content-type": "text/plain", "cache-control": "no-store", "retry-after": "1"}
TIMEOUT = 2  # seconds for each step: a free connection, connecting, sending, every wait for bytes
CONNECTIONS = 50
_LIMITS = httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=30)  # the server closes after 75
_log = logging.getLogger("nightlatch.client")


class Unreachable(Exception):
    """The server did not say who it is: neither let anybody in nor send them to sign in, but answer 503."""


class Who(msgspec.Struct, frozen=True):
    """Somebody who is signed in: `id` and `traits` are the identity's, `expires_at` is the session's end."""

    id: UUID
    traits: Mapping[str, Any]
    session_id: UUID
    aal: str
    expires_at: datetime


class _Identity(msgspec.Struct):
    id: UUID
    traits: dict[str, Any]


class _Session(msgspec.Struct):
    id: UUID
    active: bool
    expires_at: datetime
    authenticator_assurance_level: str
    identity: _Identity


class _Question(NamedTuple):
    credentials: Credentials
    at: float
    who: Who | None

    @property
    def is_answered(self) -> bool:
        return not self.credentials or self.who is not None


class _Asking:
    def __init__(self, url: str, cookie: str, cache_for: float) -> None:
        self._url = url.rstrip("/") + "/sessions/whoami"
        self._cookie = cookie
        self._remembered: Remembered[Credentials, Who] = Remembered(cache_for)

    def _question(self, headers: Headers) -> _Question:
        found, now = credentials(headers, self._cookie), time.monotonic()
        return _Question(found, now, self._remembered.get(found, now))

    def _learned(self, question: _Question, answer: httpx.Response) -> Who | None:
        who = _understood(answer)
        self._remembered.put(question.credentials, question.at, who)
        return who


class Whoami(_Asking):
    """Asks the public port at `url`, and waits; threads may share one. `cookie` is the name of the session cookie. A
    session that has ended is still accepted for `cache_for` seconds at most: with 0, not at all."""

    def __init__(self, url: str, *, cookie: str = COOKIE, cache_for: float = 0) -> None:
        super().__init__(url, cookie, cache_for)
        # One of its own, and so no proxy of the environment, which must not see tokens.
        transport = httpx.HTTPTransport(limits=_LIMITS)
        self._http = httpx.Client(transport=transport, timeout=TIMEOUT, cookies=_no_cookies())

    def ask(self, headers: Headers) -> Who | None:
        """Who a request with these headers is from; None when from nobody. Unreachable."""
        question = self._question(headers)
        if question.is_answered:
            return question.who
        try:
            answer = self._http.get(self._url, headers=[*question.credentials])
        except httpx.HTTPError as error:
            raise _unreachable(repr(error)) from error
        return self._learned(question, answer)

    def close(self) -> None:
        self._http.close()


class AsyncWhoami(_Asking):
    """The same for asyncio."""

    def __init__(self, url: str, *, cookie: str = COOKIE, cache_for: float = 0) -> None:
        super().__init__(url, cookie, cache_for)
        transport = httpx.AsyncHTTPTransport(limits=_LIMITS)
        self._http = httpx.AsyncClient(transport=transport, timeout=TIMEOUT, cookies=_no_cookies())

    async def ask(self, headers: Headers) -> Who | None:
        """Who a request with these headers is from; None when from nobody. Unreachable."""
        question = self._question(headers)
        if question.is_answered:
            return question.who
        try:
            answer = await self._http.get(self._url, headers=[*question.credentials])
        except httpx.HTTPError as error:
            raise _unreachable(repr(error)) from error
        return self._learned(question, answer)

    async def aclose(self) -> None:
        await self._http.aclose()


def who(request: Mapping[str, Any]) -> Who | None:
    """Who an ASGI scope or a WSGI environ is from; None when from nobody. KeyError where no middleware has asked."""
    found: Who | None = request[KEY]
    return found


def _no_cookies() -> CookieJar:
    # A cookie that is set anew for one person must never go along with the question about the next.
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def _understood(answer: httpx.Response) -> Who | None:
    if answer.status_code in {401, 403}:  # 403: a second factor is asked for, and was not given
        return None
    if answer.status_code != 200:  # a redirection is not followed: the token was meant for this server alone
        raise _unreachable(f"whoami answered {answer.status_code}")
    try:
        session = msgspec.json.decode(answer.content, type=_Session)
    except msgspec.DecodeError as error:
        raise _unreachable(f"whoami answered what is no session: {error}") from error
    if not session.active:
        return None
    identity, level = session.identity, session.authenticator_assurance_level
    return Who(identity.id, identity.traits, session.id, level, session.expires_at)


def _unreachable(why: str) -> Unreachable:
    _log.warning("who a request is from cannot be told: %s", why)
    return Unreachable(why)
