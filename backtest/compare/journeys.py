"""What one run did with its money, as journeys: from an entry to its last exit, or to the mark where the run ends.

Every micro-dollar that moved belongs to exactly one journey, so their nets add up to final less starting equity.
"""

from typing import Final

from db.pairing import Executed, Paid, PairedRun, Sent
from domain.errors import JournalCorrupt
from domain.grid import steps_nearest
from domain.record import Record

MARK: Final = "open at the end"


class Leg(Record, frozen=True, kw_only=True):
    """A part of a position that was left, or valued where the run ends. lots > 0.

    way: the exit reason, or MARK. as_of_ms: the minute whose tick learnt of it. filled_ms: when it was filled.
    """

    lots: int
    price_microusd_per_lot: int
    fee_microusd: int
    way: str
    tick_no: int
    as_of_ms: int
    filled_ms: int


class Payment(Record, frozen=True, kw_only=True):
    """Funding settled while it was held. amount_microusd: positive = received."""

    settled_ms: int
    rate_quote_per_base_1e9: int
    amount_microusd: int


class Journey(Record, frozen=True, kw_only=True):
    """One position from its entry on. side: +1 or -1. decided_ms, decided_tick: the tick that sent the entry.

    entered_as_of_ms: the minute whose tick learnt of the entry's fill. legs: how it was left, in order; not empty.
    """

    symbol: str
    side: int
    lots: int
    order_id: str
    decided_ms: int
    decided_tick: int
    exit_plan: str
    entry_price_microusd_per_lot: int
    entry_fee_microusd: int
    entered_ms: int
    entered_as_of_ms: int
    legs: tuple[Leg, ...]
    funding: tuple[Payment, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a journey whose legs are not the whole of it."""
        if self.lots < 1 or abs(self.side) != 1 or sum(leg.lots for leg in self.legs) != self.lots:
            raise ValueError(f"{self.order_id}: the legs of {self.lots} lots do not add up to them")

    @property
    def key(self) -> tuple[str, int, int]:
        """What the same decision has in another run: symbol, minute, side."""
        return self.symbol, self.decided_ms, self.side

    @property
    def exit_value_microusd(self) -> int:
        """What all legs were worth."""
        return sum(leg.lots * leg.price_microusd_per_lot for leg in self.legs)

    @property
    def exit_fee_microusd(self) -> int:
        """Fees of all legs."""
        return sum(leg.fee_microusd for leg in self.legs)

    @property
    def funding_microusd(self) -> int:
        """All funding, positive = received."""
        return sum(payment.amount_microusd for payment in self.funding)

    @property
    def net_microusd(self) -> int:
        """Profit after fees and funding, what is still open at its mark."""
        gross = self.side * (self.exit_value_microusd - self.lots * self.entry_price_microusd_per_lot)
        return gross - self.entry_fee_microusd - self.exit_fee_microusd + self.funding_microusd

    @property
    def end(self) -> Leg:
        """Its last leg."""
        return self.legs[-1]

    @property
    def is_open(self) -> bool:
        """Say whether some of it outlived the run."""
        return self.end.way == MARK


def journeys_of(run: PairedRun) -> tuple[Journey, ...]:
    """Return a run's journeys in the order of their entries. Raises JournalCorrupt for a fill that fits no position."""
    orders = {order.client_order_id: order for order in run.sent()}
    moves: list[Executed | Paid] = [*run.paid(), *run.executed()]
    # Within a tick funding comes first: it is paid on what was held when the minute opened.
    moves.sort(key=lambda move: move.tick_id)
    done: list[Journey] = []
    travelling: dict[str, _Traveller] = {}
    for move in moves:
        if isinstance(move, Executed) and move.exit_reason is None:
            if move.symbol in travelling or move.client_order_id not in orders:
                raise _misfit(run, move)
            travelling[move.symbol] = _Traveller(run, move, orders[move.client_order_id])
            continue
        traveller = travelling.get(move.symbol)
        if traveller is None:
            raise _misfit(run, move)
        traveller.take(move)
        if traveller.lots_left == 0:
            done.append(travelling.pop(move.symbol).arrived())
    done += [traveller.marked() for traveller in travelling.values()]
    return tuple(sorted(done, key=lambda journey: (journey.decided_ms, journey.symbol)))


class _Traveller:
    """A journey under way."""

    def __init__(self, run: PairedRun, entry: Executed, order: Sent) -> None:
        self.run, self.entry, self.order = run, entry, order
        self.unit = run.instruments[entry.symbol].microusd_per_tick_lot
        self.lots_left = entry.size_lots
        self.legs: list[Leg] = []
        self.funding: list[Payment] = []

    def take(self, move: Executed | Paid) -> None:
        if isinstance(move, Paid):
            self.funding.append(
                Payment(
                    settled_ms=move.settled_ms,
                    rate_quote_per_base_1e9=move.rate_quote_per_base_1e9,
                    amount_microusd=move.amount_microusd,
                )
            )
            return
        self.lots_left -= move.size_lots
        if self.lots_left < 0 or move.side == self.entry.side:
            raise _misfit(self.run, move)
        self.legs.append(
            Leg(
                lots=move.size_lots,
                price_microusd_per_lot=move.price_ticks * self.unit,
                fee_microusd=move.fee_microusd,
                way=str(move.exit_reason),
                tick_no=move.tick_no,
                as_of_ms=move.as_of_ms,
                filled_ms=move.filled_ms,
            )
        )

    def marked(self) -> Journey:
        """Value what is left as the books do: at the close of the last bar, in whole ticks."""
        close_price = self.run.last_close(self.entry.symbol)
        instrument = self.run.instruments[self.entry.symbol]
        ticks = self.entry.price_ticks if close_price is None else steps_nearest(close_price, instrument.tick)
        last = self.run.last
        mark = Leg(
            lots=self.lots_left,
            price_microusd_per_lot=ticks * self.unit,
            fee_microusd=0,
            way=MARK,
            tick_no=last.tick_no,
            as_of_ms=last.as_of_ms,
            filled_ms=last.as_of_ms,
        )
        self.legs.append(mark)
        return self.arrived()

    def arrived(self) -> Journey:
        entry, order = self.entry, self.order
        return Journey(
            symbol=entry.symbol,
            side=entry.side,
            lots=entry.size_lots,
            order_id=entry.client_order_id,
            decided_ms=order.decided_ms,
            decided_tick=order.tick_no,
            exit_plan=order.exit_plan or "",
            entry_price_microusd_per_lot=entry.price_ticks * self.unit,
            entry_fee_microusd=entry.fee_microusd,
            entered_ms=entry.filled_ms,
            entered_as_of_ms=entry.as_of_ms,
            legs=tuple(self.legs),
            funding=tuple(self.funding),
        )


def _misfit(run: PairedRun, move: Executed | Paid) -> JournalCorrupt:
    what = f"fill {move.client_order_id}" if isinstance(move, Executed) else f"funding at {move.settled_ms}"
    return JournalCorrupt(f"run {run.found.run_id}: {what} of {move.symbol} fits no position that was held")
