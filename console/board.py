"""What a watcher remembers of the ticks that went by: cheap to write on every tick, read only when painting."""

from collections import deque
from dataclasses import dataclass, field

from console.gate_news import GateWatch
from console.outcomes import cause, is_notable
from domain.account import Fill, Trade
from domain.decisions import ApprovedOrder, ExitPlan
from domain.tick import TickRecord

N_DECISIONS = 8
N_DEALS = 6


@dataclass(slots=True)
class Held:
    """A position as the ticks told it. best_price: the furthest a bar went our way since the entry.

    entry_ticks, plan: None when the position is older than this watcher.
    """

    size_lots: int
    entry_ticks: int | None = None
    plan: ExitPlan | None = None
    best_price: float | None = None


@dataclass(slots=True)
class Told:
    """A decision worth telling, with how often it came in a row. record: the latest of them."""

    record: TickRecord
    cause: str
    times: int = 1


@dataclass(slots=True)
class Board:
    """Filled by `see`, which is on the hot path: a waiting tick costs a few assignments.

    Another thread may paint from it at any time; it must copy the collections before walking through them.
    """

    n_minutes: int = 0
    n_ticks: int = 0
    n_trades: int = 0
    last_ms: int = 0
    start_microusd: int | None = None
    peak_microusd: int = 0
    equity_microusd: int = 0
    max_drawdown_frac: float = 0.0
    record: TickRecord | None = None
    latest: dict[str, TickRecord] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    decisions: deque[Told] = field(default_factory=lambda: deque(maxlen=N_DECISIONS))
    deals: deque[Fill | Trade] = field(default_factory=lambda: deque(maxlen=N_DEALS))
    entries: dict[str, ApprovedOrder] = field(default_factory=dict)
    gate: GateWatch = field(default_factory=GateWatch)

    def see(self, record: TickRecord) -> bool:
        """Take in one tick; return whether a person should be told of it."""
        snapshot = record.snapshot
        self.n_ticks += 1
        if snapshot.as_of_ms != self.last_ms:
            self.n_minutes += 1
            self.last_ms = snapshot.as_of_ms
        self.record = self.latest[snapshot.symbol] = record
        if record.equity_microusd != self.equity_microusd or self.start_microusd is None:
            self._mark(record.equity_microusd)
        is_worth_telling = is_notable(record)
        if is_worth_telling:
            self._note(record)
        if record.position_lots != 0 or self.held:
            self._hold(record)
        return is_worth_telling

    @property
    def drawdown_frac(self) -> float:
        """Fall of the equity from its peak so far, as a fraction of the peak, >= 0."""
        return (self.peak_microusd - self.equity_microusd) / self.peak_microusd if self.peak_microusd > 0 else 0.0

    def _mark(self, equity_microusd: int) -> None:
        if self.start_microusd is None:
            self.start_microusd = self.peak_microusd = equity_microusd
        self.equity_microusd = equity_microusd
        self.peak_microusd = max(self.peak_microusd, equity_microusd)
        self.max_drawdown_frac = max(self.max_drawdown_frac, self.drawdown_frac)

    def _note(self, record: TickRecord) -> None:
        self._tell(record)
        if record.gate is not None:
            self.gate.hear(record.gate)
        for order in record.orders:
            if not order.reduce_only:
                self.entries[order.client_order_id] = order
        self.deals.extend(record.fills)
        self.deals.extend(record.trades)
        self.n_trades += len(record.trades)
        for fill in record.fills:
            if fill.exit_reason is None:
                entry = self.entries.pop(fill.client_order_id, None)
                self.held[fill.symbol] = Held(
                    size_lots=record.position_lots,
                    entry_ticks=fill.price_ticks,
                    plan=None if entry is None else entry.exit_plan,
                )

    def _tell(self, record: TickRecord) -> None:
        why = cause(record)
        last = self.decisions[-1] if self.decisions else None
        is_act = bool(record.orders or record.fills or record.trades)
        if last is None or is_act or last.cause != why or last.record.snapshot.symbol != record.snapshot.symbol:
            self.decisions.append(Told(record, "" if is_act else why))
            return
        last.record = record
        last.times += 1

    def _hold(self, record: TickRecord) -> None:
        symbol, lots = record.snapshot.symbol, record.position_lots
        if lots == 0:
            self.held.pop(symbol, None)
            return
        held = self.held.get(symbol)
        if held is None:
            held = self.held[symbol] = Held(size_lots=lots)
        held.size_lots = lots
        bar = record.snapshot.bar
        if bar is not None:
            reach = bar.high_price if lots > 0 else bar.low_price
            if held.best_price is None or (reach - held.best_price) * lots > 0:
                held.best_price = reach
