import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.score.ledger import ledger_of
from backtest.score.sequence import Columns, deepest_fall_bps, taken_one_at_a_time, walked
from domain.market import MINUTE_MS
from tests.unit.backtest.score.triggers import START_MS, asked, story

BPS = st.floats(-200, 200, allow_nan=False)
ROWS = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60), st.sampled_from("AB"), BPS, st.booleans()))


def ledger(rows):
    return ledger_of(
        [
            story(START_MS + at * MINUTE_MS, net, asked(yes), symbol=f"{market}-PERP", hold_ms=hold * MINUTE_MS)
            for at, hold, market, net, yes in rows
        ]
    )


@given(ROWS)
def test_no_market_is_ever_taken_twice_and_nothing_that_fits_is_left_out(rows) -> None:
    """By the definition: go through the triggers in order and keep what is open."""
    whole = ledger(rows)
    taken = taken_one_at_a_time(whole, whole.is_approved)
    free_from: dict[int, int] = {}
    for place in range(whole.n_triggers):
        market, at_ms = int(whole.market.places[place]), whole.triggered_ms[place]
        expected = bool(whole.is_approved[place]) and free_from.get(market, 0) <= at_ms
        assert taken[place] == expected
        if expected:
            free_from[market] = whole.resolved_ms[place]


@given(ROWS)
def test_many_choices_walked_together_are_each_walked_alone(rows) -> None:
    whole = ledger(rows)
    choices = np.array([whole.is_approved, ~whole.is_approved, np.ones_like(whole.is_approved)])
    told = walked(whole, choices)
    for row, choice in zip(told, choices, strict=True):
        taken = taken_one_at_a_time(whole, choice)
        assert row[Columns.SUM_BPS] == pytest.approx(whole.net_bps[choice].sum(), abs=1e-6)
        assert row[Columns.FALL_BPS] == pytest.approx(deepest_fall_bps(whole, choice))
        assert row[Columns.N_WON] == (whole.net_bps[choice] > 0).sum()
        assert row[Columns.N_TAKEN] == taken.sum()
        assert row[Columns.TAKEN_SUM_BPS] == pytest.approx(whole.net_bps[taken].sum(), abs=1e-6)
        assert row[Columns.TAKEN_FALL_BPS] == pytest.approx(deepest_fall_bps(whole, taken))


def test_a_trigger_in_the_minute_in_which_the_other_ended_finds_the_market_free() -> None:
    whole = ledger([(0, 10, "A", 1.0, True), (9, 10, "A", 1.0, True), (10, 10, "A", 1.0, True)])
    assert taken_one_at_a_time(whole, whole.is_approved).tolist() == [True, False, True]


def test_a_denial_frees_the_market_for_the_next_trigger() -> None:
    whole = ledger([(0, 30, "A", -5.0, False), (10, 30, "A", 7.0, True)])
    assert taken_one_at_a_time(whole, np.array([True, True])).tolist() == [True, False]
    assert taken_one_at_a_time(whole, whole.is_approved).tolist() == [False, True]


def test_the_fall_is_counted_in_the_order_the_ends_became_known() -> None:
    """+10, -4, -8, +20 as they ended: 12 below the height of 10."""
    whole = ledger(
        [(0, 1, "A", 10.0, True), (1, 50, "A", 20.0, True), (2, 1, "A", -4.0, True), (3, 1, "A", -8.0, True)]
    )
    assert deepest_fall_bps(whole, whole.is_approved) == 12.0
    assert deepest_fall_bps(whole, np.array([False, False, True, True])) == 12.0
    assert deepest_fall_bps(whole, np.zeros(4, dtype=bool)) == 0.0
