"""What was done and what is held: fills, funding, positions, and the arithmetic that folds one into the other."""

from typing import Final

from domain.decisions import ExitPlan, ExitReason, Side
from domain.features import Regime
from domain.instrument import Instrument
from domain.record import Record

# Looking a member up on its enum costs ten times as much.
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL


class Fill(Record, frozen=True, kw_only=True, gc=False):
    """One execution. fee_microusd: positive = we paid. exit_reason: None for an entry.

    slippage_microusd: what half spread, slippage and gaps cost against the order's reference price, >= 0 is worse.
    """

    client_order_id: str
    symbol: str
    side: Side
    size_lots: int
    price_ticks: int
    fee_microusd: int
    slippage_microusd: int
    filled_ms: int
    exit_reason: ExitReason | None = None

    def __post_init__(self) -> None:
        """Refuse an execution of nothing."""
        if self.size_lots < 1 or self.price_ticks < 1:
            raise ValueError(f"{self.client_order_id}: a fill has a positive size and price")


class FundingPayment(Record, frozen=True, kw_only=True, gc=False):
    """Funding settled on a held position. amount_microusd: positive = we received.

    position_lots: 0 = told by the venue, on whatever was held then. rate_quote_per_base_1e9: 0 where it is not told.
    """

    symbol: str
    position_lots: int
    rate_quote_per_base_1e9: int
    amount_microusd: int
    settled_ms: int
    source: str


class Position(Record, frozen=True, kw_only=True, gc=False):
    """An open position. size_lots: signed, never 0.

    entry_cost_microusd: signed notional paid for what is still held (positive for a long).
    opened_ms: fill time of the entry. entry_ticks: its fill price. initial_lots: size at entry, signed.
    """

    symbol: str
    strategy: str
    size_lots: int
    initial_lots: int
    entry_ticks: int
    entry_cost_microusd: int
    exit_plan: ExitPlan
    opened_ms: int
    client_order_id: str

    def __post_init__(self) -> None:
        """Refuse a position of nothing, or one larger than it began."""
        if self.size_lots == 0 or self.entry_ticks < 1 or abs(self.size_lots) > abs(self.initial_lots):
            raise ValueError(f"{self.symbol}: {self.size_lots} of {self.initial_lots} lots is not a position")

    @property
    def side(self) -> Side:
        """BUY for a long, SELL for a short."""
        return _BUY if self.size_lots > 0 else _SELL

    def unrealised_microusd(self, instrument: Instrument, mark_ticks: int) -> int:
        """Return what closing at the mark would add to the cash, before fees."""
        return self.size_lots * mark_ticks * instrument.microusd_per_tick_lot - self.entry_cost_microusd


class Trade(Record, frozen=True, kw_only=True, gc=False):
    """A closed round trip. Money in micro-dollars; net = gross - fees + funding.

    mae_bps, mfe_bps: worst and best excursion of the bars it lived through, against entry, >= 0.
    exit_ticks: size-weighted over the exits, rounded to the nearest tick.
    """

    symbol: str
    strategy: str
    side: Side
    size_lots: int
    entry_ticks: int
    exit_ticks: int
    gross_microusd: int
    fees_microusd: int
    funding_microusd: int
    slippage_microusd: int
    mae_bps: float
    mfe_bps: float
    exit_reason: ExitReason
    regime: Regime
    conviction_frac: float
    risk_microusd: int
    opened_ms: int
    closed_ms: int
    n_bars: int
    client_order_id: str

    @property
    def net_microusd(self) -> int:
        """Profit after fees and funding."""
        return self.gross_microusd - self.fees_microusd + self.funding_microusd


class VenueReport(Record, frozen=True, kw_only=True, gc=False):
    """What the venue did since it was last asked: fills and funding in the order they happened, and rejections.

    rejections: (client_order_id, the venue's reason).
    """

    fills: tuple[Fill, ...] = ()
    funding: tuple[FundingPayment, ...] = ()
    rejections: tuple[tuple[str, str], ...] = ()


class AccountView(Record, frozen=True, kw_only=True):
    """An account as the venue or our books see it. positions: (symbol, signed lots), sorted, no zeros.

    cash_microusd: None where the venue tells none that could be compared. cash_tolerance_microusd: how far from it the
    other side's may be.
    """

    cash_microusd: int | None
    positions: tuple[tuple[str, int], ...]
    open_order_ids: tuple[str, ...] = ()
    cash_tolerance_microusd: int = 0


class Levels(Record, frozen=True, kw_only=True, gc=False):
    """Protection resting at the venue for one position, in ticks.

    stop_is_trailing: the stop stands where the trail put it. partial_lots: 0 = none (then partial_ticks is 0).
    """

    stop_ticks: int
    target_ticks: int
    stop_is_trailing: bool = False
    partial_ticks: int = 0
    partial_lots: int = 0
