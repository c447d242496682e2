"""A run's closed trades by regime, strategy, way out, market, direction and hour, as the report shows them."""

from collections.abc import Callable, Sequence
from typing import Final

from backtest.report.figures import Breakdown, BreakdownRow
from domain import breakdown as grouping
from domain.account import Trade
from domain.decisions import Side

_WAYS: Final[tuple[tuple[str, Callable[[Sequence[Trade]], tuple[grouping.Breakdown, ...]]], ...]] = (
    ("regime at entry", grouping.by_regime),
    ("strategy", grouping.by_strategy),
    ("exit reason", grouping.by_exit_reason),
    ("symbol", grouping.by_symbol),
    ("direction", lambda trades: grouping.break_down(trades, _direction)),
    ("hour of entry, UTC", grouping.by_hour),
)
_WORDS: Final = frozenset({"regime at entry", "exit reason"})


def breakdowns(trades: Sequence[Trade]) -> tuple[Breakdown, ...]:
    """Return the trades grouped every way a report shows; the most frequent group first, hours in their order."""
    return tuple(
        Breakdown(title=title, rows=tuple(_row(part, _name(title, part.name)) for part in group(trades)))
        for title, group in _WAYS
    )


def _row(part: grouping.Breakdown, name: str) -> BreakdownRow:
    return BreakdownRow(
        name=name,
        n_trades=part.n_trades,
        win_rate_frac=part.n_won / part.n_trades,
        gross_microusd=part.gross_microusd,
        fees_microusd=part.fees_microusd,
        slippage_microusd=part.slippage_microusd,
        funding_microusd=part.funding_microusd,
        net_microusd=part.net_microusd,
        sum_r=part.sum_r if part.n_measured_r else None,
    )


def _direction(trade: Trade) -> str:
    return "long" if trade.side is Side.BUY else "short"


def _name(title: str, name: str) -> str:
    if title.startswith("hour"):
        return f"{name}:00"
    return name.replace("_", " ") if title in _WORDS else name
