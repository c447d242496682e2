"""Trades and days as units: how results scale, and what days bear."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.montecarlo.units import Stakes, units_of_days, units_of_trades
from domain.errors import BadInput
from tests.unit.backtest.montecarlo.conftest import CASH, outcome, trade


@given(nets=st.lists(st.integers(-50_000_000, 50_000_000), min_size=1, max_size=15))
def test_returns_on_the_equity_before_each_trade_telescope_to_the_runs_own_result(nets: list[int]) -> None:
    units = units_of_trades(tuple(trade(net) for net in nets), CASH, Stakes.EQUITY, 0.005)
    assert math.prod(1.0 + units.net) == pytest.approx((CASH + sum(nets)) / CASH, rel=1e-13)


def test_a_trade_in_r_is_its_result_over_its_risk_times_the_chosen_fraction() -> None:
    units = units_of_trades((trade(-2_000_000), trade(3_000_000, risk_microusd=2_000_000)), CASH, Stakes.RISK, 0.01)
    assert units.net == pytest.approx([-0.02, 0.015])


def test_fixed_stakes_are_the_micro_dollars_themselves() -> None:
    units = units_of_trades((trade(-7), trade(11, fees_microusd=3)), CASH, Stakes.FIXED, 0.01)
    assert list(units.net) == [-7.0, 8.0]
    assert list(units.fees) == [0.0, 3.0]
    assert units.start == CASH


def test_slippage_that_was_a_gain_is_no_cost_to_multiply() -> None:
    trades = (trade(1, slippage_microusd=-500), trade(1, slippage_microusd=700))
    assert list(units_of_trades(trades, CASH, Stakes.FIXED, 0.01).slippage) == [0.0, 700.0]


def test_an_equity_that_was_gone_defines_no_return() -> None:
    with pytest.raises(BadInput, match="gone before trade 2.*--stakes fixed"):
        units_of_trades((trade(-CASH), trade(1)), CASH, Stakes.EQUITY, 0.01)


def test_r_without_a_recorded_risk_is_refused_by_the_trades_name() -> None:
    with pytest.raises(BadInput, match="SOL-PERP-0-entry"):
        units_of_trades((trade(1, risk_microusd=0),), CASH, Stakes.RISK, 0.01)


def test_a_day_bears_the_costs_of_the_trades_that_closed_in_it() -> None:
    """Both trades of day one close by its end, 00:00 included; the third closes a minute into day two."""
    trades = [
        trade(5, minute=0, n_minutes=10, fees_microusd=1, slippage_microusd=10),
        trade(5, minute=1430, n_minutes=10, fees_microusd=2, slippage_microusd=-3),
        trade(5, minute=1440, n_minutes=1, fees_microusd=4, slippage_microusd=20),
    ]
    run = outcome(trades, [CASH + 10, CASH + 15])
    units = units_of_days(run.curve, run.trades, Stakes.FIXED)
    assert (list(units.net), list(units.fees), list(units.slippage)) == ([10.0, 5.0], [3.0, 4.0], [10.0, 20.0])
    compounded = units_of_days(run.curve, run.trades, Stakes.EQUITY)
    assert math.prod(1.0 + compounded.net) == pytest.approx((CASH + 15) / CASH, rel=1e-13)
    assert np.allclose(compounded.scale, [1 / CASH, 1 / (CASH + 10)])
