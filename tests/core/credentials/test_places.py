"""Work in processes of their own: what comes of it, what it leaves alone, and their deaths."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.processes import until

from nightlatch.core.credentials.hashing import Hasher
from nightlatch.core.credentials.places import Apart

_BEGIN = """
import os, time
from nightlatch.core.credentials.places import Apart
place = Apart()
print(place(os.getpid), flush=True)
time.sleep(60)
"""


@pytest.fixture
def place() -> Iterator[Apart]:
    made = Apart()
    yield made
    made.close()


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_F21_work_is_done_by_one_process_that_steps_aside_for_all_others(place: Apart) -> None:
    pid = place(os.getpid)
    assert pid != os.getpid()
    assert place(os.getpid) == pid
    assert place(os.getpriority, os.PRIO_PROCESS, 0) == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
    assert place(divmod, 7, 2) == (3, 1)


def test_F21_the_memory_of_a_hash_is_kept_for_the_next(place: Apart) -> None:
    hasher = Hasher(memory=47_104, time=1, parallelism=1, places=[place], queue=0, entropy=os.urandom)

    def faults() -> int:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[7])

    pid = place(os.getpid)
    hashed = asyncio.run(hasher.hash("correct horse"))
    before = faults()
    assert hashed != asyncio.run(hasher.hash("correct horse"))
    assert faults() - before < 47_104 / 4 / 10  # pages of 4 KiB
    hasher.close()


def test_what_is_computed_apart_is_what_is_computed_here() -> None:
    async def scenario() -> None:
        hasher = Hasher(memory=64, time=1, parallelism=1, places=[Apart(), Apart()], queue=8, entropy=bytes)
        hashed = await hasher.hash("correct horse")
        assert hashed.startswith("$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$")
        async with hasher.turn() as turn:
            answers = await asyncio.gather(
                *(turn.verify(word, hashed) for word in ("correct horse", "wrong", "\ud800"))
            )
        assert answers == [True, False, False]
        hasher.close()

    asyncio.run(scenario())


def test_a_process_that_was_killed_is_replaced_even_at_its_work(place: Apart) -> None:
    pid = place(os.getpid)
    threading.Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()
    assert place(time.sleep, 1) is None
    assert place(os.getpid) != pid
    assert not _alive(pid)


def test_work_that_kills_every_process_is_given_up(place: Apart) -> None:
    with pytest.raises(RuntimeError, match="died twice"):
        place(os._exit, 1)
    assert place(divmod, 7, 2) == (3, 1)


def test_after_its_close_there_is_no_process_and_no_work(place: Apart) -> None:
    pid = place(os.getpid)
    place.close()
    assert not _alive(pid)
    with pytest.raises(RuntimeError):
        place(os.getpid)


def test_signals_to_all_leave_it_to_its_work_and_it_ends_with_whoever_began_it() -> None:
    with subprocess.Popen([sys.executable, "-c", _BEGIN], stdout=subprocess.PIPE, text=True) as beginner:
        assert beginner.stdout
        pid = int(beginner.stdout.readline())
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
        time.sleep(0.1)
        assert _alive(pid)
        beginner.kill()
    until(lambda: not _alive(pid), str)
