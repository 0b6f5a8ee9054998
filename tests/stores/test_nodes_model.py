"""The protocol of many nodes, walked through state by state; and protocols that only look right, in each of which the
walk finds the state that breaks the promise."""

import pytest
from tests.stores.nodes_model import Rules, Wrong, walk


@pytest.mark.parametrize(
    "rules",
    [
        Rules(lives=1, other=True),
        Rules(),
        pytest.param(Rules(crashes=1), marks=pytest.mark.long),
        pytest.param(Rules(other=True), marks=pytest.mark.long),
    ],
)
def test_S4_no_state_of_many_nodes_accepts_what_has_ended(rules: Rules) -> None:
    assert walk(rules) > 10_000


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(Rules(lease_from_reply=True), id="trusted from the reply on"),
        pytest.param(Rules(wait_before_reply=True), id="waited from before the lease was closed"),
        pytest.param(Rules(wait=1), id="waited no longer than it is trusted"),
        pytest.param(Rules(no_generation=True), id="kept though it changed while it was loaded"),
        pytest.param(Rules(clear_before_join=True), id="emptied before it joined"),
        pytest.param(Rules(applied_told_first=True), id="applied after others were told"),
        pytest.param(Rules(list_taken_early=True), id="only who was there before the ending"),
        pytest.param(Rules(sequence=True), id="positions drawn before the commit"),
        pytest.param(Rules(settle_in_two=True), id="the head and the row in two commits"),
        pytest.param(Rules(ended_already_shortcut=True), id="nothing left to end, so no wait"),
        pytest.param(Rules(closed_by_other_ignored=True), id="what another closed is not waited for"),
    ],
)
def test_S4_a_protocol_of_nodes_that_only_looks_right_is_found_out(rules: Rules) -> None:
    with pytest.raises(Wrong):
        walk(rules)
