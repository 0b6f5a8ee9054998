"""What the functions of this door work with besides what every door has, handed in by app.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nightlatch.core.attempts.model import Throttling
from nightlatch.core.authentication.code import Code
from nightlatch.core.authentication.password import Password
from nightlatch.core.courier.model import Letter, Message
from nightlatch.core.credentials.hashing import Hasher
from nightlatch.core.credentials.person import Vault
from nightlatch.core.means import Means, Post
from nightlatch.core.recovery.rules import Redeeming
from nightlatch.core.sessions.seen import LastSeen
from nightlatch.core.settings import rules as settings
from nightlatch.doors.http.parts import Shared
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
    ends all other sessions; `unified` forms of registration have all on one page; `passwordless` says that codes sign
    in and up."""

    lifespans: Mapping[str, int]
    ui_urls: Mapping[str, str]
    password: Password
    code: Code
    signing_in: frozenset[str]
    alone: frozenset[str]
    unified: bool
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


@dataclass(frozen=True, slots=True)
class Parts(Shared):
    """URLs end in a slash; `admin_url` is None unless it is configured, `letters` unless messages may be read here.
    `origins` are those whose pages may have a browser submit a form here."""

    hasher: Hasher
    vault: Vault
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
    letters: Callable[[Message], Letter] | None = None

    @property
    def means(self) -> Means:
        return Means(self.store, self.hasher, self.vault, self.lifetime, self.throttling, self.code_keys, self.post)
