import math
from collections.abc import Callable, Mapping

import empyrical
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backtest.metrics.summary import Metrics, metrics_of
from backtest.outcome import EquityCurve, RunOutcome
from domain.account import Trade
from domain.breakdown import broken_down
from domain.instrument import Instrument
from domain.market import DAY_MS, MINUTE_MS

Maker = Callable[..., Trade]
Curves = Callable[..., EquityCurve]
Outcomes = Callable[..., RunOutcome]
Instruments = Mapping[str, Instrument]


def test_a_run_without_trades_has_no_figure_that_it_cannot_have(
    curve: Curves, outcome: Outcomes, instruments: Instruments
) -> None:
    metrics = metrics_of(outcome(curve([100, 100], 100)), instruments)
    assert (metrics.net_microusd, metrics.total_return_frac, metrics.n_trades, metrics.exposure_frac) == (0, 0, 0, 0)
    assert metrics.max_drawdown_frac == 0.0
    for name in (
        "cagr_frac", "volatility_frac", "sharpe", "sortino", "calmar", "win_rate_frac", "profit_factor", "expectancy_r",
        "expectancy_microusd", "mean_win_microusd", "mean_loss_microusd", "payoff_ratio", "mean_hold_minutes",
        "mean_mae_bps", "mean_mfe_bps",
    ):  # fmt: skip
        assert getattr(metrics, name) is None


def test_a_small_run_gives_the_figures_worked_out_by_hand(
    curve: Curves, outcome: Outcomes, instruments: Instruments, trade: Maker, start_ms: int
) -> None:
    """Three days end at 1,010, 990 and 1,020 dollars, from 1,000; one minute stands at each day's end.

    Trades: +30 dollars (risk 10, 3 R), -10 (risk 10, -1 R), 0 net of 1 dollar fees (risk unknown).
    Profit factor 30 / 10; expectancy 20 / 3 dollars and (3 - 1) / 2 R; payoff 30 / 10.
    Notional: each entry 100 dollars, exits 130, 90 and 101: 621; over the mean close of 3,020 / 3 dollars.
    Open for minutes 0-60, 30-120 and 200-210: 130 of the span from one minute before the first close to the last.
    """
    trades = [
        trade(gross_microusd=30_000_000, risk_microusd=10_000_000, closed_ms=start_ms + DAY_MS + 60 * MINUTE_MS),
        trade(gross_microusd=-10_000_000, risk_microusd=10_000_000, closed_ms=start_ms + DAY_MS + 120 * MINUTE_MS),
        trade(gross_microusd=1_000_000, risk_microusd=0, fees_microusd=1_000_000, slippage_microusd=7),
    ]
    opened = (0, 30, 200)
    trades = [
        replace(one, opened_ms=start_ms + DAY_MS + at * MINUTE_MS) for one, at in zip(trades, opened, strict=True)
    ]
    trades[2] = replace(trades[2], closed_ms=start_ms + DAY_MS + 210 * MINUTE_MS, funding_microusd=0)
    metrics = metrics_of(outcome(curve([1_010, 990, 1_020], 1_000, DAY_MS), *trades), instruments)
    assert (metrics.net_microusd, metrics.total_return_frac, metrics.n_days) == (20_000_000, 0.02, 3)
    assert (metrics.n_trades, metrics.n_won, metrics.n_lost, metrics.longest_losing_streak) == (3, 1, 1, 1)
    assert (metrics.profit_factor, metrics.payoff_ratio, metrics.expectancy_r) == (3.0, 3.0, 1.0)
    assert (metrics.expectancy_microusd, metrics.win_rate_frac) == (6_666_667, 1 / 3)
    assert (metrics.mean_win_microusd, metrics.mean_loss_microusd) == (30_000_000, 10_000_000)
    assert metrics.turnover == pytest.approx(621 / (3_020 / 3))
    span_minutes = 2 * 1_440 + 1
    assert metrics.exposure_frac == pytest.approx(130 / span_minutes)
    assert metrics.mean_hold_minutes == pytest.approx((60 + 90 + 10) / 3)
    assert (metrics.fees_microusd, metrics.funding_microusd, metrics.slippage_microusd) == (1_000_000, 0, 7)
    assert (metrics.mean_mae_bps, metrics.mean_mfe_bps) == (10.0, 110.0)
    assert metrics.net_r == (3.0, -1.0, None)
    assert metrics.cagr_frac == pytest.approx(1.02 ** (365 * 1_440 / span_minutes) - 1)
    assert metrics.max_drawdown_frac == 20 / 1_010
    assert metrics.max_drawdown_minutes == 2 * 1_440
    assert metrics.calmar == metrics.cagr_frac / metrics.max_drawdown_frac


def test_the_account_figures_are_those_of_empyrical(curve: Curves, outcome: Outcomes, instruments: Instruments) -> None:
    """A year of minutes, an hour apart, whose days end where the curve's do.

    Our drawdown is over all points, empyrical's over the series it is given: it gets all points for that figure, and
    Calmar is compared as its growth over that drawdown. Growth differs by the half hour before the first point.
    """
    steps = np.random.default_rng(7).normal(2e-5, 3e-3, size=365 * 24)
    dollars = 10_000 * np.cumprod(1 + steps)
    ours = metrics_of(outcome(curve(dollars.tolist(), 10_000, DAY_MS // 24)), instruments)
    closes = np.array([10_000, *dollars[23::24]])
    daily = closes[1:] / closes[:-1] - 1
    growth = empyrical.annual_return(daily, annualization=365)
    depth = empyrical.max_drawdown(steps)
    assert ours.total_return_frac == pytest.approx(empyrical.cum_returns_final(daily))
    assert ours.cagr_frac == pytest.approx(growth, rel=1e-3)
    assert ours.volatility_frac == pytest.approx(empyrical.annual_volatility(daily, annualization=365))
    assert ours.sharpe == pytest.approx(empyrical.sharpe_ratio(daily, annualization=365), rel=1e-6)
    assert ours.sortino == pytest.approx(empyrical.sortino_ratio(daily, annualization=365), rel=1e-6)
    assert ours.max_drawdown_frac == pytest.approx(-depth)
    assert ours.calmar == pytest.approx(growth / -depth, rel=1e-3)


def test_calmar_on_a_daily_curve_is_empyricals(curve: Curves, outcome: Outcomes, instruments: Instruments) -> None:
    """With one minute a day from midnight to midnight both see the same series; only the first day is a minute long."""
    daily = np.random.default_rng(11).normal(4e-4, 0.02, size=730)
    whole = curve((1_000 * np.cumprod(1 + daily)).tolist(), 1_000, DAY_MS)
    close_ms = np.concatenate([[whole.close_ms[0] - DAY_MS + MINUTE_MS], whole.close_ms])
    equity = np.concatenate([[whole.starting_microusd], whole.equity_microusd])
    full = EquityCurve(close_ms=close_ms, equity_microusd=equity, starting_microusd=whole.starting_microusd)
    ours = metrics_of(outcome(full), instruments)
    assert ours.cagr_frac == pytest.approx(empyrical.annual_return(daily, annualization=365), rel=1e-4)
    assert ours.calmar == pytest.approx(empyrical.calmar_ratio(daily, annualization=365), rel=1e-4)


@given(
    equities=st.lists(st.integers(min_value=-(10**7), max_value=10**9), min_size=1, max_size=12),
    starting=st.integers(min_value=-10, max_value=10**9),
    step_ms=st.sampled_from([MINUTE_MS, DAY_MS // 3, DAY_MS]),
    money=st.lists(st.tuples(*[st.integers(min_value=-(10**6), max_value=10**6)] * 3), max_size=6),
)
def test_whatever_happened_no_figure_is_nan_and_the_money_adds_up(
    equities: list[int],
    starting: int,
    step_ms: int,
    money: list[tuple[int, int, int]],
    trade: Maker,
    outcome: Outcomes,
    instruments: Instruments,
) -> None:
    close_ms = step_ms * np.arange(1, len(equities) + 1)
    curve = EquityCurve(close_ms=close_ms, equity_microusd=np.array(equities), starting_microusd=starting)
    trades = [
        trade(gross_microusd=gross, fees_microusd=fees, funding_microusd=funding) for gross, fees, funding in money
    ]
    metrics = metrics_of(outcome(curve, *trades), instruments)
    part = broken_down("all", trades)
    assert metrics.net_microusd == equities[-1] - starting
    assert (metrics.n_trades, metrics.n_won, metrics.win_rate_frac) == (part.n_trades, part.n_won, part.win_rate_frac)
    assert (metrics.profit_factor, metrics.expectancy_r) == (part.profit_factor, part.expectancy_r)
    assert (metrics.fees_microusd, metrics.funding_microusd) == (part.fees_microusd, part.funding_microusd)
    assert "NaN" not in msgspec.json.encode(metrics).decode()
    for name, value in msgspec.structs.asdict(metrics).items():
        assert value is None or isinstance(value, tuple) or math.isfinite(value), name
        assert not name.endswith("_microusd") or value is None or isinstance(value, int)


def test_a_figure_that_is_not_a_number_is_refused(curve: Curves, outcome: Outcomes, instruments: Instruments) -> None:
    metrics: Metrics = metrics_of(outcome(curve([100], 100)), instruments)
    with pytest.raises(ValueError, match="sharpe is nan"):
        replace(metrics, sharpe=math.nan)
