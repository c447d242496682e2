"""The paper venue: a perpetual margin account in USD that fills on bars. docs/fills.md lists what it assumes."""

from collections.abc import Mapping
from typing import Final

from domain.account import AccountView, Levels, VenueReport
from domain.decisions import ApprovedOrder, Refusal
from domain.grid import steps_nearest
from domain.instrument import MICROUSD_PER_USD, Instrument
from domain.market import Snapshot
from domain.record import Record
from execution.account import Holding, Market, PaperAccount
from execution.admission import is_drawn_for_rejection, refuse_entry, refuse_exit, refuse_margin, refuse_size
from execution.fees import N_FEE_TIERS
from execution.margin import margin_requirement_microusd
from execution.minute import Minute, Resting, half_spread_of

MAX_CASH_USD: Final = 1e9
MAX_COST_BPS: Final = 1_000.0
MAX_LATENCY_BARS: Final = 60


class PaperTerms(Record, frozen=True, kw_only=True):
    """On what terms the paper venue trades.

    half_spread_bps: used where no book was seen. slippage_bps: on top, for market orders and stops.
    latency_bars: an order fills at the open of the (1 + latency_bars)-th bar after it was sent.
    reject_frac: share of orders turned away, drawn from the order's id and `seed`.
    """

    starting_cash_usd: float = 10_000.0
    fee_tier: int = 0
    half_spread_bps: float = 1.0
    slippage_bps: float = 1.0
    latency_bars: int = 0
    reject_frac: float = 0.0
    seed: int = 7

    def __post_init__(self) -> None:
        """Refuse terms no venue could have. A NaN fails every comparison and is refused too."""
        if not 0.0 < self.starting_cash_usd <= MAX_CASH_USD:
            raise ValueError(f"starting cash {self.starting_cash_usd} is outside (0, {MAX_CASH_USD:.0f}] USD")
        if not (0 <= self.fee_tier < N_FEE_TIERS and 0 <= self.latency_bars <= MAX_LATENCY_BARS):
            raise ValueError(f"fee tier {self.fee_tier} or latency of {self.latency_bars} bars is impossible")
        if not (0.0 <= self.half_spread_bps <= MAX_COST_BPS and 0.0 <= self.slippage_bps <= MAX_COST_BPS):
            raise ValueError(f"half spread {self.half_spread_bps} or slippage {self.slippage_bps} bps is impossible")
        if not 0.0 <= self.reject_frac <= 1.0:
            raise ValueError(f"reject_frac {self.reject_frac} is outside [0, 1]")


class _Book:
    """One symbol's orders on their way. is_idle: neither orders nor a position, so a minute cannot matter."""

    __slots__ = ("is_idle", "market", "resting")

    def __init__(self, market: Market) -> None:
        self.market = market
        self.resting: list[Resting] = []
        self.is_idle = True


class PaperVenue:
    """Implements `domain.ports.Venue`. Its whole state follows from the orders and snapshots it was given."""

    __slots__ = ("_account", "_answers", "_books", "_terms")

    def __init__(self, terms: PaperTerms, instruments: Mapping[str, Instrument]) -> None:
        """Open an account with the starting cash and nothing held."""
        self._terms = terms
        self._account = PaperAccount(steps_nearest(terms.starting_cash_usd, 1.0 / MICROUSD_PER_USD))
        self._books = {symbol: _Book(Market.of(instrument)) for symbol, instrument in instruments.items()}
        self._answers: dict[str, tuple[ApprovedOrder, Refusal | None]] = {}

    @property
    def cash_microusd(self) -> int:
        """Collateral: starting cash plus realised profit, less fees, plus funding."""
        return self._account.cash_microusd

    @property
    def equity_microusd(self) -> int:
        """Cash plus unrealised profit at the last closes."""
        return self._account.equity_microusd()

    def position_lots(self, symbol: str) -> int:
        """Return the signed size held, 0 when flat."""
        held = self._account.holdings.get(symbol)
        return 0 if held is None else held.lots

    def margin_usage_frac(self) -> float:
        """Return the initial margin tied up over the equity, at the last closes."""
        return self._account.margin_usage_frac()

    def liquidation_price(self, symbol: str) -> float | None:
        """Return the price at which the position would begin to be liquidated; None when flat or never."""
        held = self._account.holdings.get(symbol)
        return None if held is None else self._account.liquidation_price(held)

    def levels(self, symbol: str) -> Levels | None:
        """Return the protection resting for a position, None when flat."""
        held = self._account.holdings.get(symbol)
        return None if held is None else held.levels

    async def advance(self, snapshot: Snapshot) -> VenueReport | None:
        """Carry out one closed minute of one symbol; None when nothing happened. Call it before deciding on it."""
        book = self._books.get(snapshot.symbol)
        if book is None or book.is_idle:
            return None
        held = self._account.holdings.get(snapshot.symbol)
        if held is not None and not book.resting and _is_quiet(held, snapshot):
            return None
        minute = Minute(
            account=self._account,
            market=book.market,
            snapshot=snapshot,
            resting=book.resting,
            fee_tier=self._terms.fee_tier,
            half_spread_bps=half_spread_of(snapshot, self._terms.half_spread_bps),
            slippage_bps=self._terms.slippage_bps,
        )
        report = minute.run()
        self._account.refresh_bounds()
        book.is_idle = not book.resting and snapshot.symbol not in self._account.holdings
        return report

    async def submit(self, order: ApprovedOrder) -> Refusal | None:
        """Take a market order for the next bar, or refuse it. The same id gets the same answer and nothing more."""
        known = self._answers.get(order.client_order_id)
        if known is not None:
            return known[1] if known[0] == order else Refusal(rule="venue: order id", reason="the id is already taken")
        refusal = self._refusal_of(order)
        self._answers[order.client_order_id] = (order, refusal)
        if refusal is None:
            book = self._books[order.symbol]
            book.resting.append(Resting(order, self._terms.latency_bars))
            book.is_idle = False
        return refusal

    async def protect(self, symbol: str, levels: Levels) -> None:
        """Replace stop, target and partial of a position; they hold from the next bar.

        Raises ValueError without a position, for a stop that loosens, and for a second partial exit.
        """
        held = self._account.holdings.get(symbol)
        if held is None:
            raise ValueError(f"no position in {symbol} to protect")
        if held.side * levels.stop_ticks < held.side * held.levels.stop_ticks:
            raise ValueError(f"{symbol}: a stop at {levels.stop_ticks} is looser than {held.levels.stop_ticks}")
        if levels.stop_ticks < 1 or levels.target_ticks < 1 or (levels.partial_lots > 0) != (levels.partial_ticks > 0):
            raise ValueError(f"{symbol}: {levels} is no protection")
        if held.is_partial_taken and levels.partial_lots > 0:
            raise ValueError(f"{symbol}: the partial exit was already taken")
        held.levels = levels
        self._account.refresh_bounds()

    async def account(self) -> AccountView:
        """Return cash, positions and open orders; ids sorted."""
        positions = [(symbol, held.lots) for symbol, held in self._account.holdings.items()]
        ids = [resting.order.client_order_id for book in self._books.values() for resting in book.resting]
        return AccountView(
            cash_microusd=self.cash_microusd, positions=tuple(sorted(positions)), open_order_ids=tuple(sorted(ids))
        )

    def _refusal_of(self, order: ApprovedOrder) -> Refusal | None:
        book = self._books.get(order.symbol)
        if book is None:
            return Refusal(rule="venue: symbol", reason=f"{order.symbol} is not traded here")
        refusal = refuse_size(order, book.market)
        held_lots = self.position_lots(order.symbol)
        if refusal is None and order.reduce_only:
            refusal = refuse_exit(order, held_lots)
        elif refusal is None:
            is_entry_pending = any(not resting.order.reduce_only for resting in book.resting)
            refusal = refuse_entry(order, held_lots, is_entry_pending=is_entry_pending) or refuse_margin(
                self._account,
                book.market,
                order.size_lots,
                order.reference_ticks,
                self._reserved_microusd(),
                self._terms.fee_tier,
            )
        if refusal is None and is_drawn_for_rejection(order.client_order_id, self._terms.seed, self._terms.reject_frac):
            return Refusal(rule="venue: rejected", reason="the venue turned the order away (simulated)")
        return refusal

    def _reserved_microusd(self) -> int:
        return sum(
            margin_requirement_microusd(
                resting.order.size_lots * resting.order.reference_ticks * book.market.unit, book.market.initial_bps
            )
            for book in self._books.values()
            for resting in book.resting
            if not resting.order.reduce_only
        )


def _is_quiet(held: Holding, snapshot: Snapshot) -> bool:
    """Say whether this bar surely touches no level, settles no funding and liquidates nothing; then take its close."""
    bar, oracle = snapshot.bar, snapshot.oracle
    if bar is None or snapshot.funding_settlement is not None:
        return False
    low, high = bar.low_price, bar.high_price
    if not (held.quiet_low < low and high < held.quiet_high):
        return False
    if oracle is not None and oracle.value > 0.0:
        # A reading that is not used later on can only send the bar to the exact arithmetic for nothing.
        gap = oracle.value / bar.close_price
        low, high = (low * gap, high) if gap < 1.0 else (low, high * gap)
    if not (held.safe_low < low and high < held.safe_high):
        return False
    held.mark_price = bar.close_price
    return True
