"""What is on its way: the desk's orders at the venue, and what of them is still to be told to the desk."""

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TypeVar

from domain.account import Fill, FundingPayment, VenueReport
from domain.decisions import ApprovedOrder, Refusal
from execution.live.broker import OrderState, Stage
from execution.live.fills import FillKey, PaidKey, key_of, paid_key_of

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class Tracked:
    """An order of the desk that was sent and has not ended.

    state: the venue's last word; None while its fate is unknown. is_sending: the answer to its sending is awaited.
    is_early: it is on record from before a restart and the desk has not asked for it again yet. over_s: when it was
    first known to be over. known_lots: executions that the desk heard of in an earlier process.
    """

    order: ApprovedOrder
    wire_id: str
    state: OrderState | None = None
    is_sending: bool = False
    is_early: bool = False
    over_s: float | None = None
    known_lots: int = 0
    fills: list[Fill] = field(default_factory=list)

    @property
    def filled_lots(self) -> int:
        """Sum of the executions seen."""
        return self.known_lots + sum(fill.size_lots for fill in self.fills)

    @property
    def is_unknown(self) -> bool:
        """Say whether it was sent and nobody knows what became of it."""
        return self.state is None and not self.is_sending

    @property
    def is_told_whole(self) -> bool:
        """Say whether it is over and every execution of it has been seen."""
        if self.state is None or self.state.stage is Stage.WORKING:
            return False
        return self.state.filled_lots is None or self.state.filled_lots == self.filled_lots

    @property
    def shortfall(self) -> str | None:
        """Say what of it was not filled, and why; None when all of it was."""
        if self.filled_lots >= self.order.size_lots:
            return None
        why = (self.state.why if self.state is not None else "") or "nothing more was offered within its price"
        if self.state is not None and self.state.stage is Stage.ABSENT:
            why = "it never reached the venue"
        return f"{self.filled_lots} of {self.order.size_lots} lots filled: {why}"


@dataclass(slots=True)
class Box:
    """What one symbol's next tick will be told. held_back: fills that must come after an entry still being told."""

    fills: list[Fill] = field(default_factory=list)
    held_back: list[Fill] = field(default_factory=list)
    funding: list[FundingPayment] = field(default_factory=list)
    rejections: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to tell, now or later."""
        return not (self.fills or self.held_back or self.funding or self.rejections)

    def empty(self) -> VenueReport | None:
        """Hand over what can be told; None where that is nothing."""
        if not (self.fills or self.funding or self.rejections):
            return None
        report = VenueReport(fills=tuple(self.fills), funding=tuple(self.funding), rejections=tuple(self.rejections))
        self.fills, self.funding, self.rejections = [], [], []
        return report


@dataclass(slots=True)
class Told:
    """What an earlier process of the run has told the desk already, so that it is not told again.

    reported: fills on record. noted: reports of the tick that was cut off, by symbol and minute. cut_off_ms: the
    minute in which it was; 0 = none. paid: funding settlements on record.
    """

    reported: Counter[FillKey] = field(default_factory=Counter)
    noted: dict[tuple[str, int], VenueReport] = field(default_factory=dict)
    cut_off_ms: int = 0
    paid: Counter[PaidKey] = field(default_factory=Counter)
    _retold: set[tuple[str, int]] = field(default_factory=set)
    _noted_fills: Counter[FillKey] = field(default_factory=Counter)
    _noted_ends: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Take the noted reports apart: what is in them happened, and is told by them."""
        for report in self.noted.values():
            self._noted_fills.update(key_of(fill) for fill in report.fills)
            self._noted_ends.update(order_id for order_id, _ in report.rejections)
            self.paid.update(paid_key_of(payment) for payment in report.funding)

    def tell_again(self, symbol: str, as_of_ms: int) -> VenueReport | None:
        """Return what the cut-off tick was told."""
        self._retold.add((symbol, as_of_ms))
        return self.noted.get((symbol, as_of_ms))

    def was_told_before(self, symbol: str, as_of_ms: int) -> bool:
        """Say whether a tick is the one that was cut off."""
        return (symbol, as_of_ms) in self.noted

    def still_noted(self) -> list[tuple[str, VenueReport]]:
        """Return, with its symbol, every report that the cut-off tick has not been told again yet."""
        return [(moment[0], report) for moment, report in self.noted.items() if moment not in self._retold]

    def was_reported(self, fill: Fill) -> bool:
        """Say, once for each time it was, whether a fill is on record."""
        return _taken(self.reported, key_of(fill))

    def was_paid(self, symbol: str, settled_ms: int, amount_microusd: int) -> bool:
        """Say, once for each time it was, whether a funding settlement is on record or noted."""
        return _taken(self.paid, (symbol, settled_ms, amount_microusd))

    def is_noted(self, fill: Fill) -> bool:
        """Say, once, whether a fill is told by the report of the cut-off tick."""
        return _taken(self._noted_fills, key_of(fill))

    def is_noted_end(self, client_order_id: str) -> bool:
        """Say whether the report of the cut-off tick tells the end of an order."""
        return client_order_id in self._noted_ends


@dataclass(slots=True)
class Early:
    """An order from before a restart that has ended before the desk asked for it again. refusal: None = it filled."""

    order: ApprovedOrder
    refusal: Refusal | None


def _taken(counted: Counter[K], key: K) -> bool:
    if counted[key] < 1:
        return False
    counted[key] -= 1
    return True
