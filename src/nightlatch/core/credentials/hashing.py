"""Password hashes: new ones are argon2id, imported ones are checked as they came. Work is done in few slow threads.

new      argon2id of the NFC form, parameters in the hash itself
known    argon2id, argon2i (v=19), bcrypt: bounds of their cost are checked at import and again at each check
threads  nice 10: the loop stays quiet and sign-in does not starve on a busy host
"""

import asyncio
import os
import re
import threading
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import bcrypt
from argon2.exceptions import VerificationError
from argon2.low_level import Type, hash_secret, verify_secret

from nightlatch.kernel.ids import Entropy
from nightlatch.kernel.unit import outside
from nightlatch.problems import Busy, HashRefused, PasswordRefused

T = TypeVar("T")

_KNOWN = re.compile(r"\$(?:argon2id?|2[abyz]?)\$")
_ARGON2 = re.compile(
    r"\$argon2(?P<kind>id?)\$v=19\$m=(?P<m>\d{1,10}),t=(?P<t>\d{1,10}),p=(?P<p>\d{1,10})"
    r"\$(?P<salt>[A-Za-z0-9+/]{11,171})\$(?P<digest>[A-Za-z0-9+/]{6,171})",
    re.ASCII,
)
_BCRYPT = re.compile(r"\$2[abyz]?\$(?P<cost>\d\d)\$(?P<rest>[./A-Za-z0-9]{53})", re.ASCII)
_BCRYPT_BYTES = 72

_PATIENCE = 0.02  # seconds
_UNKNOWN = "The imported password does not match any known hash format."
_UNREADABLE = "The imported password hash could not be parsed."
_TOO_DEAR = (
    "The imported password hash declares cost parameters that exceed the bounds enforced by Ory. "
    "Re-hash the password with a more conservative configuration before importing."
)


def check_import(hashed: str) -> None:
    """Raises HashRefused when `hashed` is of no known format, cannot be read, or is dearer than we will ever pay."""
    if argon2 := _ARGON2.fullmatch(hashed):
        memory, time, lanes = int(argon2["m"]), int(argon2["t"]), int(argon2["p"])
        bounded = 1 <= memory <= 1 << 20 and 1 <= time <= 10 and 1 <= lanes <= 16
        readable = memory >= 8 * lanes and _is_base64(argon2["salt"]) and _is_base64(argon2["digest"])
    elif with_bcrypt := _BCRYPT.fullmatch(hashed):
        bounded, readable = int(with_bcrypt["cost"]) <= 15, int(with_bcrypt["cost"]) >= 4
    elif _KNOWN.match(hashed):
        raise HashRefused(_UNREADABLE)
    else:
        raise HashRefused(_UNKNOWN)
    if not bounded:
        raise HashRefused(_TOO_DEAR)
    if not readable:
        raise HashRefused(_UNREADABLE)


class Hasher:
    """Makes and checks hashes in `threads` threads; `queue` more may wait, any further one gets Busy.

    `memory` is in KiB. Called inside a transaction, every method raises RuntimeError.
    """

    def __init__(self, *, memory: int, time: int, parallelism: int, threads: int, queue: int, entropy: Entropy) -> None:
        self._memory, self._time, self._parallelism = memory, time, parallelism
        self._entropy = entropy
        salt, digest = _base64(entropy(16)), _base64(entropy(32))
        self._nobody = f"$argon2id$v=19$m={memory},t={time},p={parallelism}${salt}${digest}"
        check_import(self._nobody)
        self._room = threading.Semaphore(threads + queue)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="hash", initializer=_yield_to_the_loop)

    async def hash(self, password: str, *, patient: bool = False) -> str:
        """A new argon2id hash in PHC form. PasswordRefused when the text is not Unicode. Busy, unless `patient`: then
        it waits for room."""
        while True:
            try:
                return await self._run(self._hash, password)
            except Busy:
                if not patient:
                    raise
                await asyncio.sleep(_PATIENCE)

    async def verify(self, password: str, hashed: str) -> bool:
        """Whether `hashed` is of `password`. A hash that `check_import` refuses costs a check and is never right."""
        return await self._run(self._verify, password, hashed)

    async def verify_none(self, password: str) -> None:
        """Takes as long as checking a hash of ours: for an account that does not exist or has no password."""
        await self._run(self._verify, password, self._nobody)

    def weaker(self, hashed: str) -> bool:
        """Whether a right password should be hashed anew: another algorithm, or a parameter below ours."""
        known = _ARGON2.fullmatch(hashed)
        return (
            known is None
            or known["kind"] != "id"
            or int(known["m"]) < self._memory
            or int(known["t"]) < self._time
            or len(known["salt"]) < 22
            or len(known["digest"]) < 43
        )

    def close(self) -> None:
        """Drops what waits; what runs ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        outside("a hash")
        if not self._room.acquire(blocking=False):
            raise Busy
        future = self._pool.submit(work, *arguments)
        # Not when the waiter leaves: a client that hangs up must not make room while its thread still works.
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def _leave(self, _: "Future[T]") -> None:
        self._room.release()

    def _hash(self, password: str) -> str:
        outside("a hash")
        try:
            secret = unicodedata.normalize("NFC", password).encode()
        except UnicodeEncodeError:
            raise PasswordRefused("not_text", "The password is not valid Unicode text.") from None
        salt = self._entropy(16)
        return hash_secret(secret, salt, self._time, self._memory, self._parallelism, 32, Type.ID).decode()

    def _verify(self, password: str, hashed: str) -> bool:
        outside("a hash")
        known = _is_known(hashed)
        if not known:
            hashed = self._nobody
        # The raw bytes first: an imported hash may be of a form that is not NFC. A lone surrogate matches nothing.
        forms = dict.fromkeys((password, unicodedata.normalize("NFC", password)))
        return any(_matches(form.encode("utf-8", "surrogatepass"), hashed) for form in forms) and known


def _yield_to_the_loop() -> None:
    with suppress(OSError):  # where a thread has no priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def _is_known(hashed: str) -> bool:
    try:
        check_import(hashed)
    except HashRefused:
        return False
    return True


def _matches(secret: bytes, hashed: str) -> bool:
    if with_bcrypt := _BCRYPT.fullmatch(hashed):
        return _matches_bcrypt(secret, f"$2b${with_bcrypt['cost']}${with_bcrypt['rest']}")
    kind = Type.ID if hashed.startswith("$argon2id$") else Type.I
    try:
        return verify_secret(hashed.encode(), secret, kind)
    except VerificationError:
        return False


def _matches_bcrypt(secret: bytes, hashed: str) -> bool:
    # bcrypt reads 72 bytes and its library raises above: the check is made all the same, so that it takes as long.
    try:
        right = bcrypt.checkpw(secret[:_BCRYPT_BYTES], hashed.encode())
    except ValueError:
        return False
    return right and len(secret) <= _BCRYPT_BYTES


def _base64(raw: bytes) -> str:
    return b64encode(raw).rstrip(b"=").decode()


def _is_base64(text: str) -> bool:
    """Whether `text` is unpadded base64 as an encoder writes it, without stray bits at its end."""
    try:
        return _base64(b64decode(text + "=" * (-len(text) % 4), validate=True)) == text
    except ValueError:
        return False
