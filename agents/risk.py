"""The risk agent: keeps the desk's memory and puts each case before the risk desk, which has the last word."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from agents.books import Books
from domain.account import Position, Trade
from domain.decisions import ApprovedOrder, ExitReason, Proposal
from domain.features import Feature, Features
from domain.market import Snapshot
from domain.tick import RiskCheck
from risk.case import Case
from risk.counters import RiskCounters
from risk.desk import RiskDesk, Screened
from risk.exposure import exposure_of
from risk.likeness import Returns, alike_microusd
from risk.sleeves import SleeveLedger

# Looking a member up on its enum costs more than reading the figure.
_VOLATILITY: Final = Feature.REALISED_VOL_BPS


@dataclass(slots=True)
class RiskAgent:
    """Holds the risk desk (rules, caps, sizes), the counters and the sleeves' records it judges by."""

    desk: RiskDesk
    counters: RiskCounters = field(default_factory=RiskCounters)
    ledger: SleeveLedger = field(init=False)
    returns: Returns | None = field(init=False)
    _equity_microusd: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Hold the sleeves' records against what the desk's portfolio expects of them."""
        limits = self.desk.limits
        self.ledger = SleeveLedger(band=self.desk.portfolio.deployment.band)
        self.returns = Returns(limits.correlation_bars) if limits.max_correlated_exposure_frac > 0.0 else None

    def observe(self, snapshot: Snapshot, equity_microusd: int, trades: Sequence[Trade]) -> None:
        """Remember the trades that closed in this minute, the equity it ended with and, where asked, its return."""
        for trade in trades:
            self.counters.on_trade(trade)
            self.ledger.on_trade(trade)
        counters = self.counters
        # Most ticks change nothing in the memory: asked here, that costs less than the call.
        if equity_microusd != self._equity_microusd or snapshot.as_of_ms >= counters.day_end_ms:
            counters.on_tick(snapshot.as_of_ms, equity_microusd)
            self._equity_microusd = equity_microusd
        if self.returns is not None:
            self.returns.on_tick(snapshot)

    def case(self, proposal: Proposal, snapshot: Snapshot, features: Features, books: Books) -> Case:
        """Put together everything the rules may look at. Time is the tick's own, so that a replay judges alike."""
        exposure = exposure_of(
            proposal.symbol,
            books.equity_microusd,
            {symbol: holding.position.size_lots for symbol, holding in books.holdings.items()},
            books.marks_ticks,
            [entry.order for entry in books.entries.values()],
            self.desk.instruments,
        )
        vol_bps = features.value(_VOLATILITY)
        view, standing = self.counters.view(), self.ledger.view()
        now_ms, regime = snapshot.as_of_ms, features.regime
        alike = 0 if self.returns is None else self._alike_microusd(proposal, books, self.returns)
        return self.desk.case(proposal, snapshot, exposure, view, now_ms, vol_bps, regime, standing, alike)

    def _alike_microusd(self, proposal: Proposal, books: Books, returns: Returns) -> int:
        instruments, marks = self.desk.instruments, books.marks_ticks
        held = [
            (symbol, instruments[symbol].notional_microusd(holding.position.size_lots, marks[symbol]))
            for symbol, holding in books.holdings.items()
        ]
        for entry in books.entries.values():
            order = entry.order
            lots = int(order.side) * order.size_lots
            held.append((order.symbol, instruments[order.symbol].notional_microusd(lots, order.reference_ticks)))
        return alike_microusd(proposal.symbol, int(proposal.side), held, returns)

    def screen(self, case: Case) -> Screened | RiskCheck:
        """Ask the entry rules before the gate is asked, so that no model is asked in vain."""
        return self.desk.screen(case)

    def rule_on(self, screened: Screened, keep_frac: float) -> RiskCheck:
        """Rule on an entry of which the gate lets `keep_frac` pass."""
        return self.desk.rule_on(screened, keep_frac)

    def approve_exit(
        self, position: Position, reason: ExitReason, reference_ticks: int, decided_ms: int
    ) -> ApprovedOrder:
        """Approve leaving a whole position."""
        order = self.desk.approve_exit(position, reason, reference_ticks, decided_ms)
        self.ordered(order)
        return order

    def ordered(self, order: ApprovedOrder) -> None:
        """Remember an order that was sent."""
        self.counters.on_order(order.decided_ms, reduce_only=order.reduce_only)

    def risk_microusd(self, order: ApprovedOrder) -> int:
        """Return what an entry loses at its stop: its R."""
        return self.desk.risk_microusd(order)
