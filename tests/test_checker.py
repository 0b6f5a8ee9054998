"""No history of many clients shows a session that is in force after its ending was answered, a code that lets in twice, or
one that does after its tries, whatever befalls the servers; and each bug that would let one is found."""

import os
from pathlib import Path
from random import Random

import pytest
from tests.checker.history import EVERYBODY, Check, Op
from tests.checker.trial import Plan, run
from tests.conftest import DATABASES

LONG = float(os.environ.get("CHECKER_SECONDS", "300"))


@pytest.mark.parametrize("store", DATABASES)
@pytest.mark.parametrize("seconds", [6, pytest.param(LONG, marks=pytest.mark.long)])
def test_S4_P13_what_clients_are_told_holds_whatever_befalls_the_servers(
    tmp_path: Path, store: str, seconds: float
) -> None:
    seed = Random().randrange(2**32)
    verdict = run(Plan(store, seconds, seed), tmp_path)
    assert not verdict.wrong, str(verdict)
    assert verdict.counts["check of what had ended"] > 100, str(verdict)


@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("bug", "finds", "faults"),
    [
        ("cache", "stale accept", ()),
        ("early", "stale accept", ()),
        ("looked", "double spend", ()),
        (
            "unsynced",
            "lost ending",
            {"sqlite": ["stop the servers", "cut the power"], "postgres": ["abort PostgreSQL"]},
        ),
        ("memory", "over the limit", ()),
    ],
)
def test_S4_P13_a_bug_that_is_planted_is_found(
    tmp_path: Path, store: str, bug: str, finds: str, faults: dict[str, list[str]]
) -> None:
    plan = Plan(store, 40, 1, planted=[bug], finds=finds, faults=faults[store] if faults else [], apart=1)
    verdict = run(plan, tmp_path)
    assert finds in verdict.kinds(), str(verdict)


def made(session: str = "s", identity: str = "i", at: int = 0, code: str = "c") -> Op:
    return Op("redeem", at, at + 1, True, session, identity, code, identity)


def found(*history: Op, settles: int = 0) -> list[str]:
    return [each.what for each in Check(history, settles=settles).wrong()]


@pytest.mark.parametrize("ends", ["s", "i", EVERYBODY])
def test_a_check_that_began_after_the_ending_was_answered_is_stale_and_one_before_is_not(ends: str) -> None:
    ending = Op("end", 10, 20, True, ends=ends)
    assert found(made(), ending, Op("check", 19, 30, True, "s", "i")) == []
    assert found(made(), ending, Op("check", 21, 30, True, "s", "i")) == ["stale accept"]
    assert found(made(), ending, Op("look", 21, 30, True, "s", "i")) == ["lost ending"]


def test_an_ending_of_which_nobody_knows_binds_nobody_until_somebody_was_refused() -> None:
    ending = Op("end", 10, 20, None, ends="s")
    accepted = Op("check", 50, 60, True, "s", "i")
    assert found(made(), ending, accepted) == []
    refused = Op("check", 30, 40, False, "s", "i")
    assert found(made(), ending, refused, accepted) == ["alive again"]
    assert found(made(), ending, refused, accepted, settles=20) == []


def test_an_ending_of_all_spares_who_may_have_come_after_it() -> None:
    accepted = Op("check", 30, 40, True, "s", "i")
    assert found(made(at=10), Op("end", 5, 20, True, ends="i"), accepted) == []
    assert found(made(at=10), Op("end", 12, 20, True, ends="i"), accepted) == ["stale accept"]
    assert found(made(at=0), made("t", at=10, code="d"), accepted) == ["stale accept"]


def test_a_refusal_without_an_ending_is_a_loss() -> None:
    refused = Op("check", 10, 20, False, "s", "i")
    assert found(made(), refused) == ["lost session"]
    assert found(made(), Op("end", 5, 30, True, ends="i"), refused) == []
    assert found(made(), Op("end", 5, 8, None, ends=EVERYBODY), refused) == []
    assert found(Op("end", -9, -5, True, ends="i"), made(), refused) == ["lost session"]


def test_a_code_succeeds_once_and_not_after_its_tries() -> None:
    assert found(made(), made("t", at=5)) == ["double spend"]
    guesses = [Op("guess", at, at, False, code="c") for at in range(-9, -4)]
    assert found(*guesses, made()) == ["over the limit"]
    assert found(*guesses[1:], made()) == []
    assert found(*guesses[1:], Op("guess", -1, 9, False, code="c"), made()) == []
