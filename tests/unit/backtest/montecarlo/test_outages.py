"""Outages: who is hit, for how long, and at which price he gets out."""

import math

import numpy as np
import pytest

from backtest.montecarlo import paths
from backtest.montecarlo.blocks import Method
from backtest.montecarlo.exposure import exposure_of
from backtest.montecarlo.outages import Struck, delay, draw_outages
from backtest.montecarlo.shocks import shocks_with
from backtest.montecarlo.study import Plan, terms_of, walked
from backtest.montecarlo.units import Stakes, units_of_trades
from domain.decisions import Side
from domain.market import DAY_MS, MINUTE_MS
from tests.unit.backtest.montecarlo.conftest import CASH, SOL, START_MS, bars, trade

RISING = bars([(100.0 + minute, 100.5 + minute) for minute in range(20)])


def exposed(*trades, prices=RISING):
    units = units_of_trades(trades, CASH, Stakes.FIXED, 0.01)
    return units, exposure_of(trades, units, {"SOL-PERP": prices}, {"SOL-PERP": SOL}, 3)


@pytest.mark.parametrize(("side", "sign"), [(Side.BUY, 1), (Side.SELL, -1)])
def test_a_delayed_exit_gets_the_first_close_after_the_outage_less_its_half_of_the_slippage(side, sign):
    """One SOL (100 lots of 0.01) left at 101.000; blind until minute 7.5, the first close after it is minute 8's.

    That bar, the eighth, opened at 107 and closed at 107.5: 6.5 USD more for a long, less for a short.
    """
    _, exposure = exposed(trade(0, 1, 2, side=side, slippage_microusd=400_000))
    changed = delay(exposure, 0, START_MS + 7.5 * MINUTE_MS)
    assert changed == pytest.approx(sign * 6_500_000 - 200_000)


def test_an_outage_that_outlasts_the_record_ends_at_its_last_close():
    _, exposure = exposed(trade(0, 1, 2))
    assert delay(exposure, 0, START_MS + 10 * DAY_MS) == pytest.approx((119.5 - 101.0) * 1e6)


def test_without_bars_a_delay_changes_nothing():
    units = units_of_trades((trade(0),), CASH, Stakes.FIXED, 0.01)
    exposure = exposure_of((trade(0),), units, {}, {"SOL-PERP": SOL}, 3)
    assert delay(exposure, 0, START_MS + DAY_MS) == 0.0


def test_the_share_of_lost_entries_is_that_of_a_queue_without_end():
    """Outages begin at rate r and last D on average, so far from the start one is going on in 1 - exp(-r D) of cases.

    The second entry comes after ten days: of 10 outages a day of 20 minutes each, 12.97 % of the paths lose it.
    The first entry stands at the very start of the calendar, before any outage.
    """
    units, exposure = exposed(trade(1), trade(1, minute=14_400))
    plan = Plan(n_paths=20_000, method=Method.MOVING)
    terms = terms_of(shocks_with(["none", "outages_per_day=10", "outage_minutes=20"]), plan, 2, 2)
    lost = 2.0 - walked(units, exposure, terms, np.ones(1), plan)[:, paths.TAKEN].mean()
    share = 1.0 - math.exp(-10 * 20 / 1440)
    assert abs(lost - share) < 4 * math.sqrt(share * (1 - share) / plan.n_paths)


def test_what_an_outage_hits_lies_in_it_and_overlapping_outages_are_one():
    """With an outage a minute of half an hour each, the desk is blind from the first beginning to the end.

    So everything after the first beginning is lost or delayed to the last close, and nothing before it.
    """
    trades = tuple(trade(1, minute, 3) for minute in range(17))
    _, exposure = exposed(*trades)
    struck = Struck(np.full(17, -1), np.full(17, -1), np.zeros(17))
    draw_outages(exposure, float(MINUTE_MS), 1e9, np.uint64(4), 0, struck)
    is_lost = struck.lost_on == 0
    first = int(np.argmax(is_lost))
    assert 0 < first < 17
    assert is_lost[first:].all()
    assert not is_lost[:first].any()
    assert (struck.delayed_on[first:] == 0).all()
    late = struck.delayed_on == 0
    assert struck.delay[late] == pytest.approx((119.5 - 101.0) * 1e6)
