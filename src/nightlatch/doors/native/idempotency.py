"""Idempotency-Key on every POST: who did not get an answer asks again, and nothing is done twice."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial, wraps
from hashlib import sha256
from typing import TypeVar

import msgspec

from nightlatch.core.access import idempotency as rules
from nightlatch.core.access.model import Entry
from nightlatch.core.flows.store import Tx
from nightlatch.core.sessions.generations import Generations
from nightlatch.core.store import Store, Unit
from nightlatch.doors.http.parts import Shared
from nightlatch.doors.http.refusal import Refusal
from nightlatch.doors.http.routing import MIB, Answer, Call, Endpoint, Parameter, Route, target
from nightlatch.problems import AnswerLost, FieldInvalid, Problem, Unavailable

T = TypeVar("T")
_NAME, _LONGEST = "Idempotency-Key", 255
_PARAMETER = Parameter(_NAME, help="Asked again under it, the same is answered and not done again.", place="header")


def idempotent(routes: Iterable[Route[Shared]]) -> tuple[Route[Shared], ...]:
    """`routes`, whose POSTs take a key."""
    return tuple(
        each._replace(endpoint=_once(each.endpoint), query=(*each.query, _PARAMETER), refuses=(*each.refuses, 409, 422))
        if each.method == "POST"
        else each
        for each in routes
    )


def _once(endpoint: Endpoint[Shared]) -> Endpoint[Shared]:
    @wraps(endpoint)  # its name is that of the operation
    async def once(call: Call[Shared]) -> Answer:
        given = call.request.headers.getlist(_NAME)
        if len(given) > 1:
            raise FieldInvalid(_NAME, "A request has one key.")
        return await (_answer(endpoint, call, _key(given[0])) if given else endpoint(call))

    return once


async def _answer(endpoint: Endpoint[Shared], call: Call[Shared], key: str) -> Answer:
    store, vault, act = call.door.store, call.door.vault, call.act
    asked = (target(call.request.scope).encode(), await call.plain_body(MIB))
    fingerprint = sha256(msgspec.msgpack.encode(asked)).digest()
    entry = await store.write(lambda tx: rules.hold(tx, act, key, fingerprint))
    if entry.answer is not None:
        return _opened(vault.keys.decrypt(entry.answer, entry.id))
    call.door = replace(call.door, store=_Marking(store, entry))
    try:
        answer = await endpoint(call)
    except (Problem, Refusal):
        with suppress(Unavailable):
            await store.write(lambda tx: rules.release(tx, entry))
        raise
    # The act is done: whoever waits is told so, though nobody else may be.
    with suppress(Unavailable):
        await store.write(lambda tx: rules.keep(tx, act, vault.keys, entry, msgspec.msgpack.encode(answer)))
    return answer


@dataclass(frozen=True, slots=True)
class _Marking:
    """A store, in each write of which the key is marked, or that write does not happen."""

    store: Store
    entry: Entry

    @property
    def remote(self) -> bool:
        return self.store.remote

    @property
    def generations(self) -> Generations | None:
        return self.store.generations

    @property
    def scatters(self) -> bool:
        return self.store.scatters

    async def write(self, unit: Unit[T]) -> T:
        return await self.store.write(partial(_marked, self.entry, unit))

    async def read(self, unit: Unit[T]) -> T:
        return await self.store.read(unit)

    async def scan(self, unit: Unit[T]) -> T:
        return await self.store.scan(unit)

    async def close(self) -> None:
        await self.store.close()


async def _marked(entry: Entry, unit: Unit[T], tx: Tx) -> T:
    await rules.mark(tx, entry)
    return await unit(tx)


def _key(given: str) -> str:
    """The key, which the draft has in quotes and many clients do not."""
    key = given[1:-1] if len(given) > 1 and given[0] == given[-1] == '"' else given
    if not (0 < len(key) <= _LONGEST and key.isascii() and key.isprintable()):
        raise FieldInvalid(_NAME, f"A key is 1 to {_LONGEST} printable characters of ASCII.")
    return key


def _opened(answer: bytes | None) -> Answer:
    if answer is None:  # under a secret that is configured no more
        raise AnswerLost
    return msgspec.msgpack.decode(answer, type=Answer)
