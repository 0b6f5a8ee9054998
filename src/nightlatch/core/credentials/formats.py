"""The formats of password hashes that can be read and checked: one row each, with what a check of it may cost.

Ours is argon2id; the others come in by import and stay until their person signs in. A hash is read before it is stored
and again before each check, so nothing that a row refuses is ever computed.
"""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import partial
from hmac import compare_digest
from types import ModuleType
from typing import NamedTuple

import bcrypt
from argon2.exceptions import VerificationError
from argon2.low_level import Type, verify_secret
from Cryptodome.Hash import MD4
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from nightlatch.core.credentials import crypt
from nightlatch.problems import HashRefused

_UNKNOWN = "The imported password does not match any known hash format."
_UNREADABLE = "The imported password hash could not be parsed."
_TOO_DEAR = (
    "The imported password hash declares cost parameters that exceed the bounds enforced by Ory. "
    "Re-hash the password with a more conservative configuration before importing."
)
_LONGEST = 2048  # characters
_BCRYPT_BYTES = 72
_SMALLEST = 16  # bytes of a digest: of fewer, some other password would soon be found to match

Part = re.Match[str]


class Known(NamedTuple):
    """A hash within all bounds: whether it is of a secret, and the KiB that one check takes (0: next to none)."""

    matches: Callable[[bytes], bool]
    memory: int = 0


class Format(NamedTuple):
    """How the text goes on after its name, and what is made of its parts (HashRefused)."""

    layout: re.Pattern[str]
    read: Callable[[Part], Known]


def read(hashed: str) -> Known:
    """HashRefused when `hashed` is of no known format, cannot be read, or is dearer than we will ever pay."""
    name = _NAME.match(hashed)
    known = FORMATS.get(name[0]) if name else None
    if name is None or known is None:
        raise HashRefused(_UNKNOWN)
    parts = known.layout.fullmatch(hashed, name.end()) if len(hashed) <= _LONGEST else None
    if parts is None:
        raise HashRefused(_UNREADABLE)
    return known.read(parts)


def argon2id(hashed: str) -> Part | None:
    """The parts of a hash of this very algorithm: m, t, p, salt, digest."""
    return _ARGON2.fullmatch(hashed, len("$argon2id$")) if hashed.startswith("$argon2id$") else None


def _bounded(within: bool) -> None:
    if not within:
        raise HashRefused(_TOO_DEAR)


def _readable(sound: bool) -> None:
    if not sound:
        raise HashRefused(_UNREADABLE)


def _raw(text: str, *, least: int = 0, padded: bool = True) -> bytes:
    """The bytes of base64 as an encoder writes it, without stray bits at its end. HashRefused."""
    full = text if padded else text + "=" * (-len(text) % 4)
    try:
        raw = b64decode(full, validate=True)
    except ValueError:
        raise HashRefused(_UNREADABLE) from None
    _readable(len(raw) >= least and b64encode(raw).decode() == full)
    return raw


def _argon2(parts: Part) -> Known:
    memory, time, lanes = int(parts["m"]), int(parts["t"]), int(parts["p"])
    _bounded(1 <= memory <= 1 << 20 and 1 <= time <= 10 and 1 <= lanes <= 16)
    _readable(memory >= 8 * lanes)  # RFC 9106, 3.1
    _raw(parts["salt"], padded=False)
    _raw(parts["digest"], padded=False)
    kind = Type.ID if parts.string.startswith("$argon2id$") else Type.I

    def matches(secret: bytes) -> bool:
        try:
            return verify_secret(parts.string.encode(), secret, kind)
        except VerificationError:
            return False

    return Known(matches, memory)


def _bcrypt(parts: Part) -> Known:
    cost = int(parts["cost"])
    _bounded(cost <= 15)
    _readable(cost >= 4)
    hashed = f"$2b${parts['cost']}${parts['rest']}".encode()

    def matches(secret: bytes) -> bool:
        # bcrypt reads 72 bytes and its library raises above: the check is made all the same, so that it takes as long.
        try:
            right = bcrypt.checkpw(secret[:_BCRYPT_BYTES], hashed)
        except ValueError:
            return False
        return right and len(secret) <= _BCRYPT_BYTES

    return Known(matches)


def _pbkdf2(digest: str, parts: Part) -> Known:
    rounds, salt = int(parts["i"]), _raw(parts["salt"], padded=False)
    expected = _raw(parts["hash"], least=_SMALLEST, padded=False)
    # The work is done anew for each length of a digest that is asked for.
    blocks = -(-len(expected) // hashlib.new(digest).digest_size)
    _bounded(1 <= rounds <= 10_000_000 // blocks)
    # By these two names some servers mean SHA-3, and everybody else SHA-2.
    digests = (digest, digest.replace("sha", "sha3_")) if digest in {"sha224", "sha384"} else (digest,)

    def matches(secret: bytes) -> bool:
        made = (hashlib.pbkdf2_hmac(each, secret, salt, rounds, len(expected)) for each in digests)
        return any(compare_digest(each, expected) for each in made)

    return Known(matches)


def _scrypt_cost(n: int, parts: Part) -> tuple[int, int, int, int]:
    """Bytes that are taken, N, r and p. HashRefused: also for an N that scrypt itself does not have."""
    r, p = int(parts["r"]), int(parts["p"])
    _bounded(1 <= n <= 131_072 and 1 <= r <= 8 and 1 <= p <= 10)
    _readable(n > 1 and n & (n - 1) == 0 and n < 1 << 16 * r)
    return 128 * r * (n + p + 2), n, r, p


def _scrypt(parts: Part) -> Known:
    memory, n, r, p = _scrypt_cost(int(parts["ln"]), parts)
    salt, expected = _raw(parts["salt"]), _raw(parts["hash"], least=_SMALLEST)

    def matches(secret: bytes) -> bool:
        made = hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=len(expected))
        return compare_digest(made, expected)

    return Known(matches, memory >> 10)


def _firebase(parts: Part) -> Known:
    """Firebase's: the key that scrypt derives encrypts the signer key of the project, and the hash is that."""
    # An exponent of ten digits is refused without being raised to.
    memory, n, r, p = _scrypt_cost(1 << min(int(parts["ln"]), 18), parts)
    salt, signer = _raw(parts["salt"]) + _raw(parts["separator"]), _raw(parts["signer"], least=_SMALLEST)
    expected = _raw(parts["hash"])
    _readable(len(expected) == len(signer))

    def matches(secret: bytes) -> bool:
        key = hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=32)
        return compare_digest(Cipher(AES256(key), CTR(bytes(16))).encryptor().update(signer), expected)

    return Known(matches, memory >> 10)


def _salted(digest: str, parts: Part) -> Known:
    size = hashlib.new(digest).digest_size
    raw = _raw(parts["raw"], least=size + 1)
    return Known(lambda secret: compare_digest(hashlib.new(digest, secret + raw[size:]).digest(), raw[:size]))


def _template(digest: str, parts: Part) -> Known:
    salt, expected = _raw(parts["salt"] or ""), _raw(parts["hash"])
    template = b"{PASSWORD}" if parts["pf"] is None else _raw(parts["pf"])
    # Without the password in it, every password would be right.
    _readable(b"{PASSWORD}" in template and len(expected) == hashlib.new(digest).digest_size)

    def matches(secret: bytes) -> bool:
        filled = re.sub(rb"\{(SALT|PASSWORD)\}", lambda m: salt if m[1] == b"SALT" else secret, template)
        return compare_digest(hashlib.new(digest, filled).digest(), expected)

    return Known(matches)


def _hmac(digest: str | ModuleType, parts: Part) -> Known:
    key, expected = _raw(parts["key"], least=1), _raw(parts["hash"])
    # As hexadecimal digits, lower case: the keyed digest was text before it was encoded.
    digits = re.fullmatch(rb"[0-9a-f]+", expected)
    _readable(digits is not None and len(expected) == 2 * hmac.new(key, b"", digest).digest_size)
    return Known(lambda secret: compare_digest(hmac.new(key, secret, digest).hexdigest().encode(), expected))


def _crypt(mark: str, parts: Part) -> Known:
    if not crypt.AVAILABLE:
        raise HashRefused(_UNKNOWN)
    rounds = int(parts.groupdict().get("rounds") or 5000)
    _bounded(rounds <= 1_000_000)
    _readable(rounds >= 1000)
    return Known(partial(crypt.matches, hashed=mark + parts[0]))


_BARE, _PADDED = "[A-Za-z0-9+/]", "[A-Za-z0-9+/]*={0,2}"
_ARGON2 = re.compile(
    rf"v=19\$m=(?P<m>\d{{1,10}}),t=(?P<t>\d{{1,10}}),p=(?P<p>\d{{1,10}})"
    rf"\$(?P<salt>{_BARE}{{11,171}})\$(?P<digest>{_BARE}{{6,171}})",
    re.ASCII,
)
_BCRYPT = re.compile(r"(?P<cost>\d\d)\$(?P<rest>[./A-Za-z0-9]{53})", re.ASCII)
_PBKDF2 = re.compile(rf"i=(?P<i>\d{{1,10}}),l=\d{{1,10}}\$(?P<salt>{_BARE}*)\$(?P<hash>{_BARE}+)", re.ASCII)
_COST = r"ln=(?P<ln>\d{1,10}),r=(?P<r>\d{1,10}),p=(?P<p>\d{1,10})"
_SCRYPT = re.compile(rf"{_COST}\$(?P<salt>{_PADDED})\$(?P<hash>{_PADDED})", re.ASCII)
_FIREBASE = re.compile(
    rf"{_COST}\$(?P<salt>{_PADDED})\$(?P<hash>{_PADDED})\$(?P<separator>{_PADDED})\$(?P<signer>{_PADDED})", re.ASCII
)
_SALTED = re.compile(rf"(?P<raw>{_PADDED})", re.ASCII)
_TEMPLATE = re.compile(rf"pf=(?P<pf>{_PADDED})\$(?P<salt>{_PADDED})\$(?P<hash>{_PADDED})", re.ASCII)
_PERHAPS = re.compile(rf"(?:pf=(?P<pf>{_PADDED})\$(?P<salt>{_PADDED})\$)?(?P<hash>{_PADDED})", re.ASCII)
_HMAC = re.compile(rf"(?P<hash>{_PADDED})\$(?P<key>{_PADDED})", re.ASCII)
_SALT = r"[!-#%-9;-~]"  # of crypt(3): what is printed, without the separators of the fields around it
_MD5_CRYPT = re.compile(rf"{_SALT}{{0,8}}\$[./A-Za-z0-9]{{22}}", re.ASCII)
_SHA_CRYPT = r"(?:rounds=(?P<rounds>[1-9]\d{0,9})\$)?" + _SALT + r"{0,16}\$[./A-Za-z0-9]"
_NAME = re.compile(r"\$[a-z0-9-]+\$|\{[A-Z0-9]+\}", re.ASCII)


FORMATS: dict[str, Format] = {
    **{f"${name}$": Format(_ARGON2, _argon2) for name in ("argon2id", "argon2i")},
    **{f"$2{letter}$": Format(_BCRYPT, _bcrypt) for letter in ("", "a", "b", "y", "z")},
    **{
        f"$pbkdf2-{digest}$": Format(_PBKDF2, partial(_pbkdf2, digest))
        for digest in ("sha1", "sha224", "sha256", "sha384", "sha512")
    },
    "$scrypt$": Format(_SCRYPT, _scrypt),
    "$firescrypt$": Format(_FIREBASE, _firebase),
    "{SSHA}": Format(_SALTED, partial(_salted, "sha1")),
    "{SSHA256}": Format(_SALTED, partial(_salted, "sha256")),
    "{SSHA512}": Format(_SALTED, partial(_salted, "sha512")),
    **{f"${digest}$": Format(_TEMPLATE, partial(_template, digest)) for digest in ("sha1", "sha256", "sha512")},
    "$md5$": Format(_PERHAPS, partial(_template, "md5")),
    "$md5-crypt$": Format(_MD5_CRYPT, partial(_crypt, "$1$")),
    "$sha256-crypt$": Format(re.compile(_SHA_CRYPT + "{43}", re.ASCII), partial(_crypt, "$5$")),
    "$sha512-crypt$": Format(re.compile(_SHA_CRYPT + "{86}", re.ASCII), partial(_crypt, "$6$")),
    **{
        f"$hmac-{digest}$": Format(_HMAC, partial(_hmac, digest))
        for digest in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
    },
    # OpenSSL 3 has put MD4 away.
    "$hmac-md4$": Format(_HMAC, partial(_hmac, MD4)),
}
