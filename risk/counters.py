"""The memory of the risk desk: facts folded one by one, never judged here. The rules judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from domain.account import Trade
from domain.market import DAY_MS, MINUTE_MS
from domain.record import Record


class CountersView(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the desk remembers, frozen at one moment. It is the whole memory: a desk restored from it is equal.

    peak_, trough_equity_microusd: highest equity since the last acknowledgement, and the lowest since that peak.
    worst_drawdown_frac: deepest fall from a peak since the last acknowledgement, >= 0; it never heals by itself.
    day_start_equity_microusd: equity at the first tick of the UTC day that ends at `day_end_ms`; None before any tick.
    n_consecutive_losses, worst_losing_streak: now, and the longest, within UTC day number `streak_day_no`.
    last_trade_ms, last_loss_ms: when a trade, and a losing trade, last closed.
    entry_order_ms: entry orders of the last 60 s before the newest one, in the order they were decided.
    n_trades, n_wins, n_losses: closed trades with a measurable risk. win_sum_r, loss_sum_r: their profits and
    losses in R (net profit over the risk at the stop), both >= 0.
    """

    peak_equity_microusd: int
    trough_equity_microusd: int
    worst_drawdown_frac: float
    day_start_equity_microusd: int | None
    day_end_ms: int
    streak_day_no: int
    n_consecutive_losses: int
    worst_losing_streak: int
    last_trade_ms: int | None
    last_loss_ms: int | None
    entry_order_ms: tuple[int, ...]
    n_entry_orders: int
    n_exit_orders: int
    n_trades: int
    n_wins: int
    n_losses: int
    win_sum_r: float
    loss_sum_r: float

    def __post_init__(self) -> None:
        """Refuse figures that no sequence of facts can lead to."""
        if not (self.trough_equity_microusd <= self.peak_equity_microusd and self.worst_drawdown_frac >= 0.0):
            raise ValueError("the lowest equity lies above the peak, or the drawdown is negative")
        if not (0 <= self.n_consecutive_losses <= self.worst_losing_streak and self.n_trades >= 0):
            raise ValueError("the losing streak is longer than the longest, or trades are negative")
        if not (0 <= self.n_wins <= self.n_trades - self.n_losses <= self.n_trades):
            raise ValueError(f"{self.n_wins} wins and {self.n_losses} losses in {self.n_trades} trades")
        if not (self.win_sum_r >= 0.0 and self.loss_sum_r >= 0.0):
            raise ValueError("wins and losses in R are not positive")

    def day_start_of(self, as_of_ms: int) -> int | None:
        """Return the equity at the start of the UTC day of `as_of_ms`; None when that day has not been seen."""
        return self.day_start_equity_microusd if 0 <= self.day_end_ms - 1 - as_of_ms < DAY_MS else None

    def losing_streak_of(self, as_of_ms: int) -> int:
        """Return the longest run of losses within the UTC day of `as_of_ms`."""
        return self.worst_losing_streak if as_of_ms // DAY_MS == self.streak_day_no else 0

    def n_entries_in_minute(self, as_of_ms: int) -> int:
        """Count the entry orders of the 60 seconds that end at `as_of_ms`, that instant included."""
        return sum(as_of_ms - decided_ms < MINUTE_MS for decided_ms in self.entry_order_ms)


@dataclass(slots=True)
class RiskCounters:
    """Folds ticks, trades and orders into the figures of `CountersView`; two are equal when all of them are."""

    peak_equity_microusd: int = 0
    trough_equity_microusd: int = 0
    worst_drawdown_frac: float = 0.0
    day_start_equity_microusd: int | None = None
    day_end_ms: int = 0
    streak_day_no: int = 0
    n_consecutive_losses: int = 0
    worst_losing_streak: int = 0
    last_trade_ms: int | None = None
    last_loss_ms: int | None = None
    entry_order_ms: tuple[int, ...] = ()
    n_entry_orders: int = 0
    n_exit_orders: int = 0
    n_trades: int = 0
    n_wins: int = 0
    n_losses: int = 0
    win_sum_r: float = 0.0
    loss_sum_r: float = 0.0
    _view: CountersView | None = field(default=None, compare=False, repr=False)

    def on_tick(self, as_of_ms: int, equity_microusd: int) -> None:
        """Take the equity of one tick, unrealised profit included. Called on every tick of every symbol."""
        if as_of_ms >= self.day_end_ms:
            self._open_day(as_of_ms, equity_microusd)
        if equity_microusd > self.peak_equity_microusd:
            self._view = None
            self.peak_equity_microusd = self.trough_equity_microusd = equity_microusd
        elif equity_microusd < self.trough_equity_microusd:
            self._view = None
            self.trough_equity_microusd = equity_microusd
            peak = self.peak_equity_microusd
            drawdown_frac = (peak - equity_microusd) / peak if peak > 0 else 1.0
            if drawdown_frac > self.worst_drawdown_frac:
                self.worst_drawdown_frac = drawdown_frac

    def on_trade(self, trade: Trade) -> None:
        """Take one closed trade. It belongs to the UTC day in which it closed, whenever it is reported."""
        self._view = None
        closed_ms, net_microusd = trade.closed_ms, trade.net_microusd
        self.last_trade_ms = closed_ms if self.last_trade_ms is None else max(self.last_trade_ms, closed_ms)
        if net_microusd < 0:
            self.last_loss_ms = closed_ms if self.last_loss_ms is None else max(self.last_loss_ms, closed_ms)
        self._count_streak(closed_ms // DAY_MS, is_loss=net_microusd < 0)
        if trade.risk_microusd > 0:
            self._record_r(net_microusd / trade.risk_microusd)

    def on_order(self, decided_ms: int, *, reduce_only: bool = False) -> None:
        """Take one order as sent. An exit is counted, but never against the cap on orders per minute."""
        self._view = None
        if reduce_only:
            self.n_exit_orders += 1
            return
        self.n_entry_orders += 1
        recent = (sent_ms for sent_ms in self.entry_order_ms if decided_ms - sent_ms < MINUTE_MS)
        self.entry_order_ms = (*recent, decided_ms)

    def acknowledge_drawdown(self, equity_microusd: int) -> None:
        """Measure the drawdown afresh from this equity. Called at the first tick of a run."""
        self._view = None
        self.peak_equity_microusd = self.trough_equity_microusd = equity_microusd
        self.worst_drawdown_frac = 0.0

    def view(self) -> CountersView:
        """Return the memory as it is now, frozen; the same record for as long as nothing changes."""
        if self._view is None:
            self._view = self._frozen()
        return self._view

    def _frozen(self) -> CountersView:
        return CountersView(
            peak_equity_microusd=self.peak_equity_microusd,
            trough_equity_microusd=self.trough_equity_microusd,
            worst_drawdown_frac=self.worst_drawdown_frac,
            day_start_equity_microusd=self.day_start_equity_microusd,
            day_end_ms=self.day_end_ms,
            streak_day_no=self.streak_day_no,
            n_consecutive_losses=self.n_consecutive_losses,
            worst_losing_streak=self.worst_losing_streak,
            last_trade_ms=self.last_trade_ms,
            last_loss_ms=self.last_loss_ms,
            entry_order_ms=self.entry_order_ms,
            n_entry_orders=self.n_entry_orders,
            n_exit_orders=self.n_exit_orders,
            n_trades=self.n_trades,
            n_wins=self.n_wins,
            n_losses=self.n_losses,
            win_sum_r=self.win_sum_r,
            loss_sum_r=self.loss_sum_r,
        )

    def state(self) -> dict[str, Any]:
        """Return the memory as plain values that survive JSON without loss."""
        state: dict[str, Any] = msgspec.to_builtins(self.view())
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace the memory by an earlier `state()`. Raises ValueError, and changes nothing, when it is not one."""
        try:
            view = msgspec.convert(dict(state), CountersView)
        except msgspec.ValidationError as error:
            raise ValueError(f"these are not risk counters: {error}") from error
        for name in CountersView.__struct_fields__:
            setattr(self, name, getattr(view, name))
        self._view = view

    def _open_day(self, as_of_ms: int, equity_microusd: int) -> None:
        if self.day_start_equity_microusd is None:
            self.acknowledge_drawdown(equity_microusd)
        self._view = None
        self.day_start_equity_microusd = equity_microusd
        self.day_end_ms = (as_of_ms // DAY_MS + 1) * DAY_MS

    def _count_streak(self, day_no: int, *, is_loss: bool) -> None:
        # A trade of an earlier day that is reported late must not disturb today's count.
        if day_no < self.streak_day_no:
            return
        if day_no > self.streak_day_no:
            self.streak_day_no = day_no
            self.n_consecutive_losses = self.worst_losing_streak = 0
        self.n_consecutive_losses = self.n_consecutive_losses + 1 if is_loss else 0
        self.worst_losing_streak = max(self.worst_losing_streak, self.n_consecutive_losses)

    def _record_r(self, net_r: float) -> None:
        self.n_trades += 1
        if net_r > 0.0:
            self.n_wins += 1
            self.win_sum_r += net_r
        elif net_r < 0.0:
            self.n_losses += 1
            self.loss_sum_r -= net_r
