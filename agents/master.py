"""One tick, top to bottom. Read this file first: every step is one line and one agent."""

from dataclasses import dataclass
from typing import Final

from agents.books import Entry
from agents.execution import NOTHING_SETTLED, ExecutionAgent, Settled
from agents.exits import Departure, ExitAgent
from agents.gate import GateAgent
from agents.hindsight import Learnt
from agents.market_data import MarketDataAgent
from agents.risk import RiskAgent
from agents.strategy import NOBODY_ASKED, Answered, Standstill, StrategyAgent
from domain.decisions import ApprovedOrder, Proposal, Refusal, Ruling
from domain.features import Features
from domain.market import Snapshot
from domain.record import Record
from domain.tick import GateExchange, Outcome, RiskCheck, TickRecord, TradingState

# Looking a member up on its enum costs more than a small step of the tick.
_ACTIVE: Final = TradingState.ACTIVE
_REFUSED: Final = Outcome.REFUSED


class Verdict(Record, frozen=True, kw_only=True, gc=False):
    """How the question "may we add risk?" ended on one tick, with everything asked on the way."""

    outcome: Outcome
    why: str
    proposal: Proposal | None = None
    gate: GateExchange | None = None
    risk: RiskCheck | None = None
    order: ApprovedOrder | None = None
    refusal: Refusal | None = None


class Wish(Record, frozen=True, kw_only=True, gc=False):
    """A proposal with the features it was made on."""

    proposal: Proposal
    features: Features


@dataclass(slots=True)
class MasterAgent:
    """Coordinates the agents. It decides nothing itself: it keeps the order of the questions."""

    market_data: MarketDataAgent
    strategies: StrategyAgent
    gate: GateAgent
    risk: RiskAgent
    execution: ExecutionAgent
    exits: ExitAgent
    tick_no: int = 0

    async def tick(self, snapshot: Snapshot, state: TradingState) -> TickRecord:
        """Carry one closed minute of one symbol from sight to outcome. The record is whole whichever way it ends.

        Raises BooksDisagree and VenueUnreachable: the runner halts on them.
        """
        self.tick_no += 1
        books = self.execution.books
        report = await self.execution.venue.advance(snapshot)
        settled = NOTHING_SETTLED if report is None else self.execution.settle(report)
        features = self.market_data.observe(snapshot)
        departure, equity_microusd = None, books.cash_microusd
        if books.holdings:
            books.mark(snapshot)
            equity_microusd = books.equity_microusd
        self.risk.observe(snapshot, equity_microusd, settled.trades)
        learnt = None
        if self.gate.hindsight is not None:
            learnt = await self.gate.hindsight.learn(snapshot, features, settled, self.tick_no)
        if books.holdings:
            departure = await self.exits.review(snapshot, features, state, self.tick_no)
        answered = NOBODY_ASKED if features is None else self.strategies.evaluate(features)
        answer: Verdict | Standstill | None = answered.standstill
        if answer is None or snapshot.defects:
            wish = self._first_answer(snapshot, features, answered)
            answer = wish if isinstance(wish, Standstill) else await self._considered(wish, snapshot, state)
        is_uneventful = departure is None and settled is NOTHING_SETTLED and learnt is None
        if is_uneventful and isinstance(answer, Standstill):
            # Most ticks end here: nothing was asked of risk, nothing sent and nothing settled.
            return TickRecord(
                tick_no=self.tick_no,
                snapshot=snapshot,
                state=state,
                outcome=answer.outcome,
                why=answer.why,
                features=features,
                signals=answered.signals,
                equity_microusd=equity_microusd,
                cash_microusd=books.cash_microusd,
                position_lots=books.position_lots(snapshot.symbol) if books.holdings else 0,
            )
        if is_uneventful and isinstance(answer, Verdict) and answer.order is None:
            return self._refused(snapshot, state, features, answered, answer, equity_microusd)
        return self._eventful(snapshot, state, features, answered, settled, answer, departure, equity_microusd, learnt)

    def _first_answer(self, snapshot: Snapshot, features: Features | None, answered: Answered) -> Wish | Standstill:
        """Say what the strategies propose, or why nothing can be asked of them."""
        if snapshot.defects:
            return Standstill(outcome=Outcome.UNFIT, why="; ".join(snapshot.defects))
        if features is None:
            return Standstill(outcome=Outcome.WARMING_UP, why=self.market_data.warmth(snapshot.symbol))
        proposal = self.strategies.propose(answered, snapshot, features)
        return proposal if isinstance(proposal, Standstill) else Wish(proposal=proposal, features=features)

    async def _considered(self, wish: Wish, snapshot: Snapshot, state: TradingState) -> Verdict:
        """Ask whether a proposal may add risk; whatever comes of it, what it makes alone is followed."""
        verdict = await self._consider(wish, snapshot, state)
        if self.gate.hindsight is not None:
            entered = verdict.order if verdict.refusal is None else None
            await self.gate.hindsight.remember(wish.proposal, wish.features, self.tick_no, verdict.gate, entered)
        return verdict

    async def _consider(self, wish: Wish, snapshot: Snapshot, state: TradingState) -> Verdict:
        """Ask whether a proposal may add risk: the desk's state, risk's first look, the gate, risk's last word."""
        proposal, features = wish.proposal, wish.features
        if state is not _ACTIVE:
            outcome = Outcome.HALTED if state is TradingState.HALTED else Outcome.REDUCING
            return Verdict(outcome=outcome, why=f"the desk is {state.value}", proposal=proposal)
        case = self.risk.case(proposal, snapshot, features, self.execution.books)
        screened = self.risk.screen(case)
        if isinstance(screened, RiskCheck):
            return _no(proposal, screened, None)
        exchange = await self.gate.review(proposal, snapshot, features, self.execution.books, self.tick_no)
        keep_frac = self.gate.keep_frac(exchange)
        if keep_frac == 0.0:
            why = f"the gate ({exchange.backend}) denied: {exchange.verdict.reason_code}"
            return Verdict(outcome=Outcome.DENIED, why=why, proposal=proposal, gate=exchange)
        check = self.risk.rule_on(screened, keep_frac)
        if isinstance(check.ruling, Refusal):
            return _no(proposal, check, exchange)
        return await self._enter(proposal, exchange, check, check.ruling, features)

    async def _enter(
        self, proposal: Proposal, exchange: GateExchange, check: RiskCheck, order: ApprovedOrder, features: Features
    ) -> Verdict:
        entry = Entry(
            order=order,
            regime=features.regime,
            conviction_frac=proposal.conviction_frac,
            risk_microusd=self.risk.risk_microusd(order),
        )
        refusal = await self.execution.enter(entry, self.tick_no)
        self.risk.ordered(order)
        return Verdict(
            outcome=Outcome.ENTERED if refusal is None else Outcome.REFUSED,
            why="; ".join(proposal.reasons) if refusal is None else _in_words(refusal),
            proposal=proposal,
            gate=exchange,
            risk=check,
            order=order,
            refusal=refusal,
        )

    def _refused(
        self,
        snapshot: Snapshot,
        state: TradingState,
        features: Features | None,
        answered: Answered,
        asked: Verdict,
        equity_microusd: int,
    ) -> TickRecord:
        """Record a tick on which an entry was asked for and refused, and nothing else happened.

        A call with more than fifteen names takes Python a dictionary's detour, so it pays to name less.
        """
        books = self.execution.books
        return TickRecord(
            tick_no=self.tick_no,
            snapshot=snapshot,
            state=state,
            outcome=asked.outcome,
            why=asked.why,
            features=features,
            signals=answered.signals,
            proposal=asked.proposal,
            gate=asked.gate,
            risk=asked.risk,
            equity_microusd=equity_microusd,
            cash_microusd=books.cash_microusd,
            position_lots=books.position_lots(snapshot.symbol),
        )

    def _eventful(
        self,
        snapshot: Snapshot,
        state: TradingState,
        features: Features | None,
        answered: Answered,
        settled: Settled,
        answer: Verdict | Standstill,
        departure: Departure | None,
        equity_microusd: int,
        learnt: Learnt | None,
    ) -> TickRecord:
        """Record what was asked, sent and settled. An exit is the tick's outcome unless an entry was sent too."""
        books = self.execution.books
        asked = answer if isinstance(answer, Verdict) else Verdict(outcome=answer.outcome, why=answer.why)
        leaves = departure is not None and asked.order is None
        orders, refusals = _sent(departure, asked)
        return TickRecord(
            tick_no=self.tick_no,
            snapshot=snapshot,
            state=state,
            outcome=Outcome.EXITING if leaves else asked.outcome,
            why=departure.why if departure is not None and leaves else asked.why,
            features=features,
            signals=answered.signals,
            proposal=asked.proposal,
            gate=asked.gate,
            risk=asked.risk,
            orders=orders,
            refusals=settled.refusals + refusals,
            fills=settled.fills,
            funding=settled.funding,
            trades=settled.trades,
            counterfactuals=() if learnt is None else learnt.counterfactuals,
            reflections=() if learnt is None else learnt.reflections,
            equity_microusd=equity_microusd,
            cash_microusd=books.cash_microusd,
            position_lots=books.position_lots(snapshot.symbol),
        )


def _sent(
    departure: Departure | None, asked: Verdict
) -> tuple[tuple[ApprovedOrder, ...], tuple[tuple[str, Refusal], ...]]:
    """Return the orders of a tick, the exit before the entry, and the noes to them with their ids."""
    sent = [] if departure is None else [(departure.order, departure.refusal)]
    sent += [] if asked.order is None else [(asked.order, asked.refusal)]
    refusals = [(order.client_order_id, refusal) for order, refusal in sent if refusal is not None]
    return tuple([order for order, _ in sent]), tuple(refusals)


def _no(proposal: Proposal, check: RiskCheck, exchange: GateExchange | None) -> Verdict:
    why = _in_words(check.ruling)
    return Verdict(outcome=_REFUSED, why=why, proposal=proposal, gate=exchange, risk=check)


def _in_words(ruling: Ruling) -> str:
    if isinstance(ruling, Refusal):
        return f"{ruling.rule}: {ruling.reason}"
    return f"approved {ruling.client_order_id}"
