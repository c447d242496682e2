import math
from collections.abc import Callable, Mapping

import numpy as np
from msgspec.structs import asdict

from backtest.metrics.compiled import N_METRICS, Metric, write_metrics
from backtest.metrics.drawdown import deepest_drawdown
from backtest.metrics.returns import daily_closes
from backtest.metrics.summary import Metrics, metrics_of
from backtest.metrics.trades import N_COLUMNS, Column
from backtest.outcome import EquityCurve, IntArray, RunOutcome
from domain.account import Trade
from domain.compiled import kernel
from domain.instrument import Instrument
from domain.market import DAY_MS, MINUTE_MS

SPAN_MINUTES = 5 * 1_440


@kernel
def swept(close_ms: IntArray, equity: IntArray, starting: int, trades: IntArray, out: np.ndarray) -> None:
    """Compute the figures where a sweep does: inside another compiled function."""
    depth = deepest_drawdown(starting, equity)[0]
    closes = daily_closes(close_ms, equity)
    write_metrics(out, starting, closes, depth, close_ms[0] - 60_000, close_ms[-1], trades)


def test_every_place_of_the_vector_is_a_field_of_the_record() -> None:
    assert {metric.name.lower() for metric in Metric} <= set(Metrics.__struct_fields__)


def test_a_sweep_and_a_report_agree_to_the_last_bit(
    trade: Callable[..., Trade], outcome: Callable[..., RunOutcome], instruments: Mapping[str, Instrument]
) -> None:
    for seed in range(25):
        rng = np.random.default_rng(seed)
        n_trades = int(rng.integers(0, 40))
        opened = np.sort(rng.integers(0, SPAN_MINUTES, size=n_trades)) * MINUTE_MS
        rows = rng.integers(-(10**8), 10**8, size=(n_trades, N_COLUMNS))
        rows[:, Column.OPENED_MS] = opened
        rows[:, Column.CLOSED_MS] = opened + rng.integers(1, 500, size=n_trades) * MINUTE_MS
        rows[:, Column.NOTIONAL] = 2 * 100_000_000
        kept = np.sort(rng.choice(SPAN_MINUTES, size=SPAN_MINUTES // 2, replace=False)) + 1
        equity = 10**10 + np.cumsum(rng.integers(-(10**7), 10**7, size=len(kept)))
        curve = EquityCurve(close_ms=kept * MINUTE_MS, equity_microusd=equity, starting_microusd=10**10)
        trades = [
            trade(
                gross_microusd=0,
                fees_microusd=int(row[Column.FEES]),
                funding_microusd=int(row[Column.NET] + row[Column.FEES]),
                slippage_microusd=int(row[Column.SLIPPAGE]),
                risk_microusd=int(row[Column.RISK]),
                opened_ms=int(row[Column.OPENED_MS]),
                closed_ms=int(row[Column.CLOSED_MS]),
            )
            for row in rows
        ]
        rows[:, Column.FUNDING] = rows[:, Column.NET] + rows[:, Column.FEES]
        out = np.empty(N_METRICS)
        swept(curve.close_ms, curve.equity_microusd, curve.starting_microusd, rows, out)
        report = asdict(metrics_of(outcome(curve, *trades), instruments))
        for metric in Metric:
            swept_figure = None if math.isnan(out[metric]) else out[metric]
            assert swept_figure == report[metric.name.lower()], metric.name


def test_a_run_of_two_days_is_the_shortest_with_figures_a_year() -> None:
    nothing = np.zeros((0, N_COLUMNS), dtype=np.int64)
    for n_days in (1, 2):
        out = np.empty(N_METRICS)
        closes = np.array([101, 99])[:n_days]
        write_metrics(out, 100, closes, 0.02, 0, n_days * DAY_MS, nothing)
        yearly = (Metric.CAGR_FRAC, Metric.VOLATILITY_FRAC, Metric.SHARPE, Metric.SORTINO, Metric.CALMAR)
        assert [not math.isnan(out[metric]) for metric in yearly] == [n_days == 2] * 5
