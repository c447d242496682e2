"""Everything a risk rule may look at, in one record."""

from functools import cached_property

from domain.decisions import Proposal
from domain.features import Regime
from domain.grid import steps_nearest
from domain.instrument import Instrument
from domain.market import Snapshot
from domain.record import Record
from risk.counters import CountersView
from risk.exposure import MAX_MICROUSD, Exposure, stop_distance_ticks
from risk.limits import RiskLimits, SizingPolicy
from risk.portfolio import Portfolio
from risk.sleeves import UNTRIED, Standing


class Case(Record, frozen=True, kw_only=True, dict=True, gc=True):
    """One proposal before the risk desk.

    now_ms: the clock's time; only the freshness of the snapshot is judged by it, all else by `snapshot.as_of_ms`.
    realised_vol_bps: standard deviation of one-minute log returns; None when not known.
    portfolio: the desk's. standing: the record of its sleeves. regime: what the market is in; None when not known.
    alike_microusd: unsigned notional held that moves with the order, see `risk.likeness`; 0 where no cap asks for it.
    sizes_lots, lots: the competing sizes and the size wanted; empty and 0 until sized.
    """

    proposal: Proposal
    snapshot: Snapshot
    now_ms: int
    instrument: Instrument
    limits: RiskLimits
    sizing: SizingPolicy
    counters: CountersView
    exposure: Exposure
    realised_vol_bps: float | None
    portfolio: Portfolio = Portfolio()
    standing: Standing = UNTRIED
    regime: Regime | None = None
    alike_microusd: int = 0
    sizes_lots: tuple[tuple[str, int], ...] = ()
    lots: int = 0

    def __post_init__(self) -> None:
        """Refuse a case that mixes two markets or two moments."""
        proposal, snapshot = self.proposal, self.snapshot
        asked = proposal.symbol
        if asked != snapshot.symbol or asked != self.instrument.symbol or proposal.as_of_ms != snapshot.as_of_ms:
            where = f"{snapshot.symbol} at {snapshot.as_of_ms}"
            raise ValueError(f"{asked} at {proposal.as_of_ms} was proposed on {where}")

    @cached_property
    def reference_ticks(self) -> int:
        """The price it was decided on, in ticks; 0 when it is no price of this market's grid."""
        steps = self.proposal.reference_price / self.instrument.tick
        return steps_nearest(self.proposal.reference_price, self.instrument.tick) if steps < MAX_MICROUSD else 0

    @cached_property
    def lot_notional_microusd(self) -> int:
        """What one lot is worth at the reference price."""
        return self.instrument.notional_microusd(1, self.reference_ticks)

    @property
    def stop_loss_per_lot_microusd(self) -> int:
        """What one lot loses from the reference price to its stop, on the venue's grid."""
        distance = stop_distance_ticks(int(self.proposal.side), self.reference_ticks, self.proposal.exit_plan.stop_frac)
        return self.instrument.notional_microusd(1, distance)

    @property
    def order_notional_microusd(self) -> int:
        """What the wanted size is worth at the reference price."""
        return self.lots * self.lot_notional_microusd
