"""Hindsight: what the desk keeps and learns for the gate's sake, and pays for only where a gate is in use."""

from agents.execution import Settled
from agents.ledger import TriggerLedger
from agents.recollection import Recollection
from agents.reflection import Reflections
from domain.decisions import ApprovedOrder, Proposal
from domain.features import Features
from domain.market import Snapshot
from domain.record import Record
from domain.situation import Counterfactual, Reflection, Trigger
from domain.tick import GateExchange


class Learnt(Record, frozen=True, kw_only=True, gc=False):
    """What one minute showed of earlier triggers and trades."""

    counterfactuals: tuple[Counterfactual, ...] = ()
    reflections: tuple[Reflection, ...] = ()


class Hindsight(Record, frozen=True, kw_only=True):
    """What is kept for the gate's sake: the last minutes and own trades, what became of triggers, what that teaches."""

    recollection: Recollection
    ledger: TriggerLedger
    reflections: Reflections

    async def learn(
        self, snapshot: Snapshot, features: Features | None, settled: Settled, tick_no: int
    ) -> Learnt | None:
        """Take one closed minute before anything is proposed on it; None when it ended nothing."""
        self.recollection.observe(snapshot, settled.trades)
        ended = await self.ledger.advance(snapshot, features, tick_no)
        if not (ended or settled.trades or settled.refusals):
            return None
        return Learnt(
            counterfactuals=tuple([one.outcome for one in ended]),
            reflections=self.reflections.reflect(settled, ended, features, snapshot.as_of_ms),
        )

    async def remember(
        self,
        proposal: Proposal,
        features: Features,
        tick_no: int,
        exchange: GateExchange | None,
        entered: ApprovedOrder | None,
    ) -> None:
        """Open the shadow trade of a proposal, whatever has become of it.

        exchange: None when nobody was asked. entered: the order the desk sent for it, None when it sent none.
        """
        trigger = Trigger(
            trigger_id=f"{proposal.symbol}-{proposal.as_of_ms}", tick_no=tick_no, proposal=proposal, features=features
        )
        will_resolve = await self.ledger.open(trigger)
        if exchange is not None:
            self.reflections.expect(trigger, exchange, entered, will_resolve=will_resolve)
