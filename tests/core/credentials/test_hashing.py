"""Hashes made here, hashes made elsewhere, and hashes made to hurt."""

import asyncio
import os
import threading
from collections.abc import Iterator

import bcrypt
import pytest
from argon2.low_level import ARGON2_VERSION, Type, core, ffi, lib

from nightlatch.core.credentials import hashing
from nightlatch.core.credentials.hashing import Hasher, check_import
from nightlatch.kernel.unit import inside_unit
from nightlatch.problems import Busy, HashRefused, PasswordRefused

ARGON2_TAIL = "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
BCRYPT_TAIL = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
DIGITS_AND_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

# Made by others: the argon2 reference program's own tests, a Go server's tests, crypt_blowfish's tests.
MADE_ELSEWHERE = [
    ("password", "$argon2id$v=19$m=256,t=2,p=1$" + ARGON2_TAIL),
    ("password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
    ("password", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"),
    ("test", "$argon2id$v=19$m=32,t=2,p=4$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw"),
    ("test", "$argon2i$v=19$m=65536,t=3,p=4$kk51rW/vxIVCYn+EG4kTSg$NyT88uraJ6im6dyha/M5jhXvpqlEdlS/9fEm7ScMb8c"),
    ("test", "$2a$12$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6"),
    ("U*U", "$2a$05$" + BCRYPT_TAIL),
    ("U*U", "$2b$05$" + BCRYPT_TAIL),
    ("U*U", "$2y$05$" + BCRYPT_TAIL),
    ("U*U", "$2z$05$" + BCRYPT_TAIL),
    ("U*U", "$2$05$" + BCRYPT_TAIL),
    ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
    ("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
    (DIGITS_AND_LETTERS + "0123456789", "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"),
]
TOO_DEAR = [
    "$argon2id$v=19$m=1048577,t=1,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=4194304,t=1,p=1$" + ARGON2_TAIL,
    "$argon2i$v=19$m=256,t=11,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=256,t=1,p=17$" + ARGON2_TAIL,
    "$argon2id$v=19$m=0,t=1,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=256,t=0,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=256,t=1,p=0$" + ARGON2_TAIL,
    "$argon2id$v=19$m=4294967296,t=1,p=1$" + ARGON2_TAIL,
    "$2a$16$" + BCRYPT_TAIL,
    "$2b$31$" + BCRYPT_TAIL,
]
UNREADABLE = [
    "$argon2id$v=16$m=256,t=2,p=1$" + ARGON2_TAIL,
    "$argon2id$m=256,t=2,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$t=2,m=256,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=256,t=2,p=1$" + ARGON2_TAIL + "=",
    "$argon2id$v=19$m=256,t=2,p=1$" + ARGON2_TAIL + "\n",
    "$argon2id$v=19$m=256,t=2,p=1$" + ARGON2_TAIL[:-1] + "5",
    "$argon2id$v=19$m=256,t=2,p=1$c2FsdA$nf65EOgLrQMR",
    "$argon2id$v=19$m=7,t=2,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=\u0662\u0665\u0666,t=2,p=1$" + ARGON2_TAIL,
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$" + "A" * 1000,
    "$argon2id$",
    "$argon2i$x",
    "$2a$03$" + BCRYPT_TAIL,
    "$2a$5$" + BCRYPT_TAIL,
    "$2a$05$" + BCRYPT_TAIL[:-1],
    "$2b$05$" + BCRYPT_TAIL[:-1] + "\u00e9",
    "$2a$",
]
UNKNOWN = ["", "plain", "$argon2d$v=19$m=256,t=2,p=1$" + ARGON2_TAIL, "$2x$05$" + BCRYPT_TAIL, "$1$a$b", "argon2id$"]


@pytest.fixture
def hasher() -> Iterator[Hasher]:
    made = Hasher(memory=64, time=2, parallelism=1, threads=1, queue=8, entropy=os.urandom)
    yield made
    made.close()


def verify(hasher: Hasher, password: str, hashed: str) -> bool:
    return asyncio.run(hasher.verify(password, hashed))


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
    check_import(first)


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
        Hasher(memory=1 << 21, time=1, parallelism=1, threads=1, queue=1, entropy=os.urandom)


@pytest.mark.parametrize(("password", "hashed"), MADE_ELSEWHERE)
def test_a_hash_made_elsewhere_is_imported_and_checked(hasher: Hasher, password: str, hashed: str) -> None:
    check_import(hashed)
    assert verify(hasher, password, hashed)
    assert not verify(hasher, password + "x", hashed)


@pytest.mark.parametrize(
    ("hashes", "reason"),
    [
        (TOO_DEAR, "The imported password hash declares cost parameters that exceed the bounds enforced by Ory. "),
        (UNREADABLE, "The imported password hash could not be parsed."),
        (UNKNOWN, "The imported password does not match any known hash format."),
    ],
)
def test_a_hash_that_will_not_be_checked_is_refused_at_import(hashes: list[str], reason: str) -> None:
    for hashed in hashes:
        with pytest.raises(HashRefused) as caught:
            check_import(hashed)
        assert caught.value.reason.startswith(reason), hashed


@pytest.mark.parametrize("hashed", TOO_DEAR + UNREADABLE + UNKNOWN)
def test_a_stored_hash_out_of_bounds_is_wrong_and_costs_one_check_of_ours(
    hasher: Hasher, monkeypatch: pytest.MonkeyPatch, hashed: str
) -> None:
    checked: list[str] = []
    matches = hashing._matches
    monkeypatch.setattr(hashing, "_matches", lambda secret, known: checked.append(known) or matches(secret, known))
    assert not verify(hasher, "password", hashed)
    assert checked == [hasher._nobody]


def test_P6_an_unknown_account_costs_a_real_check_at_our_parameters(
    hasher: Hasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    monkeypatch.setattr(hashing, "verify_secret", lambda hashed, *_: bool(checked.append(hashed.decode())))
    asyncio.run(hasher.verify_none("whatever"))
    assert [each[:29] for each in checked] == ["$argon2id$v=19$m=64,t=2,p=1$" + hasher._nobody[28]]
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


def test_P2_bcrypt_of_72_bytes_and_with_nul_inside_is_checked_whole(hasher: Hasher) -> None:
    for password in ("a" * 72, "ab\0cd"):
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
        assert verify(hasher, password, hashed)
    assert not verify(hasher, "ab", hashed)
    assert not verify(hasher, "ab\0ce", hashed)


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
    asyncio.run(hasher.verify_none("\udfff"))


def test_beyond_the_queue_the_answer_is_busy_until_the_threads_are_done() -> None:
    async def scenario() -> None:
        hasher = Hasher(memory=64, time=1, parallelism=1, threads=1, queue=1, entropy=os.urandom)
        release = threading.Event()
        waiting = [asyncio.ensure_future(hasher._run(release.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await hasher.verify_none("x")
        release.set()
        await asyncio.gather(*waiting)
        await hasher.verify_none("x")
        hasher.close()

    asyncio.run(scenario())


def test_a_client_that_hangs_up_makes_no_room_while_its_thread_works() -> None:
    async def scenario() -> None:
        hasher = Hasher(memory=64, time=1, parallelism=1, threads=1, queue=0, entropy=os.urandom)
        started, release = threading.Event(), threading.Event()
        gone = asyncio.ensure_future(hasher._run(lambda: started.set() or release.wait()))
        await asyncio.get_running_loop().run_in_executor(None, started.wait)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        with pytest.raises(Busy):
            await hasher.verify_none("x")
        release.set()
        hasher._pool.submit(int).result()
        await hasher.verify_none("x")
        hasher.close()

    asyncio.run(scenario())


def test_a_failure_in_a_thread_makes_room_again(hasher: Hasher) -> None:
    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            asyncio.run(hasher._run(lambda: 1 / 0))
    asyncio.run(hasher.verify_none("x"))


def test_the_threads_yield_to_the_loop(hasher: Hasher) -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = priority()
    assert asyncio.run(hasher._run(priority)) == 10
    assert priority() == before


def test_a_hash_inside_a_transaction_is_an_error(hasher: Hasher) -> None:
    async def scenario() -> None:
        inside_unit.set(True)
        for work in (hasher.hash("x"), hasher.verify("x", hasher._nobody), hasher.verify_none("x")):
            with pytest.raises(RuntimeError, match="a hash inside a transaction"):
                await work
        with pytest.raises(RuntimeError):
            hasher._hash("x")
        with pytest.raises(RuntimeError):
            hasher._verify("x", hasher._nobody)

    asyncio.run(scenario())
