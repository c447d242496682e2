"""The tape of the comparison with peers: 91 days of one-minute bars, 131,040 of them, and the rule walked over it.

They are the first of SOLUSDT's spot year 2023 where the recordings are, else as many bars of the simulated market. They
are cut to a file of their own first, so that nobody's memory holds the rest of a year.
"""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import main
from backtest.outcome import FloatArray
from backtest.tape import WholeTape, whole_tape
from benchmarks.stage import SHARED
from domain.record import Record
from execution.instruments import instrument
from market.sim import SimFeed
from settings import Settings, load_settings, sim_parameters

N_BARS: Final = 91 * 1440
SYMBOL: Final = "SOL-PERP"
RECORDED: Final = SHARED / "data/ohlcv/solusdt_1m_binance-spot_2023-01_2023-12.parquet"
OHLCV: Final = ("open", "high", "low", "close", "volume")

# E3 alone, |body| > 0.5 ATR, volume z > 2, target 2 %, stop 1 %, a stop trailing 0.5 % behind once 1 % is won: the
# rule of the peers. Brakes are off, because a desk that has stopped trading is no match for one that goes on.
RULE: Final[Mapping[str, str]] = {
    "STRATEGIES": "e3",
    "E3_BODY_OVER_ATR": "0.5",
    "E3_VOLUME_Z": "2",
    "EXIT_TARGET_PCT": "2",
    "EXIT_STOP_PCT": "1",
    "EXIT_TRAIL_PCT": "0.5",
    "EXIT_TRAIL_ARM_PCT": "1",
    "SIZING_KELLY_FRACTION": "0",
    "RISK_MAX_DRAWDOWN_PCT": "99",
    "RISK_MAX_DAILY_LOSS_PCT": "100",
    "RISK_MAX_CONSECUTIVE_LOSSES": "1000",
    "RISK_COOLDOWN_AFTER_TRADE_S": "0",
    "RISK_COOLDOWN_AFTER_LOSS_S": "0",
}


class Stretch(Record, frozen=True, kw_only=True, eq=False):
    """The 91 days. file: their bars as parquet. columns_file: the same as a numpy file, shape (n, 5), for peers."""

    file: Path
    columns_file: Path
    ohlcv: FloatArray
    tape: WholeTape

    @property
    def name(self) -> str:
        """What was walked, in words."""
        kind = "simulated" if self.tape.is_simulated else "recorded SOLUSDT spot"
        return f"{len(self.ohlcv):,} {kind} 1-minute bars"

    def settings(self, **knobs: str) -> Settings:
        """Return settings that replay this stretch."""
        return load_settings(None, {}, {**self.given(), **knobs})

    def given(self) -> dict[str, str]:
        """Return the settings that name this stretch."""
        return {"FEED": "replay", "SYMBOLS": SYMBOL, "REPLAY_DATA": f"{SYMBOL}={self.file}"}


@contextmanager
def stretch() -> Iterator[Stretch]:
    """Lend the 91 days, cut to files in a passing folder."""
    with tempfile.TemporaryDirectory() as folder:
        file, columns_file = Path(folder) / "solusdt_1m_binance-spot_91-days.parquet", Path(folder) / "bars.npy"
        table = pq.read_table(RECORDED).slice(0, N_BARS) if RECORDED.exists() else _simulated()
        pq.write_table(table, file)
        ohlcv = np.column_stack([table[name].to_numpy() for name in OHLCV])
        np.save(columns_file, ohlcv)
        settings = load_settings(None, {}, {"FEED": "replay", "SYMBOLS": SYMBOL, "REPLAY_DATA": f"{SYMBOL}={file}"})
        tape = asyncio.run(whole_tape(main.build_feed(settings, None), instrument(SYMBOL)))
        yield Stretch(file=file, columns_file=columns_file, ohlcv=ohlcv, tape=tape)


def _simulated() -> pa.Table:
    feed = SimFeed(sim_parameters(load_settings(None, {}, {})), (SYMBOL,), N_BARS)

    async def drained() -> list[tuple[int, float, float, float, float, float]]:
        rows = []
        while (minute := await feed.next_minute()) is not None:
            bar = minute[0].bar
            if bar is not None:
                prices = (bar.open_price, bar.high_price, bar.low_price, bar.close_price)
                rows.append((bar.open_ms, *prices, bar.volume_base))
        return rows

    columns = zip(*asyncio.run(drained()), strict=True)
    return pa.table(dict(zip(("ts", *OHLCV), map(list, columns), strict=True)))
