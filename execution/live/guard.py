"""The protection of one position at the venue: what should rest there, what does, and what is on its way out."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from domain.account import Fill, Levels
from domain.decisions import ExitPlan, ExitReason, Side
from domain.instrument import Instrument
from domain.protection import average_ticks, planned_levels
from domain.record import Record
from execution.live.broker import OrderKind


class Wanted(Record, frozen=True, kw_only=True):
    """One protective order as it should rest. slot: stop, target or partial."""

    slot: str
    reason: ExitReason
    kind: OrderKind
    price_ticks: int
    size_lots: int


class Protective(Record, frozen=True, kw_only=True):
    """One protective order that was sent. is_market: it does at once what a stop would do that no venue takes."""

    wire_id: str
    wanted: Wanted
    is_market: bool = False


class Refused(Record, frozen=True, kw_only=True):
    """One protective order that the venue has refused so often. again_s: when it is tried again."""

    wanted: Wanted
    times: int
    again_s: float


@dataclass(slots=True)
class Guard:
    """One position as the venue holds it, and its protection. side: of the position. held_lots: unsigned, 0 = closed.

    entered_lots, cost_microusd: what was entered in all, and for what. last_in_ms: of the entry's last execution.
    first_out_ms: of the first that reduced. resting: by slot. refused: by slot, what
    the venue would not let rest. doubtful: on their way. unanswered: ids of those of them of which nobody knows whether
    they arrived. leaving: to be cancelled until the venue says that they are gone.
    """

    entry_id: str
    symbol: str
    at_ms: int
    side: Side
    plan: ExitPlan
    levels: Levels
    held_lots: int = 0
    entered_lots: int = 0
    cost_microusd: int = 0
    last_serial: int = 0
    is_partial_done: bool = False
    last_in_ms: int = 0
    first_out_ms: int | None = None
    resting: dict[str, Protective] = field(default_factory=dict)
    refused: dict[str, Refused] = field(default_factory=dict)
    doubtful: list[Protective] = field(default_factory=list)
    unanswered: set[str] = field(default_factory=set)
    leaving: list[Protective] = field(default_factory=list)

    @property
    def is_gone(self) -> bool:
        """Say whether the position is closed and nothing of its protection is left."""
        return self.held_lots == 0 and not (self.resting or self.doubtful or self.leaving)

    @property
    def signed_lots(self) -> int:
        """What is held, with its sign."""
        return int(self.side) * self.held_lots

    @property
    def is_protected(self) -> bool:
        """Say whether a stop rests, or none is needed."""
        return self.held_lots == 0 or "stop" in self.resting

    @property
    def is_mixed(self) -> bool:
        """Say whether something was closed before all was entered: the venue then reckons with another average."""
        return self.first_out_ms is not None and self.first_out_ms <= self.last_in_ms

    def enlarge(self, fill: Fill, instrument: Instrument) -> None:
        """Take a part of the entry; the levels follow its average price, as in the books."""
        self.goes_in(fill)
        self.held_lots += fill.size_lots
        self.entered_lots += fill.size_lots
        self.cost_microusd += instrument.notional_microusd(fill.size_lots, fill.price_ticks)
        entry_ticks = average_ticks(self.cost_microusd, self.entered_lots, instrument.microusd_per_tick_lot)
        self.levels = planned_levels(self.plan, int(self.side), entry_ticks, self.entered_lots)

    def reduce(self, fill: Fill) -> None:
        """Take a part of an exit. Raises ValueError for more than is held."""
        if fill.size_lots > self.held_lots:
            raise ValueError(f"{fill.size_lots} lots of {self.symbol} were closed, {self.held_lots} were held")
        self.goes_out(fill)
        self.held_lots -= fill.size_lots
        self.is_partial_done = self.is_partial_done or fill.exit_reason is ExitReason.PARTIAL

    def goes_in(self, fill: Fill) -> None:
        """Note when a part was entered, on record or not."""
        self.last_in_ms = max(self.last_in_ms, fill.filled_ms)

    def goes_out(self, fill: Fill) -> None:
        """Note when a part was closed, on record or not."""
        self.first_out_ms = fill.filled_ms if self.first_out_ms is None else min(self.first_out_ms, fill.filled_ms)

    def wanted(self) -> Iterator[Wanted]:
        """Yield what should rest at the venue now, the stop first."""
        if self.held_lots == 0:
            return
        levels, lots = self.levels, self.held_lots
        reason = ExitReason.TRAILING if levels.stop_is_trailing else ExitReason.STOP
        yield Wanted(slot="stop", reason=reason, kind=OrderKind.STOP, price_ticks=levels.stop_ticks, size_lots=lots)
        yield Wanted(
            slot="target",
            reason=ExitReason.TARGET,
            kind=OrderKind.TARGET,
            price_ticks=levels.target_ticks,
            size_lots=lots,
        )
        if levels.partial_lots > 0 and not self.is_partial_done:
            yield Wanted(
                slot="partial",
                reason=ExitReason.PARTIAL,
                kind=OrderKind.TARGET,
                price_ticks=levels.partial_ticks,
                size_lots=min(levels.partial_lots, lots),
            )

    def protectives(self) -> list[Protective]:
        """Return every protective order that may be at the venue."""
        return [*self.resting.values(), *self.doubtful, *self.leaving]

    def drop(self, wire_id: str) -> None:
        """Forget a protective order that is over."""
        self.unanswered.discard(wire_id)
        self.resting = {slot: one for slot, one in self.resting.items() if one.wire_id != wire_id}
        self.doubtful = [one for one in self.doubtful if one.wire_id != wire_id]
        self.leaving = [one for one in self.leaving if one.wire_id != wire_id]
