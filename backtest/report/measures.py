"""The metrics of a run as the report shows them: a name, a figure in words, and what it means in one line."""

from typing import Final

from backtest.luck.verdict import Luck
from backtest.metrics.summary import Metrics
from backtest.report.figures import Figure
from backtest.report.writing import percent_text, usd_text

_ABSENT: Final = "not defined"
RETURNS, RISK, TRADES, COSTS, LUCK = "Return", "Risk", "Trades", "Activity and costs", "Could it be luck?"


def figures_from(metrics: Metrics, luck: Luck) -> tuple[Figure, ...]:
    """Return every figure of a run, grouped. The formulas stand in docs/metrics.md and docs/luck.md."""
    rows = (*_returns(metrics), *_risk(metrics), *_trades(metrics), *_activity(metrics), *_luck(luck))
    return tuple(Figure(group=group, name=name, value=value, meaning=meaning) for group, name, value, meaning in rows)


_Row = tuple[str, str, str, str]


def _returns(metrics: Metrics) -> tuple[_Row, ...]:
    return (
        (RETURNS, "CAGR", percent_text(metrics.cagr_frac, is_signed=True), "growth a year, were every year like this"),
        (RETURNS, "Sharpe", _ratio(metrics.sharpe), "mean daily return over its standard deviation, a year"),
        (RETURNS, "Sortino", _ratio(metrics.sortino), "the same over the deviation of losing days alone"),
        (RETURNS, "Calmar", _ratio(metrics.calmar), "CAGR over the deepest drawdown"),
    )


def _risk(metrics: Metrics) -> tuple[_Row, ...]:
    minutes = metrics.max_drawdown_minutes
    return (
        (RISK, "Volatility", percent_text(metrics.volatility_frac), "standard deviation of daily returns, a year"),
        (RISK, "Drawdown length", f"{minutes / 1440:,.1f} days", "from the peak until it came back, or to the end"),
        (RISK, "Losing streak", f"{metrics.longest_losing_streak:,}", "most losing trades in a row"),
        (RISK, "Adverse excursion", _bps(metrics.mean_mae_bps), "how far trades stood against us at worst, on average"),
        (RISK, "Favourable excursion", _bps(metrics.mean_mfe_bps), "how far they stood for us at best, on average"),
    )


def _trades(metrics: Metrics) -> tuple[_Row, ...]:
    return (
        (TRADES, "Won", percent_text(metrics.win_rate_frac), f"{metrics.n_won:,} of {metrics.n_trades:,} trades"),
        (TRADES, "Profit factor", _ratio(metrics.profit_factor), "sum of wins over sum of losses"),
        (TRADES, "Expectancy", _signed(metrics.expectancy_r, "R"), "mean net result over what was at risk"),
        (TRADES, "Mean trade", _usd(metrics.expectancy_microusd), "mean net result of a trade"),
        (TRADES, "Mean win", _usd(metrics.mean_win_microusd), "of the trades that won"),
        (TRADES, "Mean loss", _usd(metrics.mean_loss_microusd), "of the trades that lost"),
        (TRADES, "Payoff ratio", _ratio(metrics.payoff_ratio), "mean win over mean loss"),
    )


def _activity(metrics: Metrics) -> tuple[_Row, ...]:
    hold = metrics.mean_hold_minutes
    return (
        (COSTS, "Exposure", percent_text(metrics.exposure_frac), "part of the time with a position open"),
        (COSTS, "Mean hold", _ABSENT if hold is None else f"{hold:,.1f} minutes", "from entry to exit"),
        (COSTS, "Turnover", _ratio(metrics.turnover), "notional traded over mean equity"),
        (COSTS, "Fees", usd_text(metrics.fees_microusd), "paid to the venue"),
        (COSTS, "Spread and slippage", usd_text(metrics.slippage_microusd), "paid inside the prices"),
        (COSTS, "Funding", usd_text(metrics.funding_microusd, is_signed=True), "received less paid"),
    )


def _luck(luck: Luck) -> tuple[_Row, ...]:
    rows = [(LUCK, "Verdict", luck.finding.value.replace("_", " "), luck.sentence)]
    if luck.probabilistic_frac is not None:
        meaning = "probability that the true Sharpe ratio is above zero, were this the only run tried"
        rows.append((LUCK, "Probabilistic Sharpe", percent_text(luck.probabilistic_frac), meaning))
    if luck.interval is not None:
        between = f"{luck.interval.low:.2f} to {luck.interval.high:.2f}"
        rows.append((LUCK, "Sharpe, 90 %", between, "bootstrap of the daily returns in blocks"))
    return tuple(rows)


def _ratio(figure: float | None) -> str:
    return _ABSENT if figure is None else f"{figure:,.2f}"


def _signed(figure: float | None, unit: str) -> str:
    return _ABSENT if figure is None else f"{figure:+.3f} {unit}"


def _bps(figure: float | None) -> str:
    return _ABSENT if figure is None else f"{figure:,.1f} bps"


def _usd(microusd: int | None) -> str:
    return _ABSENT if microusd is None else usd_text(microusd)
