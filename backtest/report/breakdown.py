"""The closed trades of a run by regime, strategy, way out, market, direction and hour of the day."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from backtest.export import result_r
from backtest.report.figures import Breakdown, BreakdownRow
from domain.account import Trade
from domain.decisions import Side
from domain.market import DAY_MS, HOUR_MS

_WAYS: Final[tuple[tuple[str, Callable[[Trade], str]], ...]] = (
    ("regime at entry", lambda trade: _words(trade.regime.value)),
    ("strategy", lambda trade: trade.strategy),
    ("exit reason", lambda trade: _words(trade.exit_reason.value)),
    ("symbol", lambda trade: trade.symbol),
    ("direction", lambda trade: "long" if trade.side is Side.BUY else "short"),
)


def breakdowns(trades: Sequence[Trade]) -> tuple[Breakdown, ...]:
    """Return the trades grouped every way a report shows; the most frequent group first, hours in their order."""
    ways = [Breakdown(title=title, rows=_by_frequency(_grouped(trades, name_of))) for title, name_of in _WAYS]
    hours = sorted(_grouped(trades, _hour), key=lambda row: row.name)
    return (*ways, Breakdown(title="hour of entry, UTC", rows=tuple(hours)))


def _grouped(trades: Iterable[Trade], name_of: Callable[[Trade], str]) -> list[BreakdownRow]:
    groups: dict[str, list[Trade]] = {}
    for trade in trades:
        groups.setdefault(name_of(trade), []).append(trade)
    return [_row(name, group) for name, group in groups.items()]


def _row(name: str, group: Sequence[Trade]) -> BreakdownRow:
    results = [result for result in map(result_r, group) if result is not None]
    return BreakdownRow(
        name=name,
        n_trades=len(group),
        win_rate_frac=sum(trade.net_microusd > 0 for trade in group) / len(group),
        gross_microusd=sum(trade.gross_microusd for trade in group),
        fees_microusd=sum(trade.fees_microusd for trade in group),
        slippage_microusd=sum(trade.slippage_microusd for trade in group),
        funding_microusd=sum(trade.funding_microusd for trade in group),
        net_microusd=sum(trade.net_microusd for trade in group),
        sum_r=sum(results) if results else None,
    )


def _by_frequency(rows: list[BreakdownRow]) -> tuple[BreakdownRow, ...]:
    return tuple(sorted(rows, key=lambda row: (-row.n_trades, row.name)))


def _hour(trade: Trade) -> str:
    return f"{trade.opened_ms % DAY_MS // HOUR_MS:02d}:00"


def _words(name: str) -> str:
    return name.replace("_", " ")
