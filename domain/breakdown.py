"""What a set of trades came to, and the same by regime, exit reason, strategy, symbol, hour, day and month."""

from collections.abc import Callable, Iterable

import numpy as np

from domain.account import Trade
from domain.market import DAY_MS, HOUR_MS
from domain.record import Record


class Breakdown(Record, frozen=True, kw_only=True):
    """The figures of one group of closed trades. Money in micro-dollars; net = gross - fees + funding.

    A trade is won when its net is above zero. slippage_microusd: spread, slippage and gaps, already inside gross.
    sum_r: net results in units of what was at risk at the entry, over the n_measured_r trades whose risk is known.
    """

    name: str
    n_trades: int
    n_won: int
    won_microusd: int
    lost_microusd: int
    gross_microusd: int
    fees_microusd: int
    funding_microusd: int
    slippage_microusd: int
    sum_r: float
    n_measured_r: int

    @property
    def net_microusd(self) -> int:
        """Profit after fees and funding."""
        return self.won_microusd - self.lost_microusd

    @property
    def win_rate_frac(self) -> float | None:
        """Part of the trades that were won; None without trades."""
        return self.n_won / self.n_trades if self.n_trades else None

    @property
    def profit_factor(self) -> float | None:
        """Sum of the wins over the sum of the losses; None when nothing was lost."""
        return self.won_microusd / self.lost_microusd if self.lost_microusd else None

    @property
    def expectancy_r(self) -> float | None:
        """Mean net result of a trade in R; None when no trade's risk is known."""
        return self.sum_r / self.n_measured_r if self.n_measured_r else None


def broken_down(name: str, trades: Iterable[Trade]) -> Breakdown:
    """Add up one group of trades under a name."""
    group = tuple(trades)
    nets = [trade.net_microusd for trade in group]
    results_r = [trade.net_microusd / trade.risk_microusd for trade in group if trade.risk_microusd > 0]
    return Breakdown(
        name=name,
        n_trades=len(group),
        n_won=sum(net > 0 for net in nets),
        won_microusd=sum(net for net in nets if net > 0),
        lost_microusd=-sum(net for net in nets if net < 0),
        gross_microusd=sum(trade.gross_microusd for trade in group),
        fees_microusd=sum(trade.fees_microusd for trade in group),
        funding_microusd=sum(trade.funding_microusd for trade in group),
        slippage_microusd=sum(trade.slippage_microusd for trade in group),
        sum_r=sum(results_r),
        n_measured_r=len(results_r),
    )


def break_down(trades: Iterable[Trade], name_of: Callable[[Trade], str]) -> tuple[Breakdown, ...]:
    """Group trades by a name, the most frequent group first, and add each group up."""
    groups: dict[str, list[Trade]] = {}
    for trade in trades:
        groups.setdefault(name_of(trade), []).append(trade)
    parts = [broken_down(name, group) for name, group in groups.items()]
    return tuple(sorted(parts, key=lambda part: (-part.n_trades, part.name)))


def by_regime(trades: Iterable[Trade]) -> tuple[Breakdown, ...]:
    """Break trades down by the regime they were decided in."""
    return break_down(trades, lambda trade: trade.regime.value)


def by_exit_reason(trades: Iterable[Trade]) -> tuple[Breakdown, ...]:
    """Break trades down by how they were closed."""
    return break_down(trades, lambda trade: trade.exit_reason.value)


def by_strategy(trades: Iterable[Trade]) -> tuple[Breakdown, ...]:
    """Break trades down by who proposed them."""
    return break_down(trades, lambda trade: trade.strategy)


def by_symbol(trades: Iterable[Trade]) -> tuple[Breakdown, ...]:
    """Break trades down by market."""
    return break_down(trades, lambda trade: trade.symbol)


def by_hour(trades: Iterable[Trade]) -> tuple[Breakdown, ...]:
    """Break trades down by the UTC hour of their entry, "00" to "23", in that order."""
    return _in_name_order(break_down(trades, lambda trade: f"{trade.opened_ms // HOUR_MS % 24:02d}"))


def by_day(trades: Iterable[Trade]) -> tuple[Breakdown, ...]:
    """Break trades down by the UTC day they closed on, when their result was booked: "2025-05-01", in that order."""
    return _in_name_order(break_down(trades, lambda trade: str(_closing_day(trade))))


def by_month(trades: Iterable[Trade]) -> tuple[Breakdown, ...]:
    """Break trades down by the UTC month they closed in: "2025-05", in that order."""
    return _in_name_order(break_down(trades, lambda trade: str(_closing_day(trade).astype("datetime64[M]"))))


def _closing_day(trade: Trade) -> np.datetime64:
    return np.datetime64(trade.closed_ms // DAY_MS, "D")


def _in_name_order(parts: tuple[Breakdown, ...]) -> tuple[Breakdown, ...]:
    return tuple(sorted(parts, key=lambda part: part.name))
