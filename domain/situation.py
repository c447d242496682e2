"""What the desk knows when it asks the gate: the proposal, the hour before, its own record, how earlier ones ended."""

from collections.abc import Sequence

from domain.decisions import ExitReason, Proposal, Side
from domain.features import Features
from domain.market import Snapshot
from domain.record import Record


class Trigger(Record, frozen=True, kw_only=True, gc=False):
    """One proposal as it was made, whether or not anybody asked the gate about it.

    trigger_id: a pure function of symbol and time, unique in a run. tick_no: the tick that made it.
    """

    trigger_id: str
    tick_no: int
    proposal: Proposal
    features: Features


class Counterfactual(Record, frozen=True, kw_only=True, gc=False):
    """What a trigger came to by itself: the desk's own venue, exits and costs, at a fixed notional, nothing else held.

    Every `_bps` is of the notional at entry: net = gross - fees + funding; slippage is inside gross and told apart
    only to be seen. mae_bps, mfe_bps: the furthest the price went against and with it, >= 0. resolved_ms: the close
    of the bar that ended it, known no earlier.
    """

    trigger_id: str
    symbol: str
    strategy: str
    side: Side
    triggered_ms: int
    resolved_ms: int
    n_bars: int
    exit_reason: ExitReason
    net_bps: float
    gross_bps: float
    fees_bps: float
    slippage_bps: float
    funding_bps: float
    mae_bps: float
    mfe_bps: float

    @property
    def is_win(self) -> bool:
        """The label: the net result is above zero."""
        return self.net_bps > 0.0


class Resolved(Record, frozen=True, kw_only=True, gc=False):
    """A trigger whose end is known."""

    trigger: Trigger
    outcome: Counterfactual


class Reflection(Record, frozen=True, kw_only=True, gc=False):
    """What one closed trade, or one trigger that was denied, teaches: by rule, in words without dates or prices.

    subject: "trade" or "counterfactual"; subject_id: the entry's client order id, or the trigger's id. held, failed:
    the reasons of the proposal that the market bore out, and those it did not. lesson: one line.
    """

    subject: str
    subject_id: str
    expected: str
    happened: str
    held: tuple[str, ...]
    failed: tuple[str, ...]
    lesson: str


class OwnRecord(Record, frozen=True, kw_only=True, gc=False):
    """How the desk stands and how it has done. An `_r` is a multiple of what a trade loses at its stop.

    gross_exposure_frac: notional held over equity. n_trades, n_wins: closed in this run.
    minutes_since_trade: None before the first. today_r: sum of the trades closed since midnight UTC.
    last_r: results of the last trades, oldest first, at most ten.
    """

    n_open_positions: int = 0
    gross_exposure_frac: float = 0.0
    n_trades: int = 0
    n_wins: int = 0
    minutes_since_trade: int | None = None
    today_r: float = 0.0
    last_r: tuple[float, ...] = ()


class Situation(Record, frozen=True, kw_only=True, gc=False):
    """Everything a reader may word its question from; all of it is known at the proposal's own time.

    recent: the minutes of this market up to the one at hand, oldest first, at most `RECENT_MINUTES`; minutes without
    a bar are among them. resolved: every trigger of the run whose end is known, in the order they ended.
    """

    proposal: Proposal
    snapshot: Snapshot
    features: Features
    recent: tuple[Snapshot, ...] = ()
    own: OwnRecord = OwnRecord()
    resolved: Sequence[Resolved] = ()


RECENT_MINUTES = 64
