"""The order of a shadow trade: what a proposal would do alone, on paper, so that it can be known what it was worth.

No rule is asked, because every proposal is followed, also one that risk refused; so these orders are for accounts that
hold nothing else and never for the desk's venue. `agents/ledger.py` alone asks for them, and a test reads the imports.
"""

from typing import Final

from domain.decisions import ApprovedOrder, Proposal
from domain.grid import steps_nearest
from domain.instrument import MICROUSD_PER_USD, Instrument
from risk.exposure import MAX_MICROUSD

SHADOW_NOTIONAL_USD: Final = 10_000
"""What a shadow trade is worth at its reference price, before it is rounded down to lots."""


def shadow_order(proposal: Proposal, instrument: Instrument) -> ApprovedOrder | None:
    """Return the entry a proposal stands for at `SHADOW_NOTIONAL_USD`, or at the smallest order where that is more.

    None for a reference price that is no price on the instrument's grid.
    """
    steps = proposal.reference_price / instrument.tick
    reference_ticks = steps_nearest(proposal.reference_price, instrument.tick) if steps < MAX_MICROUSD else 0
    lot_microusd = instrument.notional_microusd(1, reference_ticks)
    if not 0 < lot_microusd < MAX_MICROUSD:
        return None
    wanted_lots = SHADOW_NOTIONAL_USD * MICROUSD_PER_USD // lot_microusd
    return ApprovedOrder(
        client_order_id=f"{proposal.symbol}-{proposal.as_of_ms}-shadow",
        symbol=proposal.symbol,
        strategy=proposal.strategy,
        side=proposal.side,
        size_lots=max(wanted_lots, instrument.min_size_lots),
        reduce_only=False,
        reference_ticks=reference_ticks,
        decided_ms=proposal.as_of_ms,
        exit_plan=proposal.exit_plan,
    )
