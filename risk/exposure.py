"""What the account carries before a new order, and how far its stop and its liquidation stand."""

from collections.abc import Iterable, Mapping

from domain.compiled import kernel
from domain.decisions import ApprovedOrder
from domain.grid import steps_up
from domain.instrument import Instrument
from domain.protection import initial_levels
from domain.record import Record

MAX_MICROUSD = 10**15


class Exposure(Record, frozen=True, kw_only=True):
    """The account as risk sees it. Entries on their way count as if they were filled at their reference price.

    n_open_positions: symbols held or about to be held. position_lots: signed, held in the symbol asked about.
    has_pending_entry: an entry in that symbol is on its way. gross_notional_microusd: sum of unsigned notionals.
    initial_, maintenance_margin_microusd: what the venue asks for all of it, rounded up.
    """

    equity_microusd: int
    n_open_positions: int = 0
    position_lots: int = 0
    has_pending_entry: bool = False
    gross_notional_microusd: int = 0
    initial_margin_microusd: int = 0
    maintenance_margin_microusd: int = 0

    def __post_init__(self) -> None:
        """Refuse a billion dollars or more, where the kernels' integers and floats would stop being exact."""
        gross, initial, maintenance = (
            self.gross_notional_microusd,
            self.initial_margin_microusd,
            self.maintenance_margin_microusd,
        )
        if not (
            -MAX_MICROUSD < self.equity_microusd < MAX_MICROUSD
            and 0 <= gross < MAX_MICROUSD
            and 0 <= initial < MAX_MICROUSD
            and 0 <= maintenance < MAX_MICROUSD
        ):
            held = gross, initial, maintenance
            raise ValueError(f"equity {self.equity_microusd} with {held} micro-dollars held is not an account")
        if self.n_open_positions < 0:
            raise ValueError(f"{self.n_open_positions} open positions are impossible")


def exposure_of(
    symbol: str,
    equity_microusd: int,
    positions_lots: Mapping[str, int],
    marks_ticks: Mapping[str, int],
    pending: Iterable[ApprovedOrder],
    instruments: Mapping[str, Instrument],
) -> Exposure:
    """Return the exposure that an entry in `symbol` would meet.

    positions_lots: signed lots by symbol. marks_ticks: the last price of each. pending: entry orders sent and not
    yet filled or rejected. Raises ValueError for a position without a mark or an instrument.
    """
    entries = [order for order in pending if not order.reduce_only]
    if not positions_lots and not entries:
        return Exposure(equity_microusd=equity_microusd)
    carried = [(held, lots, marks_ticks.get(held)) for held, lots in positions_lots.items() if lots != 0]
    carried += [(order.symbol, order.size_lots, order.reference_ticks) for order in entries]
    gross = initial = maintenance = 0
    for name, lots, ticks in carried:
        instrument = instruments.get(name)
        if instrument is None or ticks is None:
            raise ValueError(f"{name} is held, but it has no {'mark' if ticks is None else 'instrument'}")
        notional = abs(instrument.notional_microusd(lots, ticks))
        gross += notional
        initial += steps_up(notional * instrument.initial_margin_frac, 1.0)
        maintenance += steps_up(notional * instrument.maintenance_margin_frac, 1.0)
    return Exposure(
        equity_microusd=equity_microusd,
        n_open_positions=len({name for name, _, _ in carried}),
        position_lots=positions_lots.get(symbol, 0),
        has_pending_entry=any(order.symbol == symbol for order in entries),
        gross_notional_microusd=gross,
        initial_margin_microusd=initial,
        maintenance_margin_microusd=maintenance,
    )


@kernel
def liquidation_distance_bps(equity_microusd: float, gross_microusd: float, maintenance_microusd: float) -> float:
    """Return how far all prices may move against us at once before equity falls to the maintenance margin.

    Equity falls by `gross x move` and the margin asked of shorts grows by `maintenance x move`, so the two meet
    at move = (equity - maintenance) / (gross + maintenance). Longs have a little more room; the worse case is
    taken for all. 1e18 when nothing is held, not positive when the account is due already.
    """
    if gross_microusd + maintenance_microusd <= 0.0:
        return 1e18
    return (equity_microusd - maintenance_microusd) / (gross_microusd + maintenance_microusd) * 1e4


@kernel
def stop_distance_ticks(side: int, reference_ticks: int, stop_frac: float) -> int:
    """Return how far from the reference the stop will stand on the venue's grid, at least one tick."""
    stop_ticks, _, _ = initial_levels(side, reference_ticks, stop_frac, 1.0, 0.0)
    return max(1, abs(reference_ticks - stop_ticks))
