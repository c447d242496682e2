"""What the local exchange trades: recorded bars as they form, with a book, a mark and funding around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from domain.market import HOUR_MS, MINUTE_MS

Row = tuple[float, float, float, float, float]
FUNDING_MS = 8 * HOUR_MS
N_LEVELS = 20
FILES = {
    "SOL": "solusdt_1m_binance-usdm_2025-05_2025-05.parquet",
    "BTC": "btcusdt_1m_binance-usdm_2025-05_2025-05.parquet",
    "ETH": "ethusdt_1m_binance-usdm_2025-05_2025-05.parquet",
}
DECIMALS = {"SOL": 2, "BTC": 1, "ETH": 2}


@dataclass
class Market:
    """One perpetual. bars: opening ms -> open, high, low, close, volume."""

    base: str
    bars: Mapping[int, Row]
    decimals: int
    funding_rate: float = 0.0001
    update_id: int = 1000
    shown: dict[str, dict[float, float]] = field(default_factory=lambda: {"b": {}, "a": {}})

    @property
    def id(self) -> str:
        return f"{self.base}USDT"

    def forming(self, now_ms: int) -> tuple[int, Row] | None:
        """Return the minute at hand as far as it has come: at its last instant it is the recorded bar."""
        open_ms = (now_ms - 1) // MINUTE_MS * MINUTE_MS
        return self.bar(open_ms, (now_ms - open_ms) / MINUTE_MS)

    def bar(self, open_ms: int, done: float = 1.0) -> tuple[int, Row] | None:
        row = self.bars.get(open_ms)
        if row is None:
            return None
        first, high, low, last, volume = row
        now = self.rounded(first + (last - first) * done)
        top = max(first, now, self.rounded(first + (high - first) * done))
        bottom = min(first, now, self.rounded(first + (low - first) * done))
        return open_ms, (first, top, bottom, now, volume) if done >= 1.0 else (first, top, bottom, now, volume * done)

    def price(self, now_ms: int) -> float:
        found = self.forming(now_ms)
        return 100.0 if found is None else found[1][3]

    def index(self, now_ms: int) -> float:
        return self.rounded(self.price(now_ms) * 0.9998)

    def interest_base(self, now_ms: int) -> float:
        return 50_000.0 + now_ms // HOUR_MS % 100

    def next_funding_ms(self, now_ms: int) -> int:
        return (now_ms // FUNDING_MS + 1) * FUNDING_MS

    def rows(self, first_ms: int, last_ms: int, now_ms: int, n_at_most: int) -> list[tuple[int, Row]]:
        """Return the minutes that open in [first_ms, last_ms] as far as they have come, the oldest ones."""
        opens = [open_ms for open_ms in sorted(self.bars) if first_ms <= open_ms <= min(last_ms, now_ms - 1)]
        found = [self.bar(open_ms, min(1.0, (now_ms - open_ms) / MINUTE_MS)) for open_ms in opens[:n_at_most]]
        return [one for one in found if one is not None]

    def book(self, now_ms: int) -> dict[str, dict[float, float]]:
        """Return the book a listener's changes go on from, which is the one last shown."""
        self.shown = self.shown if self.shown["b"] else self.levels(now_ms)
        return self.shown

    def levels(self, now_ms: int) -> dict[str, dict[float, float]]:
        """Return the book around the price of the moment: sizes that differ by level and second, on both sides."""
        tick, price = 10**-self.decimals, self.price(now_ms)
        second = now_ms // 1000
        return {
            "b": {self.rounded(price - tick * n): 1.0 + (second * 7 + n * 3) % 11 for n in range(1, N_LEVELS + 1)},
            "a": {self.rounded(price + tick * n): 1.0 + (second * 5 + n * 2) % 13 for n in range(1, N_LEVELS + 1)},
        }

    def changes(self, now_ms: int) -> dict[str, list[tuple[float, float]]]:
        """Move the shown book to the present; return what changed, a level that is gone with size zero."""
        then, now = self.shown, self.levels(now_ms)
        changes = {
            side: [(price, size) for price, size in now[side].items() if then[side].get(price) != size]
            + [(price, 0.0) for price in then[side] if price not in now[side]]
            for side in ("b", "a")
        }
        self.shown = now
        self.update_id += 1
        return changes

    def rounded(self, price: float) -> float:
        return round(price, self.decimals)

    def text(self, figure: float) -> str:
        return f"{figure:.{max(self.decimals, 4)}f}"


def recorded(shared: Path, bases: Sequence[str], first_minute: int, n_minutes: int) -> list[Market]:
    """Return markets over the same stretch of recorded minutes, in their own time."""
    return [_market(shared, base, first_minute, n_minutes) for base in bases]


def _market(shared: Path, base: str, first_minute: int, n_minutes: int) -> Market:
    columns = ["ts", "open", "high", "low", "close", "volume"]
    table = pq.read_table(shared / "data" / "ohlcv" / FILES[base], columns=columns)
    rows = table.slice(first_minute, n_minutes).to_pylist()
    bars = {row["ts"]: (row["open"], row["high"], row["low"], row["close"], row["volume"]) for row in rows}
    return Market(base=base, bars=bars, decimals=DECIMALS[base])
