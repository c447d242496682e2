import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.metrics.trades import (
    N_COLUMNS,
    Column,
    expectancy_r,
    exposed_ms,
    nearest_share,
    net_r_of,
    notional_microusd,
    trade_rows,
    wins_and_losses,
)
from domain.account import Trade
from domain.breakdown import broken_down
from domain.decisions import Side
from domain.instrument import Instrument

Trades = Callable[..., Trade]
NETS = st.lists(st.integers(min_value=-5, max_value=5), max_size=30)
INTERVALS = st.lists(
    st.tuples(st.integers(min_value=-20, max_value=120), st.integers(min_value=0, max_value=30)), max_size=12
)


def rows_of(nets: list[int], risk: int = 0) -> np.ndarray:
    rows = np.zeros((len(nets), N_COLUMNS), dtype=np.int64)
    rows[:, Column.NET] = nets
    rows[:, Column.RISK] = risk
    return rows


def test_a_zero_is_neither_won_nor_lost_and_ends_a_losing_streak() -> None:
    assert wins_and_losses(rows_of([-1, -2, 0, -3, 4, -5, -6, -7])) == (1, 6, 4, 24, 3)
    assert wins_and_losses(rows_of([])) == (0, 0, 0, 0, 0)


@given(NETS)
def test_the_longest_losing_streak_is_the_longest_run_of_losses_in_a_row(nets: list[int]) -> None:
    runs = "".join("L" if net < 0 else " " for net in nets).split()
    assert wins_and_losses(rows_of(nets))[4] == max(map(len, runs), default=0)


@given(nets=NETS)
def test_wins_losses_and_expectancy_are_those_of_the_breakdown(nets: list[int], trade: Trades) -> None:
    part = broken_down("all", [trade(gross_microusd=net, risk_microusd=3) for net in nets])
    n_won, _, won, lost, _ = wins_and_losses(rows_of(nets))
    assert (n_won, won, lost) == (part.n_won, part.won_microusd, part.lost_microusd)
    ours = expectancy_r(rows_of(nets, risk=3))
    assert (None if math.isnan(ours) else ours) == part.expectancy_r


def test_r_is_absent_where_the_risk_is_unknown(trade: Trades) -> None:
    trades = [trade(gross_microusd=-250_000, risk_microusd=500_000), trade(risk_microusd=0)]
    assert net_r_of(trades) == (-0.5, None)


@given(st.integers(min_value=-(10**15), max_value=10**15), st.integers(min_value=1, max_value=10**6))
def test_a_share_is_the_nearest_whole_number(total: int, n_parts: int) -> None:
    share = nearest_share(total, n_parts)
    assert 2 * abs(total - share * n_parts) <= n_parts


def test_the_notional_is_what_was_bought_plus_what_was_sold(
    trade: Trades, instruments: Mapping[str, Instrument]
) -> None:
    """One SOL bought at 100 and sold at 101: 201 dollars. Sold short at 100 and bought at 98.5: 198.5 dollars."""
    sol = instruments["SOL-PERP"]
    assert notional_microusd(trade(), sol) == 201_000_000
    assert notional_microusd(trade(side=Side.SELL, gross_microusd=1_500_000), sol) == 198_500_000


def test_rows_hold_the_trades_in_their_order(trade: Trades, instruments: Mapping[str, Instrument]) -> None:
    rows = trade_rows([trade(), trade(fees_microusd=3, funding_microusd=-2, slippage_microusd=5)], instruments)
    assert rows[0, Column.NET] == 1_000_000
    assert rows[1].tolist()[:6] == [999_995, 3, -2, 5, 500_000, 201_000_000]
    assert trade_rows([], instruments).shape == (0, N_COLUMNS)


def test_a_trade_without_its_instrument_is_refused(trade: Trades) -> None:
    with pytest.raises(ValueError, match="SOL-PERP needs its instrument"):
        trade_rows([trade()], {})


@given(INTERVALS)
def test_exposure_counts_every_moment_with_an_open_trade_once(intervals: list[tuple[int, int]]) -> None:
    rows = np.zeros((len(intervals), N_COLUMNS), dtype=np.int64)
    for place, (opened, held) in enumerate(intervals):
        rows[place, Column.OPENED_MS], rows[place, Column.CLOSED_MS] = opened, opened + held
    covered = {moment for opened, held in intervals for moment in range(opened, opened + held) if 0 <= moment < 100}
    assert exposed_ms(rows, 0, 100) == len(covered)
