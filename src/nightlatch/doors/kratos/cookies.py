"""Cookies: the session's, which only we can read or make, and the browser's own secret, which its forms must repeat.

A name that comes twice counts as none: a neighbouring subdomain can add a cookie beside ours, and which of the two was
ours cannot be told.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from nightlatch.core.sessions.model import Session
from nightlatch.kernel.clock import SECOND
from nightlatch.kernel.ids import Entropy
from nightlatch.kernel.secrets import Keys

Header = tuple[str, str]
_YEAR = 365 * 24 * 60 * 60
_SECRET = 32
_LENT, _WHILE = "_lent", 60 * 60
_CONTEXT = b"session cookie"


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What the session cookie holds; `expires_at` is the session's when the cookie was made. One that does not last
    ends with the browser."""

    token: str
    expires_at: int
    lasts: bool = True


@dataclass(frozen=True, slots=True)
class Cookies:
    """`session` and `browser` are names; what stands behind the values is in `*_scope`, but for how long they live."""

    keys: Keys
    entropy: Entropy
    session: str
    session_scope: str
    persistent: bool
    browser: str
    browser_scope: str

    def kept(self, sent: Sequence[bytes]) -> Kept | None:
        """What the session cookie among the Cookie headers `sent` holds; None when there is none of ours."""
        sealed = _decoded(_one(sent, self.session))
        plain = self.keys.decrypt(sealed, _CONTEXT) if sealed else None
        return None if plain is None else msgspec.msgpack.decode(plain, type=Kept)

    def keep(self, token: str, session: Session, now: int, *, lasts: bool = True) -> Header:
        """Has the browser keep `token` until the session ends, or until it is closed."""
        plain = msgspec.msgpack.encode(Kept(token, session.expires_at, lasts))
        sealed = _text(self.keys.encrypt(plain, _CONTEXT, self.entropy))
        forgets = session.policy.ends_with_browser
        ends = not lasts or (not self.persistent if forgets is None else forgets)
        age = "" if ends else f"; Max-Age={(session.expires_at - now) // SECOND}"
        return ("set-cookie", f"{self.session}={sealed}{age}{self.session_scope}")

    def forget(self) -> Header:
        """Takes the session cookie away."""
        return ("set-cookie", f"{self.session}=; Max-Age=0{self.session_scope}")

    def secret(self, sent: Sequence[bytes]) -> bytes | None:
        """The browser's secret; None when it has none."""
        secret = _decoded(_one(sent, self.browser))
        return secret if secret and len(secret) == _SECRET else None

    def new_secret(self) -> bytes:
        return self.entropy(_SECRET)

    def mark(self, secret: bytes) -> Header:
        """Has the browser keep `secret`."""
        return ("set-cookie", f"{self.browser}={_text(secret)}; Max-Age={_YEAR}{self.browser_scope}")

    def lend(self, flow_id: bytes, code: str) -> Header:
        """Has the browser keep, for a while, what a letter said to it for the flow."""
        sealed = _text(self.keys.encrypt(code.encode(), flow_id, self.entropy))
        return ("set-cookie", f"{self.browser}{_LENT}={sealed}; Max-Age={_WHILE}{self.browser_scope}")

    def lent(self, sent: Sequence[bytes], flow_id: bytes) -> str | None:
        """What was lent to the browser for the flow; None when nothing was."""
        sealed = _decoded(_one(sent, self.browser + _LENT))
        plain = self.keys.decrypt(sealed, flow_id) if sealed else None
        return None if plain is None else plain.decode()

    def masked(self, secret: bytes) -> str:
        """`secret` for a form, different each time: compressed answers must not tell it (BREACH)."""
        pad = self.entropy(_SECRET)
        return _text(pad + _xor(pad, secret))


def attributes(domain: str | None, path: str, same_site: str, *, secure: bool) -> str:
    """What stands behind a cookie's value. Over plain HTTP, which is development, SameSite is Lax."""
    where = f"; Path={path}" + (f"; Domain={domain}" if domain else "")
    return f"{where}; HttpOnly; SameSite={same_site}; Secure" if secure else f"{where}; HttpOnly; SameSite=Lax"


def unmasked(token: str) -> bytes | None:
    """The secret that was masked; None for what is no such text."""
    raw = _decoded(token)
    return _xor(raw[:_SECRET], raw[_SECRET:]) if raw and len(raw) == 2 * _SECRET else None


def names(sent: Sequence[bytes]) -> list[str]:
    """The names of all cookies."""
    return [name for name, _ in _pairs(sent)]


def _one(sent: Sequence[bytes], wanted: str) -> str:
    values = [value for name, value in _pairs(sent) if name == wanted]
    return values[0] if len(values) == 1 else ""


def _pairs(sent: Sequence[bytes]) -> list[tuple[str, str]]:
    split = [part.strip().partition("=") for header in sent for part in header.decode("latin-1").split(";")]
    return [(name.strip(), value.strip()) for name, _, value in split if name]


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes | None:
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        return None
    return raw if _text(raw) == text else None
