"""Small recordings for the replay tests: built in memory, written as CSV or parquet, and played to their end."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from domain.market import Snapshot
from market.quality import QualityLimits
from market.recording import Recording, RecordingKind
from market.replay import ReplayFeed
from market.screening import Screened, screen

MINUTE_MS = 60_000
START_MS = 1_746_403_200_000  # 2025-05-05 00:00 UTC

Columns = dict[str, list[float]]


@pytest.fixture(scope="session")
def bar_columns() -> Callable[..., Columns]:
    """Return a maker of n sound one-minute bars as columns, `ts` first."""

    def make(n_bars: int, start_ms: int = START_MS, *, taker: bool = False, base: float = 100.0) -> Columns:
        close = [base + 0.5 * ((7 * place) % 11) / 11 for place in range(n_bars)]
        open_ = [base, *close[:-1]][:n_bars]
        columns: Columns = {
            "ts": [start_ms + place * MINUTE_MS for place in range(n_bars)],
            "open": open_,
            "high": [max(pair) + 0.125 for pair in zip(open_, close, strict=True)],
            "low": [min(pair) - 0.125 for pair in zip(open_, close, strict=True)],
            "close": close,
            "volume": [10.0 + place % 5 for place in range(n_bars)],
        }
        if taker:
            columns["taker_buy_volume"] = [volume * 0.75 for volume in columns["volume"]]
        return columns

    return make


@pytest.fixture(scope="session")
def write_csv() -> Callable[..., Path]:
    """Return a writer of columns as CSV with a header; a figure is written so that it reads back exactly."""

    def write(path: Path, columns: Mapping[str, Sequence[object]], *, header: bool = True) -> Path:
        lines = [",".join(columns)] if header else []
        lines += [",".join(str(figure) for figure in row) for row in zip(*columns.values(), strict=True)]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture(scope="session")
def write_parquet() -> Callable[..., Path]:
    """Return a writer of columns as parquet."""

    def write(path: Path, columns: Mapping[str, Sequence[object]]) -> Path:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table(dict(columns)), path)
        return path

    return write


@pytest.fixture(scope="session")
def screened() -> Callable[..., Screened]:
    """Return a maker of screened recordings from columns in memory."""

    def make(
        kind: RecordingKind, columns: Mapping[str, Sequence[float]], limits: QualityLimits | None = None
    ) -> Screened:
        recording = Recording(
            name=f"{kind}.parquet",
            kind=kind,
            stamps=np.array(columns["ts"], dtype=np.int64),
            columns={name: np.array(column, dtype=np.float64) for name, column in columns.items() if name != "ts"},
            row_word="row",
            first_row=1,
        )
        return screen(recording, QualityLimits() if limits is None else limits)

    return make


@pytest.fixture(scope="session")
def play() -> Callable[[ReplayFeed], list[Sequence[Snapshot]]]:
    """Return a player that draws every minute of a feed."""

    def run(feed: ReplayFeed) -> list[Sequence[Snapshot]]:
        async def drain() -> list[Sequence[Snapshot]]:
            batches = []
            while (batch := await feed.next_minute()) is not None:
                batches.append(batch)
            return batches

        return asyncio.run(drain())

    return run
