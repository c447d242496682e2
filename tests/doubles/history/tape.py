"""What the local venues have to serve: one market's figures, as text, the way exchanges write them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MINUTE_MS = 60_000
INTEREST_STEP_MS = 5 * MINUTE_MS

Texts = tuple[str, ...]


@dataclass(frozen=True)
class Tape:
    """Rows by stamp. bars: open, high, low, close, volume. mark, index: open to close. interest: base, USD."""

    base: str
    bars: Mapping[int, Texts]
    mark: Mapping[int, Texts] = field(default_factory=dict)
    index: Mapping[int, Texts] = field(default_factory=dict)
    interest: Mapping[int, Texts] = field(default_factory=dict)
    funding: Mapping[int, Texts] = field(default_factory=dict)

    @property
    def pair(self) -> str:
        return f"{self.base}USDT"


def made_tape(first_ms: int, n_minutes: int, *, without: Sequence[int] = (), base: str = "SOL") -> Tape:
    """Return a market made up by arithmetic alone. without: minutes that the venue itself does not have."""
    places = [place for place in range(n_minutes) if place not in set(without)]
    stamps = [(place, first_ms + place * MINUTE_MS) for place in places]

    def bar(place: int, lift: float) -> Texts:
        mid = 100 + place % 97 / 10 + lift
        return f"{mid:.3f}", f"{mid + 0.5:.3f}", f"{mid - 0.5:.3f}", f"{mid + 0.25:.3f}"

    return Tape(
        base=base,
        bars={stamp: (*bar(place, 0.0), f"{10 + place % 7 / 3:.6f}") for place, stamp in stamps},
        mark={stamp: bar(place, 0.01) for place, stamp in stamps},
        index={stamp: bar(place, -0.02) for place, stamp in stamps},
        interest={
            stamp: (f"{1e6 + place:.3f}", f"{(1e6 + place) * 100:.4f}")
            for place, stamp in stamps
            if stamp % INTEREST_STEP_MS == 0
        },
        funding={stamp: (f"{0.0001 + place / 1e9:.8f}",) for place, stamp in stamps if stamp % (480 * MINUTE_MS) == 0},
    )


def recorded_tape(shared: Path, base: str = "SOL") -> Tape:
    """Return the recorded July and August of 2023: traded minutes, funding, and the spot market as the index."""
    import pyarrow.parquet as pq

    def columns(name: str, *wanted: str) -> list[Texts]:
        table = pq.read_table(shared / "data" / f"{name}_2023-07_2023-08.parquet")
        return list(zip(*(map(repr, table[column].to_pylist()) for column in ("ts", *wanted)), strict=True))

    def by_stamp(rows: list[Texts]) -> dict[int, Texts]:
        return {int(stamp): tuple(figures) for stamp, *figures in rows}

    low = f"{base.lower()}usdt"
    bars = by_stamp(columns(f"ohlcv/{low}_1m_binance-usdm", "open", "high", "low", "close", "volume"))
    spot = by_stamp(columns(f"premium/{low}_premium_1m_binance", "spot_close"))
    return Tape(
        base=base,
        bars=bars,
        mark={stamp: row[:4] for stamp, row in bars.items()},
        index={stamp: row * 4 for stamp, row in spot.items()},
        interest={stamp: (row[4], row[4]) for stamp, row in bars.items() if stamp % INTEREST_STEP_MS == 0},
        funding=by_stamp(columns(f"funding/{low}_funding_8h_binance-usdm", "funding_rate")),
    )


def within(rows: Mapping[int, Texts], first_ms: int | None, last_ms: int | None, n: int, *, newest: bool) -> list[int]:
    """Return the stamps of at most n rows from first_ms to last_ms, rising; of more, the newest or the oldest."""
    stamps = sorted(
        stamp for stamp in rows if (first_ms is None or stamp >= first_ms) and (last_ms is None or stamp <= last_ms)
    )
    return stamps[-n:] if newest else stamps[:n]
