"""Making and checking password hashes, as turns in a bounded queue for a few places.

new     argon2id of the NFC form, parameters in the hash itself
others  as formats.py reads them; one that it refuses is never right, and costs a check of ours
"""

import asyncio
import threading
import unicodedata
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from argon2.low_level import Type, hash_secret

from nightlatch.core.credentials import formats
from nightlatch.core.credentials.places import Place
from nightlatch.core.credentials.slots import Slots
from nightlatch.kernel.ids import Entropy
from nightlatch.kernel.unit import outside
from nightlatch.problems import Busy, HashRefused, PasswordRefused

T = TypeVar("T")

_PATIENCE = 0.02  # seconds


class Turn:
    """A place in the queue, held over the steps of one act. Inside a transaction its methods raise RuntimeError."""

    def __init__(self, ours: "_Ours", slots: Slots) -> None:
        self._ours, self._slots = ours, slots
        self._working: Future[Any] | None = None

    async def verify(self, password: str, hashed: str | None, waited: Callable[[float], None] = lambda _: None) -> bool:
        """Whether `hashed` is of `password`. None, or a hash that cannot be read, costs a check at our parameters and
        is never right. `waited` is told how many seconds the wait for a place took."""
        memory = _memory(hashed)
        checked = hashed if hashed is not None and memory is not None else self._ours.nobody
        slots = -(-(memory or 0) // self._ours.memory)
        return await self._run(slots, waited, _matches, password, checked) and memory is not None

    async def idle(self, waited: Callable[[float], None]) -> None:
        """The wait for a place, and nothing after it."""
        await self._run(1, waited, _nothing)

    async def hash(self, password: str) -> str:
        """A new argon2id hash in PHC form. PasswordRefused when the text is not Unicode."""
        ours = self._ours
        salt = ours.entropy(16)
        return await self._run(
            1, lambda _: None, _hash, _secret(password), salt, ours.time, ours.memory, ours.parallelism
        )

    def when_idle(self, then: Callable[[], None]) -> None:
        """Calls `then` when nothing is done for this turn any more: at once, or in the thread that waits for it."""
        if self._working is None:
            then()
        else:
            self._working.add_done_callback(lambda _: then())

    async def _run(self, slots: int, waited: Callable[[float], None], work: Callable[..., T], *arguments: object) -> T:
        outside("a hash")
        loop = asyncio.get_running_loop()
        asked = loop.time()
        future = await self._slots.submit(slots, work, *arguments)
        self._working = future
        waited(loop.time() - asked)
        return await asyncio.wrap_future(future)


class Hasher:
    """Makes and checks hashes in `places`; `queue` more turns may be taken, any further one gets Busy.

    `memory` is in KiB. Inside a transaction, taking a turn raises RuntimeError.
    """

    def __init__(
        self, *, memory: int, time: int, parallelism: int, places: Sequence[Place], queue: int, entropy: Entropy
    ) -> None:
        self._ours = _Ours(memory, time, parallelism, entropy)
        self._room = threading.Semaphore(len(places) + queue)
        self._slots = Slots(places)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """A place for the hashes of one act. Busy at once when all are taken."""
        outside("a hash")
        if not self._room.acquire(blocking=False):
            raise Busy
        turn = Turn(self._ours, self._slots)
        try:
            yield turn
        finally:
            # Not when the waiter leaves: a client that hangs up must not make room while its work goes on.
            turn.when_idle(self._room.release)

    async def hash(self, password: str, *, patient: bool = False) -> str:
        """A new hash, in a turn of its own. Busy, unless `patient`: then it waits for room. PasswordRefused."""
        while True:
            try:
                async with self.turn() as turn:
                    return await turn.hash(password)
            except Busy:
                if not patient:
                    raise
                await asyncio.sleep(_PATIENCE)

    def weaker(self, hashed: str) -> bool:
        """Whether a right password should be hashed anew: another algorithm, or a parameter below ours."""
        known = formats.argon2id(hashed)
        return (
            known is None
            or int(known["m"]) < self._ours.memory
            or int(known["t"]) < self._ours.time
            or len(known["salt"]) < 22
            or len(known["digest"]) < 43
        )

    def close(self) -> None:
        """Drops what waits and what runs."""
        self._slots.close()


class _Ours:
    """The parameters of new hashes; `nobody` is such a hash, of no password. HashRefused when none could be checked."""

    def __init__(self, memory: int, time: int, parallelism: int, entropy: Entropy) -> None:
        self.memory, self.time, self.parallelism, self.entropy = memory, time, parallelism, entropy
        salt, digest = _base64(entropy(16)), _base64(entropy(32))
        self.nobody = f"$argon2id$v=19$m={memory},t={time},p={parallelism}${salt}${digest}"
        formats.read(self.nobody)


def _memory(hashed: str | None) -> int | None:
    """KiB that a check takes; None when there is nothing that can be checked."""
    try:
        return None if hashed is None else formats.read(hashed).memory
    except HashRefused:
        return None


def _secret(password: str) -> bytes:
    try:
        return unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        raise PasswordRefused("not_text", "The password is not valid Unicode text.") from None


# What follows is done in a Place.


def _nothing() -> None:
    """No work."""


def _hash(secret: bytes, salt: bytes, time: int, memory: int, parallelism: int) -> str:
    return hash_secret(secret, salt, time, memory, parallelism, 32, Type.ID).decode()


def _matches(password: str, hashed: str) -> bool:
    # The raw bytes first: an imported hash may be of a form that is not NFC. A lone surrogate matches nothing.
    forms = dict.fromkeys((password, unicodedata.normalize("NFC", password)))
    known = formats.read(hashed)
    return any(known.matches(form.encode("utf-8", "surrogatepass")) for form in forms)


def _base64(raw: bytes) -> str:
    return b64encode(raw).rstrip(b"=").decode()
