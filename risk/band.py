"""The band a backtest leaves room for: where the sum of results in R should stand after so many trades.

A backtest's trades are drawn again and again, in blocks; the band's edges are quantiles of the sums that come out.
How the file is made stands in `backtest/band.py`; here a running desk's record is held against it.
"""

import math
from typing import Final

import msgspec

from domain.record import Record

FIRST_JUDGED: Final = 10
"""Trades before which no record is judged: so few say nothing."""


class Band(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a finished backtest lets one expect of the same desk.

    run_id: the backtest. n_trades: its closed trades with a measurable risk. mean_r, win_rate_frac: of them.
    trades_per_day: calendar days. max_drawdown_frac: deepest fall from a peak of its equity.
    low_frac, high_frac: the quantiles at the edges. ns, low_r, high_r: after ns[i] trades the sum of results lies
    between low_r[i] and high_r[i]; ns rises and begins at FIRST_JUDGED.
    seed, n_paths, block_trades: how it was drawn. halted_frac: the part of the drawn paths, all of them as good as the
    backtest, that a cap of `halted_at_frac` would have stopped within the last of ns: false alarms.
    """

    run_id: str
    n_trades: int
    mean_r: float
    win_rate_frac: float
    trades_per_day: float
    max_drawdown_frac: float
    low_frac: float
    high_frac: float
    ns: tuple[int, ...]
    low_r: tuple[float, ...]
    high_r: tuple[float, ...]
    seed: int
    n_paths: int
    block_trades: int
    halted_at_frac: float
    halted_frac: float

    def __post_init__(self) -> None:
        """Refuse edges that do not belong together, and a band without width: nothing could stand inside."""
        if not self.ns or self.ns[0] != FIRST_JUDGED or list(self.ns) != sorted(set(self.ns)):
            raise ValueError(f"a band's numbers of trades must rise from {FIRST_JUDGED}")
        edges = tuple(zip(self.low_r, self.high_r, strict=False))
        if not (len(self.ns) == len(self.low_r) == len(self.high_r) and all(low < high for low, high in edges)):
            raise ValueError("a band needs a low edge below a high edge for each number of trades")
        if not math.isfinite(math.fsum((*self.low_r, *self.high_r, self.mean_r))):
            raise ValueError("a band's edges must be finite")

    def edges_r(self, n_trades: int) -> tuple[float, float]:
        """Return the edges after n >= FIRST_JUDGED trades, in R.

        Straight lines between the given numbers; beyond the last one the middle goes on at the mean result and the
        distance of the edges from it grows by the square root of the number of trades.
        """
        last = self.ns[-1]
        if n_trades >= last:
            middle, stretch = self.mean_r * n_trades, math.sqrt(n_trades / last)
            centre = self.mean_r * last
            return middle + (self.low_r[-1] - centre) * stretch, middle + (self.high_r[-1] - centre) * stretch
        place = next(number for number, n in enumerate(self.ns) if n > n_trades)
        before, after = self.ns[place - 1], self.ns[place]
        way = (n_trades - before) / (after - before)
        return (
            self.low_r[place - 1] + (self.low_r[place] - self.low_r[place - 1]) * way,
            self.high_r[place - 1] + (self.high_r[place] - self.high_r[place - 1]) * way,
        )

    def deviation_frac(self, n_trades: int, sum_r: float) -> float:
        """Return how far a record stands outside the band, either way, over the band's width there; 0 inside."""
        if n_trades < FIRST_JUDGED:
            return 0.0
        low, high = self.edges_r(n_trades)
        return max(low - sum_r, sum_r - high, 0.0) / (high - low)


def band_of(text: str) -> Band:
    """Read a band from JSON. Raises ValueError when it is not one."""
    try:
        return msgspec.json.decode(text, type=Band)
    except msgspec.DecodeError as error:
        raise ValueError(f"this is not a band that `main.py band` wrote: {error}") from error
