"""Writes examples/people.jsonl: a thousand people whom nobody knows, with passwords in every format of the import.

python tools/people.py            needs the openssl command, for the formats of crypt(3) and MD4
"""

import hashlib
import hmac
import json
import subprocess
import uuid
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bcrypt
from argon2.low_level import Type, hash_secret
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

FILE = Path(__file__).parents[1] / "examples" / "people.jsonl"
PEOPLE = 1000
_SIGNER = hashlib.sha512(b"the signer key of the example").digest()
_SEPARATOR = b"\x07"
_TEMPLATE = "{SALT}:{PASSWORD}"
# Syllables that make no name of anybody's.
_SCRIPTS = (
    ("va lo rin teska mu del", "Va Lo Rin Teska Mu Del"),
    ("zue bra okel fyn", "Zü Brå Økel Fýn"),
    ("pul dre ogna siv", "Пул Дре Огня Сив"),
    ("phor tila mex ova", "Φορ Τίλα Μεξ Όβα"),
    ("bar tuf silu naq", "بار طوف سيلو نق"),
    ("gim lod resha vak", "גים לוד רשא וק"),
    ("tal biru mesh ond", "टल बिरु मेश ओंड"),
    ("lan wo zhu pei", "岚 沃 竹 霈"),
    ("momi kura teno sae", "もみ くら ての さえ"),
    ("dul gaon bit mul", "둘 가온 빛 물"),
    ("plo rung dam chu", "โพล รุง ดำ ชู"),
    ("gvim tela soro khe", "გვიმ თელა სორო ხე"),
)
_AREAS = ("202", "212", "303", "312", "404", "415", "503", "617", "702", "808")


def password(local: str) -> str:
    """Of the person whose address begins with `local`."""
    return f"{local} opens the latch"


def _b64(raw: bytes) -> str:
    return b64encode(raw).decode()


def _bare(raw: bytes) -> str:
    return _b64(raw).rstrip("=")


def _openssl(*words: str, given: str) -> str:
    done = subprocess.run(["openssl", *words], input=given.encode(), capture_output=True, check=True)  # noqa: S603, S607
    return done.stdout.decode().strip()


def _argon2(kind: Type) -> Callable[[bytes, bytes], str]:
    return lambda secret, salt: hash_secret(secret, salt, 2, 256, 1, 32, kind).decode()


def _bcrypt(prefix: str) -> Callable[[bytes, bytes], str]:
    def made(secret: bytes, salt: bytes) -> str:
        # 22 letters hold 132 bits and the salt 128: the last letter is one that ends in four zeros.
        letters = salt.hex()[:21] + "O"
        return bcrypt.hashpw(secret, f"$2b$04${letters}".encode()).decode().replace("$2b$", prefix, 1)

    return made


def _pbkdf2(name: str) -> Callable[[bytes, bytes], str]:
    def made(secret: bytes, salt: bytes) -> str:
        digest = hashlib.pbkdf2_hmac(name, secret, salt, 1000)
        return f"$pbkdf2-{name}$i=1000,l={len(digest)}${_bare(salt)}${_bare(digest)}"

    return made


def _scrypt(secret: bytes, salt: bytes) -> str:
    digest = hashlib.scrypt(secret, salt=salt, n=1024, r=8, p=1, dklen=32)
    return f"$scrypt$ln=1024,r=8,p=1${_b64(salt)}${_b64(digest)}"


def _firescrypt(secret: bytes, salt: bytes) -> str:
    key = hashlib.scrypt(secret, salt=salt + _SEPARATOR, n=1024, r=8, p=1, dklen=32)
    digest = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(_SIGNER)
    return f"$firescrypt$ln=10,r=8,p=1${_b64(salt)}${_b64(digest)}${_b64(_SEPARATOR)}${_b64(_SIGNER)}"


def _ssha(tag: str, name: str) -> Callable[[bytes, bytes], str]:
    return lambda secret, salt: f"{{{tag}}}{_b64(hashlib.new(name, secret + salt).digest() + salt)}"


def _template(name: str) -> Callable[[bytes, bytes], str]:
    def made(secret: bytes, salt: bytes) -> str:
        digest = hashlib.new(name, salt + b":" + secret).digest()
        return f"${name}$pf={_b64(_TEMPLATE.encode())}${_b64(salt)}${_b64(digest)}"

    return made


def _crypt(name: str, option: str) -> Callable[[bytes, bytes], str]:
    def made(secret: bytes, salt: bytes) -> str:
        shown = _openssl("passwd", option, "-salt", salt.hex()[:8], "-stdin", given=secret.decode())
        return f"${name}${shown.split('$', 2)[2]}"

    return made


def _hmac(name: str) -> Callable[[bytes, bytes], str]:
    def made(secret: bytes, salt: bytes) -> str:
        if name == "md4":  # which Python's own OpenSSL does not load
            options = (
                "-provider",
                "legacy",
                "-provider",
                "default",
                "-md4",
                "-mac",
                "HMAC",
                "-macopt",
                f"hexkey:{salt.hex()}",
            )
            digest = _openssl("dgst", *options, given=secret.decode()).rpartition("= ")[2]
        else:
            digest = hmac.new(salt, secret, name).hexdigest()
        return f"$hmac-{name}${_b64(digest.encode())}${_b64(salt)}"

    return made


FORMATS: dict[str, Callable[[bytes, bytes], str]] = {
    "argon2id": _argon2(Type.ID),
    "argon2i": _argon2(Type.I),
    **{f"bcrypt-{kind}": _bcrypt(f"${kind}$") for kind in ("2", "2a", "2b", "2y", "2z")},
    **{f"pbkdf2-{name}": _pbkdf2(name) for name in ("sha1", "sha224", "sha256", "sha384", "sha512")},
    "scrypt": _scrypt,
    "firescrypt": _firescrypt,
    "ssha": _ssha("SSHA", "sha1"),
    "ssha256": _ssha("SSHA256", "sha256"),
    "ssha512": _ssha("SSHA512", "sha512"),
    **{name: _template(name) for name in ("sha1", "sha256", "sha512", "md5")},
    "md5-bare": lambda secret, _: f"$md5${_b64(hashlib.md5(secret, usedforsecurity=False).digest())}",
    "md5-crypt": _crypt("md5-crypt", "-1"),
    "sha256-crypt": _crypt("sha256-crypt", "-5"),
    "sha512-crypt": _crypt("sha512-crypt", "-6"),
    **{f"hmac-{name}": _hmac(name) for name in ("md4", "md5", "sha1", "sha224", "sha256", "sha384", "sha512")},
}


def person(n: int) -> dict[str, Any]:
    """The n-th of them, from 1; the same whenever it is asked."""
    seed = hashlib.sha256(b"person %d" % n).digest()
    latin, shown = (text.split() for text in _SCRIPTS[n % len(_SCRIPTS)])
    first, last = ((seed[i] % len(latin), seed[i + 1] % len(latin)) for i in (0, 2))
    local = f"{latin[first[0]]}{latin[first[1]]}.{n:04}"
    email = f"{local}@example.{('com', 'org', 'net')[n % 3]}"
    name, make = list(FORMATS.items())[n % len(FORMATS)]
    entry: dict[str, Any] = {
        "schema_id": "default",
        "traits": {
            "email": email,
            "name": {
                key: "".join(shown[i] for i in part).capitalize() for key, part in (("first", first), ("last", last))
            },
        },
        "credentials": {"password": {"config": {"hashed_password": make(password(local).encode(), seed[:16])}}},
        "metadata_admin": {"format": name},
    }
    if n % 4 == 0:
        entry["traits"]["phone"] = f"+1{_AREAS[n % 1000 // 100]}55501{n % 100:02}"
    if n % 2 == 0:
        entry["external_id"] = f"member-{n:05}"
    if n % 5 == 0:
        entry["id"] = str(uuid.UUID(bytes=seed[16:], version=4))
    if n % 3 == 0:
        entry["verifiable_addresses"] = [{"value": email, "via": "email", "verified": True}]
    if n % 7 == 0:
        entry["metadata_public"] = {"plan": ("free", "team")[n % 2], "seats": n % 9}
    if n % 25 == 0:
        entry["state"] = "inactive"
    return entry


if __name__ == "__main__":
    with FILE.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(person(n), ensure_ascii=False) + "\n" for n in range(1, PEOPLE + 1))
