"""From a strategy's answer to risk's ruling: what was wanted, what was allowed, and why not."""

from enum import IntEnum, StrEnum

from domain.record import Record


class Side(IntEnum):
    """The direction of an order or a position; its value is the sign."""

    BUY = 1
    SELL = -1

    @property
    def opposite(self) -> "Side":
        """The side that closes this one."""
        return Side(-self)


class ExitReason(StrEnum):
    """Why a position was reduced or closed."""

    STOP = "stop"
    TRAILING = "trailing"
    TARGET = "target"
    PARTIAL = "partial"
    TIME = "time"
    STRATEGY = "strategy"
    LIQUIDATION = "liquidation"
    HALT = "halt"
    END_OF_RUN = "end_of_run"


class Signal(Record, frozen=True, kw_only=True, gc=False):
    """One strategy's answer on one tick.

    side: None when it would not trade. failed_mask: bit i is set when the strategy's test i failed;
    `reasons` is that mask in words (or why it fired). conviction_frac: in [0, 1], 0 when side is None.
    """

    strategy: str
    side: Side | None
    failed_mask: int
    conviction_frac: float
    reasons: tuple[str, ...]


class ExitPlan(Record, frozen=True, kw_only=True, gc=False):
    """How a position is to be left, as fractions of its entry price.

    trail_frac: distance of the trailing stop below the best price, once the position has gained trail_arm_frac;
    0 = none. partial_frac: part of the size sold at a gain of partial_at_r times the stop distance; 0 = none.
    max_hold_bars: time stop.
    """

    stop_frac: float
    target_frac: float
    trail_frac: float
    trail_arm_frac: float
    partial_at_r: float
    partial_frac: float
    max_hold_bars: int

    def __post_init__(self) -> None:
        """Refuse a plan without a stop: no position is ever unprotected."""
        if not (0 < self.stop_frac < 1 and self.target_frac > 0 and 0 <= self.trail_frac < 1):
            raise ValueError(f"stop {self.stop_frac}, target {self.target_frac}, trail {self.trail_frac}: not a plan")
        if not (0 <= self.partial_frac < 1 and self.partial_at_r >= 0 and self.max_hold_bars >= 1):
            raise ValueError("partial exit or time stop is impossible")


class Proposal(Record, frozen=True, kw_only=True, gc=False):
    """What a strategy wants. reference_price: the close it was decided on."""

    symbol: str
    strategy: str
    side: Side
    conviction_frac: float
    reasons: tuple[str, ...]
    exit_plan: ExitPlan
    reference_price: float
    as_of_ms: int

    def __post_init__(self) -> None:
        """Refuse a conviction out of range."""
        if not (0.0 < self.conviction_frac <= 1.0 and self.reference_price > 0.0):
            raise ValueError(f"conviction {self.conviction_frac} or price {self.reference_price} is impossible")


class GateMode(StrEnum):
    """How much the gate's answer counts."""

    OFF = "off"
    SHADOW = "shadow"
    VETO = "veto"


class Approved(Record, frozen=True, kw_only=True, gc=False):
    """The gate lets the proposal pass, at `keep_frac` of its size. It can never ask for more."""

    keep_frac: float
    reason_code: str
    backend: str
    request_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse an enlargement."""
        if not 0.0 < self.keep_frac <= 1.0:
            raise ValueError(f"keep_frac {self.keep_frac} is outside (0, 1]")


class Denied(Record, frozen=True, kw_only=True, gc=False):
    """The gate refuses, or could not answer."""

    reason_code: str
    backend: str
    request_id: str | None = None


Verdict = Approved | Denied


class Refusal(Record, frozen=True, kw_only=True, gc=False):
    """An expected no. rule: the name of the rule; reason: one sentence with the figures."""

    rule: str
    reason: str


class ApprovedOrder(Record, frozen=True, kw_only=True, gc=False):
    """Risk's permission, the only thing a venue accepts. Built in `risk/` and nowhere else.

    client_order_id: a pure function of symbol, tick and purpose, unique in a run.
    size_lots > 0. reduce_only: may not enlarge or flip a position.
    exit_plan: protection that goes with an entry; None for an exit. exit_reason: None for an entry.
    reference_ticks: the price it was decided on. decided_ms: the tick's time.
    """

    client_order_id: str
    symbol: str
    strategy: str
    side: Side
    size_lots: int
    reduce_only: bool
    reference_ticks: int
    decided_ms: int
    exit_plan: ExitPlan | None = None
    exit_reason: ExitReason | None = None

    def __post_init__(self) -> None:
        """Refuse an empty order, an unprotected entry, and an exit that could open."""
        if self.size_lots < 1 or self.reference_ticks < 1:
            raise ValueError(f"{self.client_order_id}: size or reference price is not positive")
        if self.reduce_only == (self.exit_plan is not None) or self.reduce_only != (self.exit_reason is not None):
            raise ValueError(f"{self.client_order_id}: an entry carries a plan, an exit carries a reason")


Ruling = ApprovedOrder | Refusal
