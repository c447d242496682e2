"""The figures people ask of a run, as one record. Each formula stands in docs/metrics.md."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from backtest.metrics.compiled import N_METRICS, Metric, write_metrics
from backtest.metrics.drawdown import drawdown_of
from backtest.metrics.returns import daily_closes
from backtest.metrics.trades import net_r_of, trade_rows
from backtest.outcome import FloatArray, RunOutcome
from domain.instrument import Instrument
from domain.market import MINUTE_MS
from domain.record import Record

WHOLE = frozenset(
    metric for metric in Metric if metric.name.endswith("_MICROUSD") or metric.name.startswith(("N_", "LONGEST_"))
)


class Metrics(Record, frozen=True, kw_only=True):
    """What a run came to. Money in whole micro-dollars. None means undefined, never zero.

    net_microusd: final less starting equity, open positions at their mark. The figures of trades are of closed ones.
    cagr_frac, volatility_frac, sharpe, sortino, calmar: a year of 365 days; None under two days.
    max_drawdown_*: the deepest fall over the minutes, as in `Drawdown`. mean_loss_microusd: >= 0.
    turnover: notional of entries and exits over the mean of the daily closing equities.
    exposure_frac: part of the run's time with at least one trade open. slippage_microusd: spread, slippage, gaps.
    net_r: each trade's net over what was at risk at its entry, in closing order, None where that is unknown.
    """

    net_microusd: int
    total_return_frac: float | None
    cagr_frac: float | None
    volatility_frac: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown_frac: float | None
    max_drawdown_minutes: int
    max_drawdown_began_ms: int | None
    max_drawdown_bottomed_ms: int | None
    max_drawdown_ended_ms: int | None
    n_days: int
    n_trades: int
    n_won: int
    n_lost: int
    win_rate_frac: float | None
    profit_factor: float | None
    expectancy_r: float | None
    expectancy_microusd: int | None
    mean_win_microusd: int | None
    mean_loss_microusd: int | None
    payoff_ratio: float | None
    longest_losing_streak: int
    turnover: float | None
    exposure_frac: float | None
    mean_hold_minutes: float | None
    mean_mae_bps: float | None
    mean_mfe_bps: float | None
    fees_microusd: int
    funding_microusd: int
    slippage_microusd: int
    net_r: tuple[float | None, ...]

    def __post_init__(self) -> None:
        """Refuse NaN and infinity: an undefined figure is None."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} is {value}: an undefined figure is None")


def metrics_of(outcome: RunOutcome, instruments: Mapping[str, Instrument]) -> Metrics:
    """Return the figures of a run.

    instruments: by symbol, one for every symbol traded. Raises ValueError when a traded one is missing.
    """
    curve, trades = outcome.curve, outcome.trades
    drawdown = drawdown_of(curve)
    vector = np.empty(N_METRICS)
    write_metrics(
        vector,
        curve.starting_microusd,
        daily_closes(curve.close_ms, curve.equity_microusd),
        math.nan if drawdown.frac is None else drawdown.frac,
        int(curve.close_ms[0]) - MINUTE_MS,
        int(curve.close_ms[-1]),
        trade_rows(trades, instruments),
    )
    return Metrics(
        **figures_of(vector),
        max_drawdown_minutes=drawdown.n_minutes,
        max_drawdown_began_ms=drawdown.began_ms,
        max_drawdown_bottomed_ms=drawdown.bottomed_ms,
        max_drawdown_ended_ms=drawdown.ended_ms,
        mean_mae_bps=_mean_bps([trade.mae_bps for trade in trades]),
        mean_mfe_bps=_mean_bps([trade.mfe_bps for trade in trades]),
        net_r=net_r_of(trades),
    )


def figures_of(vector: FloatArray) -> dict[str, Any]:
    """Return a run's vector, shape (N_METRICS,), under the names of `Metrics`: None for NaN, counts and money whole."""
    return {metric.name.lower(): _figure(float(vector[metric]), is_whole=metric in WHOLE) for metric in Metric}


def _figure(value: float, *, is_whole: bool) -> float | int | None:
    if math.isnan(value):
        return None
    return int(value) if is_whole else value


def _mean_bps(excursions: list[float]) -> float | None:
    return math.fsum(excursions) / len(excursions) if excursions else None
