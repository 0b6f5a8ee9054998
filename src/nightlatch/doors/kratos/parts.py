"""What the functions of this door work with besides what every door has, handed in by app.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from nightlatch.core.attempts.model import Throttling
from nightlatch.core.authentication.code import Code
from nightlatch.core.authentication.password import Password
from nightlatch.core.courier.model import Letter, Message
from nightlatch.core.means import Means, Post
from nightlatch.core.recovery.rules import Redeeming
from nightlatch.core.sessions.cache import Checks
from nightlatch.core.sessions.seen import LastSeen
from nightlatch.core.settings import rules as settings
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.refusal import Headers
from nightlatch.doors.kratos.cookies import Cookies
from nightlatch.doors.kratos.shapes import Render
from nightlatch.kernel.secrets import Keys


@dataclass(frozen=True, slots=True)
class Flows:
    """How self-service flows behave: lifespans in microseconds by act, what is on, where people are sent: to which page
    for an act (and for `error`), and after one. `secrets` are the methods of which people may ask for one, and `use`
    the first that an act offers; `tell_unknown` are the acts that write to addresses that nobody has,
    `shows_verification` those that lead on to the verification that they began. Sessions of who asks to be remembered
    live for `remember_me`. `signing_in` are the methods whose registration signs in, `alone` those by which a sign-in
    ends all other sessions; `unified` forms of registration have all on one page, those of a login `identifier_first`
    have two; `passwordless` says that codes sign in and up."""

    lifespans: Mapping[str, int]
    ui_urls: Mapping[str, str]
    password: Password
    code: Code
    signing_in: frozenset[str]
    alone: frozenset[str]
    unified: bool
    identifier_first: bool
    after_urls: Mapping[str, str]
    registration_enabled: bool
    recovery_enabled: bool
    verification_enabled: bool
    password_enabled: bool
    passwordless: bool
    secrets: frozenset[str]
    use: Mapping[str, str]
    tell_unknown: frozenset[str]
    shows_verification: frozenset[str]
    link_confirmation: bool
    code_lifespan: int
    redeeming: Redeeming
    settings: settings.Rules
    settings_highest_aal: bool
    remember_me: int | None
    allowed_return_urls: tuple[str, ...]


class Told(NamedTuple):
    """What a session check is answered with, and when the session ends."""

    body: bytes
    headers: Headers
    expires_at: int


@dataclass(frozen=True, slots=True)
class Parts(Shared):
    """URLs end in a slash; `admin_url` is None unless it is configured, `letters` unless messages may be read here,
    `checks` where no answer is kept. `origins` are those whose pages may have a browser submit a form here."""

    throttling: Throttling
    code_keys: Keys
    post: Post
    render: Render
    seen: LastSeen
    flows: Flows
    cookies: Cookies
    error_keys: Keys
    origins: tuple[str, ...]
    public_url: str
    admin_url: str | None
    highest_aal: bool
    cache_for: int | None
    faster_extend: bool
    metrics: Callable[[], bytes]
    letters: Callable[[Message, str | None], Letter] | None = None
    checks: Checks[Told] | None = None

    @property
    def means(self) -> Means:
        return Means(self.store, self.hasher, self.vault, self.lifetime, self.throttling, self.code_keys, self.post)
