"""The exchange's inside: one account, its orders, and a mark price that everything trades at. Worded elsewhere."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from enum import Enum, auto

FEE = Decimal("0.00055")
ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True)
class Contract:
    """One perpetual. price_decimals, size_decimals: of its grid."""

    base: str
    tick: Decimal
    lot: Decimal
    min_notional: Decimal = Decimal(5)
    max_leverage: int = 50
    leverage: int = 10
    maintenance: Decimal = Decimal("0.01")


class No(Enum):
    """Why an order is refused."""

    DUPLICATE = auto()
    OFF_GRID = auto()
    NO_MONEY = auto()
    NOTHING_TO_REDUCE = auto()
    TRIGGER_PASSED = auto()
    TOO_SMALL = auto()


class Status(Enum):
    """How an order stands."""

    RESTING = auto()
    FILLED = auto()
    CANCELLED = auto()
    UNFILLED = auto()


@dataclass
class Order:
    """One order. side: +1 or -1. price: an IOC's worst; trigger: a resting one's, reached by rising or falling."""

    number: int
    client_id: str
    base: str
    side: int
    size: Decimal
    reduce_only: bool
    price: Decimal | None
    trigger: Decimal | None
    rises: bool
    is_target: bool
    at_ms: int
    status: Status = Status.RESTING
    filled: Decimal = ZERO
    changed_ms: int = 0

    @property
    def is_over(self) -> bool:
        return self.status is not Status.RESTING


@dataclass(frozen=True)
class Fill:
    """One execution. order: None where nobody's order made it."""

    number: int
    order: Order | None
    base: str
    side: int
    size: Decimal
    price: Decimal
    fee: Decimal
    at_ms: int
    is_liquidation: bool = False


@dataclass(frozen=True)
class Settlement:
    """One funding payment. amount: positive = received."""

    number: int
    base: str
    amount: Decimal
    held: Decimal
    at_ms: int


@dataclass
class Wanted:
    """An order as a client asks for it."""

    client_id: str
    base: str
    side: int
    size: Decimal
    reduce_only: bool = False
    price: Decimal | None = None
    trigger: Decimal | None = None
    rises: bool = False
    is_target: bool = False


@dataclass
class Engine:
    """The account and its market. fill_fracs: how much of each IOC to come is there to take, the whole without.

    fee_frac: of the notional; negative = it pays. pieces: executions an order is filled in. refuses_known: whether an
    id is taken once only. told: called after anything changed, with what it was.
    """

    contracts: dict[str, Contract]
    now_ms: Callable[[], int]
    cash: Decimal = Decimal(1_000)
    price: dict[str, Decimal] = field(default_factory=dict)
    held: dict[str, Decimal] = field(default_factory=dict)
    entry: dict[str, Decimal] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    fill_fracs: deque[Decimal] = field(default_factory=deque)
    fee_frac: Decimal = FEE
    pieces: int = 1
    refuses_known: bool = True
    told: list[Callable[[Order | Fill | Settlement], None]] = field(default_factory=list)

    def place(self, wanted: Wanted) -> Order | No:
        """Take an order, or say why not. An IOC is over when this returns."""
        refused = self._refused(wanted)
        if refused is not None:
            return refused
        now_ms = self.now_ms()
        order = Order(len(self.orders) + 1, **vars(wanted), at_ms=now_ms, changed_ms=now_ms)
        self.orders.append(order)
        if order.trigger is None:
            self._take(order)
        self._tell(order)
        return order

    def cancel(self, client_id: str) -> bool:
        """End a resting order; False where there is none of that name."""
        found = self.named(client_id)
        if found is None or found.is_over:
            return False
        self._end(found, Status.CANCELLED)
        return True

    def named(self, client_id: str) -> Order | None:
        return next((one for one in self.orders if one.client_id == client_id), None)

    def count(self, client_id: str) -> int:
        """Return how many orders of this name were ever taken."""
        return sum(1 for one in self.orders if one.client_id == client_id)

    def move(self, base: str, price: Decimal) -> None:
        """Move the mark; what it reaches is triggered, and who cannot bear it is liquidated."""
        self.price[base] = price
        for order in [one for one in self.orders if one.base == base and not one.is_over]:
            assert order.trigger is not None
            if (price >= order.trigger) if order.rises else (price <= order.trigger):
                self._take(order)
                self._tell(order)
        self._liquidate()

    def fund(self, base: str, rate: Decimal) -> None:
        """Settle funding: who is long pays `rate` of the notional."""
        held = self.held.get(base, ZERO)
        if held:
            amount = -held * self.price[base] * rate
            self.cash += amount
            settled = Settlement(len(self.settlements) + 1, base, amount, held, self.now_ms())
            self.settlements.append(settled)
            self._tell(settled)

    def by_hand(self, base: str, side: int, size: Decimal) -> None:
        """Trade without an order of the desk, as its owner might."""
        self._fill(None, base, side, size)

    @property
    def profit(self) -> Decimal:
        """What is not yet realised."""
        return sum((held * (self.price[b] - self.entry[b]) for b, held in self.held.items() if held), ZERO)

    def _refused(self, wanted: Wanted) -> No | None:
        contract = self.contracts[wanted.base]
        at = wanted.price if wanted.trigger is None else wanted.trigger
        assert at is not None
        if self.refuses_known and wanted.client_id and self.named(wanted.client_id) is not None:
            return No.DUPLICATE
        if at % contract.tick or wanted.size % contract.lot or wanted.size <= 0 or at <= 0:
            return No.OFF_GRID
        if wanted.reduce_only and wanted.trigger is None:
            return None if self._reducible(wanted.base, wanted.side) else No.NOTHING_TO_REDUCE
        if wanted.trigger is not None:
            mark = self.price[wanted.base]
            passed = mark >= wanted.trigger if wanted.rises else mark <= wanted.trigger
            return No.TRIGGER_PASSED if passed else None
        if wanted.size * at < contract.min_notional:
            return No.TOO_SMALL
        return None if wanted.size * at / contract.leverage <= self.cash + self.profit else No.NO_MONEY

    def _reducible(self, base: str, side: int) -> Decimal:
        held = self.held.get(base, ZERO)
        return abs(held) if held * side < 0 else ZERO

    def _take(self, order: Order) -> None:
        """Fill what can be filled of an order at the mark, and end it."""
        lot, mark = self.contracts[order.base].lot, self.price[order.base]
        size = order.size
        if order.price is not None and (mark - order.price) * order.side > 0:
            size = ZERO
        elif order.price is not None and self.fill_fracs:
            size = (size * self.fill_fracs.popleft() / lot).to_integral_value(ROUND_DOWN) * lot
        if order.reduce_only:
            size = min(size, self._reducible(order.base, order.side))
        left = size
        for piece in range(self.pieces, 0, -1):
            part = left if piece == 1 else (left / piece / lot).to_integral_value(ROUND_DOWN) * lot
            if part:
                order.filled += part
                left -= part
                self._fill(order, order.base, order.side, part)
        order.status = Status.FILLED if order.filled == order.size else Status.UNFILLED
        order.changed_ms = self.now_ms()

    def _end(self, order: Order, status: Status) -> None:
        order.status, order.changed_ms = status, self.now_ms()
        self._tell(order)

    def _fill(self, order: Order | None, base: str, side: int, size: Decimal, *, is_liquidation: bool = False) -> None:
        price = self.price[base]
        fee = size * price * self.fee_frac
        held, signed = self.held.get(base, ZERO), size * side
        closing = min(abs(held), size) if held * signed < 0 else ZERO
        self.cash += closing * (price - self.entry.get(base, ZERO)) * (1 if held > 0 else -1) - fee
        after = held + signed
        if held * signed >= 0:
            self.entry[base] = (abs(held) * self.entry.get(base, ZERO) + size * price) / (abs(held) + size)
        elif after * held < 0:
            self.entry[base] = price
        self.held[base] = after
        fill = Fill(len(self.fills) + 1, order, base, side, size, price, fee, self.now_ms(), is_liquidation)
        self.fills.append(fill)
        self._tell(fill)

    def _liquidate(self) -> None:
        needed = sum((abs(h) * self.price[b] * self.contracts[b].maintenance for b, h in self.held.items()), ZERO)
        if needed and self.cash + self.profit < needed:
            for base, held in list(self.held.items()):
                if held:
                    self._fill(None, base, -1 if held > 0 else 1, abs(held), is_liquidation=True)

    def _tell(self, what: Order | Fill | Settlement) -> None:
        for one in self.told:
            one(what)
