"""What the desk remembers for the gate's sake: the last minutes of each market, and how its own trades went."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from agents.books import Books
from domain.account import Trade
from domain.market import DAY_MS, MINUTE_MS, Snapshot
from domain.situation import RECENT_MINUTES, OwnRecord

N_LAST_TRADES: Final = 10


@dataclass(slots=True)
class Recollection:
    """Kept only where a gate is asked. Time is the tick's own, so that a run lived again remembers alike."""

    _recent: dict[str, deque[Snapshot]] = field(default_factory=dict, init=False)
    _n_trades: int = field(default=0, init=False)
    _n_wins: int = field(default=0, init=False)
    _last_closed_ms: int | None = field(default=None, init=False)
    _last_r: deque[float] = field(default_factory=lambda: deque(maxlen=N_LAST_TRADES), init=False)
    _day: int = field(default=0, init=False)
    _today_r: float = field(default=0.0, init=False)

    def observe(self, snapshot: Snapshot, trades: Sequence[Trade]) -> None:
        """Remember one closed minute and the trades that closed in it."""
        minutes = self._recent.get(snapshot.symbol)
        if minutes is None:
            minutes = self._recent[snapshot.symbol] = deque(maxlen=RECENT_MINUTES)
        minutes.append(snapshot)
        day = snapshot.as_of_ms // DAY_MS
        if day != self._day:
            self._day, self._today_r = day, 0.0
        for trade in trades:
            self._take(trade, snapshot.as_of_ms)

    def recent(self, symbol: str) -> tuple[Snapshot, ...]:
        """Return the remembered minutes of a market, oldest first."""
        return tuple(self._recent.get(symbol, ()))

    def own_record(self, books: Books, as_of_ms: int) -> OwnRecord:
        """Return how the desk stands and how it has done."""
        held_microusd = sum(
            abs(books.instruments[symbol].notional_microusd(holding.position.size_lots, books.marks_ticks[symbol]))
            for symbol, holding in books.holdings.items()
        )
        equity = books.equity_microusd
        last = self._last_closed_ms
        return OwnRecord(
            n_open_positions=len(books.holdings),
            gross_exposure_frac=held_microusd / equity if equity > 0 else 0.0,
            n_trades=self._n_trades,
            n_wins=self._n_wins,
            minutes_since_trade=None if last is None else (as_of_ms - last) // MINUTE_MS,
            today_r=self._today_r,
            last_r=tuple(self._last_r),
        )

    def _take(self, trade: Trade, as_of_ms: int) -> None:
        self._n_trades += 1
        self._n_wins += trade.net_microusd > 0
        self._last_closed_ms = as_of_ms
        if trade.risk_microusd > 0:
            result_r = trade.net_microusd / trade.risk_microusd
            self._last_r.append(result_r)
            self._today_r += result_r
