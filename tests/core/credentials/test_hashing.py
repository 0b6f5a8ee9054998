"""Hashes made here, and checked in turns."""

import asyncio
import contextlib
import os
import random
import threading
from collections.abc import Iterator

import bcrypt
import pytest
from argon2.low_level import ARGON2_VERSION, Type, core, ffi, lib
from tests.core.credentials.known_hashes import KNOWN, PASSWORD
from tests.core.credentials.test_formats import TOO_DEAR, UNKNOWN, UNREADABLE
from tests.places import Here

from nightlatch.core.credentials import formats
from nightlatch.core.credentials.hashing import Hasher
from nightlatch.kernel.unit import inside_unit
from nightlatch.problems import Busy, HashRefused, PasswordRefused

ARGON2_TAIL = "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
BCRYPT_TAIL = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
REFUSED = [*TOO_DEAR, *UNREADABLE, *UNKNOWN]


@pytest.fixture
def hasher() -> Iterator[Hasher]:
    made = Hasher(memory=64, time=2, parallelism=1, places=[Here()], queue=8, entropy=os.urandom)
    yield made
    made.close()


async def asked(hasher: Hasher, password: str, hashed: str | None) -> bool:
    async with hasher.turn() as turn:
        return await turn.verify(password, hashed)


def verify(hasher: Hasher, password: str, hashed: str | None) -> bool:
    return asyncio.run(asked(hasher, password, hashed))


def test_P1_the_vector_of_rfc_9106_comes_out() -> None:
    def given(byte: int, size: int) -> object:
        return ffi.new("uint8_t[]", bytes([byte]) * size)

    out, parts = ffi.new("uint8_t[]", 32), [given(1, 32), given(2, 16), given(3, 8), given(4, 12)]
    context = ffi.new("argon2_context *")
    context.out, context.outlen = out, 32
    context.pwd, context.pwdlen, context.salt, context.saltlen = parts[0], 32, parts[1], 16
    context.secret, context.secretlen, context.ad, context.adlen = parts[2], 8, parts[3], 12
    context.t_cost, context.m_cost, context.lanes, context.threads = 3, 32, 4, 4
    context.version, context.allocate_cbk, context.free_cbk = ARGON2_VERSION, ffi.NULL, ffi.NULL
    context.flags = lib.ARGON2_DEFAULT_FLAGS
    assert core(context, Type.ID.value) == lib.ARGON2_OK
    assert bytes(out).hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"


def test_P1_a_new_hash_names_its_parameters_and_is_salted(hasher: Hasher) -> None:
    first, second = asyncio.run(hasher.hash("correct horse")), asyncio.run(hasher.hash("correct horse"))
    assert first.startswith("$argon2id$v=19$m=64,t=2,p=1$")
    assert first != second
    assert verify(hasher, "correct horse", first)
    assert verify(hasher, "correct horse", second)
    assert not verify(hasher, "correct horsf", first)
    formats.read(first)


def test_P1_a_hash_of_another_algorithm_or_with_less_work_is_weaker(hasher: Hasher) -> None:
    assert not hasher.weaker(asyncio.run(hasher.hash("correct horse")))
    strong = "c29tZXNhbHRzb21lc2FsdA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
    assert not hasher.weaker("$argon2id$v=19$m=65536,t=3,p=4$" + strong)
    assert hasher.weaker("$argon2id$v=19$m=63,t=2,p=1$" + strong)
    assert hasher.weaker("$argon2id$v=19$m=64,t=1,p=1$" + strong)
    assert hasher.weaker("$argon2i$v=19$m=64,t=2,p=1$" + strong)
    assert hasher.weaker("$argon2id$v=19$m=64,t=2,p=1$" + ARGON2_TAIL)
    assert hasher.weaker("$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$nf65EOgLrQMR")
    assert hasher.weaker("$2a$15$" + BCRYPT_TAIL)


def test_parameters_that_could_never_be_checked_are_refused_at_start() -> None:
    with pytest.raises(HashRefused):
        Hasher(memory=1 << 21, time=1, parallelism=1, places=[Here()], queue=1, entropy=os.urandom)


@pytest.mark.parametrize("name", KNOWN)
def test_a_hash_made_elsewhere_is_checked_and_is_weaker_unless_it_is_as_ours(hasher: Hasher, name: str) -> None:
    assert verify(hasher, PASSWORD, KNOWN[name])
    assert not verify(hasher, PASSWORD + "x", KNOWN[name])
    assert hasher.weaker(KNOWN[name]) is (name != "argon2id")


@pytest.mark.parametrize("hashed", [None, *REFUSED])
def test_P6_without_a_hash_that_can_be_checked_one_of_nobody_is_checked_at_our_parameters(
    hasher: Hasher, monkeypatch: pytest.MonkeyPatch, hashed: str | None
) -> None:
    checked: list[str] = []
    monkeypatch.setattr(formats, "verify_secret", lambda given, *_: bool(checked.append(given.decode())) or True)
    assert not verify(hasher, "whatever", hashed)
    assert [each[:29] for each in checked] == ["$argon2id$v=19$m=64,t=2,p=1$" + checked[0][28]]
    assert len(checked[0]) == len(asyncio.run(hasher.hash("whatever")))


def test_P2_nothing_is_cut_from_a_long_password(hasher: Hasher) -> None:
    hashed = asyncio.run(hasher.hash("a" * 1000))
    assert verify(hasher, "a" * 1000, hashed)
    assert not verify(hasher, "a" * 999, hashed)
    assert not verify(hasher, "a" * 72, hashed)


@pytest.mark.parametrize("password", ["a" * 73, "a" * 72 + "x", "\U0001f600" * 200, "a" * 100_000])
def test_P2_bcrypt_above_72_bytes_is_wrong_after_one_check(
    hasher: Hasher, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    hashed = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    checks: list[int] = []
    check = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda secret, known: checks.append(len(secret)) or check(secret, known))
    assert not verify(hasher, password, hashed)
    assert checks == [72]


def test_P2_nul_inside_a_new_password_counts(hasher: Hasher) -> None:
    hashed = asyncio.run(hasher.hash("ab\0cdefgh"))
    assert verify(hasher, "ab\0cdefgh", hashed)
    assert not verify(hasher, "ab", hashed)


def test_P4_composed_and_decomposed_forms_are_one_password(hasher: Hasher) -> None:
    composed, decomposed = "caf\u00e9 au lait", "cafe\u0301 au lait"
    assert verify(hasher, composed, asyncio.run(hasher.hash(decomposed)))
    assert verify(hasher, decomposed, asyncio.run(hasher.hash(composed)))


def test_P4_an_imported_hash_of_a_decomposed_form_is_found_by_its_raw_bytes(hasher: Hasher) -> None:
    decomposed = "cafe\u0301 au lait"
    hashed = bcrypt.hashpw(decomposed.encode(), bcrypt.gensalt(4)).decode()
    assert verify(hasher, decomposed, hashed)


def test_P4_a_lone_surrogate_is_refused_in_a_new_password_and_wrong_in_a_given_one(hasher: Hasher) -> None:
    with pytest.raises(PasswordRefused):
        asyncio.run(hasher.hash("correct \ud800 horse"))
    for hashed in (asyncio.run(hasher.hash("correct horse")), "$2a$05$" + BCRYPT_TAIL):
        assert not verify(hasher, "correct \ud800 horse", hashed)
    assert not verify(hasher, "\udfff", None)


def test_beyond_the_queue_the_answer_is_busy_until_a_turn_is_over() -> None:
    async def scenario() -> None:
        hasher = Hasher(memory=64, time=1, parallelism=1, places=[Here()], queue=1, entropy=os.urandom)
        async with hasher.turn() as first, hasher.turn() as second:
            for _ in range(2):
                with pytest.raises(Busy):
                    await hasher.hash("x")
                # Of the steps of those who have a turn, none is refused.
                assert not await first.verify("x", None)
                assert not await second.verify("x", await first.hash("y"))
        assert not await asked(hasher, "x", None)
        hasher.close()

    asyncio.run(scenario())


def test_a_patient_one_waits_for_room() -> None:
    async def scenario() -> None:
        hasher = Hasher(memory=64, time=1, parallelism=1, places=[Here()], queue=0, entropy=os.urandom)
        async with hasher.turn():
            patient = asyncio.ensure_future(hasher.hash("x", patient=True))
            await asyncio.sleep(0.05)
            assert not patient.done()
        assert (await patient).startswith("$argon2id$")
        hasher.close()

    asyncio.run(scenario())


class Held:
    """A hash whose check goes on until it is released, and what was checked so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started, self.release, self.order = threading.Semaphore(0), threading.Event(), list[str]()
        monkeypatch.setattr(formats, "verify_secret", self._verify)

    def _verify(self, hashed: bytes, *_: object) -> bool:
        self.order.append(hashed.decode().split("$")[3])
        self.started.release()
        assert self.release.wait(10)
        return True

    async def under_way(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self.started.acquire)


def dear(memory: int) -> str:
    return f"$argon2id$v=19$m={memory},t=1,p=1$" + ARGON2_TAIL


def test_a_client_that_hangs_up_makes_no_room_while_its_thread_works(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        hasher = Hasher(memory=64, time=1, parallelism=1, places=[Here()], queue=0, entropy=os.urandom)
        held = Held(monkeypatch)
        gone = asyncio.ensure_future(asked(hasher, "x", dear(64)))
        await held.under_way()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        with pytest.raises(Busy):
            await hasher.hash("x")
        held.release.set()
        assert (await hasher.hash("x", patient=True)).startswith("$argon2id$")
        hasher.close()

    asyncio.run(scenario())


def test_a_client_that_hangs_up_while_it_waits_makes_room_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        hasher = Hasher(memory=64, time=1, parallelism=1, places=[Here()] * 2, queue=2, entropy=os.urandom)
        held = Held(monkeypatch)
        works = asyncio.ensure_future(asked(hasher, "x", dear(64)))
        await held.under_way()
        gone = asyncio.ensure_future(asked(hasher, "x", dear(1024)))
        behind = asyncio.ensure_future(asked(hasher, "x", dear(65)))
        after = asyncio.ensure_future(asked(hasher, "x", dear(66)))
        await asyncio.sleep(0.01)
        with pytest.raises(Busy):
            await hasher.hash("x")
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        # The slot that it could not use yet is free for those behind it, and so is its turn.
        async with hasher.turn():
            pass
        held.release.set()
        assert [await each for each in (works, behind, after)] == [True] * 3
        assert held.order[0] == "m=64,t=1,p=1"
        hasher.close()

    asyncio.run(scenario())


def test_a_hash_that_needs_more_memory_takes_more_slots_and_is_not_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        hasher = Hasher(memory=64, time=1, parallelism=1, places=[Here()] * 3, queue=9, entropy=os.urandom)
        held = Held(monkeypatch)
        one = asyncio.ensure_future(asked(hasher, "x", dear(64)))
        await held.under_way()
        two = asyncio.ensure_future(asked(hasher, "x", dear(65)))
        await held.under_way()
        all_ = asyncio.ensure_future(asked(hasher, "x", dear(6400)))
        last = asyncio.ensure_future(asked(hasher, "x", dear(63)))
        await asyncio.sleep(0.05)
        assert held.order == ["m=64,t=1,p=1", "m=65,t=1,p=1"]
        held.release.set()
        await asyncio.gather(one, two, all_, last)
        assert held.order == ["m=64,t=1,p=1", "m=65,t=1,p=1", "m=6400,t=1,p=1", "m=63,t=1,p=1"]
        hasher.close()

    asyncio.run(scenario())


def test_whatever_leaves_and_fails_every_slot_and_turn_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def verify_secret(hashed: bytes, secret: bytes, *_: object) -> bool:
        return bool(1 / len(secret))

    async def scenario(seed: int) -> None:
        chance = random.Random(seed)
        hasher = Hasher(memory=64, time=1, parallelism=1, places=[Here()] * 3, queue=50, entropy=os.urandom)
        work = [
            asyncio.ensure_future(asked(hasher, chance.choice(["", "x"]), dear(chance.choice([64, 128, 999]))))
            for _ in range(50)
        ]
        for each in chance.sample(work, 25):
            await asyncio.sleep(chance.choice([0, 0, 0.001]))
            each.cancel()
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} <= {bool, asyncio.CancelledError, ZeroDivisionError}
        assert await asyncio.wait_for(asked(hasher, "x", dear(64 * 3)), 10)
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(53):
                await stack.enter_async_context(hasher.turn())
        hasher.close()

    monkeypatch.setattr(formats, "verify_secret", verify_secret)
    for seed in range(20):
        asyncio.run(scenario(seed))


def test_a_hash_inside_a_transaction_is_an_error(hasher: Hasher) -> None:
    async def scenario() -> None:
        async with hasher.turn() as turn:
            inside_unit.set(True)
            for work in (hasher.hash("x"), asked(hasher, "x", None), turn.verify("x", None), turn.hash("x")):
                with pytest.raises(RuntimeError, match="a hash inside a transaction"):
                    await work

    asyncio.run(scenario())
