"""The protocol by which kept answers are never stale, walked through state by state; and protocols that only look right,
in each of which the walk finds the state that breaks it."""

import pytest
from tests.stores.never_stale import Rules, Wrong, walk

LATE, SEEN, DOUBT = "ending was answered", "ending was seen", "in doubt for ever"


@pytest.mark.parametrize(
    "rules",
    [
        Rules(),
        Rules(apart=True),
        pytest.param(Rules(deaths=2), marks=pytest.mark.long),
        pytest.param(Rules(deaths=2, apart=True), marks=pytest.mark.long),
    ],
)
def test_S4_no_state_of_the_protocol_accepts_what_has_ended(rules: Rules) -> None:
    assert walk(rules) > 1_000


def test_S4_what_has_ended_already_may_be_answered_without_marking_it() -> None:
    assert walk(Rules(shortcut=True)) > 1_000


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        pytest.param(Rules(0, False, gate=False), LATE, id="an odd bit without a gate"),
        pytest.param(Rules(1, False, gate=False, mends="start"), LATE, id="the next start mends, without a gate"),
        pytest.param(Rules(1, False, mends="start"), f"{LATE}|{DOUBT}", id="the next start mends, beside the gate"),
        pytest.param(Rules(0, False, generation_first=False), LATE, id="the generation after the row"),
        pytest.param(Rules(0, False, own_snapshot=False), LATE, id="an old snapshot"),
        pytest.param(Rules(0, marks_late=True), SEEN, id="marked after the commit"),
        pytest.param(Rules(0, marks=False), SEEN, id="not marked"),
        pytest.param(Rules(0, False, marks=False, answers_early=True), LATE, id="answered before the move"),
        pytest.param(Rules(1, False, marks=False, shortcut=True), LATE, id="not marked, and ended already"),
        pytest.param(Rules(1, False, mends="never"), DOUBT, id="nobody mends"),
        pytest.param(Rules(2, apart=True, settles=False), SEEN, id="mended without a commit"),
    ],
)
def test_S4_a_protocol_that_only_looks_right_is_found_out(rules: Rules, why: str) -> None:
    with pytest.raises(Wrong, match=why):
        walk(rules)
