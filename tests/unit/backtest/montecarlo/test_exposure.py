"""What the recorded bars say of a trade: later entries, the size of a minute, and symbols without bars."""

import math

import numpy as np
import pytest

from backtest.montecarlo.exposure import exposure_of, minute_deviation_frac
from backtest.montecarlo.units import Stakes, units_of_trades
from domain.decisions import ExitReason, Side
from domain.market import MINUTE_MS
from tests.unit.backtest.montecarlo.conftest import CASH, SOL, START_MS, bars, trade

PRICES = bars([(100.0, 100.2), (100.2, 99.0), (99.1, 101.0), (101.0, 104.0), (104.5, 103.0), (103.0, 103.0)])


def exposed(*trades, stakes=Stakes.FIXED, prices=None):
    units = units_of_trades(trades, CASH, stakes, 0.01)
    return exposure_of(trades, units, {"SOL-PERP": PRICES} if prices is None else prices, {"SOL-PERP": SOL}, 3)


def test_a_late_entry_costs_how_far_the_opens_ran_away():
    """Entered at the open of minute 1, 100.2; one, two, three bars later the opens are 99.1, 101.0, 104.5."""
    exposure = exposed(trade(0, 1, 4), trade(0, 1, 4, side=Side.SELL))
    assert exposure.late[0] == pytest.approx([-1.1e6, 0.8e6, 4.3e6])
    assert exposure.late[1] == pytest.approx([1.1e6, -0.8e6, -4.3e6])


def test_no_entry_comes_later_than_the_bar_of_its_exit():
    """Held from minute 1 to the end of minute 2: the second and third bar later count as the first."""
    assert exposed(trade(0, 1, 2)).late[0] == pytest.approx([-1.1e6, -1.1e6, -1.1e6])
    assert list(exposed(trade(0, 1, 1)).late[0]) == [0.0, 0.0, 0.0]


def test_stakes_scale_what_the_bars_say():
    assert exposed(trade(0, 1, 4), stakes=Stakes.EQUITY).late[0] == pytest.approx([-0.0011, 0.0008, 0.0043])


def test_only_stops_are_gapped_through():
    """One SOL left at 101: a standard deviation of a minute costs 101 USD times it, at most the 101 USD."""
    exposure = exposed(trade(0, exit_reason=ExitReason.STOP), trade(0, exit_reason=ExitReason.TRAILING), trade(0))
    deviation = minute_deviation_frac(PRICES)
    assert exposure.gap == pytest.approx([101e6 * deviation, 101e6 * deviation, 0.0])
    assert exposure.gap_most == pytest.approx([101e6] * 3)


def test_the_deviation_leaves_out_returns_over_a_hole():
    prices = bars([(1.0, 100.0), (1.0, 101.0), (1.0, 300.0), (1.0, 303.0)])
    torn = type(prices)(
        symbol="X", open_ms=prices.open_ms, open_price=prices.open_price, close_price=prices.close_price,
        close_ms=prices.close_ms + np.array([0, 0, 5, 5]) * MINUTE_MS,
    )  # fmt: skip
    assert minute_deviation_frac(torn) == pytest.approx(0.0, abs=1e-12)
    assert minute_deviation_frac(prices) > math.log(1.01)
    assert minute_deviation_frac(bars([(1.0, 1.0)])) == 0.0


def test_a_symbol_without_bars_adds_nothing():
    exposure = exposed(trade(0, exit_reason=ExitReason.STOP), prices={})
    assert not exposure.late.any()
    assert not exposure.gap.any()
    assert list(exposure.first_bar) == list(exposure.end_bar)


def test_each_symbol_keeps_its_own_bars():
    other = bars([(7.0, 8.0)], "BTC-PERP")
    trades = (trade(0), trade(0, symbol="BTC-PERP"))
    units = units_of_trades(trades, CASH, Stakes.FIXED, 0.01)
    exposure = exposure_of(
        trades, units, {"BTC-PERP": other, "SOL-PERP": PRICES}, dict.fromkeys(("SOL-PERP", "BTC-PERP"), SOL), 1
    )
    assert list(zip(exposure.first_bar, exposure.end_bar, strict=True)) == [(1, 7), (0, 1)]
    assert list(exposure.close_price[0:2]) == [8.0, 100.2]
    assert exposure.close_ms[1] == START_MS + MINUTE_MS
