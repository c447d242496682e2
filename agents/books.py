"""Our own books: cash and positions folded from the venue's reports, never copied from its account."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from domain.account import AccountView, Fill, FundingPayment, Levels, Position, Trade
from domain.compiled import entry_point
from domain.decisions import ApprovedOrder, ExitReason
from domain.errors import BooksDisagree
from domain.features import Regime
from domain.grid import bar_steps
from domain.instrument import Instrument
from domain.market import Snapshot
from domain.protection import average_ticks, planned_levels
from domain.record import Record


class Entry(Record, frozen=True, kw_only=True):
    """An entry order on its way, with what the trade it opens will want to remember."""

    order: ApprovedOrder
    regime: Regime
    conviction_frac: float
    risk_microusd: int


@dataclass(slots=True)
class Holding:
    """An open position with what it has cost and seen so far. Money in micro-dollars, prices in ticks.

    trailed_at_ticks: the best price for which the stop was last moved or left.
    """

    position: Position
    entry: Entry
    levels: Levels
    best_ticks: int
    worst_ticks: int
    unrealised_microusd: int = 0
    gross_microusd: int = 0
    fees_microusd: int = 0
    funding_microusd: int = 0
    slippage_microusd: int = 0
    exit_value_ticks_lots: int = 0
    n_bars: int = 0
    trailed_at_ticks: int = 0
    exit_order: ApprovedOrder | None = None


@dataclass(slots=True)
class Books:
    """Cash is collateral: it moves by realised profit, fees and funding. Equity = cash + unrealised profit."""

    instruments: Mapping[str, Instrument]
    cash_microusd: int
    holdings: dict[str, Holding] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    marks_ticks: dict[str, int] = field(default_factory=dict)
    _bar_steps: Callable[[float, float, float, float], tuple[int, int, int]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the one kernel ready that runs on every bar of a position."""
        self._bar_steps = _ready_bar_steps()

    @property
    def equity_microusd(self) -> int:
        """Cash plus unrealised profit of every position at its last mark."""
        if not self.holdings:
            return self.cash_microusd
        equity = self.cash_microusd
        for holding in self.holdings.values():
            equity += holding.unrealised_microusd
        return equity

    def position_lots(self, symbol: str) -> int:
        """Return the signed size held in `symbol`, 0 when flat."""
        holding = self.holdings.get(symbol)
        return 0 if holding is None else holding.position.size_lots

    def mark(self, snapshot: Snapshot) -> None:
        """Value the position of this symbol at the bar's close, and remember how far the bar reached."""
        bar = snapshot.bar
        holding = self.holdings.get(snapshot.symbol)
        if bar is None or holding is None:
            return
        instrument = self.instruments[snapshot.symbol]
        high, low, ticks = self._bar_steps(bar.high_price, bar.low_price, bar.close_price, instrument.tick)
        self.marks_ticks[snapshot.symbol] = ticks
        position = holding.position
        holding.unrealised_microusd = position.unrealised_microusd(instrument, ticks)
        holding.n_bars += 1
        # Plain comparisons: a call of max or min costs more than the rest of this.
        side, best, worst = (1, high, low) if position.size_lots > 0 else (-1, low, high)
        if side * best > side * holding.best_ticks:
            holding.best_ticks = best
        if side * worst < side * holding.worst_ticks:
            holding.worst_ticks = worst

    def expect(self, entry: Entry) -> None:
        """Remember an entry order that was accepted and not yet filled."""
        self.entries[entry.order.client_order_id] = entry

    def forget(self, client_order_id: str) -> None:
        """Drop an order the venue has rejected."""
        self.entries.pop(client_order_id, None)
        for holding in self.holdings.values():
            if holding.exit_order is not None and holding.exit_order.client_order_id == client_order_id:
                holding.exit_order = None

    def apply_funding(self, payment: FundingPayment) -> None:
        """Book one funding payment. Raises BooksDisagree when we hold nothing it could be for."""
        holding = self.holdings.get(payment.symbol)
        if payment.position_lots == 0:
            # The venue's own word on what was held then, which may be gone by now.
            self.cash_microusd += payment.amount_microusd
            if holding is not None:
                holding.funding_microusd += payment.amount_microusd
            return
        if holding is None or holding.position.size_lots != payment.position_lots:
            raise BooksDisagree(f"funding on {payment.position_lots} lots of {payment.symbol}, which we do not hold")
        self.cash_microusd += payment.amount_microusd
        holding.funding_microusd += payment.amount_microusd

    def apply_fill(self, fill: Fill) -> Trade | None:
        """Book one fill; return the trade when it closed a position.

        Raises BooksDisagree for a fill of an order we never sent, or of more than we hold.
        """
        self.cash_microusd -= fill.fee_microusd
        if fill.exit_reason is None:
            self._open(fill)
            return None
        return self._reduce(fill, fill.exit_reason)

    def _open(self, fill: Fill) -> None:
        entry = self.entries.pop(fill.client_order_id, None)
        held = self.holdings.get(fill.symbol)
        if entry is None and held is not None and held.position.client_order_id == fill.client_order_id:
            self._enlarge(held, fill)
            return
        if entry is None or held is not None or entry.order.exit_plan is None:
            raise BooksDisagree(f"{fill.client_order_id}: the venue filled an entry we do not expect")
        plan, side = entry.order.exit_plan, int(fill.side)
        instrument = self.instruments[fill.symbol]
        lots = side * fill.size_lots
        position = Position(
            symbol=fill.symbol,
            strategy=entry.order.strategy,
            size_lots=lots,
            initial_lots=lots,
            entry_ticks=fill.price_ticks,
            entry_cost_microusd=instrument.notional_microusd(lots, fill.price_ticks),
            exit_plan=plan,
            opened_ms=fill.filled_ms,
            client_order_id=fill.client_order_id,
        )
        self.holdings[fill.symbol] = Holding(
            position=position,
            entry=entry,
            levels=planned_levels(plan, side, fill.price_ticks, fill.size_lots),
            best_ticks=fill.price_ticks,
            worst_ticks=fill.price_ticks,
            fees_microusd=fill.fee_microusd,
            slippage_microusd=fill.slippage_microusd,
        )
        self.marks_ticks[fill.symbol] = fill.price_ticks

    def _enlarge(self, held: Holding, fill: Fill) -> None:
        """Book a further part of an entry that filled in parts, before anything of it was closed."""
        position = held.position
        lots = position.size_lots + int(fill.side) * fill.size_lots
        has_shrunk = position.size_lots != position.initial_lots
        if has_shrunk or fill.side != position.side or abs(lots) > held.entry.order.size_lots:
            raise BooksDisagree(f"{fill.client_order_id}: the venue filled more of an entry than we sent")
        instrument = self.instruments[fill.symbol]
        cost = position.entry_cost_microusd + instrument.notional_microusd(
            int(fill.side) * fill.size_lots, fill.price_ticks
        )
        entry_ticks = average_ticks(cost, lots, instrument.microusd_per_tick_lot)
        held.position = Position(
            symbol=position.symbol,
            strategy=position.strategy,
            size_lots=lots,
            initial_lots=lots,
            entry_ticks=entry_ticks,
            entry_cost_microusd=cost,
            exit_plan=position.exit_plan,
            opened_ms=position.opened_ms,
            client_order_id=position.client_order_id,
        )
        held.levels = planned_levels(position.exit_plan, int(fill.side), entry_ticks, abs(lots))
        held.best_ticks = held.worst_ticks = entry_ticks
        held.fees_microusd += fill.fee_microusd
        held.slippage_microusd += fill.slippage_microusd
        self.marks_ticks[fill.symbol] = entry_ticks

    def _reduce(self, fill: Fill, reason: ExitReason) -> Trade | None:
        holding = self.holdings.get(fill.symbol)
        position = None if holding is None else holding.position
        if (
            holding is None
            or position is None
            or fill.size_lots > abs(position.size_lots)
            or fill.side == position.side
        ):
            raise BooksDisagree(f"{fill.client_order_id}: the venue reduced a position we do not hold")
        instrument = self.instruments[fill.symbol]
        closed_lots = int(position.side) * fill.size_lots
        # An entry filled in parts has cost what lies between two ticks a lot: the last to be closed takes the rest.
        cost = position.entry_cost_microusd * closed_lots // position.size_lots
        gross = instrument.notional_microusd(closed_lots, fill.price_ticks) - cost
        self.cash_microusd += gross
        holding.gross_microusd += gross
        holding.fees_microusd += fill.fee_microusd
        holding.slippage_microusd += fill.slippage_microusd
        holding.exit_value_ticks_lots += fill.price_ticks * fill.size_lots
        if reason is ExitReason.PARTIAL:
            holding.levels = Levels(
                stop_ticks=holding.levels.stop_ticks,
                target_ticks=holding.levels.target_ticks,
                stop_is_trailing=holding.levels.stop_is_trailing,
            )
        left = position.size_lots - closed_lots
        if left == 0:
            del self.holdings[fill.symbol]
            return _closed(holding, fill, reason)
        holding.position = Position(
            symbol=position.symbol,
            strategy=position.strategy,
            size_lots=left,
            initial_lots=position.initial_lots,
            entry_ticks=position.entry_ticks,
            entry_cost_microusd=position.entry_cost_microusd - cost,
            exit_plan=position.exit_plan,
            opened_ms=position.opened_ms,
            client_order_id=position.client_order_id,
        )
        return None

    def view(self, open_order_ids: tuple[str, ...] = ()) -> AccountView:
        """Return our side of the account, comparable with the venue's."""
        held = [(symbol, holding.position.size_lots) for symbol, holding in self.holdings.items()]
        return AccountView(
            cash_microusd=self.cash_microusd, positions=tuple(sorted(held)), open_order_ids=open_order_ids
        )

    def open_order_ids(self) -> tuple[str, ...]:
        """Return the ids of all orders we believe are on their way, sorted."""
        return tuple(sorted(order.client_order_id for order in self.open_orders()))

    def open_orders(self) -> list[ApprovedOrder]:
        """Return all orders we believe are on their way: entries, then exits."""
        exits = [holding.exit_order for holding in self.holdings.values() if holding.exit_order is not None]
        return [*(entry.order for entry in self.entries.values()), *exits]


@cache
def _ready_bar_steps() -> Callable[[float, float, float, float], tuple[int, int, int]]:
    return entry_point(bar_steps, 1.0, 1.0, 1.0, 1.0)


def _closed(holding: Holding, fill: Fill, reason: ExitReason) -> Trade:
    position, entry = holding.position, holding.entry
    lots, side = abs(position.initial_lots), int(position.side)
    entry_ticks = position.entry_ticks
    # The last bar may have reached less far than the fill itself when the exit gapped.
    worst = min(side * holding.worst_ticks, side * fill.price_ticks) * side
    best = max(side * holding.best_ticks, side * fill.price_ticks) * side
    return Trade(
        symbol=position.symbol,
        strategy=position.strategy,
        side=position.side,
        size_lots=lots,
        entry_ticks=entry_ticks,
        exit_ticks=(holding.exit_value_ticks_lots * 2 + lots) // (2 * lots),
        gross_microusd=holding.gross_microusd,
        fees_microusd=holding.fees_microusd,
        funding_microusd=holding.funding_microusd,
        slippage_microusd=holding.slippage_microusd,
        mae_bps=max(side * (entry_ticks - worst), 0) / entry_ticks * 1e4,
        mfe_bps=max(side * (best - entry_ticks), 0) / entry_ticks * 1e4,
        exit_reason=reason,
        regime=entry.regime,
        conviction_frac=entry.conviction_frac,
        risk_microusd=entry.risk_microusd,
        opened_ms=position.opened_ms,
        closed_ms=fill.filled_ms,
        n_bars=holding.n_bars + 1,
        client_order_id=position.client_order_id,
    )
