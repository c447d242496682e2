"""The ledger of triggers: every proposal is traded alone, on paper, so that it is known what each was worth.

A gate can only be judged by what became of the trades it refused. So whatever becomes of a proposal, a shadow trade
of a fixed notional is opened for it in an account of its own, and lives under the desk's own venue, books and exits:
the same code, hence the same fills, costs, funding, stops and wishes to leave. Nothing of it is sent or recorded
before it has ended.

The desk's trading state is no part of it: a shadow trade is looked after as if the desk were active throughout.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from agents.books import Books, Entry
from agents.execution import ExecutionAgent
from agents.exits import ExitAgent
from agents.risk import RiskAgent
from agents.strategy import StrategyAgent
from domain.account import Trade
from domain.features import Features
from domain.instrument import Instrument
from domain.market import Snapshot
from domain.ports import Journal, Venue
from domain.situation import Counterfactual, Resolved, Trigger
from domain.tick import TradingState
from risk.shadow import shadow_order

_ACTIVE: Final = TradingState.ACTIVE
_BPS: Final = 10_000


@dataclass(slots=True)
class _Shadow:
    """One trigger with the account it is traded in."""

    trigger: Trigger
    execution: ExecutionAgent
    exits: ExitAgent

    @property
    def is_over(self) -> bool:
        """Say whether nothing is held and nothing on its way."""
        books = self.execution.books
        return not books.holdings and not books.entries

    async def advance(self, snapshot: Snapshot, features: Features | None, tick_no: int) -> Trade | None:
        """Live one minute in the order of the desk's own tick: venue, books, exits. Return the trade when it ended."""
        report = await self.execution.venue.advance(snapshot)
        if report is not None:
            for trade in self.execution.settle(report).trades:
                return trade
        self.execution.books.mark(snapshot)
        await self.exits.review(snapshot, features, _ACTIVE, tick_no)
        return None


@dataclass(slots=True)
class TriggerLedger:
    """Opens a shadow trade for each trigger and keeps what it came to.

    open_venue: opens an account at the desk's venue for the trades of one symbol, with so much cash that none is ever
    refused or liquidated for want of margin. journal: takes the shadow orders and keeps none of them.
    risk: of the ledger's own, so that shadow orders do not count against the desk's limits.
    resolved: every trigger whose end is known, in the order they ended; it only ever grows.
    """

    open_venue: Callable[[str], Venue]
    journal: Journal
    instruments: Mapping[str, Instrument]
    strategies: StrategyAgent
    risk: RiskAgent
    resolved: list[Resolved] = field(default_factory=list)
    _open: dict[str, list[_Shadow]] = field(default_factory=dict, init=False)

    @property
    def n_open(self) -> int:
        """Shadow trades whose end is not known yet."""
        return sum(len(shadows) for shadows in self._open.values())

    async def advance(self, snapshot: Snapshot, features: Features | None, tick_no: int) -> tuple[Resolved, ...]:
        """Live one minute of one symbol with every open shadow trade in it; return those that ended, oldest first."""
        shadows = self._open.get(snapshot.symbol)
        if not shadows:
            return ()
        ended: list[Resolved] = []
        is_any_over = False
        for shadow in shadows:
            trade = await shadow.advance(snapshot, features, tick_no)
            if trade is not None:
                ended.append(self._resolved(shadow.trigger, trade, snapshot.as_of_ms))
            is_any_over = is_any_over or shadow.is_over
        if is_any_over:
            self._open[snapshot.symbol] = [shadow for shadow in shadows if not shadow.is_over]
        self.resolved += ended
        return tuple(ended)

    async def open(self, trigger: Trigger) -> bool:
        """Send a trigger's shadow order. False where the venue takes none for it: its outcome will never be known."""
        proposal = trigger.proposal
        order = shadow_order(proposal, self.instruments[proposal.symbol])
        if order is None:
            return False
        venue = self.open_venue(proposal.symbol)
        account = await venue.account()
        books = Books(instruments=self.instruments, cash_microusd=account.cash_microusd)
        execution = ExecutionAgent(venue=venue, journal=self.journal, books=books)
        entry = Entry(
            order=order,
            regime=trigger.features.regime,
            conviction_frac=proposal.conviction_frac,
            risk_microusd=self.risk.risk_microusd(order),
        )
        if await execution.enter(entry, trigger.tick_no) is not None:
            return False
        exits = ExitAgent(execution=execution, strategies=self.strategies, risk=self.risk)
        self._open.setdefault(proposal.symbol, []).append(_Shadow(trigger, execution, exits))
        return True

    def _resolved(self, trigger: Trigger, trade: Trade, resolved_ms: int) -> Resolved:
        outcome = outcome_of(trigger, trade, self.instruments[trade.symbol], resolved_ms)
        return Resolved(trigger=trigger, outcome=outcome)


def outcome_of(trigger: Trigger, trade: Trade, instrument: Instrument, resolved_ms: int) -> Counterfactual:
    """Return what a trade came to in bps of its notional at entry. resolved_ms: the close of the bar that ended it."""
    notional_microusd = instrument.notional_microusd(trade.size_lots, trade.entry_ticks)
    return Counterfactual(
        trigger_id=trigger.trigger_id,
        symbol=trade.symbol,
        strategy=trade.strategy,
        side=trade.side,
        triggered_ms=trigger.proposal.as_of_ms,
        resolved_ms=resolved_ms,
        n_bars=trade.n_bars,
        exit_reason=trade.exit_reason,
        net_bps=trade.net_microusd * _BPS / notional_microusd,
        gross_bps=trade.gross_microusd * _BPS / notional_microusd,
        fees_bps=trade.fees_microusd * _BPS / notional_microusd,
        slippage_bps=trade.slippage_microusd * _BPS / notional_microusd,
        funding_bps=trade.funding_microusd * _BPS / notional_microusd,
        mae_bps=trade.mae_bps,
        mfe_bps=trade.mfe_bps,
    )
