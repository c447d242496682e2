"""The ledger of triggers: every proposal is traded alone, on paper, so that it is known what each was worth.

A gate can only be judged by what became of the trades it refused. So whatever becomes of a proposal, a shadow trade
of a fixed notional is opened for it in an account of its own, and lives under the desk's own venue, books and exits:
the same code, hence the same fills, costs, funding, stops and wishes to leave. Nothing of it is sent or recorded
before it has ended.

The desk's trading state is no part of it: a shadow trade is looked after as if the desk were active throughout.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from agents.books import Books, Entry
from agents.execution import ExecutionAgent
from agents.exits import ExitAgent
from agents.risk import RiskAgent
from agents.shadow import LONGEST_SLEEP_MS, Shadow, Wisher
from agents.strategy import StrategyAgent
from domain.account import Trade
from domain.features import Features
from domain.instrument import Instrument
from domain.market import MINUTE_MS, Bar, Snapshot
from domain.ports import Journal, Venue
from domain.situation import Counterfactual, Resolved, Trigger
from risk.shadow import shadow_order

N_BARS_KEPT: Final = LONGEST_SLEEP_MS // MINUTE_MS
_BPS: Final = 10_000


@dataclass(slots=True)
class _Market:
    """The open shadow trades of one symbol, and the bars that some of them have not been valued at yet.

    n_dropped: bars seen and not kept any more. wishers: strategies and sides, each once.
    """

    shadows: list[Shadow] = field(default_factory=list)
    wishers: frozenset[Wisher] = frozenset()
    bars: list[Bar] = field(default_factory=list)
    n_dropped: int = 0

    @property
    def n_seen(self) -> int:
        return self.n_dropped + len(self.bars)

    def see(self, bar: Bar) -> None:
        self.bars.append(bar)
        if len(self.bars) > 2 * N_BARS_KEPT:
            del self.bars[:-N_BARS_KEPT]
            self.n_dropped += N_BARS_KEPT + 1

    def take(self, shadow: Shadow) -> None:
        self.shadows.append(shadow)
        self.wishers |= {shadow.wisher}

    def drop_ended(self) -> None:
        self.shadows = [shadow for shadow in self.shadows if not shadow.is_over]
        self.wishers = frozenset([shadow.wisher for shadow in self.shadows])


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
    _markets: dict[str, _Market] = field(default_factory=dict, init=False)

    @property
    def n_open(self) -> int:
        """Shadow trades whose end is not known yet."""
        return sum(len(market.shadows) for market in self._markets.values())

    async def advance(self, snapshot: Snapshot, features: Features | None, tick_no: int) -> tuple[Resolved, ...]:
        """Live one minute of one symbol with every open shadow trade in it; return those that ended, oldest first."""
        market = self._markets.get(snapshot.symbol)
        if market is None or not market.shadows:
            return ()
        low, high = _reach(snapshot)
        now_ms, wishers = snapshot.as_of_ms, self._wishers(market, features)
        woken = [
            shadow
            for shadow in market.shadows
            if not (shadow.low_price < low and high < shadow.high_price and now_ms < shadow.due_ms)
            or shadow.wisher in wishers
        ]
        ended = await self._wake(market, woken, snapshot, features, tick_no) if woken else ()
        if snapshot.bar is not None:
            market.see(snapshot.bar)
        return ended

    async def open(self, trigger: Trigger) -> bool:
        """Send a trigger's shadow order. False where the venue takes none for it: its outcome will never be known."""
        proposal = trigger.proposal
        instrument = self.instruments[proposal.symbol]
        order = shadow_order(proposal, instrument)
        if order is None:
            return False
        venue = self.open_venue(proposal.symbol)
        account = await venue.account()
        books = Books(instruments=self.instruments, cash_microusd=account.cash_microusd or 0)
        execution = ExecutionAgent(venue=venue, journal=self.journal, books=books)
        entry = Entry(
            order=order,
            regime=trigger.features.regime,
            conviction_frac=proposal.conviction_frac,
            risk_microusd=self.risk.risk_microusd(order),
        )
        if await execution.enter(entry, trigger.tick_no) is not None:
            return False
        market = self._markets.setdefault(proposal.symbol, _Market())
        shadow = Shadow(
            trigger=trigger,
            instrument=instrument,
            execution=execution,
            exits=ExitAgent(execution=execution, strategies=self.strategies, risk=self.risk),
            wisher=(proposal.strategy, proposal.side),
            n_marked=market.n_seen,
        )
        market.take(shadow)
        return True

    async def _wake(
        self, market: _Market, woken: Sequence[Shadow], snapshot: Snapshot, features: Features | None, tick_no: int
    ) -> tuple[Resolved, ...]:
        ended: list[Resolved] = []
        is_any_over = False
        for shadow in woken:
            slept = market.bars[shadow.n_marked - market.n_dropped :]
            trade = await shadow.wake(slept, snapshot, features, tick_no)
            shadow.n_marked = market.n_seen + (snapshot.bar is not None)
            if trade is not None:
                outcome = outcome_of(shadow.trigger, trade, shadow.instrument, snapshot.as_of_ms)
                ended.append(Resolved(trigger=shadow.trigger, outcome=outcome))
            is_any_over = is_any_over or shadow.is_over
        if is_any_over:
            market.drop_ended()
        self.resolved += ended
        return tuple(ended)

    def _wishers(self, market: _Market, features: Features | None) -> Sequence[Wisher]:
        """Return the strategies that want out of what they hold, with the side."""
        wishers: list[Wisher] = []
        if features is not None:
            for name, side in market.wishers:
                strategy = self.strategies.by_name.get(name)
                if strategy is not None and strategy.wants_out(features, side) is not None:
                    wishers.append((name, side))
        return wishers


def _reach(snapshot: Snapshot) -> tuple[float, float]:
    """Return the lowest and the highest price of the minute: none without a bar, every price where funding is due."""
    if snapshot.funding_settlement is not None:
        return -math.inf, math.inf
    bar = snapshot.bar
    return (math.inf, -math.inf) if bar is None else (bar.low_price, bar.high_price)


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
