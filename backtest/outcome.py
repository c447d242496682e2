"""What a run came to, as every report, metric and comparison reads it: the account minute by minute, and the trades."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.account import Trade
from domain.market import DAY_MS
from domain.record import Record

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

MICROUSD_PER_USD: Final = 1_000_000


class EquityCurve(Record, frozen=True, kw_only=True, eq=False):
    """The account after each minute of a run.

    close_ms: UTC milliseconds of the minutes' closes, shape (n_minutes,), strictly rising, not empty.
    equity_microusd: cash plus unrealised profit after that minute, all symbols, shape (n_minutes,).
    starting_microusd: equity before the first minute.
    """

    close_ms: IntArray
    equity_microusd: IntArray
    starting_microusd: int

    def __post_init__(self) -> None:
        """Refuse a curve of nothing, one that runs backwards, and columns of different length."""
        n_minutes = len(self.close_ms)
        if n_minutes == 0 or self.equity_microusd.shape != self.close_ms.shape or self.close_ms.ndim != 1:
            raise ValueError(f"{self.close_ms.shape} times and {self.equity_microusd.shape} equities are no curve")
        if n_minutes > 1 and not (np.diff(self.close_ms) > 0).all():
            raise ValueError("the minutes of an equity curve must rise")

    def daily(self) -> tuple[IntArray, IntArray]:
        """Return (UTC day numbers, equity at each day's last minute), each of shape (n_days,).

        A minute that closes at 00:00 belongs to the day that ends there. Days without a minute are absent.
        """
        days = (self.close_ms - 1) // DAY_MS
        lasts = np.flatnonzero(np.append(np.diff(days) != 0, True))
        return days[lasts], self.equity_microusd[lasts]


class RunOutcome(Record, frozen=True, kw_only=True, eq=False):
    """One run's result. trades: closed round trips in the order they closed.

    run_id: its name, or what it was called where it stands in no journal. is_simulated: on the built-in market.
    """

    run_id: str
    symbols: tuple[str, ...]
    is_simulated: bool
    curve: EquityCurve
    trades: tuple[Trade, ...]
