"""Tokens and keys. What is handed out is random; what is kept is a hash, a keyed hash or a ciphertext.

Every key is a list derived (HKDF, RFC 5869) from the configured secrets: the first signs, all verify, so a
secret is rotated by putting a new one in front.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nightlatch.kernel.ids import Entropy

T = TypeVar("T")

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_MAC = 32


def new_token(prefix: str, entropy: Entropy, length: int = 32) -> str:
    """`prefix` and `length` random letters and digits (32 of them hold 190 bits)."""
    return prefix + _letters(_ALPHABET, entropy, length)


def new_name(entropy: Entropy, length: int) -> str:
    """`length` random capitals and digits: an id that may be seen."""
    return _letters(_CAPITALS, entropy, length)


def new_digits(entropy: Entropy, length: int = 6) -> str:
    """A code of `length` decimal digits, all equally likely."""
    return _letters("0123456789", entropy, length)


def _letters(alphabet: str, entropy: Entropy, length: int) -> str:
    size = len(alphabet)
    fair = 256 - 256 % size  # a byte from here on would make the first letters likelier
    letters: list[str] = []
    while len(letters) < length:
        letters += [alphabet[b % size] for b in entropy(2 * length) if b < fair]
    return "".join(letters[:length])


def digest(token: str) -> bytes:
    """What is stored of a token and what it is looked up by. Enough for a value of 128 random bits or more."""
    return hashlib.sha256(token.encode()).digest()


def same(a: bytes, b: bytes) -> bool:
    """Equality that takes as long for a near miss as for a far one."""
    return hmac.compare_digest(a, b)


class Keys:
    """The keys of one purpose, one from each configured secret, newest first."""

    def __init__(self, secrets: Sequence[bytes], purpose: str) -> None:
        if not secrets:
            raise ValueError("at least one secret is needed")
        self._keys = [
            HKDF(algorithm=SHA256(), length=32, salt=None, info=b"nightlatch " + purpose.encode()).derive(secret)
            for secret in secrets
        ]

    def macs(self, message: bytes) -> list[bytes]:
        """HMAC-SHA256 of `message` under each key, newest first: store the first, accept any."""
        return [hmac.digest(key, message, "sha256") for key in self._keys]

    def seal(self, value: Any) -> str:
        """`value` as text that a client can carry but not make or change. It can be read: nothing secret goes in."""
        payload = msgspec.msgpack.encode(value)
        return _spelled(payload + self.macs(payload)[0])

    def unseal(self, text: str, kind: type[T]) -> T | None:
        """The value that `seal` was given, or None for anything else."""
        try:
            raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            payload, mac = raw[:-_MAC], raw[-_MAC:]
            # The decoder skips what it does not know: only the one spelling that `seal` made is good. Every key is
            # tried, so that the time does not tell which of them fits.
            if _spelled(raw) != text or not any([same(mac, known) for known in self.macs(payload)]):  # noqa: C419
                return None
            return msgspec.msgpack.decode(payload, type=kind)
        except (ValueError, msgspec.DecodeError):
            return None

    def encrypt(self, plain: bytes, context: bytes, entropy: Entropy) -> bytes:
        """AES-256-GCM under the newest key; `context` (whose secret it is) must be given again to decrypt."""
        nonce = entropy(12)
        return nonce + AESGCM(self._keys[0]).encrypt(nonce, plain, context)

    def decrypt(self, sealed: bytes, context: bytes) -> bytes | None:
        """What `encrypt` was given, or None when no key opens it."""
        for key in self._keys:
            try:
                return AESGCM(key).decrypt(sealed[:12], sealed[12:], context)
            except (InvalidTag, ValueError):
                continue
        return None


def _spelled(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
