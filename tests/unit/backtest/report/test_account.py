import numpy as np
import pytest
from msgspec.structs import replace

from backtest.report.account import costs, days, drawdown_frac, exposure, months
from domain.market import DAY_MS, MINUTE_MS
from tests.unit.backtest.stories import CASH, START_MS, curve, story, trade


def test_a_drawdown_is_the_fall_from_the_highest_equity_so_far_the_start_included():
    # Peaks: 100 (start), 100, 120, 120, 150; falls 10, 0, 30, 0.
    found = drawdown_frac(curve([90, 120, 90, 150], start=100))
    assert found == pytest.approx([10 / 100, 0.0, 30 / 120, 0.0])


def test_the_parts_of_the_result_add_up_to_the_change_of_the_equity():
    paid = costs(story())
    # Two SOL fills of 0.15 fee and 0.025 slippage; 0.10 funding paid; equity ends 2.10 above its start.
    assert (paid.fees_microusd, paid.slippage_microusd, paid.funding_microusd) == (300_000, 50_000, -100_000)
    assert (paid.net_microusd, paid.gross_microusd, paid.moves_microusd) == (2_100_000, 2_500_000, 2_550_000)


def test_exposure_is_the_value_held_over_the_equity_at_the_last_known_price():
    told = story()
    held = exposure(told)
    close = told.tapes[0].prices[30, 3]
    assert held.gross_frac[30] == pytest.approx(2.5 * close / 10_000.0)
    assert (held.gross_frac > 0).sum() == 60
    assert np.array_equal(held.gross_frac, held.net_frac)


def test_a_short_is_negative_net_exposure_and_a_minute_without_a_bar_is_valued_at_the_one_before():
    told = story()
    tape = replace(told.tapes[1], position_lots=np.full(240, -10, dtype=np.int64))
    held = exposure(replace(told, tapes=(told.tapes[0], tape)))
    # Ten lots of 0.0001 BTC; minute 100 has no bar.
    assert held.net_frac[100] == held.net_frac[99] == pytest.approx(-0.001 * tape.prices[99, 3] / 10_002.1)
    assert held.gross_frac[60] > held.net_frac[60] > 0


def test_days_and_months_hand_their_equity_on_and_a_close_at_midnight_belongs_to_the_day_that_ends():
    first = START_MS + 30 * DAY_MS
    told = story()
    closed = (trade(closed_ms=first + DAY_MS), trade(closed_ms=first + DAY_MS + MINUTE_MS))
    outcome = replace(told.outcome, curve=curve([CASH + 5, CASH + 7], first_ms=first + DAY_MS), trades=closed)
    found = days(replace(told, outcome=outcome))
    assert [(day.name, day.net_microusd, day.n_trades) for day in found] == [("2025-05-31", 5, 1), ("2025-06-01", 2, 1)]
    assert [(month.name, month.starting_microusd, month.ending_microusd) for month in months(found)] == [
        ("2025-05", CASH, CASH + 5),
        ("2025-06", CASH + 5, CASH + 7),
    ]
    assert found[1].return_frac == pytest.approx(2 / (CASH + 5))
